"""The engine knows each account's pending orders, and does nothing about them."""

from decimal import Decimal

from rules.model.events import OrderEnded, OrderReported, Origin, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, OrderStatus, OrderType, Side, VenueOrderId
from tests.copier.desk import SOURCE, TARGET, Desk
from tests.rules.playbook import EURUSD, T0


def order(number: int = 1) -> WorkingOrder:
    order_id = VenueOrderId(str(number))
    return WorkingOrder(order_id, EURUSD.symbol, Side.BUY, OrderType.STOP, Decimal(1), Decimal("1.3"))


def listed(account: AccountId, *orders: WorkingOrder) -> SnapshotReceived:
    return SnapshotReceived(account, T0, (), Origin.RECONCILED, T0, orders=orders)


async def test_pending_orders_are_known_and_lead_to_nothing() -> None:
    desk = await Desk().ready()
    rows = desk.ledger.last_seq
    for account in (SOURCE, TARGET):
        assert await desk.takes(listed(account, order()), OrderReported(account, T0, order(2))) == []
        assert list(desk.views[account].orders.values()) == [order(), order(2)]
        assert await desk.takes(OrderEnded(account, T0, order().order_id, OrderStatus.FILLED)) == []
        assert list(desk.views[account].orders.values()) == [order(2)]
    assert desk.ledger.last_seq == rows
    assert (desk.polled, desk.looked_up) == ([], [])
