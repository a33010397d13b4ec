"""The pending orders that one terminal host tells of: the list of its synchronization, and what changed since."""

from collections.abc import Iterable
from datetime import datetime

from attrs import define, field

from adapters.metaapi import translate
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.values import name
from adapters.metaapi.wire import Order, Packet
from rules.model.events import Event, OrderEnded, OrderReported
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, OrderStatus, PositionId, VenueOrderId


@define
class PendingOrders:
    """The orders that wait for their price. Market orders come and go in the same fields, and are passed over."""

    account: AccountId
    tickets: Tickets
    _rows: dict[str, Order] = field(factory=dict, init=False)
    _told: bool = field(default=False, init=False)
    """Whether the last synchronization had a list of them."""

    def begin(self, rows: tuple[Order, ...] | None) -> None:
        """Start from the list of a synchronization; None where it had none."""
        self._told = rows is not None
        self._rows = {order_id: row for order_id, row in _by_id(rows or ()).items() if translate.is_pending(row)}

    def working(self) -> tuple[WorkingOrder, ...] | None:
        """Return all of them, or None where that is not known.

        Raises:
            RemoteProtocolError: one cannot be read.
        """
        return translate.working_orders(self._rows.values()) if self._told else None

    def take(self, packet: Packet) -> list[tuple[str, Order | None]]:
        """Take what an update changes; returns the orders that it placed or changed, and those that ended, as None."""
        changes: list[tuple[str, Order | None]] = []
        for order_id, row in _by_id(packet.updated_orders or ()).items():
            if translate.is_pending(row):
                self._rows[order_id] = row
                changes.append((order_id, row))
        for order_id in map(str, packet.completed_order_ids or ()):
            if self._rows.pop(order_id, None) is not None:
                changes.append((order_id, None))
        return changes

    def events(self, packet: Packet, at: datetime) -> list[Event]:
        """Take what an update changes and return what happened.

        Raises:
            RemoteProtocolError: an order cannot be read.
        """
        done = _by_id(packet.history_orders or ())
        return [
            self._ended(order_id, done.get(order_id), at)
            if row is None
            else OrderReported(self.account, at, translate.working_order(row))
            for order_id, row in self.take(packet)
        ]

    def _ended(self, order_id: str, done: Order | None, at: datetime) -> OrderEnded:
        status = None if done is None else translate.end_of(done)
        position_id: PositionId | None = None
        if done is not None and status is OrderStatus.FILLED and done.position_id is not None:
            position_id = self.tickets.first(name(done.position_id, "positionId of an order"))
        return OrderEnded(self.account, at, VenueOrderId(order_id), status, position_id)


def _by_id(orders: Iterable[Order]) -> dict[str, Order]:
    return {name(order.id, "id of an order"): order for order in orders}
