"""Orders that work, as one stream session was told of them; each message shows an order whole."""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from adapters.clearstreet.protection import is_protective, stop_loss
from adapters.clearstreet.translate import VenueOrder
from rules.model.values import Price, Symbol, VenueOrderId

_ENDED_MAX: Final = 10_000
"""Ended orders that are remembered, so that books which were made before do not bring one back."""


class StreamOrders:
    """Orders by id. The replay tells of all orders of the day, so what the books add is what a gap swallowed."""

    def __init__(self) -> None:
        self._working: dict[VenueOrderId, VenueOrder] = {}
        self._stops: dict[Symbol, dict[VenueOrderId, VenueOrder]] = {}
        self._ended: OrderedDict[VenueOrderId, None] = OrderedDict()

    @property
    def working(self) -> tuple[VenueOrder, ...]:
        """All that work."""
        return tuple(self._working.values())

    def take(self, order: VenueOrder) -> bool:
        """Take an order's new state; tells whether that is news: it began, changed or ended."""
        known = self._working.get(order.order_id)
        if order.leaves == 0:
            self._drop(order)
            self._ended[order.order_id] = None
            if len(self._ended) > _ENDED_MAX:
                self._ended.popitem(last=False)
            return known is not None
        if order.order_id in self._ended:
            return False
        self._put(order)
        return known != order

    def forget(self) -> None:
        """Forget what works: messages are missing for good, and the books say what is true."""
        self._working.clear()
        self._stops.clear()

    def learn(self, orders: Iterable[VenueOrder]) -> None:
        """Take the orders of the books, but for those of which the stream told a later word, or the end."""
        for order in orders:
            known = self._working.get(order.order_id)
            if (
                order.leaves > 0
                and order.order_id not in self._ended
                and (known is None or known.version < order.version)
            ):
                self._put(order)

    def stop_loss(self, symbol: Symbol, quantity: Decimal) -> Price | None:
        """Return the stop-loss that the orders at work are for a signed position."""
        stops = self._stops.get(symbol)
        return stop_loss(quantity, stops.values()) if stops else None

    def _put(self, order: VenueOrder) -> None:
        self._working[order.order_id] = order
        if is_protective(order):
            self._stops.setdefault(order.symbol, {})[order.order_id] = order

    def _drop(self, order: VenueOrder) -> None:
        self._working.pop(order.order_id, None)
        self._stops.get(order.symbol, {}).pop(order.order_id, None)
