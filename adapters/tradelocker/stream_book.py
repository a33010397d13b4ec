"""What a stream has told about one account: positions, the orders that protect them, and what is closed.

Stop prices are not in the stream's positions: they name protective orders by id, whose prices come in messages of
their own, in any order. What the stream does not tell, the venue's books (REST) do: see `needs_books`.
"""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

from attrs import evolve
from msgspec import UNSET, Struct, UnsetType

from adapters.base import RemoteProtocolError
from adapters.tradelocker import translate, wire
from adapters.tradelocker.translate import NO_ORDER, OrderState
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import PositionId, Price, Volume

BookStops: TypeAlias = Mapping[PositionId, tuple[Price | None, Price | None]]
"""Stop-loss and take-profit of every open position, as the venue's books have them."""

_POSITIONS_MAX = 10_000
_ORDERS_MAX = 10_000
_CLOSED_MAX = 1_000
"""Bounds of what one stream may make us remember; of closed positions only the latest matter."""

_ASKS_MAX = 3
"""How often the books are asked about one position. They may lag behind the stream, but not for long."""

_OrderId: TypeAlias = str | UnsetType | None


class _Held(Struct, eq=False, gc=False):  # nothing in it can point back at it: thousands need not be followed
    position: Position
    stop_order: _OrderId
    take_order: _OrderId
    first_told: int
    last_told: int
    """When the stream told of it: the numbers of its first and last message (see `mark`)."""


@frozen
class _Closed:
    opened_at: datetime
    volume: Volume


