"""A paper account's past, out of its order log. Pure."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from adapters.simulation.records import BookOrder, Purpose, Result
from rules.model.observed import Fill
from rules.model.values import OmsType, Symbol


def fills(orders: Iterable[BookOrder], oms: OmsType) -> Iterator[Fill]:
    """Yield the executions of a whole order log, which an order is at most one of."""
    exposures: dict[Symbol, Decimal] = {}
    for order in orders:
        if order.status is not Result.FILLED or order.price is None:
            continue
        before = exposures.get(order.symbol, Decimal(0))
        exposures[order.symbol] = before + order.side.sign * order.volume
        opens: bool | None = order.purpose is Purpose.OPEN
        if opens and oms is OmsType.NETTING and before * order.side.sign < 0:
            opens = None  # it turned the position around: it closed the one and opened the other
        yield Fill(
            exec_id=order.order_id,
            at=order.at,
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=order.price,
            position_id=order.position_id,
            venue_order_id=order.order_id,
            opens=opens,
            realized_pnl=order.realized_pnl,
            tag=order.tag,
        )
