"""The pending orders of a simulated MetaApi's `trade` requests: placed, replaced, canceled."""

from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import invalid
from adapters.metaapi.simulator_fields import (
    Execute,
    Mark,
    Trade,
    done,
    expiry_of,
    limit_price_of,
    number_of,
    stops_of,
    text_of,
    volume_of,
)
from adapters.metaapi.simulator_words import Json
from adapters.simulation.broker import OrderRefused
from rules.model.values import OrderType, Side, Symbol, VenueOrderId


def placing(desk: Desk, trade: Trade, side: Side, kind: OrderType, mark: Mark) -> Execute:
    """Return what places a pending order."""
    symbol, volume, stops = Symbol(text_of(trade, "symbol")), volume_of(trade), stops_of(trade)
    price, limit_price = number_of(trade, "openPrice"), limit_price_of(trade, kind)
    expires_at = expiry_of(trade)

    def execute(rejection: str | None) -> Json:
        tag = mark.tag(desk)
        if rejection is not None:
            desk.book.refuse(symbol, side, volume, rejection, tag=tag)
        order = desk.book.place_order(
            symbol,
            side,
            kind,
            volume,
            price,
            limit_price=limit_price,
            stop_loss=stops[0],
            take_profit=stops[1],
            expires_at=expires_at,
            tag=tag,
            magic=mark.magic,
            comment=mark.comment,
        )
        return done(desk, {"orderId": order.order_id})

    return execute


def replacing(desk: Desk, trade: Trade) -> Execute:
    """Return what gives a pending order new prices; its volume and its expiration stay."""
    order_id, price, stops = VenueOrderId(text_of(trade, "orderId")), number_of(trade, "openPrice"), stops_of(trade)
    limit_price = None if trade.get("stopLimitPrice") is None else number_of(trade, "stopLimitPrice")
    waiting = desk.book.working.get(order_id)
    if trade.get("expiration") is not None and waiting is not None and expiry_of(trade) != waiting.expires_at:
        raise invalid("expiration", None, "another expiration is not simulated")

    def execute(rejection: str | None) -> Json:
        if rejection is not None:
            raise OrderRefused(rejection)
        desk.book.replace_order(order_id, price, limit_price=limit_price, stop_loss=stops[0], take_profit=stops[1])
        return done(desk, {"orderId": order_id})

    return execute


def canceling(desk: Desk, order_id: VenueOrderId) -> Execute:
    """Return what cancels a pending order."""

    def execute(rejection: str | None) -> Json:
        if rejection is not None:
            raise OrderRefused(rejection)
        desk.book.cancel_order(order_id)
        return done(desk, {"orderId": order_id})

    return execute
