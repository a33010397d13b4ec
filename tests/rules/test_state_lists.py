from datetime import timedelta

from rules.events import Origin, SnapshotReceived
from rules.state import AccountView, Change, Doubt
from rules.values import AccountId, PositionId
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
    asked = T0 + timedelta(seconds=1)
    seen.sync(SnapshotReceived(AccountId("a"), asked, (), Origin.RECONCILED, requested_at=asked))
    older = SnapshotReceived(AccountId("a"), asked + timedelta(seconds=5), (position(),), Origin.RECONCILED)
    assert [type(found) for found in seen.sync(older)] == [Doubt]
    assert seen.positions == {}