class StreamBook:
    """Upserts positions; each method returns the position as it is now when there is something to report."""

    def __init__(self) -> None:
        self._held: dict[PositionId, _Held] = {}
        self._prices: OrderedDict[str, Price] = OrderedDict()
        self._protects: dict[str, PositionId] = {}
        self._closed: OrderedDict[PositionId, _Closed | None] = OrderedDict()
        self._asks_left: dict[PositionId, int] = {}
        """Questions left to the books about positions whose stop prices the stream has not told."""
        self._told = 0

    @property
    def positions(self) -> tuple[Position, ...]:
        """All positions that are open as far as the stream told."""
        return tuple(held.position for held in self._held.values())

    @property
    def needs_books(self) -> bool:
        """Tell whether a stop price is missing that the venue's books should be asked for."""
        return bool(self._asks_left)

    @property
    def mark(self) -> int:
        """The point that the stream has reached: books that are asked for now know nothing of what it tells later."""
        return self._told

    def hold(self, message: wire.Position) -> Position | None:
        """Take a position message; returns the position, or None when it is older than the position's close."""
        position_id = message.position_id
        before = self._held.get(position_id)
        stop_loss, is_stop_known = self._price(
            message.stop_loss_order_id, None if before is None else before.position.stop_loss
        )
        take_profit, is_take_known = self._price(
            message.take_profit_order_id, None if before is None else before.position.take_profit
        )
        position = translate.position_from_stream(message, stop_loss, take_profit)
        if position_id in self._closed:
            if self._is_late(position):
                return None
            del self._closed[position_id]
        if before is None and len(self._held) >= _POSITIONS_MAX:
            raise RemoteProtocolError(f"expected at most {_POSITIONS_MAX} open positions, found more")
        if before is not None:
            self._forget_protection(before)
        self._told += 1
        held = _Held(
            position,
            message.stop_loss_order_id,
            message.take_profit_order_id,
            self._told if before is None else before.first_told,
            self._told,
        )
        if is_stop_known and is_take_known:
            self._asks_left.pop(position_id, None)
        else:
            self._asks_left[position_id] = _ASKS_MAX
        self._held[position_id] = held
        for order_id in (message.stop_loss_order_id, message.take_profit_order_id):
            if order_id not in NO_ORDER and isinstance(order_id, str):
                self._protects[order_id] = position_id
        return held.position

    def release(self, position_id: PositionId) -> None:
        """Take the close of a position, known or not."""
        held = self._held.pop(position_id, None)
        self._asks_left.pop(position_id, None)
        if held is not None:
            self._forget_protection(held)
        remembered = self._closed.get(position_id)
        self._closed[position_id] = (
            remembered if held is None else _Closed(held.position.opened_at, held.position.volume)
        )
        self._closed.move_to_end(position_id)
        while len(self._closed) > _CLOSED_MAX:
            self._closed.popitem(last=False)

    def take_order(self, message: wire.OpenOrder) -> Position | None:
        """Take an order message; returns the position that it protects when that position's stops changed by it.

        A price that cannot be read is not known: the books are asked when a position needs it. An order that is no
        longer working takes no stop away by itself: the position's own message does that.
        """
        price = translate.price_of(message)
        if translate.order_state(message.status) is not OrderState.WORKING or price is None:
            self._prices.pop(message.order_id, None)
            return None
        self._prices[message.order_id] = price
        self._prices.move_to_end(message.order_id)
        while len(self._prices) > _ORDERS_MAX:
            self._prices.popitem(last=False)
        position_id = self._protects.get(message.order_id)
        if position_id is None:
            return None
        held = self._held[position_id]
        before = held.position
        if held.stop_order == message.order_id:
            held.position = evolve(held.position, stop_loss=price)
        if held.take_order == message.order_id:
            held.position = evolve(held.position, take_profit=price)
        if self._is_known(held.stop_order) and self._is_known(held.take_order):
            self._asks_left.pop(position_id, None)
        return None if held.position == before else held.position

    def learn(self, books: BookStops, mark: int) -> tuple[Position, ...]:
        """Take the stop prices that the stream did not tell from the venue's books, asked for at `mark`.

        Returns:
            the positions that changed.
        """
        changed = []
        for position_id, asks_left in tuple(self._asks_left.items()):
            if self._held[position_id].last_told > mark:
                continue
            del self._asks_left[position_id]
            if position_id not in books:
                if asks_left > 1:
                    self._asks_left[position_id] = asks_left - 1
                continue
            held = self._held[position_id]
            before = held.position
            stop_loss, take_profit = books[position_id]
            if not self._is_known(held.stop_order):
                held.position = evolve(held.position, stop_loss=stop_loss)
            if not self._is_known(held.take_order):
                held.position = evolve(held.position, take_profit=take_profit)
            if held.position != before:
                changed.append(held.position)
        return tuple(changed)

    def difference(self, books: BookStops, mark: int) -> str | None:
        """Return in words which positions only one of stream and books (asked for at `mark`) has, or None.

        What the stream opened or closed since is no difference.
        """
        unknown = books.keys() - self._held.keys() - self._closed.keys()
        missing = [f"{position_id[:40]} is open in the books only" for position_id in unknown]
        extra = [
            f"{position_id[:40]} is open in the stream only"
            for position_id, held in self._held.items()
            if position_id not in books and held.first_told <= mark
        ]
        return ", ".join(sorted(missing + extra)[:5]) or None

    def _is_late(self, position: Position) -> bool:
        """Tell whether a position message was sent before the close that we have seen.

        A smaller volume than the closed one is news: some venues of this family close and report the rest anew.
        """
        closed = self._closed[position.position_id]
        return closed is None or (closed.opened_at == position.opened_at and position.volume >= closed.volume)

    def _price(self, order_id: _OrderId, before: Price | None) -> tuple[Price | None, bool]:
        """Return a protective price and whether it is certain; an unknown one stays what it was."""
        if order_id in NO_ORDER:
            return None, True
        price = self._prices.get(order_id) if isinstance(order_id, str) else None
        return (before, False) if price is None else (price, True)

    def _is_known(self, order_id: _OrderId) -> bool:
        if order_id is UNSET:
            return False
        return order_id in NO_ORDER or order_id in self._prices

    def _forget_protection(self, held: _Held) -> None:
        for order_id in (held.stop_order, held.take_order):
            if isinstance(order_id, str):
                self._protects.pop(order_id, None)
