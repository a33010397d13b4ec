"""The `trade` request of a simulated MetaApi: checked, then executed once over the shared books."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from attrs import frozen

from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import (
    DONE,
    DONE_MT4,
    NO_CHANGES,
    NOT_SUPPORTED,
    TradeRefused,
    invalid,
    refused,
)
from adapters.metaapi.simulator_words import Json
from adapters.simulation.broker import BookOrder, OrderRefused, Purpose
from adapters.simulation.checks import POSITION_NOT_FOUND
from rules.observed import Position
from rules.values import Side, Symbol, exact

COMMENT_CHARS_MAX: Final = 26
"""Comment and client id share one field of the terminal; the least of the documented lengths (26, 30, 31)."""

_MARKET = {"ORDER_TYPE_BUY": Side.BUY, "ORDER_TYPE_SELL": Side.SELL}
_PENDING = {f"ORDER_TYPE_{side}_{kind}" for side in ("BUY", "SELL") for kind in ("LIMIT", "STOP", "STOP_LIMIT")}
_UNSUPPORTED = frozenset({*_PENDING, "ORDER_MODIFY", "ORDER_CANCEL", "POSITION_CLOSE_BY"})
_ABSENT = ("trailingStopLoss", "expiration")

Execute = Callable[[str | None], Json]
"""Executes a checked trade, or has it refused in the given words; returns the terminal's answer."""


@frozen
class _Mark:
    """What an order carries for its sender to know it by."""

    client_id: str | None
    comment: str | None
    magic: str | None


def checked(desk: Desk, request: Mapping[str, Any]) -> Execute:
    """Return what executes the request's trade.

    Raises:
        ProcessingError: it makes no sense. TradeRefused: the terminal has no such kind of trade.
    """
    trade = request.get("trade")
    if not isinstance(trade, Mapping):
        raise invalid("trade", None, "an object is required")
    kind = trade.get("actionType")
    if kind in _UNSUPPORTED:
        raise TradeRefused(NOT_SUPPORTED, "Order type is not supported")
    _refuse_absent(trade)
    mark = _mark(trade)
    if kind in _MARKET:
        return _opening(desk, trade, _MARKET[kind], mark)
    if kind == "POSITION_MODIFY":
        return _modification(desk, _text(trade, "positionId"), _stops(trade))
    if kind == "POSITION_PARTIAL":
        return _closing(desk, _text(trade, "positionId"), _volume(trade), mark)
    if kind == "POSITION_CLOSE_ID":
        return _closing(desk, _text(trade, "positionId"), None, mark)
    if kind == "POSITIONS_CLOSE_SYMBOL":
        return _closing_symbol(desk, _text(trade, "symbol"), mark)
    raise invalid("actionType", kind, "must be one of the documented action types")


def _opening(desk: Desk, trade: Mapping[str, Any], side: Side, mark: _Mark) -> Execute:
    symbol, volume, stops = Symbol(_text(trade, "symbol")), _volume(trade), _stops(trade)

    def execute(rejection: str | None) -> Json:
        tag = _tag(desk, mark)
        try:
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
        except OrderRefused as error:
            raise refused(str(error)) from None
        return _done(desk, order)

    return execute


def _modification(desk: Desk, ticket: str, stops: tuple[Decimal | None, Decimal | None]) -> Execute:
    def execute(rejection: str | None) -> Json:
        held = _held(desk, ticket)
        if rejection is not None:
            raise refused(rejection)
        if (held.stop_loss, held.take_profit) == stops:
            return _answer(NO_CHANGES, {"positionId": ticket})
        try:
            desk.book.replace_stops(held.position_id, *stops)
        except OrderRefused as error:
            raise refused(str(error)) from None
        return _answer(DONE_MT4 if desk.mt4 else DONE, {"positionId": ticket})

    return execute


def _closing(desk: Desk, ticket: str, volume: Decimal | None, mark: _Mark) -> Execute:
    """Return what closes a position, or `volume` lots of it."""

    def execute(rejection: str | None) -> Json:
        held = _held(desk, ticket)
        return _done(desk, _close(desk, held, volume, _tag(desk, mark), rejection))

    return execute


