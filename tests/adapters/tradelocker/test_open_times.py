"""A position keeps the opening time that was told first."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.tradelocker import open_times
from adapters.tradelocker.open_times import OpenTimes
from rules.model.events import Origin, PositionClosed, PositionReported, SnapshotReceived
from rules.model.observed import Position
from rules.model.values import AccountId, PositionId, Side, Symbol

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
LATER = AT + timedelta(milliseconds=465)
ALIAS = AccountId("a")


def held(opened_at, position_id="1"):
    return Position(PositionId(position_id), Symbol("X"), Side.BUY, Decimal(1), Decimal(2), opened_at)


def test_later_time_of_a_known_position_is_replaced_by_the_first():
    times = OpenTimes()
    assert times.settled(held(AT)) == held(AT)
    assert times.settled(held(LATER)) == held(AT)
    reported = PositionReported(ALIAS, AT, held(LATER))
    assert times.settled_event(reported) == PositionReported(ALIAS, AT, held(AT))
    snapshot = SnapshotReceived(ALIAS, AT, (held(LATER), held(LATER, "2")), Origin.RECONCILED)
    settled = times.settled_event(snapshot)
    assert isinstance(settled, SnapshotReceived)
    assert settled.positions == (held(AT), held(LATER, "2"))


def test_other_events_pass_as_they_are():
    closed = PositionClosed(ALIAS, AT, PositionId("1"))
    assert OpenTimes().settled_event(closed) is closed


def test_only_so_many_times_are_remembered_and_the_stalest_goes_first(monkeypatch):
    monkeypatch.setattr(open_times, "_POSITIONS_MAX", 2)
    times = OpenTimes()
    for position_id in ("1", "2", "1", "3"):
        times.settled(held(AT, position_id))
    assert times.settled(held(LATER, "1")).opened_at == AT
    assert times.settled(held(LATER, "2")).opened_at == LATER
