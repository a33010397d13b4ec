"""Pending orders: the venue's words into ours, our actions into its requests, and how an order ended. Pure.

The venue has orders of the day only. When its session ends is not told, so no expiry is claimed for them.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.clearstreet import orders
from adapters.clearstreet.protection import is_protective, protects
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import PlaceOrder, ReplaceOrder
from rules.model.observed import WorkingOrder
from rules.model.values import OrderStatus, OrderType, Price, Side, Symbol, plain

_NAMES = {OrderType.LIMIT: "limit", OrderType.STOP: "stop", OrderType.STOP_LIMIT: "stop-limit"}

_ENDS = {
    "filled": OrderStatus.FILLED,
    "expired": OrderStatus.EXPIRED,
    "done-for-day": OrderStatus.EXPIRED,
    "rejected": OrderStatus.REJECTED,
}


def is_pending(order: VenueOrder) -> bool:
    """Tell whether an order waits for its price."""
    return order.order_type is not None and order.leaves > 0


def working_order(order: VenueOrder) -> WorkingOrder:
    """Return a pending order in our words."""
    price, limit_price = _prices(order)
    assert order.order_type is not None, "a market order is no pending order"
    return WorkingOrder(
        order_id=order.order_id,
        symbol=order.symbol,
        side=Side.BUY if order.sign > 0 else Side.SELL,
        order_type=order.order_type,
        volume=order.leaves,
        price=price,
        limit_price=limit_price,
        placed_at=order.created_at,
        tag=None if order.reference is None else orders.tag_of(order.reference),
    )


def working_orders(found: Iterable[VenueOrder], quantity: Callable[[Symbol], Decimal]) -> tuple[WorkingOrder, ...]:
    """Return the pending orders among the orders that work; a stop-loss of ours is one where it protects nothing.

    Args:
        quantity: returns the signed position of a symbol.
    """
    return tuple(
        working_order(order)
        for order in found
        if is_pending(order) and not (is_protective(order) and protects(order, quantity(order.symbol)))
    )


def end_of(order: VenueOrder) -> OrderStatus | None:
    """Return how an order ended; None where the venue took it out and does not say what for."""
    if order.filled >= order.quantity:
        return OrderStatus.FILLED
    if order.status == "canceled":
        return OrderStatus.CANCELED if order.reason == "cancel" else None
    return _ENDS.get(order.status or "")


def refusal(action: PlaceOrder, today: date, zone: ZoneInfo) -> str | None:
    """Return why a pending order cannot be placed here, or None.

    What is to work longer than today is placed for today. What is to end within the day is refused: nothing would
    end it in time.
    """
    if action.stop_loss is not None or action.take_profit is not None:
        return "the venue keeps no stops on orders"
    if action.expires_at is not None and action.expires_at.astimezone(zone).date() <= today:
        return "the venue has only orders of the day, none that end within it"
    return None


def body(action: PlaceOrder, side: str, locate_broker: str | None) -> Mapping[str, object]:
    """Return the body of a pending order for today; `side` is marked as `orders.Part.side` is."""
    order = {
        "order_type": _NAMES[action.order_type],
        "side": side,
        "quantity": plain(action.volume),
        "time_in_force": "day",
        "symbol": action.symbol,
        "reference_id": action.cl_ord_id,
        **_price_fields(action),
    }
    return order if locate_broker is None else {**order, "locate_broker": locate_broker}


def change(action: ReplaceOrder, order: VenueOrder) -> Mapping[str, object]:
    """Return the body that sets an order's prices; the venue wants its whole quantity with it."""
    return {"quantity": plain(order.quantity), **_price_fields(action)}


def has_prices(order: VenueOrder, action: ReplaceOrder) -> bool:
    """Tell whether an order that works has the prices that an action asks for."""
    return _prices(order) == (action.price, action.limit_price)


def _prices(order: VenueOrder) -> tuple[Price, Price | None]:
    """Return what `WorkingOrder` calls price and limit price, of an order that works."""
    price, limit_price = (order.price, None) if order.stop_price is None else (order.stop_price, order.price)
    assert price is not None, "an order that works and waits has its prices"
    return price, limit_price


def _price_fields(action: PlaceOrder | ReplaceOrder) -> dict[str, object]:
    if action.order_type is OrderType.LIMIT:
        return {"price": plain(action.price)}
    fields: dict[str, object] = {"stop_price": plain(action.price)}
    return fields if action.limit_price is None else {**fields, "price": plain(action.limit_price)}


def side_of(action: PlaceOrder, held: Decimal) -> str | None:
    """Return how an order is marked, or None where it would have to be two: a sale through zero.

    Args:
        held: the signed position, in shares.
    """
    if action.side is Side.BUY:
        return "buy"
    if held <= 0:
        return "sell-short"
    return "sell" if action.volume <= held else None
