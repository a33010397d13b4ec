"""The simulated Streams API's messages: what the books hold, in the venue's words."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from adapters.base import UtcNow
from adapters.simulation.broker import Book, BookOrder, Purpose, Result
from adapters.simulation.records import ClosedPosition
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.values import PositionId, Price, Side, Symbol, Volume, plain

Message = dict[str, object]


STATUSES = {
    Result.FILLED: "Filled",
    Result.REJECTED: "Rejected",
    Result.CANCELED: "Cancelled",
    Result.EXPIRED: "Expired",
}
"""How the venue calls what became of an order. That it has a word for an expired one is a guess."""


@frozen
class Protection:
    """A working protective order of a position."""

    order_id: str
    kind: str
    """`stop` for a stop-loss, `limit` for a take-profit."""
    price: Price


class Messages:
    """Writes the stream messages of one account."""

    def __init__(self, book: Book, server: str, now: UtcNow) -> None:
        self._book = book
        self._server = server
        self._now = now

    def status(self) -> Message:
        """Return AccountStatus."""
        status = self._book.status()
        message = self._message("AccountStatus")
        message["currency"] = status.currency
        message["balance"] = plain(self._book.balance)
        message["marginAvailable"] = plain(status.margin_free or Decimal(0))
        message["marginUsed"] = plain(status.margin_used or Decimal(0))
        message["equity"] = plain(status.equity or Decimal(0))
        return message

    def position(self, position: Position, protections: Mapping[str, Protection]) -> Message:
        """Return Position."""
        lot_size = position.contract_size or Decimal(1)
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

    def protection(self, position: Position, protection: Protection) -> Message:
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

    def pending(self, order: WorkingOrder) -> Message:
        """Return the OpenOrder of a pending order that waits."""
        return self._open_order(
            order_id=order.order_id,
            kind=order.order_type.value,
            status="STATUS_NEW",
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=order.price,
            position_id=None,
            at=order.placed_at or self._now(),
            opens=True,
        )

    def order(self, order: BookOrder) -> Message:
        """Return the OpenOrder of an order that ended, pending ones included."""
        pending = order.pending
        return self._open_order(
            order_id=order.order_id,
            kind="market" if pending is None else pending.order_type.value,
            status=f"STATUS_{STATUSES[order.status].upper()}",
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=order.price if order.price is not None or pending is None else pending.price,
            position_id=order.position_id,
            at=order.at if pending is None or pending.placed_at is None else pending.placed_at,
            opens=order.purpose is Purpose.OPEN,
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
        instrument = self._book.market.instruments.get(symbol)
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
            "accountId": self._book.name,
            "brandId": self._server,
            "userId": "00000000-0000-4000-8000-000000000001",
        }

    def close(self, closed: ClosedPosition) -> Message:
        """Return ClosePosition."""
        message = self._message("ClosePosition")
        message["positionId"] = closed.position.position_id
        message["closePrice"] = plain(closed.close_price)
        message["closeDateTime"] = _iso(closed.closed_at)
        return message


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