def _closing_symbol(desk: Desk, symbol: str, mark: _Mark) -> Execute:
    def execute(rejection: str | None) -> Json:
        held = [position for position in desk.book.positions.values() if position.symbol == symbol]
        if not held:
            raise refused(POSITION_NOT_FOUND)
        for position in held:
            _close(desk, position, None, _tag(desk, mark), rejection)
        return _answer(DONE_MT4 if desk.mt4 else DONE, {})

    return execute


def _close(desk: Desk, held: Position, volume: Decimal | None, tag: str | None, rejection: str | None) -> BookOrder:
    wanted = held.volume if volume is None else volume
    try:
        if rejection is not None:
            purpose = Purpose.CLOSE if wanted == held.volume else Purpose.REDUCE
            order = (held.symbol, held.side.opposite, wanted, rejection)
            desk.book.refuse(*order, tag=tag, purpose=purpose, position_id=held.position_id)
        return desk.book.close(held.position_id, volume, tag=tag)
    except OrderRefused as error:
        raise refused(str(error), closing=True) from None


def _done(desk: Desk, order: BookOrder) -> Json:
    """Return the answer to a filled order. A position's ticket is the one that it had when it was asked for."""
    ids = {"orderId": order.order_id, "positionId": desk.ticket_of_order(order)}
    return _answer(DONE_MT4 if desk.mt4 else DONE, ids)


def _answer(code: tuple[int, str, str], ids: Mapping[str, object]) -> Json:
    return {"numericCode": code[0], "stringCode": code[1], "message": code[2], **ids}


def _held(desk: Desk, ticket: str) -> Position:
    held = desk.book.positions.get(desk.position_id(ticket))
    if held is None:
        raise refused(POSITION_NOT_FOUND)
    return held


def _tag(desk: Desk, mark: _Mark) -> str | None:
    return None if mark.client_id is None else desk.remember(mark.client_id)


def _mark(trade: Mapping[str, Any]) -> _Mark:
    client_id, comment = _optional_text(trade, "clientId"), _optional_text(trade, "comment")
    if len(client_id or "") + len(comment or "") > COMMENT_CHARS_MAX:
        raise invalid("clientId", client_id, f"comment and clientId must have at most {COMMENT_CHARS_MAX} characters")
    magic = trade.get("magic")
    if magic is not None and (type(magic) is not int or not 0 <= magic < 2**63):
        raise invalid("magic", str(magic), "must be a whole number")
    return _Mark(client_id, comment, None if magic is None else str(magic))


def _refuse_absent(trade: Mapping[str, Any]) -> None:
    """Refuse what a real terminal takes and this one has not, so that it is not silently left out."""
    for name in _ABSENT:
        if trade.get(name) is not None:
            raise invalid(name, None, "is not simulated")
    for name in ("stopLossUnits", "takeProfitUnits"):
        if trade.get(name) not in (None, "ABSOLUTE_PRICE"):
            raise invalid(name, str(trade[name])[:40], "only ABSOLUTE_PRICE is simulated")


def _stops(trade: Mapping[str, Any]) -> tuple[Decimal | None, Decimal | None]:
    """Return both stops; one that is left out, null or 0 is none, as in MetaTrader."""
    stop_loss, take_profit = (
        None if trade.get(name) is None else _number(trade, name) or None for name in ("stopLoss", "takeProfit")
    )
    return stop_loss, take_profit


def _volume(trade: Mapping[str, Any]) -> Decimal:
    volume = _number(trade, "volume")
    if volume <= 0:
        raise invalid("volume", str(volume), "must be more than 0")
    return volume


def _number(trade: Mapping[str, Any], name: str) -> Decimal:
    value = trade.get(name)
    try:
        if isinstance(value, str):
            raise ValueError("text")
        return exact(value, name)
    except ValueError:
        raise invalid(name, str(value)[:40], "must be a number") from None


def _optional_text(trade: Mapping[str, Any], name: str) -> str | None:
    return _text(trade, name) if trade.get(name) is not None else None


def _text(trade: Mapping[str, Any], name: str) -> str:
    value = trade.get(name)
    if not isinstance(value, str) or not value or len(value) > 200:
        raise invalid(name, str(value)[:40], "a text is required")
    return value
