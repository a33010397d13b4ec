"""Orders as MetaCopier wants them, and how to know one again: its request numbers, tags and books. Pure."""

import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.metacopier.translate import (
    PENDING,
    is_pending,
    open_price_of,
    request_id_of,
    side_of,
    tag_of,
    volume_of,
)
from adapters.metacopier.wire import PositionDTO, PositionRequestDTO
from rules.model.actions import OpenPosition, PlaceOrder, ReducePosition, ReplaceOrder, ReplaceStops
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Filled
from rules.model.values import ClOrdId, OrderType, PositionId, Side, Symbol

CLOCK_SLACK = timedelta(minutes=10)
"""The venue's clock may differ from ours by this much, the time that opening takes included."""

# The venue takes 0 to 999 and wraps (OpenAPI 1.2.6, PositionRequestDTO.requestId).
_REQUEST_IDS = 1000
_NONE = Decimal(0)
_ORDER_TYPES = {Side.BUY: "Buy", Side.SELL: "Sell"}
_PENDING_TYPES = {kind: name for name, kind in PENDING.items()}


@frozen
class _Sent:
    request_id: int
    symbol: Symbol
    side: Side
    waits: bool


@define
class SentOrders:
    """The opening orders of this process, to find one whose comment the broker has dropped."""

    _sent: dict[ClOrdId, _Sent] = field(factory=dict, init=False)
    _last: int | None = field(default=None, init=False)

    def remember(self, action: OpenPosition | PlaceOrder) -> int:
        """Take a request number for an order that is about to be sent, and return it."""
        request_id = self.take_request_id(action.cl_ord_id)
        waits = isinstance(action, PlaceOrder)
        self._sent[action.cl_ord_id] = _Sent(request_id, action.symbol, action.side, waits)
        if len(self._sent) > _REQUEST_IDS // 2:  # older ones would soon share their number with a new one
            del self._sent[next(iter(self._sent))]
        return request_id

    def take_request_id(self, cl_ord_id: ClOrdId) -> int:
        """Return a number that none of the last 999 requests had.

        The venue guards against doubles by it, so two orders must not share one soon; the first depends on the order,
        so that a restarted process does not begin with the numbers that it has just used.
        """
        last = zlib.crc32(cl_ord_id.encode()) if self._last is None else self._last
        self._last = (last + 1) % _REQUEST_IDS
        return self._last

    def matches(self, rows: Sequence[PositionDTO], cl_ord_id: ClOrdId, submitted_at: datetime) -> list[PositionDTO]:
        """Return the rows of one position that this order opened: by our tag, else by number, symbol, side and time.

        Raises:
            RemoteProtocolError: without a tag several positions would do; we do not guess.
        """
        tagged = [row for row in rows if tag_of(row) == cl_ord_id]
        if tagged:
            return [row for row in tagged if row.id == tagged[0].id]
        sent = self._sent.get(cl_ord_id)
        if sent is None:
            return []
        untagged = [row for row in rows if tag_of(row) is None and _is_of(row, sent, submitted_at)]
        if len({row.id for row in untagged}) > 1:
            raise RemoteProtocolError(f"expected one position of requestId {sent.request_id}, found several")
        return untagged


def opening(action: OpenPosition, request_id: int) -> PositionRequestDTO:
    """Return the request that opens at market, our tag in the comment (the venue puts `API|<requestId>|` before it)."""
    return PositionRequestDTO(
        symbol=action.symbol,
        order_type=_ORDER_TYPES[action.side],
        volume=action.volume,
        open_price=_NONE,
        stop_loss=action.stop_loss or _NONE,
        take_profit=action.take_profit or _NONE,
        request_id=request_id,
        comment=action.cl_ord_id,
    )


def takes(order_type: OrderType) -> bool:
    """Tell whether the venue has pending orders of this kind."""
    return (Side.BUY, order_type) in _PENDING_TYPES


def placing(action: PlaceOrder, request_id: int) -> PositionRequestDTO:
    """Return the request that places a pending order of a kind that the venue `takes`."""
    return PositionRequestDTO(
        symbol=action.symbol,
        order_type=_PENDING_TYPES[action.side, action.order_type],
        volume=action.volume,
        open_price=action.price,
        stop_loss=action.stop_loss or _NONE,
        take_profit=action.take_profit or _NONE,
        request_id=request_id,
        comment=action.cl_ord_id,
    )


def replaced(action: ReplaceOrder, held: WorkingOrder, request_id: int) -> PositionRequestDTO:
    """Return the request that sets all prices of a pending order and leaves its volume as it is."""
    return PositionRequestDTO(
        symbol=held.symbol,
        order_type=_PENDING_TYPES[held.side, held.order_type],
        volume=held.volume,
        open_price=action.price,
        stop_loss=action.stop_loss or _NONE,
        take_profit=action.take_profit or _NONE,
        request_id=request_id,
    )


def changed(action: ReducePosition | ReplaceStops, held: Position, request_id: int) -> PositionRequestDTO:
    """Return the request that modifies `held`: all of its fields, since a missing or zero stop would remove one.

    `volume` is read as what shall remain, the plain meaning of "volume can be modified".
    """
    if isinstance(action, ReducePosition):
        volume, stop_loss, take_profit = action.remaining, held.stop_loss, held.take_profit
    else:
        volume, stop_loss, take_profit = held.volume, action.stop_loss, action.take_profit
    return PositionRequestDTO(
        symbol=held.symbol,
        order_type=_ORDER_TYPES[held.side],
        volume=volume,
        open_price=held.open_price,
        stop_loss=stop_loss or _NONE,
        take_profit=take_profit or _NONE,
        request_id=request_id,
    )


def filled(cl_ord_id: ClOrdId, rows: Sequence[PositionDTO]) -> Filled:
    """Return what the rows of one position say; in the history each partial close has a row of its own."""
    volume = sum((volume_of(row) for row in rows), Decimal(0))
    return Filled(cl_ord_id, PositionId(str(rows[0].id)), volume, open_price_of(rows[0]))


def _is_of(row: PositionDTO, sent: _Sent, submitted_at: datetime) -> bool:
    if row.open_time is None or row.open_time.tzinfo is None:
        return False
    pending = PENDING.get(row.order_type or "")
    if is_pending(row) and (pending is None or not sent.waits):
        return False
    return (
        request_id_of(row) == str(sent.request_id)
        and row.symbol == sent.symbol
        and (side_of(row) if pending is None else pending[0]) is sent.side
        and abs(row.open_time - submitted_at) <= CLOCK_SLACK
    )
