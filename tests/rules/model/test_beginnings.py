"""How a position began: the venue says it, or an order that has just gone could have opened it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from rules.model.beginnings import AT_MARKET, MATCH_WITHIN, Beginning, could_open
from rules.model.events import OrderEnded, OrderReported, Origin, SnapshotReceived
from rules.model.observed import Position, WorkingOrder
from rules.model.state import AccountView
from rules.model.values import AccountId, OrderStatus, OrderType, PositionId, Side, Symbol, VenueOrderId
from rules.model.waiting_orders import ENDED_MAX
from tests.rules.playbook import T0, position

ACCOUNT = AccountId("source")
SECOND = timedelta(seconds=1)


def order(number: int = 1, **changes: Any) -> WorkingOrder:
    """Return a pending order that the position of the playbook, bought at 1.1, can have come of."""
    base = WorkingOrder(
        VenueOrderId(str(number)), Symbol("EURUSD"), Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1")
    )
    return evolve(base, **changes)


def seen(*orders: WorkingOrder) -> AccountView:
    view = AccountView(ACCOUNT)
    looks(view, *orders, at_s=-60)
    return view


def looks(view: AccountView, *orders: WorkingOrder, at_s: float) -> None:
    """Let the source's books show these orders."""
    at = T0 + at_s * SECOND
    view.sync(SnapshotReceived(ACCOUNT, at, (), Origin.RECONCILED, at, orders=orders))


def ends(
    view: AccountView, number: int = 1, at_s: float = 0, status: OrderStatus | None = None, opened: str | None = None
) -> None:
    position_id = None if opened is None else PositionId(opened)
    view.waiting.end(OrderEnded(ACCOUNT, T0 + at_s * SECOND, VenueOrderId(str(number)), status, position_id))


def began(view: AccountView, at_s: float = 0, held: Position | None = None) -> Beginning | None:
    return view.began(held or position(), T0 + at_s * SECOND)


def test_a_position_without_orders_began_at_market() -> None:
    assert began(seen()) == AT_MARKET


def test_a_position_that_an_order_is_said_to_have_opened_came_of_it() -> None:
    view = seen(order(1, price=Decimal(2), order_type=OrderType.STOP))
    ends(view, 1, status=OrderStatus.FILLED, opened="p1")
    assert began(view, 600) == AT_MARKET, "it was told so long ago that it was another life"
    view = seen(order(1, price=Decimal(2), order_type=OrderType.STOP))
    ends(view, 1, status=OrderStatus.FILLED, opened="p1")
    assert began(view) == Beginning(order(1, price=Decimal(2), order_type=OrderType.STOP))


@pytest.mark.parametrize("status", [None, OrderStatus.FILLED])
def test_an_order_that_has_gone_without_a_name_is_taken_for_the_beginning(status: OrderStatus | None) -> None:
    view = seen(order())
    ends(view, status=status)
    assert began(view, 1) == Beginning(order())


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_an_order_that_ended_otherwise_opened_nothing(status: OrderStatus) -> None:
    view = seen(order())
    ends(view, status=status)
    assert began(view, 1) == AT_MARKET


def test_an_order_that_went_long_ago_opened_nothing_now() -> None:
    view = seen(order())
    ends(view)
    assert began(view, MATCH_WITHIN.total_seconds() + 1) == AT_MARKET


def test_while_an_order_could_still_be_it_the_books_must_tell() -> None:
    view = seen(order())
    assert began(view) is None
    looks(view, order(), at_s=1)
    assert began(view, 1) is None, "books may lag"
    looks(view, order(), at_s=2)
    assert began(view, 2) == AT_MARKET
    ends(view, at_s=3)
    assert began(view, 3) == AT_MARKET, "decided once"


def test_the_end_of_the_order_settles_it_at_once() -> None:
    view = seen(order())
    assert began(view) is None
    ends(view)
    assert began(view) == Beginning(order())


def test_a_list_that_lacks_the_order_settles_it() -> None:
    view = seen(order())
    assert began(view) is None
    looks(view, at_s=1)
    assert began(view, 1) == Beginning(order())


def test_why_an_order_ended_may_come_after_a_list_without_it() -> None:
    view = seen(order())
    looks(view, at_s=1)
    ends(view, status=OrderStatus.CANCELED, at_s=1)
    assert began(view, 1) == AT_MARKET


