"""A Clear Street account's day: its trades as executions, with the tags of their orders. Pure.

A trade that cannot be read makes the whole answer unreadable: a sum without it would be wrong and look right.
"""

from collections.abc import Iterable, Iterator

from adapters.clearstreet import orders, translate, values, wire
from adapters.clearstreet.net import Trail, follow, in_order
from adapters.clearstreet.translate import Trade
from rules.model.observed import Fill
from rules.model.values import Side, Symbol, VenueOrderId


def fills(
    trades: Iterable[wire.Trade], positions: Iterable[wire.Position], placed: Iterable[wire.Order]
) -> Iterator[Fill]:
    """Yield the executions, oldest first.

    Args:
        positions: what the trades led to: the order of their list is not documented, and so is told.
        placed: the orders of the day, which know the tags, and the symbols that trades may leave out.
    Raises:
        RemoteProtocolError: one cannot be read.
    """
    of_id = {order.order_id: order for order in placed}
    ends = {row.symbol: translate.quantity(row) for row in positions}
    read = []
    for row in trades:
        order = of_id.get(row.order_id)
        read.append(translate.trade(row, row.symbol or (None if order is None else order.symbol)))
    trails: dict[Symbol, Trail] = {}
    for trade in in_order(read, ends):
        trail = trails[trade.symbol] = follow(trails.get(trade.symbol), trade)
        order = of_id.get(trade.order_id)
        yield _fill(trade, trail, None if order is None else order.reference_id)


def _fill(trade: Trade, trail: Trail, reference: str | None) -> Fill:
    before = trail.running - trade.quantity
    return Fill(
        exec_id=trade.trade_id,
        at=trade.at,
        symbol=trade.symbol,
        side=Side.BUY if trade.quantity > 0 else Side.SELL,
        volume=abs(trade.quantity),
        price=trade.price,
        position_id=translate.position_id(trade.symbol),
        venue_order_id=VenueOrderId(values.name(trade.order_id, "an order_id")),
        opens=None if before * trail.running < 0 else abs(trail.running) > abs(before),
        tag=None if reference is None else orders.tag_of(reference),
    )
