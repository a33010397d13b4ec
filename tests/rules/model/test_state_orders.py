"""What is known of an account's pending orders follows its stream and its lists, and no list outruns the stream."""

from datetime import timedelta
from decimal import Decimal

import pytest

from rules.model.events import OrderEnded, OrderReported, Origin, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.state import AccountView
from rules.model.values import AccountId, OrderStatus, OrderType, Side, Symbol, VenueOrderId
from rules.model.waiting_orders import TOMBSTONES_MAX
from tests.rules.playbook import T0, position

ACCOUNT, EURUSD = AccountId("a"), Symbol("EURUSD")
SECOND = timedelta(seconds=1)


def order(number: int = 1, price: str = "1.10") -> WorkingOrder:
    order_id = VenueOrderId(str(number))
    return WorkingOrder(order_id, EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.3"), Decimal(price))


def told(seen: AccountView, *orders: WorkingOrder, at_s: float = 0) -> None:
    for each in orders:
        seen.waiting.report(OrderReported(ACCOUNT, T0 + at_s * SECOND, each))


def ended(seen: AccountView, number: int = 1, at_s: float = 0) -> None:
    seen.waiting.end(OrderEnded(ACCOUNT, T0 + at_s * SECOND, order(number).order_id, OrderStatus.CANCELED))


def asked(seen: AccountView, *orders: WorkingOrder, at_s: float) -> None:
    at = T0 + at_s * SECOND
    seen.sync(SnapshotReceived(ACCOUNT, at + SECOND, (), Origin.RECONCILED, at, orders=orders))


def pushed(seen: AccountView, *orders: WorkingOrder, at_s: float, certain: bool = True) -> None:
    seen.sync(SnapshotReceived(ACCOUNT, T0 + at_s * SECOND, (), Origin.LIVE, certain=certain, orders=orders))


def known(seen: AccountView) -> list[WorkingOrder]:
    return list(seen.orders.values())


def test_an_order_is_known_as_last_told_until_it_ends() -> None:
    seen = AccountView(ACCOUNT)
    told(seen, order(), order(2))
    told(seen, order(price="1.11"))
    assert known(seen) == [order(price="1.11"), order(2)]
    ended(seen)
    assert known(seen) == [order(2)]


def test_an_order_that_ended_is_not_reported_back() -> None:
    seen = AccountView(ACCOUNT)
    ended(seen)
    told(seen, order(), at_s=1)
    assert known(seen) == []


def test_a_list_is_complete() -> None:
    seen = AccountView(ACCOUNT)
    told(seen, order(), order(2))
    asked(seen, order(2, "1.2"), order(3), at_s=10)
    assert known(seen) == [order(2, "1.2"), order(3)]


def test_a_snapshot_that_does_not_tell_of_orders_leaves_them() -> None:
    seen = AccountView(ACCOUNT)
    told(seen, order())
    seen.sync(SnapshotReceived(ACCOUNT, T0 + 60 * SECOND, (), Origin.RECONCILED, T0 + 60 * SECOND))
    assert known(seen) == [order()]


@pytest.mark.parametrize("asked_at_s", [0, 5, 6.5])
def test_a_list_that_may_be_older_than_the_stream_changes_nothing_that_the_stream_told(asked_at_s: float) -> None:
    seen = AccountView(ACCOUNT)
    told(seen, order(2, "1.2"), at_s=5)
    ended(seen, at_s=5)
    asked(seen, order(), order(2), at_s=asked_at_s)
    assert known(seen) == [order(2, "1.2")]


def test_the_books_have_the_last_word() -> None:
    seen = AccountView(ACCOUNT)
    told(seen, order(2))
    ended(seen)
    asked(seen, order(), at_s=60)
    assert known(seen) == [order()]
    told(seen, order(2), at_s=61)
    assert known(seen) == [order(), order(2)], "a list that lacked it is no end that the venue told"


def test_a_pushed_list_that_the_venue_does_not_vouch_for_takes_nothing_away() -> None:
    seen = AccountView(ACCOUNT)
    pushed(seen, order(), order(2), at_s=1)
    pushed(seen, order(2, "1.2"), at_s=2, certain=False)
    assert known(seen) == [order(), order(2, "1.2")]
    pushed(seen, order(2), at_s=3)
    assert known(seen) == [order(2)]


def test_a_pushed_list_that_lost_all_positions_at_once_is_not_believed_about_orders_either() -> None:
    seen = AccountView(ACCOUNT)
    held = (position(), position(position_id="p2"))
    seen.sync(SnapshotReceived(ACCOUNT, T0, held, Origin.RECONCILED, orders=(order(),)))
    pushed(seen, at_s=60)
    assert known(seen) == [order()]


def test_ended_orders_are_remembered_up_to_a_bound() -> None:
    seen = AccountView(ACCOUNT)
    for number in range(TOMBSTONES_MAX + 10):
        ended(seen, number)
    assert len(seen.waiting.told_at) == TOMBSTONES_MAX
