"""From our actions to the venue's orders, and back from its orders to our reports. Pure.

What is held long is sold by `sell`, what is not by `sell-short`, and no order does both (Regulation SHO): an opening
that crosses zero is two orders, one after the other, each with a reference of its own. A `buy` may cover and go long.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from adapters.clearstreet.translate import VenueOrder, position_id
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition, closable
from rules.model.frozen import frozen
from rules.model.identity import is_ours
from rules.model.reports import Accepted, Canceled, Filled, Placed, Rejected
from rules.model.values import ClOrdId, Price, Side, Symbol, Volume, plain

FIRST, SECOND = "-1", "-2"
"""What a reference ends in where an action is two orders. The first says so, so that a lost second one is missed."""

STOP: Final = "-stop"
"""What the reference of a position's stop-loss ends in."""

# Of a price averaged over two orders: finer than any that is dealt.
_AVERAGE_GRID: Final = Decimal("0.000001")


_FOREIGN_TAG_LENGTH_MAX: Final = 64

RECEIVED: Final = "pending-new"
"""Status of an order of which the venue has not said yet whether it takes it."""

_UNFILLED: Final = frozenset({"canceled", "expired", "done-for-day"})
"""Statuses of a pending order that worked and was never filled."""


@frozen
class Part:
    """One order of an action."""

    side: str
    quantity: Volume
    reference: str


def parts_of_opening(action: OpenPosition, held: Decimal) -> tuple[Part, ...]:
    """Return the orders of an opening, to be sent one after the other, each only when the one before was filled.

    Args:
        held: the signed position that a sale may take from, in shares.
    """
    return _parts(action.cl_ord_id, action.side, action.volume, held)


def parts_of_closing(action: ClosePosition | ReducePosition, held: Decimal) -> tuple[Part, ...]:
    """Return the orders that close what the action wants closed, and never more than there is of it.

    Args:
        held: the signed position, without what other orders are about to take out of it.
    Returns:
        nothing when the position is gone, or on the other side by now.
    """
    volume = closable(action, held * action.side.sign)
    return _parts(action.cl_ord_id, action.side.opposite, volume, held) if volume > 0 else ()


def _parts(cl_ord_id: ClOrdId, side: Side, volume: Volume, held: Decimal) -> tuple[Part, ...]:
    if side is Side.BUY:
        return (Part("buy", volume, cl_ord_id),)
    long = min(max(held, Decimal(0)), volume)
    if long == 0:
        return (Part("sell-short", volume, cl_ord_id),)
    if long == volume:
        return (Part("sell", volume, cl_ord_id),)
    return (Part("sell", long, cl_ord_id + FIRST), Part("sell-short", volume - long, cl_ord_id + SECOND))


def body(part: Part, symbol: Symbol, locate_broker: str | None) -> Mapping[str, object]:
    """Return the body of a market order for today. Numbers are strings, as the schema wants them."""
    order: dict[str, object] = {
        "order_type": "market",
        "side": part.side,
        "quantity": plain(part.quantity),
        "time_in_force": "day",
        "symbol": symbol,
        "reference_id": part.reference,
    }
    return order if locate_broker is None else {**order, "locate_broker": locate_broker}


def ours(orders: Iterable[VenueOrder], cl_ord_id: ClOrdId) -> list[VenueOrder]:
    """Return the orders of one action."""
    references = {cl_ord_id, cl_ord_id + FIRST, cl_ord_id + SECOND}
    return [order for order in orders if order.reference in references]


def tag_of(reference: str) -> str:
    """Return the id of the action that an order belongs to; of others their own reference, bounded."""
    own = reference.removesuffix(FIRST).removesuffix(SECOND).removesuffix(STOP)
    return own if is_ours(own) else reference[:_FOREIGN_TAG_LENGTH_MAX]


def signed(parts: Iterable[Part]) -> Decimal:
    """Return what orders add to a position together, signed."""
    return sum((part.quantity if part.side == "buy" else -part.quantity for part in parts), Decimal(0))


def lacks_second(orders: Iterable[VenueOrder], cl_ord_id: ClOrdId) -> bool:
    """Tell whether an action's first order was filled and its second one is not in the books."""
    found = {order.reference: order for order in orders}
    first = found.get(cl_ord_id + FIRST)
    filled = first is not None and first.is_over and first.filled >= first.quantity
    return filled and cl_ord_id + SECOND not in found


def report(cl_ord_id: ClOrdId, orders: Iterable[VenueOrder]) -> Filled | Accepted | Placed | Canceled | Rejected:
    """Return what the orders of one action come to; one that was canceled may have been filled in part."""
    found = list(orders)
    working = [order for order in found if not order.is_over]
    if working:
        waits = working[0].order_type is not None and working[0].status != RECEIVED
        order_id = working[0].order_id
        return Placed(cl_ord_id, order_id) if waits else Accepted(cl_ord_id, order_id)
    filled = [order for order in found if order.filled > 0]
    if not filled:
        if all(order.order_type is not None and order.status in _UNFILLED for order in found):
            return Canceled(cl_ord_id)
        said = "; ".join(f"order {order.order_id[:40]} ended as {order.said}" for order in found)
        return Rejected(cl_ord_id, said[:500])
    volume = sum((order.filled for order in filled), Decimal(0))
    return Filled(cl_ord_id, position_id(filled[0].symbol), volume, _average(filled), filled[0].order_id)


def _average(filled: list[VenueOrder]) -> Price | None:
    if len(filled) == 1:
        return filled[0].average_price
    worth, volume = Decimal(0), Decimal(0)
    for order in filled:
        if order.average_price is None:
            return None
        worth += order.average_price * order.filled
        volume += order.filled
    return (worth / volume).quantize(_AVERAGE_GRID)
