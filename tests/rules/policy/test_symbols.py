from datetime import timedelta
from decimal import Decimal

import pytest

from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import Symbol
from rules.policy.patterns import MEMO_ENTRIES_MAX, PatternError, PatternSet
from rules.policy.symbols import Contract, Mapped, SymbolMap, SymbolRow, map_symbol
from tests.rules.playbook import T0

MAP = SymbolMap(
    (
        SymbolRow("NAS100|USTEC|US100", to="US100.cash", max_price_ratio=Decimal("0.02")),
        SymbolRow(r"(?P<pair>[A-Z]{6})(\.m|\.pro|m)?", to=r"\g<pair>"),
        SymbolRow(".*", deny=True),
    )
)


def name(*rows: SymbolRow, symbol: str) -> Symbol:
    mapped = map_symbol(SymbolMap(rows), Symbol(symbol))
    assert isinstance(mapped, Mapped)
    return mapped.symbol


def test_without_a_map_the_name_stays():
    assert map_symbol(None, Symbol("EURUSD.m")) == Mapped(Symbol("EURUSD.m"), None, None)


def test_first_matching_row_wins_and_is_numbered_from_one():
    assert map_symbol(MAP, Symbol("USTEC")) == Mapped(Symbol("US100.cash"), 1, Decimal("0.02"))
    assert map_symbol(MAP, Symbol("EURUSD.pro")) == Mapped(Symbol("EURUSD"), 2, None)


def test_deny_row_refuses_with_symbol_and_row():
    denied = map_symbol(MAP, Symbol("BTCUSD.x"))
    assert isinstance(denied, Denied)
    assert denied.reason is Reason.SYMBOL_DENIED
    assert ("symbol", "BTCUSD.x") in denied.numbers
    assert ("row", "3") in denied.numbers


def test_match_is_of_the_whole_name_and_case_sensitive():
    rows = SymbolMap((SymbolRow("EUR", to="X"),))
    assert map_symbol(rows, Symbol("EURUSD")) == Mapped(Symbol("EURUSD"))
    assert map_symbol(rows, Symbol("eur")) == Mapped(Symbol("eur"))
    assert name(SymbolRow("(?i)EUR", to="X"), symbol="eur") == "X"
    # An alternation is anchored as a whole.
    assert map_symbol(SymbolMap((SymbolRow("A|B", to="X"),)), Symbol("AB")) == Mapped(Symbol("AB"))


def test_deny_everything_is_not_passed_by_an_odd_name():
    for odd in ("A\nB", "", "\ud800", "é", "A\x00B"):
        assert isinstance(map_symbol(MAP, Symbol(odd)), Denied), repr(odd)


def test_template_forms():
    assert name(SymbolRow("(.*)m", to=r"\1"), symbol="XAUUSDm") == "XAUUSD"
    assert name(SymbolRow(".*", to=r"\0.x"), symbol="GOLD") == "GOLD.x"
    assert name(SymbolRow("(?P<a>A)(?P<b>B)?", to=r"\g<a>-\g<b>"), symbol="A") == "A-"
    assert name(SymbolRow("(A)", to=r"\g<1>0"), symbol="A") == "A0"
    assert name(SymbolRow("A", to="\\\\B"), symbol="A") == "\\B"
    assert name(SymbolRow("A"), symbol="A") == "A"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (SymbolRow("(?=A).*"), "look-ahead is not supported"),
        (SymbolRow("(?!A).*"), "look-ahead is not supported"),
        (SymbolRow("(?<=A).*"), "look-behind is not supported"),
        (SymbolRow("(?<!A).*"), "look-behind is not supported"),
        (SymbolRow("(?>A)"), "atomic"),
        (SymbolRow(r"(A)\1"), "back-reference"),
        (SymbolRow("(A"), "missing )"),
        (SymbolRow("A" * 1001), "at most 1000 characters"),
        (SymbolRow("\ud800"), "broken Unicode"),
        (SymbolRow("(A)", to=r"\2"), "names the group 2; the pattern has 1"),
        (SymbolRow("(?P<a>A)", to=r"\g<b>"), "names the group b; the pattern has 1, named: a"),
        (SymbolRow("A", to=r"\q"), r"found '\q'"),
        (SymbolRow("A", to="\\"), "found '\\'"),
        (SymbolRow("A", to="B", deny=True), "exclude each other"),
        (SymbolRow("A", max_price_ratio=Decimal(0)), "must be > 0"),
    ],
)
def test_unusable_row_is_refused_with_its_number(row, words):
    with pytest.raises(PatternError) as caught:
        SymbolMap((SymbolRow("GOOD"), row))
    assert "row 2" in str(caught.value)
    assert words in str(caught.value)


