"""Reports change a copy's record once, and only as far as they prove something."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from rules.deciding.settling import RETRY_S_MAX, STOPS_TRIES, settle
from rules.model.copies import Copy, CopyStatus, Ending, Leg, LegStage, Pending, Purpose, replace_leg
from rules.model.events import Origin
from rules.model.reports import (
    Accepted,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Report,
    StopsReplaced,
)
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Side, Symbol, Volume
from tests.rules.playbook import T0

LATER = T0 + timedelta(seconds=5)
OPEN, CLOSE, STOPS = ClOrdId("open"), ClOrdId("close"), ClOrdId("stops")


def copy(*legs: Leg) -> Copy:
    return Copy(
        LinkId("l"),
        AccountId("source"),
        AccountId("target"),
        PositionId("p1"),
        T0,
        Symbol("X"),
        Side.BUY,
        T0,
        Origin.LIVE,
        CopyStatus.ACTIVE,
        granted=sum((leg.volume for leg in legs), Volume(0)),
        legs=legs,
    )


def opening(number: int = 0) -> Leg:
    pending = Pending(Purpose.OPEN, OPEN, Volume(2))
    return Leg(number, OPEN, Symbol("X"), Side.BUY, Volume(2), expected_price=Decimal("1.5"), pending=pending)


def held(pending: Pending | None = None, **changes: object) -> Leg:
    leg = evolve(opening(), stage=LegStage.OPEN, held=Volume(2), position_id=PositionId("t1"), pending=pending)
    return evolve(leg, **changes)


def closing(volume: int = 2) -> Leg:
    return held(Pending(Purpose.CLOSE if volume == 2 else Purpose.REDUCE, CLOSE, Volume(volume)))


def leg_after(leg: Leg, *reports: Report) -> Leg:
    """Return the leg after reports."""
    record = copy(leg)
    for report in reports:
        record = settle(record, report, LATER)
    return record.legs[0]


# Openings


def test_a_fill_makes_the_position_ours() -> None:
    leg = leg_after(opening(), Filled(OPEN, PositionId("t1"), Volume(2), Decimal("1.6")))
    assert (leg.stage, leg.held, leg.position_id, leg.open_price) == (LegStage.OPEN, 2, "t1", Decimal("1.6"))
    assert leg.pending is None
    assert leg.settled_at == LATER


def test_a_fill_without_a_price_was_at_what_was_expected() -> None:
    assert leg_after(opening(), Filled(OPEN, PositionId("t1"), Volume(2))).open_price == Decimal("1.5")


def test_what_a_partial_fill_left_open_is_given_up() -> None:
    record = settle(copy(opening()), Filled(OPEN, PositionId("t1"), Volume("0.5")), LATER)
    assert (record.granted, record.expected) == (Volume("0.5"), Volume("0.5"))


def test_a_refused_opening_is_over_and_grants_nothing() -> None:
    record = settle(copy(opening()), Rejected(OPEN, "no"), LATER)
    assert record.legs[0].stage is LegStage.REJECTED
    assert record.granted == 0
    assert not record.holds


def test_an_unknown_outcome_leaves_the_order_under_way() -> None:
    leg = leg_after(opening(), OutcomeUnknown(OPEN, "lost"))
    assert leg.pending is not None
    assert (leg.pending.unknown, leg.pending.accepted) == (True, False)
    assert leg.expected == 2, "it may be live"


def test_an_accepted_order_stays_accepted_whatever_is_lost_after_it() -> None:
    leg = leg_after(opening(), Accepted(OPEN), OutcomeUnknown(OPEN, "lost"))
    assert leg.pending is not None
    assert leg.pending.accepted


def test_an_opening_that_never_arrived_keeps_its_id_and_step() -> None:
    leg = leg_after(opening(), OutcomeUnknown(OPEN, "lost"), NotFound(OPEN))
    assert (leg.stage, leg.pending, leg.step) == (LegStage.OPENING, None, opening().step)


@pytest.mark.parametrize(("wanted_s", "waits_s"), [(None, 1), (0, 1), (60, 60)])
def test_an_opening_that_could_not_leave_waits_as_long_as_the_venue_said_and_a_second_at_least(
    wanted_s: int | None, waits_s: int
) -> None:
    retry_at = None if wanted_s is None else LATER + timedelta(seconds=wanted_s)
    leg = leg_after(opening(), NotSent(OPEN, "no connection", retry_at))
    assert leg.retry_at == LATER + timedelta(seconds=waits_s)
    assert (leg.pending, leg.step) == (None, opening().step)


# Closes and reductions


def test_a_close_ends_the_leg() -> None:
    leg = leg_after(closing(), Filled(CLOSE, PositionId("t1"), Volume(2)))
    assert (leg.stage, leg.held, leg.step) == (LegStage.CLOSED, 0, 2)


def test_a_reduction_leaves_the_rest_open() -> None:
    leg = leg_after(closing(1), Filled(CLOSE, PositionId("t1"), Volume(1)))
    assert (leg.stage, leg.held) == (LegStage.OPEN, 1)


def test_a_close_that_was_filled_in_part_leaves_the_rest_to_be_closed() -> None:
    leg = leg_after(closing(), Filled(CLOSE, PositionId("t1"), Volume("0.5")))
    assert (leg.stage, leg.held, leg.expected) == (LegStage.OPEN, Volume("1.5"), Volume("1.5"))


def test_more_closed_than_held_is_nothing_left() -> None:
    assert leg_after(closing(), Filled(CLOSE, PositionId("t1"), Volume(9))).held == 0


@pytest.mark.parametrize("report", [NotFound(CLOSE), NotSent(CLOSE, "x"), Rejected(CLOSE, "x")])
def test_a_close_that_was_not_executed_is_asked_again_under_a_new_id(report: Report) -> None:
    leg = leg_after(closing(), report)
    assert (leg.pending, leg.held, leg.step) == (None, 2, 2)


def test_a_refused_close_waits_longer_each_time_up_to_a_bound() -> None:
    record, waits = copy(closing()), []
    for _ in range(12):
        record = settle(record, Rejected(CLOSE, "closed"), LATER)
        [leg] = record.legs
        assert leg.retry_at is not None
        waits.append((leg.retry_at - LATER).total_seconds())
        record = replace_leg(record, evolve(leg, pending=closing().pending))
    assert waits[:6] == [1, 2, 4, 8, 16, RETRY_S_MAX]
    assert set(waits[6:]) == {RETRY_S_MAX}


def test_a_success_ends_the_count_of_failures() -> None:
    leg = leg_after(evolve(closing(1), failures=7), Filled(CLOSE, PositionId("t1"), Volume(1)))
    assert (leg.failures, leg.retry_at) == (0, None)


# Stops


def stopping(refusals: int = 0, failures: int = 0) -> Leg:
    pending = Pending(Purpose.STOPS, STOPS, stop_loss=Decimal("1.4"), take_profit=None)
    return held(pending, refusals=refusals, failures=failures)


def test_new_stops_are_what_was_asked_for() -> None:
    leg = leg_after(stopping(), StopsReplaced(STOPS))
    assert (leg.stop_loss, leg.take_profit, leg.pending) == (Decimal("1.4"), None, None)


def test_refused_stops_are_given_up_after_some_tries_and_the_old_ones_counted_as_asked() -> None:
    again = leg_after(stopping(STOPS_TRIES - 2), Rejected(STOPS, "invalid"))
    assert (again.stop_loss, again.retry_at is None) == (None, False)
    over = leg_after(stopping(STOPS_TRIES - 1), Rejected(STOPS, "invalid"))
    assert (over.stop_loss, over.retry_at, over.refusals) == (Decimal("1.4"), None, 0)


def test_stops_that_bad_weather_held_up_are_not_given_up_at_their_first_refusal() -> None:
    leg = stopping()
    for _ in range(STOPS_TRIES):
        leg = evolve(leg_after(leg, NotSent(STOPS, "maintenance")), pending=stopping().pending)
    again = leg_after(leg, Rejected(STOPS, "no money"))
    assert (again.stops_refused_at, again.refusals, again.retry_at is None) == (None, 1, False)


# Each report is taken once


@pytest.mark.parametrize("leg", [opening(), closing(), closing(1), stopping()])
def test_a_second_report_on_a_settled_order_changes_nothing(leg: Leg) -> None:
    assert leg.pending is not None
    order = leg.pending.cl_ord_id
    ends: list[Report] = [
        Filled(order, PositionId("t1"), leg.pending.volume),
        StopsReplaced(order),
        Rejected(order, "no"),
        NotFound(order),
        NotSent(order, "no"),
    ]
    for first in ends[:1] if leg.pending.purpose is not Purpose.STOPS else ends[1:2]:
        settled = settle(copy(leg), first, LATER)
        for second in ends:
            assert settle(settled, second, LATER + timedelta(hours=1)) == settled


def test_a_report_on_another_order_changes_nothing() -> None:
    record = copy(opening())
    assert settle(record, Rejected(ClOrdId("other"), "no"), LATER) is record


def test_a_report_changes_its_own_leg_only() -> None:
    other = evolve(held(), number=1)
    record = settle(copy(opening(), other), Rejected(OPEN, "no"), LATER)
    assert record.legs[1] == other


# What a copy says of itself


def test_expected_counts_what_is_under_way() -> None:
    assert copy(opening(), evolve(closing(1), number=1)).expected == 3
    assert copy(held(stage=LegStage.GONE)).expected == 0


def test_a_copy_ends_with_its_source_only_when_nothing_is_held() -> None:
    ended = evolve(copy(held(stage=LegStage.CLOSED)), status=CopyStatus.ENDED, ending=Ending.SOURCE_CLOSED)
    assert ended.ends_with_source
    assert not evolve(ended, ending=Ending.DENIED).ends_with_source
    assert not evolve(ended, legs=(held(),)).ends_with_source
    assert not evolve(ended, status=CopyStatus.ACTIVE).ends_with_source
