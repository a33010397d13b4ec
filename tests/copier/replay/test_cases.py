"""Cases played: the service's own decisions on given accounts, prices and times."""

from pathlib import Path

import pytest
import trio

from copier.commands.configs import capabilities_of, read_config
from copier.replay.cases import Outcome, play
from copier.replay.expectations import expected_words, found_words, misses
from tests.copier.commands.shell import PAPER
from tests.copier.config.test_examples import ENV, EXAMPLES

CURVE = 'override = { equity_curve = { samples = 3, every = "1h" } }'
BUY = 'open = { symbol = "EURUSD", side = "buy", volume = 2 }'


def outcome_of(folder: Path, given: str, expect: str = 'expect = { action = "none" }', config: str = "") -> Outcome:
    """Play a case of the link between two paper accounts; `config` adds to the link and below."""
    file = folder / "copier.toml"
    case = f'[[tests]]\nname = "one"\ngiven = {{ link = "master->small", {given} }}\n{expect}\n'
    file.write_text(f"{PAPER}{config}\n{case}", encoding="utf-8")
    read = read_config(file)
    return trio.run(play, read.cases[0], read, capabilities_of(read))


def words_of(folder: Path, given: str, config: str = "") -> str:
    return found_words(outcome_of(folder, given, config=config))


def test_a_position_that_the_source_opens_is_copied(tmp_path: Path):
    assert words_of(tmp_path, BUY) == "open buy 2 EURUSD"


def test_the_price_of_a_copy_is_the_targets_quote(tmp_path: Path):
    given = f'{BUY}, target = {{ quotes = [{{ symbol = "EURUSD", bid = 1.1, ask = 1.2 }}] }}'
    [order] = outcome_of(tmp_path, given).orders
    assert str(getattr(order, "expected_price", None)) == "1.2"


def test_a_close_of_the_source_closes_what_was_copied(tmp_path: Path):
    assert words_of(tmp_path, f"{BUY}, then = {{ close = true }}") == "close 2 EURUSD"


def test_a_smaller_volume_of_the_source_reduces_it(tmp_path: Path):
    assert words_of(tmp_path, f"{BUY}, then = {{ volume = 0.5 }}") == "reduce EURUSD by 1.5 to 0.5"


def test_a_stop_that_the_source_removes_is_removed(tmp_path: Path):
    given = BUY.replace(" }", ", price = 1.1, stop_loss = 1.0, take_profit = 1.3 }")
    assert words_of(tmp_path, f'{given}, then = {{ stop_loss = "off" }}') == "set stops of EURUSD tp 1.3"


@pytest.mark.parametrize(
    ("given", "config", "found"),
    [
        (BUY.replace(" }", ', age = "5s" }'), 'override = { guard = { max_age = "3s" } }', "denied, TOO_OLD"),
        (f"{BUY}, target = {{ ready = false }}", "", "waiting, TARGET_NOT_READY"),
        (f'{BUY}, target = {{ instruments = [{{ symbol = "X" }}] }}', "", "denied, SYMBOL_UNMAPPED"),
        (f"{BUY}, source = {{ equity = 90 }}", CURVE, "denied, EQUITY_CURVE_SHORT"),
        (f"{BUY}, source = {{ equity = 90, equity_before = 100 }}", CURVE, "denied, EQUITY_CURVE"),
        (f"{BUY}, source = {{ equity = 110, equity_before = 100 }}", CURVE, "open buy 2 EURUSD"),
        (
            BUY.replace(" }", ', age = "2m" }, found = true'),
            'override = { on_start = { open = "if_young", max_age = "60s" } }',
            "denied, DENIED_STALE",
        ),
        (f"{BUY}, found = true", 'override = { on_start = { open = "copy" } }', "open buy 2 EURUSD"),
        (BUY, 'override = { size = { mode = "equity_ratio" } }', "waiting, REFERENCE_UNKNOWN"),
        (
            f'{BUY}, target = {{ equity = 10, currency = "USD" }}, source = {{ equity = 40, currency = "USD" }}',
            'override = { size = { mode = "equity_ratio" } }',
            "open buy 0.5 EURUSD",
        ),
        (
            f'{BUY}, source = {{ positions = [{{ symbol = "EURUSD", side = "buy", volume = 1 }}] }}',
            "override = { limits = { max_positions = 1 } }",
            "denied, MAX_POSITIONS",
        ),
        (
            f'{BUY}, target = {{ positions = [{{ symbol = "EURUSD", side = "buy", volume = 9 }}] }}',
            '[[limits]]\naccount = "small"\nkind = "max_total_volume"\namount = 10',
            "denied, MAX_TOTAL_VOLUME",
        ),
        (
            f"{BUY}, target = {{ balance = 950, equity = 950, was = {{ balance = 1000, equity = 1000 }} }}",
            '[[limits]]\naccount = "small"\nkind = "daily_loss"\namount = "4 %"\nreset = "00:00"\nblock_at = 1',
            "denied, LIMIT_DAILY_LOSS",
        ),
        (
            f"{BUY}, at = 2026-01-10T12:00:00Z",
            'override = { schedule = "week" }\n[schedules.week]\nopen = [{ cron = "0 0 * * mon", for = "5d" }]',
            "denied, SCHEDULE_CLOSED",
        ),
    ],
)
def test_what_is_given_decides(tmp_path: Path, given: str, config: str, found: str):
    assert words_of(tmp_path, given, config) == found


