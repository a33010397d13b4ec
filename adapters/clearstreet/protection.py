"""Protective stops: the orders of the day that stand for a position's stop-loss, told from all others. Pure.

They are ours, marked by what their reference ends in, rest on the position's other side, and count only while they
cover it whole, at one price.
"""

from collections.abc import Iterable
from decimal import Decimal

from adapters.clearstreet.orders import STOP
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import ReplaceStops
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.values import OrderType, Price, plain


def is_protective(order: VenueOrder) -> bool:
    """Tell whether an order is a stop-loss of ours."""
    reference = order.reference or ""
    return reference.endswith(STOP) and is_ours(reference.removesuffix(STOP)) and order.order_type is OrderType.STOP


def was_reached(order: VenueOrder) -> bool:
    """Tell whether an order is a stop-loss of ours that was executed."""
    return is_protective(order) and order.filled > 0


def protects(order: VenueOrder, quantity: Decimal) -> bool:
    """Tell whether a protective stop lies on the exit side of a position; `quantity` is signed."""
    return order.sign * quantity < 0


def stop_loss(quantity: Decimal, stops: Iterable[VenueOrder]) -> Price | None:
    """Return the stop-loss that a position's protective stops are; None unless they cover just the whole of it."""
    found = [order for order in stops if order.leaves > 0 and protects(order, quantity)]
    prices = {order.stop_price for order in found}
    covered = sum((order.leaves for order in found), Decimal(0))
    return prices.pop() if len(prices) == 1 and covered == abs(quantity) else None


@frozen
class Fitting:
    """What brings protective stops to a size: what to cancel, and then which one to bring to how much."""

    cancel: tuple[VenueOrder, ...] = ()
    lower: VenueOrder | None = None
    quantity: Decimal = Decimal(0)
    """The whole quantity of the order to lower, which counts what it has filled."""

    @property
    def is_done(self) -> bool:
        return not self.cancel and self.lower is None


def fitting(stops: Iterable[VenueOrder], held: Decimal, after: Decimal, *, one: bool = False) -> Fitting:
    """Return what makes room for an order: no more may rest than what is held once it was executed.

    Args:
        held: the signed position now; after: the same once the order was executed.
        one: no more than one stop is to stay.
    """
    room = abs(after) if held * after > 0 else Decimal(0)
    cancel: list[VenueOrder] = []
    lower, quantity = None, Decimal(0)
    for order in stops:
        if not protects(order, held) or room == 0:
            cancel.append(order)
        elif order.leaves > room:
            lower, quantity, room = order, order.filled + room, Decimal(0)
        else:
            room = Decimal(0) if one else room - order.leaves
    return Fitting(tuple(cancel), lower, quantity)


def body(action: ReplaceStops, held: Decimal, price: Price) -> dict[str, object]:
    """Return the body of a new protective stop over the whole of a position; `held` is signed."""
    return {
        "order_type": "stop",
        "side": "sell" if held > 0 else "buy",
        "quantity": plain(abs(held)),
        "time_in_force": "day",
        "symbol": action.symbol,
        "reference_id": action.cl_ord_id + STOP,
        "stop_price": plain(price),
    }


def terms(quantity: Decimal, price: Price | None) -> dict[str, object]:
    """Return the body of a change; the price stays where None is given."""
    return {"quantity": plain(quantity), **({} if price is None else {"stop_price": plain(price)})}
