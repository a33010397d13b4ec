"""The pending orders of one account that work, indexed by symbol, by tag and by expiry."""

import heapq
from datetime import datetime

from rules.model.observed import WorkingOrder
from rules.model.values import Symbol, VenueOrderId


class WorkingOrders:
    """Orders by id. Putting, dropping and looking cost the same with any number of orders that are not concerned."""

    def __init__(self) -> None:
        self.orders: dict[VenueOrderId, WorkingOrder] = {}
        self._by_symbol: dict[Symbol, dict[VenueOrderId, None]] = {}
        self._by_tag: dict[str, dict[VenueOrderId, None]] = {}
        self._expiries: list[tuple[datetime, VenueOrderId]] = []

    def put(self, order: WorkingOrder) -> None:
        """Take in a new order, or one whose prices or volume changed."""
        if order.order_id not in self.orders and order.expires_at is not None:
            heapq.heappush(self._expiries, (order.expires_at, order.order_id))
        self.orders[order.order_id] = order
        self._by_symbol.setdefault(order.symbol, {})[order.order_id] = None
        if order.tag is not None:
            self._by_tag.setdefault(order.tag, {})[order.order_id] = None

    def drop(self, order: WorkingOrder) -> None:
        """Take an order out that is here."""
        del self.orders[order.order_id]
        same_symbol = self._by_symbol[order.symbol]
        del same_symbol[order.order_id]
        if not same_symbol:
            del self._by_symbol[order.symbol]
        if order.tag is not None:
            same_tag = self._by_tag[order.tag]
            del same_tag[order.order_id]
            if not same_tag:
                del self._by_tag[order.tag]

    def of_symbol(self, symbol: Symbol) -> tuple[WorkingOrder, ...]:
        """Return all orders of `symbol`, the oldest first."""
        return tuple(self.orders[order_id] for order_id in self._by_symbol.get(symbol, ()))

    def holds(self, symbol: Symbol) -> bool:
        """Tell whether any order of `symbol` works."""
        return symbol in self._by_symbol

    def with_tag(self, tag: str) -> list[WorkingOrder]:
        """Return the orders that came with `tag`, the oldest first."""
        return [self.orders[order_id] for order_id in self._by_tag.get(tag, ())]

    def take_due(self, now: datetime) -> list[WorkingOrder]:
        """Take out the orders whose time has come, and return them, the first that was due first."""
        due = []
        while self._expiries and self._expiries[0][0] <= now:
            order = self.orders.get(heapq.heappop(self._expiries)[1])
            if order is not None:
                self.drop(order)
                due.append(order)
        return due
