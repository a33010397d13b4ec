from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.instruments import Instrument
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import PositionId, Price, Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.stops import FixedStops, MinDistance, Stops, StopsLock, StopsMode
from rules.stops.prices import Frame
from rules.stops.stops import TargetStops, entered_later, loss_only, moved_stops, target_stops

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
PRICE, DISTANCE, OFFSET = Stops(), Stops(mode=StopsMode.DISTANCE), Stops(mode=StopsMode.OFFSET)
AT_100 = Frame(Side.BUY, X, D(100))


def placed(
    stops: Stops = PRICE, entry: str = "100", instrument: Instrument = X, gap: str | None = None, **source: object
) -> TargetStops:
    frame = Frame(Side.BUY, instrument, D(entry), None if gap is None else D(gap))
    found = target_stops(stops, False, evolve(SOURCE, **source), frame)
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
        found = target_stops(stops, True, SOURCE, Frame(Side.SELL, X, entry))
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
        denied = target_stops(PRICE, False, source, AT_100, required=True)
        assert isinstance(denied, Denied)
        assert denied.reason is reason
        assert denied.numbers
        uncopied = Stops(stop_loss=False)
        assert isinstance(target_stops(uncopied, False, source, AT_100, required=True), TargetStops)


def test_reversed_copy_requires_its_own_stop_loss():
    denied = target_stops(PRICE, True, evolve(SOURCE, take_profit=None), Frame(Side.SELL, X, D(100)), required=True)
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


def test_distance_that_leads_below_zero_is_dropped():
    assert placed(DISTANCE, "5").stop_loss is None


HELD = TargetStops(D(90), D(120), ())


def moved(market: str | None, held: TargetStops = HELD, stops: Stops = PRICE, **source: object) -> TargetStops:
    price = None if market is None else D(market)
    return moved_stops(stops, False, evolve(SOURCE, **source), AT_100, price, held)


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
@pytest.mark.parametrize("mode", [StopsMode.PRICE, StopsMode.DISTANCE, StopsMode.OFFSET])
def test_placed_stops_are_on_their_side_on_the_grid_and_far_enough(mode, loss, profit, entry, side, tick, apart):
    away = apart / 20
    instrument = evolve(X, tick_size=tick, stop_distance_min=away)
    source = evolve(SOURCE, side=side, stop_loss=loss, take_profit=profit)
    found = target_stops(Stops(mode=mode), False, source, Frame(side, instrument, entry, D("0.07")))
    assert isinstance(found, TargetStops)
    sign = 1 if side is Side.BUY else -1
    for price, gap in ((found.stop_loss, sign), (found.take_profit, -sign)):
        if price is not None:
            assert price > 0
            assert price % tick == 0
            assert (entry - price) * gap >= away


# Offset


def test_offset_shifts_by_the_gap_that_was_kept():
    assert pair(placed(OFFSET, "103", gap="2")) == (92, 122)
    found = placed(OFFSET, "103")
    assert pair(found) == (93, 123), "without a gap the distance is kept"
    assert "without both quotes" in found.notes[0].outcome


def test_a_gap_is_asked_for_only_where_there_is_a_stop_to_shift():
    assert placed(OFFSET, "103", stop_loss=None, take_profit=None).notes == ()


# Points and fixed distances


def test_added_points_move_a_stop_away_from_the_entry_and_negative_ones_nearer():
    assert pair(placed(Stops(add_stop_points=D(4), add_profit_points=D(-2)))) == (88, 119)
    sold = target_stops(
        Stops(add_stop_points=D(4)),
        False,
        evolve(SOURCE, stop_loss=D(110), take_profit=D(80)),
        Frame(Side.SELL, X, D(100)),
    )
    assert isinstance(sold, TargetStops)
    assert pair(sold) == (112, 80)


def test_points_are_not_added_where_nobody_tells_what_a_point_is():
    assert placed(Stops(add_stop_points=D(4)), instrument=evolve(X, tick_size=None)).stop_loss == 90


FIXED = FixedStops(Distance(D(10), DistanceUnit.POINTS), Distance(D(3), DistanceUnit.PERCENT))


def test_fixed_stops_lie_at_their_distance_from_the_targets_entry():
    assert pair(placed(Stops(fixed=FIXED), "110")) == (105, 113)
    assert pair(placed(Stops(mode=StopsMode.NONE, fixed=FIXED))) == (95, 103)
    sold = target_stops(Stops(fixed=FIXED), False, SOURCE, Frame(Side.SELL, X, D(100)))
    assert isinstance(sold, TargetStops)
    assert pair(sold) == (105, 97)


