from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.instruments import Instrument
from rules.observed import Position
from rules.reasons import Reason
from rules.stops import TargetStops, moved_stops, target_stops
from rules.stops_policy import Stops, StopsMode
from rules.trace import Denied
from rules.values import PositionId, Price, Side, Symbol

D = Decimal
SOURCE = Position(
    PositionId("1"),
    Symbol("X"),
    Side.BUY,
    D(1),
    D(100),
    datetime(2026, 11, 20, tzinfo=UTC),
    stop_loss=D(90),
    take_profit=D(120),
)
X = Instrument(Symbol("X"), D("0.01"), D(50), D("0.01"), tick_size=D("0.5"))
PRICE, DISTANCE = Stops(), Stops(mode=StopsMode.DISTANCE)


def placed(
    stops: Stops = PRICE, entry: str | None = "100", instrument: Instrument = X, **source: object
) -> TargetStops:
    found = target_stops(
        stops, False, evolve(SOURCE, **source), Side.BUY, None if entry is None else D(entry), instrument
    )
    assert isinstance(found, TargetStops)
    return found


def pair(found: TargetStops) -> tuple[Price | None, Price | None]:
    return found.stop_loss, found.take_profit


def test_price_mode_takes_them_as_they_are():
    found = placed(entry="101")
    assert pair(found) == (90, 120)
    assert found.notes == ()


def test_distance_mode_keeps_the_distance_from_entry():
    assert pair(placed(DISTANCE, "201")) == (191, 221)


def test_policy_chooses_which_follow():
    assert pair(placed(Stops(take_profit=False))) == (90, None)
    assert pair(placed(Stops(stop_loss=False))) == (None, 120)
    assert pair(placed(Stops(mode=StopsMode.NONE))) == (None, None)


def test_reverse_swaps_stop_and_target():
    for stops, entry, expected in ((PRICE, D(100), (120, 90)), (DISTANCE, D(200), (220, 190))):
        found = target_stops(stops, True, SOURCE, Side.SELL, entry, X)
        assert isinstance(found, TargetStops)
        assert pair(found) == expected


def test_rounding_goes_toward_the_entry():
    found = placed(stop_loss=D("90.3"), take_profit=D("119.8"))
    assert pair(found) == (D("90.5"), D("119.5"))
    assert len(found.notes) == 2


def test_stop_on_the_wrong_side_is_dropped_and_noted():
    for wrong in (D(101), D(100), D(-5), D(0)):
        found = placed(stop_loss=wrong)
        assert found.stop_loss is None
        assert "wrong side" in found.notes[0].outcome
    assert placed(take_profit=D(99)).take_profit is None


def test_required_stop_on_the_wrong_side_or_missing_denies():
    for source, reason in (
        (evolve(SOURCE, stop_loss=D(101)), Reason.STOP_WRONG_SIDE),
        (evolve(SOURCE, stop_loss=None), Reason.FILTER_STOPS),
    ):
        denied = target_stops(PRICE, False, source, Side.BUY, D(100), X, required=True)
        assert isinstance(denied, Denied)
        assert denied.reason is reason
        assert denied.numbers
        uncopied = Stops(stop_loss=False)
        assert isinstance(target_stops(uncopied, False, source, Side.BUY, D(100), X, required=True), TargetStops)


def test_reversed_copy_requires_its_own_stop_loss():
    denied = target_stops(PRICE, True, evolve(SOURCE, take_profit=None), Side.SELL, D(100), X, required=True)
    assert isinstance(denied, Denied)
    assert denied.reason is Reason.FILTER_STOPS


def test_too_close_is_pushed_out_to_the_minimum_distance_on_the_grid():
    near = evolve(X, stop_distance_min=D("2.2"))
    found = placed(instrument=near, stop_loss=D(99), take_profit=D("100.5"))
    assert pair(found) == (D("97.5"), D("102.5"))
    assert all("minimum distance" in note.outcome for note in found.notes[::2])


def test_rounding_never_reaches_the_entry():
    assert pair(placed(stop_loss=D("99.9"), take_profit=D("100.1"))) == (D("99.5"), D("100.5"))


def test_unknown_tick_size_leaves_prices_as_they_are():
    assert placed(instrument=evolve(X, tick_size=None), stop_loss=D("90.123")).stop_loss == D("90.123")


def test_without_a_target_price_the_sources_entry_stands_in():
    found = placed(DISTANCE, None)
    assert pair(found) == (90, 120)
    assert "stands in" in found.notes[0].outcome


def test_distance_that_leads_below_zero_is_dropped():
    assert placed(DISTANCE, "5").stop_loss is None


HELD = TargetStops(D(90), D(120), ())


def moved(market: str | None, held: TargetStops = HELD, **source: object) -> TargetStops:
    price = None if market is None else D(market)
    return moved_stops(PRICE, False, evolve(SOURCE, **source), Side.BUY, D(100), price, held, X)


def test_stop_trailed_into_profit_is_followed():
    assert pair(moved("115", stop_loss=D(110))) == (110, 120)
    assert pair(moved(None, stop_loss=D(110))) == (110, 120)


def test_moved_stop_on_the_wrong_side_keeps_what_the_target_has():
    found = moved("109", stop_loss=D(110))
    assert pair(found) == (90, 120)
    assert found.notes


def test_removed_stop_is_removed():
    assert pair(moved("105", stop_loss=None)) == (None, 120)


def test_moved_stop_stays_on_its_side_after_rounding():
    assert moved("115", stop_loss=D("110.3")).stop_loss == 110


prices = st.decimals(min_value=1, max_value=200, places=2)


@given(prices, prices, prices, st.sampled_from(Side), st.sampled_from([D("0.01"), D("0.25"), D(1)]), prices)
@pytest.mark.parametrize("mode", [StopsMode.PRICE, StopsMode.DISTANCE])
def test_placed_stops_are_on_their_side_on_the_grid_and_far_enough(mode, loss, profit, entry, side, tick, apart):
    away = apart / 20
    instrument = evolve(X, tick_size=tick, stop_distance_min=away)
    source = evolve(SOURCE, side=side, stop_loss=loss, take_profit=profit)
    found = target_stops(Stops(mode=mode), False, source, side, entry, instrument)
    assert isinstance(found, TargetStops)
    sign = 1 if side is Side.BUY else -1
    for price, gap in ((found.stop_loss, sign), (found.take_profit, -sign)):
        if price is not None:
            assert price > 0
            assert price % tick == 0
            assert (entry - price) * gap >= away
