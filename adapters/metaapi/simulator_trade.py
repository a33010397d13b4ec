"""The `trade` request of a simulated MetaApi: checked, then executed once over the shared books."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import NO_CHANGES, NOT_SUPPORTED, TradeRefused, invalid, refused
from adapters.metaapi.simulator_fields import (
    Execute,
    Mark,
    Trade,
    answer,
    done,
    mark_of,
    refuse_absent,
    stops_of,
    text_of,
    volume_of,
)
from adapters.metaapi.simulator_orders import canceling, placing, replacing
from adapters.metaapi.simulator_words import Json, order_type
from adapters.simulation.broker import BookOrder, OrderRefused, Purpose
from adapters.simulation.checks import POSITION_NOT_FOUND
from rules.model.observed import Position
from rules.model.values import OrderType, Side, Symbol, VenueOrderId

_MARKET = {order_type(side, None): side for side in Side}
_PENDING = {order_type(side, kind): (side, kind) for side in Side for kind in OrderType}


def checked(desk: Desk, request: Mapping[str, Any]) -> Execute:
    """Return what executes the request's trade.

    Raises:
        ProcessingError: it makes no sense. TradeRefused: the terminal has no such kind of trade.
    """
    trade = request.get("trade")
    if not isinstance(trade, Mapping):
        raise invalid("trade", None, "an object is required")
    kind = text_of(trade, "actionType")
    if kind == "POSITION_CLOSE_BY" or (desk.mt4 and kind.endswith("_STOP_LIMIT")):
        raise TradeRefused(NOT_SUPPORTED, "Order type is not supported")
    refuse_absent(trade)
    act = _action(desk, kind, trade)

    def execute(rejection: str | None) -> Json:
        try:
            return act(rejection)
        except OrderRefused as error:
            raise refused(str(error), closing=kind.startswith("POSITION")) from None

    return execute


def _action(desk: Desk, kind: str, trade: Trade) -> Execute:
    mark = mark_of(trade)
    match kind:
        case _ if kind in _MARKET:
            return _opening(desk, trade, _MARKET[kind], mark)
        case _ if kind in _PENDING:
            return placing(desk, trade, *_PENDING[kind], mark)
        case "ORDER_MODIFY":
            return replacing(desk, trade)
        case "ORDER_CANCEL":
            return canceling(desk, VenueOrderId(text_of(trade, "orderId")))
        case "POSITION_MODIFY":
            return _modification(desk, text_of(trade, "positionId"), stops_of(trade))
        case "POSITION_PARTIAL":
            return _closing(desk, text_of(trade, "positionId"), volume_of(trade), mark)
        case "POSITION_CLOSE_ID":
            return _closing(desk, text_of(trade, "positionId"), None, mark)
        case "POSITIONS_CLOSE_SYMBOL":
            return _closing_symbol(desk, text_of(trade, "symbol"), mark)
    raise invalid("actionType", kind[:40], "must be one of the documented action types")


def _opening(desk: Desk, trade: Trade, side: Side, mark: Mark) -> Execute:
    symbol, volume, stops = Symbol(text_of(trade, "symbol")), volume_of(trade), stops_of(trade)

    def execute(rejection: str | None) -> Json:
        tag = mark.tag(desk)
        if rejection is not None:
            desk.book.refuse(symbol, side, volume, rejection, tag=tag)
        order = desk.book.open(
            symbol,
            side,
            volume,
            stop_loss=stops[0],
            take_profit=stops[1],
            tag=tag,
            magic=mark.magic,
            comment=mark.comment,
        )
        return _executed(desk, order)

    return execute


def _modification(desk: Desk, ticket: str, stops: tuple[Decimal | None, Decimal | None]) -> Execute:
    def execute(rejection: str | None) -> Json:
        held = _held(desk, ticket)
        if rejection is not None:
            raise OrderRefused(rejection)
        if (held.stop_loss, held.take_profit) == stops:
            return answer(NO_CHANGES, {"positionId": ticket})
        desk.book.replace_stops(held.position_id, *stops)
        return done(desk, {"positionId": ticket})

    return execute


def _closing(desk: Desk, ticket: str, volume: Decimal | None, mark: Mark) -> Execute:
    """Return what closes a position, or `volume` lots of it."""

    def execute(rejection: str | None) -> Json:
        held = _held(desk, ticket)
        return _executed(desk, _close(desk, held, volume, mark.tag(desk), rejection))

    return execute


def _closing_symbol(desk: Desk, symbol: str, mark: Mark) -> Execute:
    def execute(rejection: str | None) -> Json:
        held = [position for position in desk.book.positions.values() if position.symbol == symbol]
        if not held:
            raise OrderRefused(POSITION_NOT_FOUND)
        for position in held:
            _close(desk, position, None, mark.tag(desk), rejection)
        return done(desk, {})

    return execute


def _close(desk: Desk, held: Position, volume: Decimal | None, tag: str | None, rejection: str | None) -> BookOrder:
    wanted = held.volume if volume is None else volume
    if rejection is not None:
        purpose = Purpose.CLOSE if wanted == held.volume else Purpose.REDUCE
        order = (held.symbol, held.side.opposite, wanted, rejection)
        desk.book.refuse(*order, tag=tag, purpose=purpose, position_id=held.position_id)
    return desk.book.close(held.position_id, volume, tag=tag)


def _executed(desk: Desk, order: BookOrder) -> Json:
    """Return the answer to a filled order. A position's ticket is the one that it had when it was asked for."""
    return done(desk, {"orderId": order.order_id, "positionId": desk.ticket_of_order(order)})


def _held(desk: Desk, ticket: str) -> Position:
    held = desk.book.positions.get(desk.position_id(ticket))
    if held is None:
        raise OrderRefused(POSITION_NOT_FOUND)
    return held
