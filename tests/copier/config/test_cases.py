"""Cases: what a config says about itself, and the mistakes in that."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from attrs import fields

from copier.config.case_keys import NOON, ActionKind, InstrumentGiven
from rules.model.instruments import Instrument
from rules.model.reasons import Reason
from rules.model.values import OmsType
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem, problems_of

OPEN = 'open = { symbol = "XAUUSD", side = "buy", volume = 2 }'
GIVEN = f'given = {{ link = "master->small", {OPEN} }}'
EXPECT = 'expect = { action = "open", volume = 2 }'


def case(given: str = GIVEN, expect: str = EXPECT, name: str = 'name = "it copies"') -> str:
    return f"{ACCOUNTS}{LINK}[[tests]]\n{name}\n{given}\n{expect}\n"


def test_a_case_has_all_that_was_written(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}
[[tests]]
name = "half of it"
expect = [{{ action = "close" }}, {{ action = "open", volume = "0.1", stop_loss = "off" }}]
[tests.given]
link = "master->small"
at = 2026-03-02T10:00:00+01:00
found = true
open = {{ symbol = "XAUUSD", side = "sell", volume = "2.5", price = 2650, age = "3s", magic = "7", comment = "x" }}
then = {{ volume = 1, stop_loss = "off" }}
source = {{ equity = 1000, currency = "USD" }}
[tests.given.target]
balance = 500
oms = "netting"
was = {{ balance = 600 }}
positions = [{{ symbol = "US500", side = "buy", volume = 1 }}]
instruments = [{{ symbol = "XAUUSD", tick_size = 0.01, contract_size = 100 }}]
quotes = [{{ symbol = "XAUUSD", bid = 2650, ask = 2650.2 }}]
"""
    [read] = load(tmp_path, text).cases
    assert (read.name, read.link_id) == ("half of it", "master->small")
    assert read.line == text[: text.index("[[tests]]")].count("\n") + 1
    assert [each.action for each in read.expected] == [ActionKind.CLOSE, ActionKind.OPEN]
    assert (read.expected[1].volume, read.expected[1].stop_loss) == (Decimal("0.1"), "off")
    given = read.given
    assert given.at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert (given.open.volume, given.found, given.source.equity) == (Decimal("2.5"), True, 1000)
    assert given.then is not None
    assert (given.then.volume, given.then.stop_loss, given.then.take_profit) == (1, "off", None)
    assert (given.target.oms, given.target.balance) == (OmsType.NETTING, 500)
    assert given.target.was is not None
    assert given.target.was.balance == 600
    assert given.target.instruments[0].contract_size == 100
    assert given.target.quotes[0].ask == Decimal("2650.2")


def test_a_time_without_a_zone_is_in_the_services(tmp_path: Path):
    given = GIVEN.replace("open =", "at = 2026-07-01T09:00:00, open =")
    text = '[service]\ntimezone = "Europe/Prague"\n' + case(given)
    assert load(tmp_path, text).cases[0].given.at == datetime(2026, 7, 1, 7, tzinfo=UTC)


def test_a_case_without_a_time_happens_on_a_wednesday_at_noon(tmp_path: Path):
    assert load(tmp_path, case()).cases[0].given.at == NOON
    assert NOON.weekday() == 2


def test_a_denial_is_named_by_its_code(tmp_path: Path):
    [read] = load(tmp_path, case(expect='expect = { denied = "TOO_OLD" }')).cases
    assert read.expected[0].denied is Reason.TOO_OLD


@pytest.mark.parametrize(
    ("given", "expect", "key", "found"),
    [
        (GIVEN.replace("small", "smal"), EXPECT, "given.link", 'the unknown link "master->smal"'),
        (GIVEN.replace('"buy"', '"long"'), EXPECT, "given.open.side", '"long"'),
        (GIVEN.replace("= 2 }", "= 0 }"), EXPECT, "given.open.volume", "0"),
        (GIVEN.replace("= 2 }", '= "two" }'), EXPECT, "given.open.volume", '"two"'),
        (GIVEN.replace("open =", 'at = "noon", open ='), EXPECT, "given.at", '"noon"'),
        (GIVEN.replace("open =", "then = {}, open ="), EXPECT, "given.then", "nothing that changes"),
        (GIVEN.replace("open =", "opne ="), EXPECT, "given", "a table without it"),
        (GIVEN, "expect = {}", "expect", "neither"),
        (GIVEN, "expect = []", "expect", "an empty array"),
        (GIVEN, "expect = 3", "expect", "3"),
        (GIVEN, 'expect = { denied = "TOO_LATE" }', "expect.denied", '"TOO_LATE"'),
        (GIVEN, 'expect = { denied = "TOO_OLD", volume = 1 }', "expect", "`volume` beside it"),
        (GIVEN, 'expect = { action = "none", volume = 1 }', "expect", "`volume` beside it"),
        (GIVEN, 'expect = [{ action = "open" }, { action = "buy" }]', "expect[1].action", '"buy"'),
        (GIVEN, 'expect = { action = "open", stop_loss = 0 }', "expect.stop_loss", "0"),
        (GIVEN, 'expect = { action = "open", volum = 1 }', "expect.volum", "the unknown key `volum`"),
    ],
)
def test_a_mistake_in_a_case_is_told_in_its_place(tmp_path: Path, given: str, expect: str, key: str, found: str):
    problems = problems_of(tmp_path, case(given, expect))
    assert (f"tests[0].{key}", found) in {(problem.key, problem.found) for problem in problems}


def test_a_code_that_is_nearly_right_draws_a_hint(tmp_path: Path):
    problem = one_problem(tmp_path, case(expect='expect = { denied = "SYMBOL_DENID" }'))
    assert problem.hint == "did you mean `SYMBOL_DENIED`?"


def test_a_case_of_a_link_whose_policy_has_a_mistake_adds_none(tmp_path: Path):
    text = case().replace('targets = ["small"]', 'targets = ["small"]\noverride = { reverse = 1 }')
    assert one_problem(tmp_path, text).key == "links[0].override.reverse"


def test_an_instrument_can_be_given_whole():
    assert {each.name for each in fields(InstrumentGiven)} == {each.name for each in fields(Instrument)}