def test_an_order_opens_one_position() -> None:
    view = seen(order())
    ends(view)
    assert began(view) == Beginning(order())
    assert began(view, held=position(position_id=PositionId("p2"))) == AT_MARKET


def test_of_several_the_one_with_as_many_lots_is_taken() -> None:
    view = seen(order(1, volume=Decimal(2)), order(2), order(3, volume=Decimal(3)))
    for number in (1, 2, 3):
        ends(view, number)
    assert began(view) == Beginning(order(2))


def test_an_order_is_left_to_the_position_that_has_as_many_lots() -> None:
    view = seen(order(volume=Decimal(3)))
    smaller, equal = position(), position(position_id=PositionId("p2"), volume=Decimal(3))
    view.sync(SnapshotReceived(ACCOUNT, T0, (smaller, equal), Origin.RECONCILED, T0, orders=()))
    assert began(view, held=smaller) == AT_MARKET
    assert began(view, held=equal) == Beginning(order(volume=Decimal(3)))


def test_an_order_is_not_left_to_a_position_whose_beginning_is_known() -> None:
    view = seen(order(volume=Decimal(3)))
    equal, at = position(position_id=PositionId("p2"), volume=Decimal(3)), T0 - 30 * SECOND
    assert began(view, at_s=-40, held=equal) is None, "the order may still be said to have gone"
    view.sync(SnapshotReceived(ACCOUNT, at, (equal,), Origin.RECONCILED, at, orders=(order(volume=Decimal(3)),)))
    assert began(view, at_s=-20, held=equal) == AT_MARKET
    ends(view)
    assert began(view) == Beginning(order(volume=Decimal(3)))


def test_what_went_of_an_order_that_still_works_may_be_the_beginning() -> None:
    view = seen(order(volume=Decimal(3)))
    view.waiting.report(OrderReported(ACCOUNT, T0, order(volume=Decimal(2))))
    assert began(view) == Beginning(order(volume=Decimal(1)))


def test_a_position_that_is_gone_is_forgotten() -> None:
    view = seen(order())
    ends(view)
    assert began(view) == Beginning(order())
    view.beginnings.forget(PositionId("p1"))
    assert began(view, 60) == AT_MARKET


@pytest.mark.parametrize(
    ("changes", "could"),
    [
        ({}, True),
        ({"price": Decimal("1.2")}, True),
        ({"price": Decimal("1.0995")}, True),
        ({"price": Decimal("1.09")}, False),
        ({"order_type": OrderType.STOP}, True),
        ({"order_type": OrderType.STOP, "price": Decimal("1.09")}, True),
        ({"order_type": OrderType.STOP, "price": Decimal("1.2")}, False),
        ({"order_type": OrderType.STOP_LIMIT, "limit_price": Decimal("1.2")}, True),
        ({"order_type": OrderType.STOP_LIMIT, "limit_price": Decimal("1.09")}, False),
        ({"side": Side.SELL}, False),
        ({"symbol": Symbol("GBPUSD")}, False),
        ({"volume": Decimal("0.99")}, False),
        ({"volume": Decimal(2)}, True),
        ({"placed_at": T0}, True),
        ({"placed_at": T0 + timedelta(minutes=1)}, False),
    ],
)
def test_what_an_order_could_have_opened(changes: dict[str, Any], could: bool) -> None:
    assert could_open(order(**changes), position()) is could


def test_of_the_orders_that_ended_the_latest_are_kept() -> None:
    view = AccountView(ACCOUNT)
    for number in range(ENDED_MAX + 5):
        view.waiting.report(OrderReported(ACCOUNT, T0, order(number)))
        ends(view, number)
    assert len(view.waiting.ended) == ENDED_MAX
    assert view.waiting.last_end(VenueOrderId("4")) is None
    assert view.waiting.last_end(VenueOrderId("5")) is not None


def test_a_position_that_turned_twice_began_anew_on_the_side_that_it_had_before() -> None:
    view = seen(order())
    ends(view)
    assert began(view) == Beginning(order())
    again = position(opened_at=T0 + 600 * SECOND)
    assert began(view, 600, again) == AT_MARKET
