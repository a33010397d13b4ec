"""What a reached stop-loss ended: the net position, with the lots that copies of both sides offset in it. Pure."""

from collections.abc import Iterable

from adapters.clearstreet import orders, translate, wire
from adapters.clearstreet.net import in_order
from adapters.clearstreet.protection import is_protective
from adapters.clearstreet.translate import Trade, VenueOrder
from rules.model.actions import ClosePosition, ReducePosition
from rules.model.reports import Filled
from rules.model.values import VenueOrderId, Volume


def ended_by_stop(
    action: ClosePosition | ReducePosition,
    positions: Iterable[wire.Position],
    trades: Iterable[wire.Trade],
    placed: Iterable[VenueOrder],
) -> Filled | None:
    """Return that lots are closed, all of them, where a stop-loss left nothing of the position that they were in.

    Lots that were opened on an earlier day are older than every execution of this one.

    Args:
        positions, trades, placed: all of the day, of any symbols.
    Raises:
        RemoteProtocolError: one cannot be read.
    """
    of_id = {order.order_id: order for order in placed if order.symbol == action.symbol}
    ends = {row.symbol: translate.quantity(row) for row in positions if row.symbol == action.symbol}
    read = [translate.trade(row, action.symbol) for row in trades if row.order_id in of_id]
    ended: Trade | None = None
    for trade in in_order(read, ends):
        order = of_id[VenueOrderId(trade.order_id)]
        if orders.tag_of(order.reference or "") == action.opening:
            ended = None
        elif is_protective(order) and trade.running == 0:
            ended = trade
    if ended is None:
        return None
    rest = action.remaining if isinstance(action, ReducePosition) else Volume(0)
    position_id, order_id = translate.position_id(action.symbol), VenueOrderId(ended.order_id)
    return Filled(action.cl_ord_id, position_id, action.volume + rest, ended.price, order_id)
