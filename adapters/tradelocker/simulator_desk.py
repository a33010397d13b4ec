"""One simulated TradeLocker account: what the venue keeps beside the shared books.

These are protective orders with ids of their own, pending limit and stop orders, and the stream's messages.
"""

import re
from datetime import datetime
from decimal import Decimal

from attrs import define, frozen

from adapters.base import UtcNow
from adapters.simulation.broker import Book, BookOrder, Change, OrderRefused, PositionChanged, PositionGone
from adapters.simulation.listeners import Listeners
from rules.observed import Position, Quote
from rules.values import PositionId, Price, Side, Symbol, Volume, plain

_ACCOUNT_NAME = re.compile(r"[A-Z]#([0-9]{1,18})")

FIRST_ORDER_ID = 9_007_199_254_740_993
"""Ids of pending and protective orders: beyond 2^53, as the venue's are, so that a reader with floats shows itself."""

Message = dict[str, object]


def is_account(name: str) -> bool:
    """Tell whether a book's name is one of this venue's accounts ("L#706984")."""
    return _ACCOUNT_NAME.fullmatch(name) is not None


@define(eq=False)
class PendingOrder:
    """A limit or stop order. `status` becomes Filled, Cancelled or Rejected; a finished one goes to the history."""

    order_id: str
    symbol: Symbol
    side: Side
    kind: str
    volume: Volume
    price: Price
    stop_loss: Price | None
    take_profit: Price | None
    tag: str | None
    created_at: datetime
    status: str = "New"
    position_id: PositionId | None = None

    def is_reached(self, quote: Quote) -> bool:
        """Tell whether `quote` executes it."""
        entry = quote.entry(self.side)
        below = (self.kind == "limit") == (self.side is Side.BUY)
        return entry <= self.price if below else entry >= self.price


@frozen
class Protection:
    """A working protective order of a position."""

    order_id: str
    kind: str
    """`stop` for a stop-loss, `limit` for a take-profit."""
    price: Price


