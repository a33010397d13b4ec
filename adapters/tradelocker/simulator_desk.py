"""One simulated TradeLocker account: what the venue keeps beside the shared books.

These are protective orders with ids of their own, and the stream's messages.
"""

import re

from adapters.base import UtcNow
from adapters.simulation.broker import Book, Change, OrderChanged, PositionChanged, PositionGone, StatusChanged
from adapters.simulation.listeners import Listeners
from adapters.tradelocker.simulator_messages import Message, Messages, Protection
from rules.model.observed import Position, WorkingOrder
from rules.model.values import OrderType, PositionId

_ACCOUNT_NAME = re.compile(r"[A-Z]#([0-9]{1,18})")

FIRST_ORDER_ID = 9_007_199_254_740_993
"""Ids of protective orders: beyond 2^53, as the venue's are, so that a reader with floats shows itself."""


def is_account(name: str) -> bool:
    """Tell whether a book's name is one of this venue's accounts ("L#706984")."""
    return _ACCOUNT_NAME.fullmatch(name) is not None


class Desk:
    """The venue's side of one book. `messages` tells every stream message as it comes about."""

    def __init__(self, book: Book, acc_num: int, server: str, now: UtcNow) -> None:
        self.book = book
        self.stream_id = book.name
        self.rest_id = book.name.partition("#")[2]
        self.acc_num = str(acc_num)
        self.server = server
        self.messages: Listeners[Message] = Listeners()
        self.protections: dict[PositionId, dict[str, Protection]] = {}
        self._next_id = FIRST_ORDER_ID
        self._write = Messages(book, server, now)
        self._orders_told = len(book.orders)
        for position in book.positions.values():
            self._protect(position)
        book.listen(self._on_change)

    @property
    def pending(self) -> list[WorkingOrder]:
        """Pending orders of the kinds that the venue has; the books may keep a stop-limit that a hand has placed."""
        return [order for order in self.book.working.values() if order.order_type is not OrderType.STOP_LIMIT]

    # Messages

    def snapshot(self) -> list[Message]:
        """Return the messages of the present state, without the closing SyncEnd."""
        orders = [
            self._write.protection(self.book.positions[position_id], protection)
            for position_id, protections in self.protections.items()
            for protection in protections.values()
        ]
        pending = [self._write.pending(order) for order in self.pending]
        positions = [self._position(position) for position in self.book.positions.values()]
        return [self._write.status(), *positions, *orders, *pending]

    def _on_change(self, change: Change) -> None:
        told: list[Message] = []
        match change:
            case PositionChanged(position):
                told += self._protect(position)
                told.append(self._position(position))
            case PositionGone(closed):
                self.protections.pop(closed.position.position_id, None)
                told.append(self._write.close(closed))
            case OrderChanged(order) if order.order_type is not OrderType.STOP_LIMIT:
                told.append(self._write.pending(order))
            case StatusChanged():
                told.append(self._write.status())
        fresh, self._orders_told = self.book.orders[self._orders_told :], len(self.book.orders)
        told += [self._write.order(order) for order in fresh]
        self.messages.tell(told)

    def _take_id(self) -> str:
        taken = self._next_id
        self._next_id += 1
        return str(taken)

    def _position(self, position: Position) -> Message:
        return self._write.position(position, self.protections.get(position.position_id, {}))

    def _protect(self, position: Position) -> list[Message]:
        """Bring a position's protective orders in line with its stops; ids stay while only prices change."""
        before = self.protections.get(position.position_id, {})
        after: dict[str, Protection] = {}
        told = []
        for kind, price in (("stop", position.stop_loss), ("limit", position.take_profit)):
            old = before.get(kind)
            if price is None:
                continue
            after[kind] = Protection(self._take_id() if old is None else old.order_id, kind, price)
            if after[kind] != old:
                told.append(self._write.protection(position, after[kind]))
        for kind, old in before.items():
            if kind not in after:
                told.append({**self._write.protection(position, old), "status": "STATUS_CANCELLED"})
        self.protections[position.position_id] = after
        return told
