"""Orders in MetaApi's words, and what its books say became of them. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from adapters.base import RemoteProtocolError
from adapters.metaapi.history import DEALT, OF_THE_VENUE
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.translate import client_id, is_pending, tag_of
from adapters.metaapi.values import instant, iso, name, number, positive
from adapters.metaapi.wire import Deal, Order
from rules.model.actions import (
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.frozen import frozen
from rules.model.reports import Accepted, Canceled, Filled, Placed, Rejected
from rules.model.values import ClOrdId, PositionId, Side, Symbol, VenueOrderId, Volume, plain

Trade = dict[str, object]

_ENDED = frozenset({"ORDER_STATE_CANCELED", "ORDER_STATE_REJECTED", "ORDER_STATE_EXPIRED", "ORDER_STATE_FILLED"})

_MARKET = {Side.BUY: "ORDER_TYPE_BUY", Side.SELL: "ORDER_TYPE_SELL"}

# Orders that a person gives at the terminal itself; what comes over MetaApi is an expert's.
_BY_HAND = frozenset({"DEAL_REASON_CLIENT", "DEAL_REASON_MOBILE", "DEAL_REASON_WEB"})

_NEAR = timedelta(minutes=1)
"""Between our sending and the broker's executing, with the difference of two clocks that are about right."""


def open_trade(action: OpenPosition, magic: int | None) -> Trade:
    """Return the market order that opens a position, or adds to one."""
    return {
        "actionType": _MARKET[action.side],
        "symbol": action.symbol,
        "volume": _number(action.volume),
        **_stops(action.stop_loss, action.take_profit),
        **_mark(action.cl_ord_id, magic),
    }


def close_trade(action: ClosePosition, ticket: str, magic: int | None) -> Trade:
    """Return what closes the whole of a position, whatever it has by then."""
    return {"actionType": "POSITION_CLOSE_ID", "positionId": ticket, **_mark(action.cl_ord_id, magic)}


def partial_trade(action: ReducePosition | ClosePosition, ticket: str, volume: Volume, magic: int | None) -> Trade:
    """Return what closes `volume` lots of a position."""
    return {
        "actionType": "POSITION_PARTIAL",
        "positionId": ticket,
        "volume": _number(volume),
        **_mark(action.cl_ord_id, magic),
    }


def offsetting_trade(action: ReducePosition | ClosePosition, volume: Volume, magic: int | None) -> Trade:
    """Return the market order that takes `volume` lots off a netting account's position, or turns it."""
    return {
        "actionType": _MARKET[action.side.opposite],
        "symbol": action.symbol,
        "volume": _number(volume),
        **_mark(action.cl_ord_id, magic),
    }


def stops_trade(action: ReplaceStops, ticket: str) -> Trade:
    """Return what sets both stops of a position; one that is left out is removed, as in MetaTrader itself."""
    stops = _stops(action.stop_loss, action.take_profit)
    return {"actionType": "POSITION_MODIFY", "positionId": ticket, **stops}


def place_trade(action: PlaceOrder, magic: int | None) -> Trade:
    """Return what places a pending order."""
    trade = {
        "actionType": f"{_MARKET[action.side]}_{action.order_type.name}",
        "symbol": action.symbol,
        "volume": _number(action.volume),
        "openPrice": _number(action.price),
        **_limit(action.limit_price),
        **_stops(action.stop_loss, action.take_profit),
        **_mark(action.cl_ord_id, magic),
    }
    if action.expires_at is not None:
        trade["expiration"] = {"type": "ORDER_TIME_SPECIFIED", "time": iso(action.expires_at)}
    return trade


def replace_trade(action: ReplaceOrder) -> Trade:
    """Return what gives a pending order all its prices; a stop that is left out is removed."""
    return {
        "actionType": "ORDER_MODIFY",
        "orderId": action.order_id,
        "openPrice": _number(action.price),
        **_limit(action.limit_price),
        **_stops(action.stop_loss, action.take_profit),
    }


def cancel_trade(action: CancelOrder) -> Trade:
    """Return what cancels a pending order."""
    return {"actionType": "ORDER_CANCEL", "orderId": action.order_id}


def filled_by_deals(cl_ord_id: ClOrdId, deals: Iterable[Deal], tickets: Tickets) -> Filled | None:
    """Return what the deals of one order come to: lots, mean price, position; None where there are none.

    Raises:
        RemoteProtocolError: a deal cannot be read.
    """
    executed = [deal for deal in deals if deal.type in DEALT]
    if not executed:
        return None
    volumes = [positive(deal.volume, f"volume of deal {str(deal.id)[:40]}") for deal in executed]
    prices = [positive(deal.price, f"price of deal {str(deal.id)[:40]}") for deal in executed]
    total = sum(volumes, Decimal(0))
    same = len(set(prices)) == 1
    paid = sum((price * volume for price, volume in zip(prices, volumes, strict=True)), Decimal(0))
    return Filled(
        cl_ord_id,
        position_id=tickets.first(name(executed[0].position_id, "positionId of a deal")),
        volume=total,
        price=prices[0] if same else paid / total,
        venue_order_id=None if executed[0].order_id is None else VenueOrderId(str(executed[0].order_id)),
    )


def deals_with_tag(deals: Iterable[Deal], cl_ord_id: ClOrdId) -> list[Deal]:
    """Return the deals of the order that we sent under this tag.

    A later order of somebody else may carry the tag too, so of several orders the first counts.
    """
    ours = [deal for deal in deals if tag_of(deal) == cl_ord_id and deal.reason not in OF_THE_VENUE]
    return [deal for deal in ours if deal.order_id == ours[0].order_id]