class Desk:
    """The venue's side of one book. `messages` tells every stream message as it comes about."""

    def __init__(self, book: Book, acc_num: int, server: str, now: UtcNow) -> None:
        self.book = book
        self.stream_id = book.name
        self.rest_id = book.name.partition("#")[2]
        self.acc_num = str(acc_num)
        self.server = server
        self.messages: Listeners[Message] = Listeners()
        self.pending: dict[str, PendingOrder] = {}
        self.finished: list[PendingOrder] = []
        self.placed_as: dict[str, PendingOrder] = {}
        """Order id in the books to the pending order that it came of."""
        self.protections: dict[PositionId, dict[str, Protection]] = {}
        self._now = now
        self._next_id = FIRST_ORDER_ID
        self._filling: PendingOrder | None = None
        self._orders_told = len(book.orders)
        for position in book.positions.values():
            self._protect(position)
        book.listen(self._on_change)
        book.market.listen(self._on_quote)

    # Pending orders

    def place(
        self,
        symbol: Symbol,
        side: Side,
        kind: str,
        volume: Volume,
        price: Price,
        stops: tuple[Price | None, Price | None],
        tag: str | None,
    ) -> PendingOrder:
        """Take a limit or stop order."""
        order = PendingOrder(self._take_id(), symbol, side, kind, volume, price, *stops, tag, self._now())
        self.pending[order.order_id] = order
        self.messages.tell([self.pending_message(order)])
        return order

    def cancel(self, order_id: str) -> None:
        """End a pending order.

        Raises:
            OrderRefused: it is not working.
        """
        order = self.pending.pop(order_id, None)
        if order is None:
            raise OrderRefused("Order not found")
        order.status = "Cancelled"
        self.finished.append(order)
        self.messages.tell([self.pending_message(order)])

    def _on_quote(self, quote: Quote) -> None:
        for order in [order for order in self.pending.values() if order.symbol == quote.symbol]:
            if not order.is_reached(quote):
                continue
            del self.pending[order.order_id]
            self._fill(order)

    def _fill(self, order: PendingOrder) -> None:
        self._filling = order  # the books give the execution an order id of their own, the venue keeps the first
        try:
            filled = self.book.open(
                order.symbol,
                order.side,
                order.volume,
                stop_loss=order.stop_loss,
                take_profit=order.take_profit,
                tag=order.tag,
            )
        except OrderRefused:
            filled = self.book.orders[-1]
            order.status = "Rejected"
        else:
            order.status, order.position_id = "Filled", filled.position_id
        self._filling = None
        self.placed_as[filled.order_id] = order

    def _take_id(self) -> str:
        taken = self._next_id
        self._next_id += 1
        return str(taken)

    # Messages

    def snapshot(self) -> list[Message]:
        """Return the messages of the present state, without the closing SyncEnd."""
        orders = [
            self.protection_message(self.book.positions[position_id], protection)
            for position_id, protections in self.protections.items()
            for protection in protections.values()
        ]
        pending = [self.pending_message(order) for order in self.pending.values()]
        positions = [self.position_message(position) for position in self.book.positions.values()]
        return [self.status_message(), *positions, *orders, *pending]

    def _on_change(self, change: Change) -> None:
        told: list[Message] = []
        match change:
            case PositionChanged(position):
                told += self._protect(position)
                told.append(self.position_message(position))
            case PositionGone(closed):
                self.protections.pop(closed.position.position_id, None)
                message = self._message("ClosePosition")
                message["positionId"] = closed.position.position_id
                message["closePrice"] = plain(closed.close_price)
                message["closeDateTime"] = _iso(closed.closed_at)
                told.append(message)
            case _:
                told.append(self.status_message())
        fresh, self._orders_told = self.book.orders[self._orders_told :], len(self.book.orders)
        told += [self._order_message(order) for order in fresh]
        self.messages.tell(told)

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
                told.append(self.protection_message(position, after[kind]))
        for kind, old in before.items():
            if kind not in after:
                told.append({**self.protection_message(position, old), "status": "STATUS_CANCELLED"})
        self.protections[position.position_id] = after
        return told

    def status_message(self) -> Message:
        """Return AccountStatus."""
        status = self.book.status()
        message = self._message("AccountStatus")
        message["currency"] = status.currency
        message["balance"] = plain(status.balance)
        message["marginAvailable"] = plain(status.margin_free or Decimal(0))
        message["marginUsed"] = plain(status.margin_used or Decimal(0))
        message["equity"] = plain(status.equity or Decimal(0))
        return message

    def position_message(self, position: Position) -> Message:
        """Return Position."""
        lot_size = position.contract_size or Decimal(1)
        protections = self.protections.get(position.position_id, {})
        order_ids = {kind: protection.order_id for kind, protection in protections.items()}
        message = self._message("Position")
        message |= {
            "lots": plain(position.volume),
            "lotSize": plain(lot_size),
            "units": plain(position.volume * lot_size),
            "instrument": position.symbol,
            "openPrice": plain(position.open_price),
            "openDateTime": _iso(position.opened_at),
            "positionId": position.position_id,
            "openOrderId": position.position_id,
            "maintMargin": "0",
            "side": position.side.name,
            "fee": "0",
            "swaps": "0",
            "stopLossOrderId": order_ids.get("stop"),
            "takeProfitOrderId": order_ids.get("limit"),
        }
        return message

    def protection_message(self, position: Position, protection: Protection) -> Message:
        """Return the OpenOrder of a protective order."""
        return self._open_order(
            order_id=protection.order_id,
            kind=protection.kind,
            status="STATUS_NEW",
            symbol=position.symbol,
            side=position.side.opposite,
            volume=position.volume,
            price=protection.price,
            position_id=position.position_id,
            at=position.opened_at,
            opens=False,
        )

    def pending_message(self, order: PendingOrder) -> Message:
        """Return the OpenOrder of a pending order."""
        return self._open_order(
            order_id=order.order_id,
            kind=order.kind,
            status=f"STATUS_{order.status.upper()}",
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=order.price,
            position_id=order.position_id,
            at=order.created_at,
            opens=True,
        )

    def _order_message(self, order: BookOrder) -> Message:
        placed = self._filling
        return self._open_order(
            order_id=order.order_id if placed is None else placed.order_id,
            kind="market" if placed is None else placed.kind,
            status=f"STATUS_{order.status.name}",
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=order.price,
            position_id=order.position_id,
            at=order.at,
            opens=order.purpose.value == "open",
        )

    def _open_order(
        self,
        *,
        order_id: str,
        kind: str,
        status: str,
        symbol: Symbol,
        side: Side,
        volume: Volume,
        price: Price | None,
        position_id: PositionId | None,
        at: datetime,
        opens: bool,
    ) -> Message:
        filled = status == "STATUS_FILLED"
        instrument = self.book.market.instruments.get(symbol)
        lot_size = Decimal(1) if instrument is None or instrument.contract_size is None else instrument.contract_size
        message = self._message("OpenOrder")
        message |= {
            "instrument": symbol,
            "orderId": order_id,
            "orderType": kind.upper(),
            "status": status,
            "positionId": position_id,
            "price": plain(price or Decimal(0)),
            "side": side.name,
            "amount": plain(volume),
            "lotSize": plain(lot_size),
            "lastUpdate": _iso(self._now()),
            "createdDateTime": _iso(at),
            "isOpen": opens,
            "tif": "IOC" if kind == "market" else "GTC",
            "trStopOffset": "0",
            "averageFilledPrice": plain(price or Decimal(0)) if filled else "0",
            "filledAmount": plain(volume) if filled else "0",
        }
        return message

    def _message(self, kind: str) -> Message:
        return {
            "type": kind,
            "accountId": self.stream_id,
            "brandId": self.server,
            "userId": "00000000-0000-4000-8000-000000000001",
        }


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
