from datetime import timedelta

from rules.model.events import Origin, PositionClosed, PositionReported, SnapshotReceived
from rules.model.observed import Position
from rules.model.state import AccountView, Change, Doubt
from rules.model.values import AccountId, PositionId
from tests.rules.playbook import T0, position


def view(*ids: str) -> AccountView:
    seen = AccountView(AccountId("a"))
    held = tuple(position(position_id=PositionId(each)) for each in ids)
    seen.sync(SnapshotReceived(AccountId("a"), T0, held, Origin.RECONCILED))
    return seen


def test_several_positions_that_a_pushed_list_loses_at_once_are_a_doubt():
    seen = view("p1", "p2")
    later = T0 + timedelta(minutes=1)
    assert [type(found) for found in seen.sync(SnapshotReceived(AccountId("a"), later, (), Origin.LIVE))] == [Doubt]
    assert set(seen.positions) == {"p1", "p2"}


def test_the_books_settle_that_doubt():
    seen = view("p1", "p2")
    later = T0 + timedelta(minutes=1)
    asked = SnapshotReceived(AccountId("a"), later, (), Origin.RECONCILED, requested_at=later)
    assert [found.position_id for found in seen.sync(asked) if isinstance(found, Change)] == ["p1", "p2"]


def test_the_last_position_of_a_pushed_list_closes_at_once():
    seen = view("p1")
    later = T0 + timedelta(minutes=1)
    [change] = seen.sync(SnapshotReceived(AccountId("a"), later, (), Origin.LIVE))
    assert isinstance(change, Change)
    assert change.position is None


def test_a_volume_that_grew_in_the_list_of_a_new_session_is_a_doubt_where_volumes_only_shrink():
    seen = AccountView(AccountId("a"))
    asked = T0 + timedelta(seconds=1)
    polled = SnapshotReceived(AccountId("a"), asked, (position("0.2"),), Origin.RECONCILED, requested_at=asked)
    seen.sync(polled)
    older = SnapshotReceived(AccountId("a"), asked + timedelta(seconds=5), (position("0.3"),), Origin.RECONCILED)
    assert [type(found) for found in seen.sync(older)] == [Doubt]
    assert seen.positions[PositionId("p1")].volume == position("0.2").volume


def test_a_closed_position_in_the_list_of_a_new_session_is_a_doubt():
    seen = view("p1")
    asked = T0 + timedelta(seconds=5)
    seen.sync(SnapshotReceived(AccountId("a"), asked, (), Origin.RECONCILED, requested_at=asked))
    older = SnapshotReceived(AccountId("a"), asked + timedelta(seconds=5), (position(),), Origin.RECONCILED)
    assert [type(found) for found in seen.sync(older)] == [Doubt]
    assert seen.positions == {}


# The books lag behind the stream


def asked(after_s: float, *held: Position) -> SnapshotReceived:
    at = T0 + timedelta(seconds=after_s)
    return SnapshotReceived(AccountId("a"), at, held, Origin.RECONCILED, requested_at=at)


def reported(held: Position) -> PositionReported:
    return PositionReported(AccountId("a"), T0, held)


def test_books_that_do_not_show_yet_what_the_stream_opened_close_nothing():
    seen = AccountView(AccountId("a"))
    seen.report(reported(position()))
    assert [type(found) for found in seen.sync(asked(0.2))] == [Doubt]
    assert set(seen.positions) == {"p1"}
    [change] = seen.sync(asked(2.5))
    assert change == Change(PositionId("p1"), None, None)


def test_books_that_still_show_what_the_stream_closed_reopen_nothing():
    seen = view("p1")
    seen.close(PositionClosed(AccountId("a"), T0, PositionId("p1")))
    assert [type(found) for found in seen.sync(asked(0.2, position()))] == [Doubt]
    assert seen.positions == {}
    assert seen.sync(asked(2.5, position())) == [Change(PositionId("p1"), position())], "the stream was wrong"


def test_books_that_show_a_new_life_of_a_closed_id_are_believed_at_once():
    seen = view("p1")
    seen.close(PositionClosed(AccountId("a"), T0, PositionId("p1")))
    new = position(opened_at=T0 + timedelta(seconds=5))
    assert seen.sync(asked(0.2, new)) == [Change(PositionId("p1"), new)]


def test_books_that_do_not_show_yet_a_partial_close_of_the_stream_do_not_grow_the_position():
    seen = view("p1")
    seen.report(reported(position("0.4")))
    assert [type(found) for found in seen.sync(asked(0.2, position("1")))] == [Doubt]
    assert seen.positions[PositionId("p1")].volume == position("0.4").volume


def test_what_only_the_books_told_the_books_may_take_back_at_once():
    seen = AccountView(AccountId("a"))
    seen.sync(asked(0.1, position()))
    [change] = seen.sync(asked(0.2))
    assert isinstance(change, Change)


def test_a_late_message_whose_opening_time_is_a_little_off_is_of_the_life_that_was_closed():
    seen = view("p1")
    seen.close(PositionClosed(AccountId("a"), T0, PositionId("p1")))
    rounded = position(opened_at=T0 + timedelta(microseconds=400))
    assert isinstance(seen.report(reported(rounded)), Doubt)
