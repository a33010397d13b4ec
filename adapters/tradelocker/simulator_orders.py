"""What the simulated REST API does with orders and positions: checks as the venue checks, then the books."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from adapters.simulation.broker import BookOrder, OrderRefused, Purpose
from adapters.simulation.faults import Faults
from adapters.tradelocker.simulator_desk import Desk
from adapters.tradelocker.simulator_tables import InstrumentIds
from rules.model.observed import WorkingOrder
from rules.model.values import OrderType, PositionId, Price, Side, Symbol, VenueOrderId, exact

_TAG_LENGTH_MAX = 32
"""The documentation says 31, the vendor's client and its live tests 32."""

_PRICES = {OrderType.LIMIT: "price", OrderType.STOP: "stopPrice"}

_STOP_TYPES = {"absolute", None}
"""Offsets count in a unit that the documentation leaves open, so this venue refuses them."""


def place(desk: Desk, ids: InstrumentIds, faults: Faults, body: Mapping[str, Any]) -> str:
    """Take an order; returns its id.

    Raises:
        OrderRefused: with the venue's text.
    """
    symbol = ids.symbol(str(body.get("tradableInstrumentId")))
    if symbol is None:
        raise OrderRefused("Instrument not found")
    side, volume = _side(body.get("side")), _number(body.get("qty"), "qty")
    tag = body.get("strategyId")
    if tag is not None and (not isinstance(tag, str) or len(tag) > _TAG_LENGTH_MAX):
        raise OrderRefused(f"strategyId must be at most {_TAG_LENGTH_MAX} characters")
    rejection = faults.take_rejection()
    if rejection is not None:
        desk.book.refuse(symbol, side, volume, rejection, tag=tag)
    if str(body.get("routeId")) != str(ids.trade_route(symbol)):
        raise OrderRefused("Invalid route")
    if body.get("stopLossType") not in _STOP_TYPES or body.get("takeProfitType") not in _STOP_TYPES:
        raise OrderRefused("Only absolute stop loss and take profit are supported here")
    stops = _optional(body.get("stopLoss"), "stopLoss"), _optional(body.get("takeProfit"), "takeProfit")
    kind, validity = body.get("type"), body.get("validity")
    if (kind, validity) not in {("market", "IOC"), ("limit", "GTC"), ("stop", "GTC")}:
        raise OrderRefused("Invalid TIF: market orders must be IOC, limit and stop orders GTC")
    if kind == "market":
        return _open(desk, symbol, side, volume, stops, tag).order_id
    order_type = OrderType(str(kind))
    price = _optional(body.get(_PRICES[order_type]), "price")
    if price is None:
        raise OrderRefused("Price is missing")
    order = desk.book.place_order(
        symbol, side, order_type, volume, price, stop_loss=stops[0], take_profit=stops[1], tag=tag
    )
    return order.order_id


def modify(desk: Desk, order_id: str, body: Mapping[str, Any]) -> WorkingOrder:
    """Change what `body` names of a pending order; a null stop removes it."""
    order = desk.book.working.get(VenueOrderId(order_id))
    if order is None:
        raise OrderRefused("Order not found")
    price = body.get(_PRICES.get(order.order_type, ""))
    stops = {
        name: _optional(body[key], key) if key in body else before
        for name, key, before in (
            ("stop_loss", "stopLoss", order.stop_loss),
            ("take_profit", "takeProfit", order.take_profit),
        )
    }
    if body.get("stopLossType") not in _STOP_TYPES or body.get("takeProfitType") not in _STOP_TYPES:
        raise OrderRefused("Only absolute stop loss and take profit are supported here")
    return desk.book.replace_order(
        order.order_id,
        order.price if price is None else _number(price, "price"),
        limit_price=order.limit_price,
        stop_loss=stops["stop_loss"],
        take_profit=stops["take_profit"],
        volume=None if body.get("qty") is None else _number(body["qty"], "qty"),
    )


def modify_position(desk: Desk, position_id: str, strategy_id: str | None, body: Mapping[str, Any]) -> None:
    """Set the stops that `body` names; null removes one."""
    position = desk.book.positions.get(PositionId(position_id))
    if position is None or (strategy_id is not None and position.tag != strategy_id):
        raise OrderRefused("Position not found")
    stop_loss, take_profit = position.stop_loss, position.take_profit
    if "stopLoss" in body:
        stop_loss = _optional(body["stopLoss"], "stopLoss")
    if "takeProfit" in body:
        take_profit = _optional(body["takeProfit"], "takeProfit")
    desk.book.replace_stops(position.position_id, stop_loss, take_profit)


def close_position(
    desk: Desk, faults: Faults, position_id: str, strategy_id: str | None, body: Mapping[str, Any]
) -> None:
    """Close all of a position (qty 0), or a part."""
    position = desk.book.positions.get(PositionId(position_id))
    quantity = _number(body.get("qty") or "0", "qty")
    if position is None or (strategy_id is not None and position.tag != strategy_id):
        raise OrderRefused("Position not found")
    rejection = faults.take_rejection()
    if rejection is not None:
        volume = quantity or position.volume
        purpose = Purpose.CLOSE if volume == position.volume else Purpose.REDUCE
        desk.book.refuse(
            position.symbol,
            position.side.opposite,
            volume,
            rejection,
            purpose=purpose,
            position_id=position.position_id,
        )
    desk.book.close(position.position_id, quantity or None)


def close_all(desk: Desk, symbol: Symbol | None, strategy_id: str | None) -> None:
    """Close every position of the account, of one instrument, or of one strategyId."""
    for position in tuple(desk.book.positions.values()):
        if symbol in (None, position.symbol) and strategy_id in (None, position.tag):
            desk.book.close(position.position_id)


def cancel_all(desk: Desk, symbol: Symbol | None) -> None:
    """Cancel every pending order of the account, or of one instrument."""
    for order in desk.pending:
        if symbol in (None, order.symbol):
            desk.book.cancel_order(order.order_id)


def _open(
    desk: Desk,
    symbol: Symbol,
    side: Side,
    volume: Decimal,
    stops: tuple[Price | None, Price | None],
    tag: str | None,
) -> BookOrder:
    return desk.book.open(symbol, side, volume, stop_loss=stops[0], take_profit=stops[1], tag=tag)


def _side(value: object) -> Side:
    if value not in ("buy", "sell"):
        raise OrderRefused("Invalid side")
    return Side(value)


def _number(value: object, what: str) -> Decimal:
    try:
        number = exact(value, what)
    except ValueError as error:
        raise OrderRefused(f"Invalid {what}") from error
    if number < 0:
        raise OrderRefused(f"Invalid {what}")
    return number


def _optional(value: object, what: str) -> Decimal | None:
    """Return a price; null and 0 mean none, as clients send both."""
    return None if value is None else _number(value, what) or None
