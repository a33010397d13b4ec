"""A TradeLocker account's past: the filled orders of its orders history as executions. Pure.

An order that cannot be read makes the whole answer unreadable: a sum without it would be wrong and look right.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from adapters.base import RemoteProtocolError
from adapters.numbers import number
from adapters.tradelocker import translate, values
from adapters.tradelocker.wire_rest import Row
from rules.model.observed import Fill
from rules.model.values import PositionId, Symbol, VenueOrderId

PLACED_EARLIER: Final = timedelta(days=7)
"""How long before it was filled a pending order may have been placed: the venue may choose orders by their creation."""

_OPENS: Final = {"true": True, "false": False}


def filled_rows(rows: Iterable[Row], since: datetime) -> list[Row]:
    """Return the orders that executed anything, from about `since` on: only of these more is asked for.

    Raises:
        RemoteProtocolError: volume or time of one cannot be read.
    """
    return [row for row in rows if _filled(row) > 0 and _done_at(row) >= since - timedelta(seconds=1)]


def fill(row: Row, symbol: Symbol) -> Fill:
    """Return the executions of one order, as one: its lots, its mean price, the time of the last.

    Raises:
        RemoteProtocolError: something that it must have is missing or cannot be.
    """
    order_id = translate.required(row, "id", "order")
    position_id = row.get("positionId")
    return Fill(
        exec_id=order_id,
        at=_done_at(row),
        symbol=symbol,
        side=values.side(row.get("side"), f"side of {_name(row)}"),
        volume=_filled(row),
        price=values.positive(row.get("avgPrice"), f"avgPrice of {_name(row)}"),
        position_id=None if position_id is None or position_id in translate.NO_ORDER else PositionId(position_id),
        venue_order_id=VenueOrderId(order_id),
        opens=_OPENS.get((row.get("isOpen") or "").lower()),
        tag=_tag(row),
    )


def _filled(row: Row) -> Decimal:
    filled = number(row.get("filledQty") or "0", f"filledQty of {_name(row)}")
    if filled < 0:
        raise RemoteProtocolError(f"filledQty of {_name(row)} must be >= 0, was {filled}")
    if filled == 0 and translate.order_state(row.get("status")) is translate.OrderState.FILLED:
        return values.positive(row.get("qty"), f"qty of {_name(row)}")
    return filled


def _done_at(row: Row) -> datetime:
    return values.instant_of_ms(row.get("lastModified") or row.get("createdDate"), f"lastModified of {_name(row)}")


def _tag(row: Row) -> str | None:
    """Return the tag of an order that opens; the venue's own orders around a position may carry the position's."""
    return (row.get("strategyId") or None) if (row.get("isOpen") or "").lower() != "false" else None


def _name(row: Row) -> str:
    return f"order {(row.get('id') or '')[:40]}"
