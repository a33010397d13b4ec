"""Which pending orders a stream has told of. It tells neither their stops nor their tag: what they are, the books tell.

A message about one that works is a reason to ask; one about its end is the end.
"""

from collections import OrderedDict
from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

from attrs import define

from adapters.tradelocker import translate, wire
from adapters.tradelocker.translate import NO_ORDER, OrderState
from rules.model.observed import WorkingOrder
from rules.model.values import VenueOrderId

_ORDERS_MAX = 10_000
_ENDED_MAX = 1_000
"""Bounds of what one stream may make us remember; a forgotten order is shown by the next regular look at the books."""

_ASKS_MAX = 3
"""How often the books are asked about one message. They may lag behind the stream, but not for long."""

T = TypeVar("T")

_PENDING = frozenset({"LIMIT", "STOP"})


@define
class _Awaited:
    price: Decimal | None
    told: int
    asks_left: int = _ASKS_MAX


class StreamOrders:
    """Pending orders as the books showed them last, but for those of which the stream told the end."""

    def __init__(self) -> None:
        self._known: OrderedDict[VenueOrderId, WorkingOrder] = OrderedDict()
        self._awaited: OrderedDict[VenueOrderId, _Awaited] = OrderedDict()
        self._ended: OrderedDict[VenueOrderId, None] = OrderedDict()
        self._told = 0

    @property
    def working(self) -> tuple[WorkingOrder, ...]:
        """All pending orders that wait, as far as books and stream told."""
        return tuple(self._known.values())

    @property
    def needs_books(self) -> bool:
        """Tell whether the books should be asked for an order of which the stream told."""
        return bool(self._awaited)

    @property
    def mark(self) -> int:
        """The point that the stream has reached: books that are asked for now know nothing of what it tells later."""
        return self._told

    def take(self, message: wire.OpenOrder) -> bool:
        """Take an order message; tells whether it is the end of a pending order.

        An order of a position (its stops, its close) is none, nor is one that fills at market.
        """
        order_id = VenueOrderId(message.order_id)
        if translate.order_state(message.status) is not OrderState.WORKING:
            known = self._known.pop(order_id, None) is not None
            awaited = self._awaited.pop(order_id, None) is not None
            if known or awaited:
                _put_last(self._ended, order_id, None, _ENDED_MAX)
            return known or awaited
        kind = message.order_type.upper() if isinstance(message.order_type, str) else ""
        of_position = isinstance(message.position_id, str | int) and str(message.position_id) not in NO_ORDER
        if kind in _PENDING and not of_position and order_id not in self._ended:
            self._told += 1
            awaited_now = _Awaited(translate.price_of(message), self._told)
            _put_last(self._awaited, order_id, awaited_now, _ORDERS_MAX)
        return False

    def learn(self, orders: Iterable[WorkingOrder], mark: int) -> tuple[WorkingOrder, ...]:
        """Take the pending orders of the venue's books, asked for at `mark`; returns those that are news.

        An order that they do not show is not taken for ended: they may lag, and its end is told.
        """
        changed = []
        listed = {order.order_id: order for order in orders if order.order_id not in self._ended}
        for order_id, order in listed.items():
            if self._known.get(order_id) != order:
                changed.append(order)
                _put_last(self._known, order_id, order, _ORDERS_MAX)
        for order_id, awaited in tuple(self._awaited.items()):
            if awaited.told > mark:
                continue
            shown = listed.get(order_id)
            if (shown is not None and awaited.price in (None, shown.price)) or awaited.asks_left == 1:
                del self._awaited[order_id]
            else:
                awaited.asks_left -= 1
        return tuple(changed)


def _put_last(table: OrderedDict[VenueOrderId, T], order_id: VenueOrderId, thing: T, most: int) -> None:
    table[order_id] = thing
    table.move_to_end(order_id)
    while len(table) > most:
        table.popitem(last=False)