def test_as_fallback_they_serve_where_the_source_has_none_and_later_ones_of_its_own_win():
    fallback = Stops(fixed=evolve(FIXED, fallback=True))
    assert pair(placed(fallback)) == (90, 120)
    assert pair(placed(fallback, stop_loss=None)) == (95, 120)
    assert pair(moved("105", TargetStops(D(95), D(120), ()), fallback, stop_loss=D(91))) == (91, 120)


def test_a_fixed_stop_satisfies_a_required_one():
    found = target_stops(Stops(fixed=FIXED), False, evolve(SOURCE, stop_loss=None), AT_100, required=True)
    assert isinstance(found, TargetStops)
    assert found.stop_loss == 95


# Locks


def test_a_stop_loss_that_is_locked_away_is_tightened_and_never_loosened_or_removed():
    away = Stops(lock=StopsLock.AWAY)
    assert pair(moved("105", stops=away, stop_loss=D(95))) == (95, 120)
    assert pair(moved("105", stops=away, stop_loss=D(85), take_profit=D(130))) == (90, 130)
    assert pair(moved("105", stops=away, stop_loss=None, take_profit=None)) == (90, None)
    assert "stays" in moved("105", stops=away, stop_loss=None).notes[0].outcome
    sold = moved_stops(
        away, False, evolve(SOURCE, stop_loss=D(115)), Frame(Side.SELL, X, D(100)), D(99), TargetStops(D(110), None, ())
    )
    assert sold.stop_loss == 110


def test_all_locked_nothing_moves_once_it_is_set():
    everything = Stops(lock=StopsLock.ALL)
    assert pair(moved("105", stops=everything, stop_loss=D(95), take_profit=None)) == (90, 120)
    assert pair(moved("105", TargetStops(None, None, ()), everything, stop_loss=D(95))) == (95, 120)


# The venue's distance


def test_a_stop_too_close_is_left_out_or_denies_as_told():
    near = evolve(X, stop_distance_min=D("2.2"))
    omit = Stops(min_distance=MinDistance.OMIT)
    assert pair(placed(omit, instrument=near, stop_loss=D(99))) == (None, 120)
    frame = Frame(Side.BUY, near, D(100))
    source = evolve(SOURCE, stop_loss=D(99))
    for stops, required in ((Stops(min_distance=MinDistance.DENY), False), (omit, True)):
        denied = target_stops(stops, False, source, frame, required)
        assert isinstance(denied, Denied)
        assert denied.reason is Reason.STOP_TOO_CLOSE
    held = moved_stops(omit, False, source, frame, D(100), HELD)
    assert pair(held) == (90, 120), "one that is to be moved stays where it is"


@given(prices, prices, st.sampled_from(StopsLock), st.sampled_from(Side), prices)
def test_a_locked_stop_loss_never_allows_a_larger_loss(new, held, lock, side, market):
    if lock is StopsLock.OFF:
        return
    before = TargetStops(held, None, ())
    source = evolve(SOURCE, side=side, stop_loss=new, take_profit=None)
    after = moved_stops(Stops(lock=lock), False, source, Frame(side, X, D(100)), market, before)
    assert after.stop_loss is not None
    assert after.stop_loss >= held if side is Side.BUY else after.stop_loss <= held


def test_a_stop_that_stands_at_the_entry_stays_there_when_the_price_is_not_known_any_more():
    standing = moved("110", stop_loss=D("99.8"))
    assert standing.stop_loss == 100, "the price was far enough"
    assert moved(None, held=standing, stop_loss=D("99.8")).stop_loss == 100


# Venues that keep less


@pytest.mark.parametrize(
    ("wanted", "side", "expected"),
    [("99.8", Side.BUY, "99.5"), ("100.2", Side.SELL, "100.5"), ("99.4", Side.BUY, "99.5"), ("101", Side.BUY, "101")],
)
def test_without_a_market_rounding_does_not_bring_a_stop_to_the_entry_where_it_would_be_reached(wanted, side, expected):
    source = evolve(SOURCE, side=side, stop_loss=D(wanted), take_profit=None)
    held = TargetStops(None, None, ())
    found = moved_stops(PRICE, False, source, Frame(side, X, D(100)), None, held)
    assert found.stop_loss == D(expected)


def test_a_venue_without_take_profits_gets_the_stop_loss_and_a_note():
    found = loss_only(placed())
    assert pair(found) == (90, None)
    assert [note.numbers for note in found.notes if isinstance(note, Note)] == [(("take_profit", "120"),)]
    assert loss_only(found) == found


def test_a_stop_loss_that_is_entered_later_is_noted_and_not_opened_with():
    found = entered_later(placed())
    assert pair(found) == (None, 120)
    assert [note.numbers for note in found.notes if isinstance(note, Note)] == [(("stop_loss", "90"),)]
    assert entered_later(found) == found
