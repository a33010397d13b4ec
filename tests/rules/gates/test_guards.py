from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from rules.gates.guards import check_age, check_deviation, check_price_ratio, check_spread
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import Side, Symbol
from rules.policy.distances import Distance, DistanceUnit, in_price

D = Decimal
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EURUSD = Instrument(Symbol("EURUSD"), D("0.01"), D(50), D("0.01"), tick_size=D("0.00001"))
TICKLESS = Instrument(Symbol("EURUSD"), D("0.01"), D(50), D("0.01"))
QUOTE = Quote(Symbol("EURUSD"), D("1.10000"), D("1.10012"), NOW)


def points(amount: str) -> Distance:
    return Distance(D(amount), DistanceUnit.POINTS)


def test_position_exactly_at_the_age_passes_and_older_is_denied():
    assert check_age(timedelta(seconds=3), NOW - timedelta(seconds=3), NOW) is None
    denied = check_age(timedelta(seconds=3), NOW - timedelta(seconds=3.25), NOW)
    assert denied == Denied("guard.max_age", Reason.TOO_OLD, (("age", "3.25 s"), ("max_age", "3 s")))
    assert check_age(None, NOW - timedelta(days=9), NOW) is None
    assert check_age(timedelta(seconds=3), NOW + timedelta(seconds=9), NOW) is None


@pytest.mark.parametrize(
    ("side", "source", "passes"),
    [
        (Side.BUY, "1.10002", True),  # ten points worse, just allowed
        (Side.BUY, "1.10001", False),
        (Side.BUY, "1.20000", True),  # better than the source's
        (Side.SELL, "1.10010", True),
        (Side.SELL, "1.10011", False),
        (Side.SELL, "1.00000", True),
    ],
)
def test_only_adverse_deviation_counts(side, source, passes):
    denied = check_deviation(points("10"), D(source), QUOTE, side, EURUSD)
    assert (denied is None) == passes
    if denied is not None:
        assert denied.reason is Reason.PRICE_DEVIATION
        assert ("worse_by", "0.00011") in denied.numbers
        assert ("max_deviation", "10 points (0.0001)") in denied.numbers


def test_spread_at_the_limit_passes():
    assert check_spread(points("12"), QUOTE, EURUSD) is None
    denied = check_spread(points("11"), QUOTE, EURUSD)
    assert denied is not None
    assert denied.reason is Reason.SPREAD
    assert ("spread", "0.00012") in denied.numbers
    assert check_spread(None, QUOTE, EURUSD) is None


def test_gate_without_a_quote_waits_for_it():
    assert check_spread(points("1"), None, EURUSD).reason is Reason.QUOTE_UNKNOWN
    assert check_deviation(points("1"), D(1), None, Side.BUY, EURUSD).reason is Reason.QUOTE_UNKNOWN
    assert check_deviation(None, D(1), None, Side.BUY, EURUSD) is None


def test_gate_in_points_without_a_tick_size_denies():
    assert check_spread(points("1000"), QUOTE, TICKLESS).reason is Reason.SPREAD
    denied = check_deviation(points("1000"), D("1.1"), QUOTE, Side.BUY, TICKLESS)
    assert denied.reason is Reason.PRICE_DEVIATION
    assert ("max_deviation", "1000 points (unknown: the tick size is not known)") in denied.numbers


def test_wrong_instrument_is_denied_beyond_the_ratio():
    assert check_price_ratio(D("0.1"), D(100), D(110), False) is None
    assert check_price_ratio(D("0.1"), D(100), D(90), False) is None
    for target in (D("110.01"), D("89.99")):
        assert check_price_ratio(D("0.1"), D(100), target, False).reason is Reason.SYMBOL_WRONG_PRICE
    assert check_price_ratio(None, D(100), D(1), True) is None


def test_price_guard_without_a_price_notes_or_waits():
    note = check_price_ratio(D("0.1"), D(100), None, False)
    assert isinstance(note, Note)
    assert ("target_price", "unknown") in note.numbers
    assert check_price_ratio(D("0.1"), None, D(100), True).reason is Reason.QUOTE_UNKNOWN


@pytest.mark.parametrize(
    ("amount", "unit", "expected"),
    [
        ("0.5", DistanceUnit.PRICE, "0.5"),
        ("5", DistanceUnit.POINTS, "0.00005"),
        ("5", DistanceUnit.PIPS, "0.0005"),
        ("0.3", DistanceUnit.PERCENT, "0.0033"),
    ],
)
def test_distance_in_price(amount, unit, expected):
    assert in_price(Distance(D(amount), unit), EURUSD, D("1.1")) == D(expected)


def test_distance_is_unknown_only_where_it_needs_the_tick_size():
    assert in_price(points("1"), TICKLESS, D(1)) is None
    assert in_price(Distance(D(1), DistanceUnit.PIPS), TICKLESS, D(1)) is None
    assert in_price(Distance(D(1), DistanceUnit.PERCENT), TICKLESS, D(100)) == 1