def test_maps_are_equal_by_their_rows_whatever_they_were_asked():
    one, other = SymbolMap((SymbolRow("A", to="B"),)), SymbolMap((SymbolRow("A", to="B"),))
    one.resolve(Symbol("A"))
    assert one == other
    assert hash(one) == hash(other)
    assert one != SymbolMap((SymbolRow("A", to="C"),))


def test_memo_stays_bounded_and_changes_no_answer():
    rows = SymbolMap((SymbolRow(r"(\d+)", to=r"n\1"),))
    for number in range(2 * MEMO_ENTRIES_MAX):
        assert rows.resolve(Symbol(str(number))) == Mapped(Symbol(f"n{number}"), 1)
    assert len(rows._memo) <= MEMO_ENTRIES_MAX
    rows.resolve(Symbol("1" * 5000))
    assert max(map(len, rows._memo)) <= 100


def test_pattern_set_answers_the_same_again():
    patterns = PatternSet(("A.*", "B"), "filter.symbols")
    assert [patterns.matches(text) for text in ("AX", "B", "BX", "AX", "BX")] == [True, True, False, True, False]


QUARTER = timedelta(days=91)
NQ = Symbol("NQ1!")
FRONT = SymbolRow(
    r"(?P<root>NQ|ES)1!",
    roll=(Contract(T0, r"M\g<root>Z6"), Contract(T0 + QUARTER, r"M\g<root>H7")),
    until=T0 + 2 * QUARTER,
)
ROLLS = SymbolMap((SymbolRow("GOLD"), FRONT))


@pytest.mark.parametrize(
    ("days", "contract"),
    [(0, "MNQZ6"), (90, "MNQZ6"), (91, "MNQH7"), (181, "MNQH7")],
)
def test_a_roll_leads_to_the_contract_that_has_begun_last(days: int, contract: str):
    mapped = map_symbol(ROLLS, NQ, T0 + timedelta(days=days))
    assert isinstance(mapped, Mapped)
    assert (mapped.symbol, mapped.row) == (contract, 2)


def test_before_a_roll_and_after_its_end_nothing_is_opened():
    early = map_symbol(ROLLS, NQ, T0 - timedelta(microseconds=1))
    late = map_symbol(ROLLS, NQ, T0 + 2 * QUARTER)
    assert isinstance(early, Denied)
    assert isinstance(late, Denied)
    assert early.reason is late.reason is Reason.CONTRACT_UNKNOWN
    assert early.numbers == (("row", "2"), ("begins", "2026-11-20T12:00+00:00"))
    assert late.numbers == (("row", "2"), ("contract", "MNQH7"), ("ended", "2027-05-21T12:00+00:00"))


def test_without_a_time_the_name_is_that_of_the_last_contract():
    mapped = map_symbol(ROLLS, Symbol("ES1!"))
    assert isinstance(mapped, Mapped)
    assert mapped.symbol == "MESH7"
    assert map_symbol(ROLLS, Symbol("GOLD"), T0) == Mapped(Symbol("GOLD"), 1), "other rows know no time"


def test_what_is_held_in_a_contract_of_the_roll_stays_in_it():
    mapped = map_symbol(ROLLS, NQ, T0 + QUARTER)
    assert isinstance(mapped, Mapped)
    assert mapped.in_contract(Symbol("MNQZ6")).symbol == "MNQZ6"
    assert mapped.in_contract(Symbol("NAS100")).symbol == "MNQH7"
    assert mapped.in_contract(None).symbol == "MNQH7"


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (SymbolRow("A", to="B", roll=FRONT.roll), "row 1: `roll` excludes `to`, found both"),
        (SymbolRow("A", deny=True, roll=FRONT.roll), "row 1: `roll` excludes `deny`, found both"),
        (SymbolRow("A", until=T0), "`until` ends a `roll`, and there is none"),
        (SymbolRow("A", roll=(Contract(T0, "B"), Contract(T0, "C"))), "each `from` must be later than the one before"),
        (SymbolRow("A", roll=(Contract(T0, "B"),), until=T0), "`until` must be later than the one before"),
        (SymbolRow("A", roll=(Contract(T0, r"\g<root>"),)), "names the group root"),
    ],
)
def test_rolls_that_mean_nothing_are_refused(row: SymbolRow, text: str):
    with pytest.raises(PatternError) as caught:
        SymbolMap((row,))
    assert text in str(caught.value)