def test_maintenance_at_the_target_takes_no_new_risk(tmp_path: Path):
    config = '[maintenance.noon]\nvenues = ["paper"]\nwindows = [{ cron = "0 12 * * *", for = "1h" }]'
    assert words_of(tmp_path, BUY, config) == "waiting, MAINTENANCE"
    assert words_of(tmp_path, f"{BUY}, at = 2026-01-07T13:00:00Z", config) == "open buy 2 EURUSD"


NEWS = 'override = { news = "n" }\n[news.n]\ncalendar = "https://news.example/week.csv"'


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ("", "open buy 2 EURUSD"),
        (', news = [{ currency = "USD" }]', "denied, NEWS_WINDOW"),
        (', news = [{ at = 2026-01-07T12:05:00Z, currency = "EUR", title = "CPI" }]', "denied, NEWS_WINDOW"),
        (', news = [{ at = 2026-01-07T12:05:01Z, currency = "EUR" }]', "open buy 2 EURUSD"),
        (', news = [{ currency = "JPY" }]', "open buy 2 EURUSD"),
        (', news = [{ impact = "low" }]', "open buy 2 EURUSD"),
        (', news = "off"', "waiting, NEWS_UNKNOWN"),
    ],
)
def test_the_news_of_a_case_are_what_it_says(tmp_path: Path, events: str, found: str):
    assert words_of(tmp_path, BUY + events, NEWS) == found


def test_a_netting_target_is_played_as_one(tmp_path: Path):
    given = f'{BUY}, target = {{ oms = "netting" }}, then = {{ close = true }}'
    assert words_of(tmp_path, given) == "close 2 EURUSD"


@pytest.mark.parametrize("path", EXAMPLES, ids=str)
def test_the_cases_of_the_examples_come_out_as_they_say(path: Path, monkeypatch: pytest.MonkeyPatch):
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    config = read_config(path)
    for case in config.cases:
        outcome = trio.run(play, case, config, capabilities_of(config))
        assert misses(case, outcome) == (), case.name


def test_the_trace_of_the_last_decision_is_kept(tmp_path: Path):
    outcome = outcome_of(tmp_path, BUY, config='override = { filter = { symbols = ["XAU.*"] } }')
    assert [item.rule for item in outcome.trace] == ["filter.symbols"]


@pytest.mark.parametrize(
    ("expect", "missed"),
    [
        ('expect = { action = "open", symbol = "EURUSD", side = "buy", volume = 2, orders = 1 }', []),
        ('expect = { action = "open", volume = "2.00", stop_loss = "off" }', []),
        ('expect = { action = "close" }', [("action", "close", "open buy 2 EURUSD")]),
        ('expect = { action = "none" }', [("action", "none", "open buy 2 EURUSD")]),
        ('expect = { denied = "TOO_OLD" }', [("denied", "TOO_OLD", "open buy 2 EURUSD")]),
        (
            'expect = { action = "open", volume = 1, side = "sell", symbol = "X", orders = 2 }',
            [("volume", "1", "2"), ("orders", "2", "1"), ("symbol", "X", "EURUSD"), ("side", "sell", "buy")],
        ),
        ('expect = { action = "open", stop_loss = 1.05 }', [("stop_loss", "1.05", "off")]),
        ('expect = [{ action = "close" }, { action = "open" }]', [("orders", "2", "open buy 2 EURUSD")]),
    ],
)
def test_each_thing_that_is_not_as_expected_is_told(tmp_path: Path, expect: str, missed: list[tuple[str, str, str]]):
    outcome = outcome_of(tmp_path, BUY, expect)
    [case] = read_config(tmp_path / "copier.toml").cases
    assert [(miss.what, miss.expected, miss.found) for miss in misses(case, outcome)] == missed


def test_orders_of_several_kinds_are_expected_one_by_one(tmp_path: Path):
    config = "override = { volume = { over_max = 'split' } }"
    given = f'{BUY}, target = {{ instruments = [{{ symbol = "EURUSD", volume_max = 1.5 }}] }}'
    expect = 'expect = [{ action = "open", volume = 1.5 }, { action = "open", volume = 0.5 }]'
    outcome = outcome_of(tmp_path, given, expect, config)
    [case] = read_config(tmp_path / "copier.toml").cases
    assert misses(case, outcome) == ()
    assert expected_words(case) == "open, volume 1.5; open, volume 0.5"
    outcome = outcome_of(tmp_path, given, 'expect = { action = "open", volume = 2, orders = 2 }', config)
    [case] = read_config(tmp_path / "copier.toml").cases
    assert misses(case, outcome) == ()