def deals_like(deals: Iterable[Deal], action: OpenPosition, magic: int | None, around: datetime) -> list[Deal]:
    """Return the deals that may be of an opening although no client id says so: a broker may have written over it.

    Same symbol, side, lots and magic, within a minute of `around`, and nobody else's client id.

    Raises:
        RemoteProtocolError: a deal cannot be read.
    """
    found = []
    for deal in deals:
        if DEALT.get(deal.type) is not action.side or deal.symbol != action.symbol or deal.time is None:
            continue
        same_magic = magic is None or str(deal.magic) == str(magic)
        near = abs(instant(deal.time, "time of a deal") - around) <= _NEAR
        if tag_of(deal) is None and same_magic and near and positive(deal.volume, "volume of a deal") == action.volume:
            found.append(deal)
    return found


@frozen
class NettedPast:
    """What a symbol's deals say of its net position since a certain position began there.

    `flat_by` is the latest deal with which somebody else (a stop, the broker, a person) left nothing of it. `told`
    says whether the deals lead to what is held now; until then the latest ones are not shown yet.
    """

    flat_by: Deal | None
    told: bool


def netted_past(deals: Iterable[Deal], position_id: PositionId, symbol: Symbol, net: Decimal) -> NettedPast:
    """Return what became of a netting account's position, from its first deal on.

    Args:
        deals: of all symbols, oldest first.
        net: what is held of the symbol now, in signed lots.

    Raises:
        RemoteProtocolError: a deal cannot be read.
    """
    dealt = [deal for deal in deals if deal.symbol == symbol and deal.type in DEALT]
    began = next((at for at, deal in enumerate(dealt) if str(deal.position_id) == position_id), None)
    if began is None:
        return NettedPast(None, told=False)
    flat_by, before = None, net
    for deal in reversed(dealt[began:]):
        if flat_by is None and not before and _is_of_others(deal):
            flat_by = deal
        before -= DEALT[deal.type].sign * positive(deal.volume, f"volume of deal {str(deal.id)[:40]}")
    if dealt[began].entry_type == "DEAL_ENTRY_INOUT":  # it turned a position of which we do not know how much it had
        return NettedPast(flat_by, told=bool(net) or dealt[-1].entry_type == "DEAL_ENTRY_OUT")
    return NettedPast(flat_by, told=not before)


def was_overtaken(deals: Iterable[Deal], position_id: PositionId, symbol: Symbol, order_id: VenueOrderId) -> bool:
    """Tell whether others had left nothing of a netting account's position when an order of ours was executed.

    A position that begins from flat tells that nothing was there; whoever dealt before that left nothing.

    Args:
        deals: of all symbols, oldest first.
        position_id: what the order was to close.
    """
    dealt = [deal for deal in deals if deal.symbol == symbol and deal.type in DEALT]
    began = next((at for at, deal in enumerate(dealt) if str(deal.position_id) == position_id), None)
    ours = next((at for at, deal in enumerate(dealt) if str(deal.order_id) == order_id), None)
    if began is None or ours is None:
        return False
    known = {deal.position_id for deal in dealt[: began + 1]}
    for before, deal in pairwise(dealt[began : ours + 1]):
        if deal.entry_type == "DEAL_ENTRY_IN" and deal.position_id not in known and _is_of_others(before):
            return True
        known.add(deal.position_id)
    return False


def _is_of_others(deal: Deal) -> bool:
    return deal.reason in OF_THE_VENUE or (deal.reason in _BY_HAND and tag_of(deal) is None)


def report_of_order(
    cl_ord_id: ClOrdId, order: Order, tickets: Tickets
) -> Filled | Accepted | Placed | Canceled | Rejected:
    """Return what an order without deals says of itself.

    Raises:
        RemoteProtocolError: it cannot be read.
    """
    order_id = VenueOrderId(name(order.id, "id of an order"))
    what = f"volume of order {order_id}"
    filled = number(order.volume or 0, what) - number(order.current_volume or 0, what)
    if filled < 0:
        raise RemoteProtocolError(f"{what} must not be less than its currentVolume")
    pending = is_pending(order)
    if order.state not in _ENDED and pending:
        return Placed(cl_ord_id, order_id)
    if order.state not in _ENDED or (filled > 0 and order.position_id is None):
        return Accepted(cl_ord_id, order_id)
    if filled == 0 and pending and order.state != "ORDER_STATE_REJECTED":
        return Canceled(cl_ord_id)
    if filled == 0:
        return Rejected(cl_ord_id, f"order {order_id} ended as {order.state[:60]}")
    return Filled(cl_ord_id, tickets.first(str(order.position_id)), filled, venue_order_id=order_id)


def _mark(cl_ord_id: ClOrdId, magic: int | None) -> Trade:
    mark: Trade = {"clientId": client_id(cl_ord_id)}
    return mark if magic is None else {**mark, "magic": magic}


def _limit(price: Decimal | None) -> Trade:
    return {} if price is None else {"stopLimitPrice": _number(price)}


def _stops(stop_loss: Decimal | None, take_profit: Decimal | None) -> Trade:
    stops = {"stopLoss": stop_loss, "takeProfit": take_profit}
    return {key: _number(price) for key, price in stops.items() if price is not None}


def _number(value: Decimal) -> Decimal:
    """Return a number as it is to be written: 0.30 as 0.3, and no exponent."""
    return Decimal(plain(value))
