"""Orders in TradeLocker's words, and what its books say became of them. Pure."""

from collections.abc import Iterable
from decimal import Decimal

from adapters.base import RemoteProtocolError
from adapters.numbers import number
from adapters.tradelocker import translate, values
from adapters.tradelocker.translate import OrderState
from adapters.tradelocker.wire_rest import InstrumentRow, Row
from rules.model.actions import OpenPosition, PlaceOrder, ReplaceOrder, ReplaceStops
from rules.model.reports import Accepted, Canceled, Filled, Placed, Rejected
from rules.model.values import ClOrdId, OrderStatus, OrderType, PositionId, Price, VenueOrderId, plain


def open_body(action: OpenPosition, row: InstrumentRow, trade_route: str) -> dict[str, object]:
    """Return the body of a market order.

    Ids and volume are text, as the vendor's own client sends them; prices are JSON numbers. All keys are always sent,
    as that client does. Stops are absolute: offsets count in a unit that the documentation leaves open.
    """
    return _placing(action, row, trade_route, "market", "IOC", None, None)


def pending_body(action: PlaceOrder, row: InstrumentRow, trade_route: str) -> dict[str, object]:
    """Return the body of a limit or stop order."""
    is_limit = action.order_type is OrderType.LIMIT
    price, stop_price = (action.price, None) if is_limit else (None, action.price)
    return _placing(action, row, trade_route, action.order_type.value, "GTC", price, stop_price)


def _placing(
    action: OpenPosition | PlaceOrder,
    row: InstrumentRow,
    trade_route: str,
    kind: str,
    validity: str,
    price: Price | None,
    stop_price: Price | None,
) -> dict[str, object]:
    return {
        "tradableInstrumentId": str(row.tradable_instrument_id),
        "routeId": trade_route,
        "qty": plain(action.volume),
        "side": action.side.value,
        "type": kind,
        "validity": validity,
        "price": price,
        "stopPrice": stop_price,
        **_stops(action.stop_loss, action.take_profit),
        "strategyId": action.cl_ord_id,
    }


def replace_body(action: ReplaceOrder) -> dict[str, object]:
    """Return the body that sets all prices of a pending order; null removes a stop."""
    column = "price" if action.order_type is OrderType.LIMIT else "stopPrice"
    return {column: action.price, **_stops(action.stop_loss, action.take_profit)}


def _stops(stop_loss: Price | None, take_profit: Price | None) -> dict[str, object]:
    return {
        "stopLoss": stop_loss,
        "stopLossType": None if stop_loss is None else "absolute",
        "takeProfit": take_profit,
        "takeProfitType": None if take_profit is None else "absolute",
    }


def stops_body(action: ReplaceStops) -> dict[str, object]:
    """Return the body that sets both stops of a position; null removes one."""
    return {"stopLoss": action.stop_loss, "takeProfit": action.take_profit}


def opening_row(rows: Iterable[Row], cl_ord_id: ClOrdId) -> Row | None:
    """Return the row of the order that we placed with this tag, or None.

    The venue's own orders around the position (its stops, its closing order) may carry the same tag; ours is the
    oldest, since none of them can be older. While they work they name the position, which a pending order does not.
    """
    ours = [row for row in rows if row.get("strategyId") == cl_ord_id and not _is_of_position(row)]
    return min(ours, key=_age, default=None)


def _is_of_position(row: Row) -> bool:
    """Tell whether a row is of a limit or stop order that works for a position that is open."""
    works = translate.order_state(row.get("status")) is OrderState.WORKING
    return works and _is_pending(row) and row.get("positionId") not in translate.NO_ORDER


def _is_pending(row: Row) -> bool:
    return (row.get("type") or "market").lower() != "market"


def report_of(row: Row, cl_ord_id: ClOrdId, *, final: bool) -> Filled | Accepted | Placed | Canceled | Rejected:
    """Return what an order's row says: also a canceled order may have been filled in part.

    Args:
        final: the row is of the history, which holds only orders that will not change: whatever its status is called,
            what it has filled is all.
    """
    order_id = VenueOrderId(translate.required(row, "id", "order"))
    position_id = row.get("positionId")
    state = translate.order_state(row.get("status"))
    filled = number(row.get("filledQty") or "0", f"filledQty of order {order_id[:40]}")
    if filled < 0:
        raise RemoteProtocolError(f"filledQty of order {order_id[:40]} must be >= 0, was {filled}")
    if state is OrderState.FILLED and filled == 0:
        filled = values.positive(row.get("qty"), f"qty of order {order_id[:40]}")
    if state is OrderState.WORKING and final and filled > 0:
        state = OrderState.FILLED
    if state is OrderState.DEAD and filled == 0:
        if _is_pending(row) and translate.order_end(row.get("status")) is not OrderStatus.REJECTED:
            return Canceled(cl_ord_id)
        return Rejected(cl_ord_id, f"order {order_id[:40]} ended as {(row.get('status') or '')[:80]}")
    if state is OrderState.WORKING and not final and _is_pending(row):
        return Placed(cl_ord_id, order_id)
    if state is OrderState.WORKING or not position_id or position_id == "0":
        return Accepted(cl_ord_id, order_id)
    price = number(row.get("avgPrice") or "0", f"avgPrice of order {order_id[:40]}")
    return Filled(cl_ord_id, PositionId(position_id), filled, price if price > 0 else None, order_id)


def report_of_position(row: Row, cl_ord_id: ClOrdId) -> Filled:
    """Return the report for an open position that carries our tag."""
    position_id = translate.required(row, "id", "position")
    return Filled(
        cl_ord_id,
        PositionId(position_id),
        values.positive(row.get("qty"), f"qty of position {position_id[:40]}"),
        values.positive(row.get("avgPrice"), f"avgPrice of position {position_id[:40]}"),
    )


def _age(row: Row) -> tuple[Decimal, bool, Decimal]:
    """Return what orders rows by age; of the same instant a market order comes before what protects its position."""
    created, order_id = (number(row.get(column) or "0", f"{column} of an order") for column in ("createdDate", "id"))
    return created, _is_pending(row), order_id
