"""Orders to one account: each sent once, and found again by its tag."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote as escaped

import trio

from adapters.base import RequestNotSent, SessionLost, UtcNow
from adapters.tradelocker import orders, values
from adapters.tradelocker.catalog import Catalog
from adapters.tradelocker.rest import NotExecuted, Refused, Rest
from adapters.tradelocker.wire_rest import InstrumentRow, OrderPlaced, Row, converted
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.reports import Accepted, Canceled, Filled, NotFound, NotSent, Rejected, Replaced, Report, StopsReplaced
from rules.model.values import ClOrdId, OrderType, PositionId, Symbol, VenueOrderId, Volume, plain

_RESULT_S_MAX: Final = 2.0
"""What we spend, after an order was taken, on learning what became of it; after that `find` does."""

_HISTORY_MARGIN: Final = timedelta(hours=1)
"""By how much the venue's clock may differ from ours when we ask for orders since we sent one."""

_FIRST_MARGIN: Final = timedelta(minutes=2)
"""The same for the first look right after an order: a short list is read fast, and `find` looks farther back."""


class Trading:
    """What `adapters.base.Account` says of submit and find."""

    def __init__(self, rest: Rest, catalog: Catalog, now: UtcNow) -> None:
        self._rest = rest
        self._catalog = catalog
        self._now = now

    async def submit(self, action: Action) -> Report:
        """Send one action, once.

        What opens is tagged by its `strategyId`. Closes and changes name a position or an order and carry no tag: in
        the venue's API a `strategyId` beside a position only selects.
        """
        cl_ord_id = action.cl_ord_id
        try:
            match action:
                case OpenPosition():
                    return await self._open(action)
                case ClosePosition():
                    return await self._close(action, "0", Volume(0))  # 0 is the venue's word for all of it
                case ReducePosition():
                    return await self._close(action, plain(action.volume), action.remaining)
                case ReplaceStops():
                    path, body = _position_path(action.position_id), orders.stops_body(action)
                    return await self._change("PATCH", path, body, StopsReplaced(cl_ord_id))
                case PlaceOrder():
                    return await self._place(action)
                case ReplaceOrder():
                    path, body = _order_path(action.order_id), orders.replace_body(action)
                    return await self._change("PATCH", path, body, Replaced(cl_ord_id))
                case CancelOrder():
                    return await self._change("DELETE", _order_path(action.order_id), {}, Canceled(cl_ord_id))
        except NotExecuted as error:
            return NotSent(cl_ord_id, str(error))

    async def _change(self, method: str, path: str, body: Mapping[str, object], done: Report) -> Report:
        answer = await self._rest.change(method, path, body)
        return Rejected(done.cl_ord_id, answer.text) if isinstance(answer, Refused) else done

    async def _open(self, action: OpenPosition) -> Report:
        submitted_at = self._now()
        order_id = await self._sent(action)
        if isinstance(order_id, Rejected):
            return order_id
        accepted = Accepted(action.cl_ord_id, order_id)
        with trio.move_on_after(_RESULT_S_MAX):
            try:
                ended = await self._history(submitted_at - _FIRST_MARGIN, ("id", order_id))
                if ended:
                    return orders.report_of(ended[0], action.cl_ord_id, final=True)
            except SessionLost:
                return accepted  # the order is in, only our look at it failed
        return accepted

    async def _place(self, action: PlaceOrder) -> Report:
        if action.order_type is OrderType.STOP_LIMIT or action.expires_at is not None:
            what = "stop-limit orders" if action.expires_at is None else "orders that expire"
            return Rejected(action.cl_ord_id, f"TradeLocker takes no {what} from us")
        order_id = await self._sent(action)
        if isinstance(order_id, Rejected):
            return order_id
        with trio.move_on_after(_RESULT_S_MAX):
            try:
                working = await self._rest.rows("orders", where=("id", order_id))
                if working:
                    return orders.report_of(working[0], action.cl_ord_id, final=False)
            except SessionLost:
                pass  # the order is in, only our look at it failed
        return Accepted(action.cl_ord_id, order_id)

    async def _sent(self, action: OpenPosition | PlaceOrder) -> VenueOrderId | Rejected:
        """Send an order that opens, once; returns the id that the venue gave it."""
        row = await self._tradable(action.symbol)
        route = None if row is None else row.route("TRADE")
        if row is None or route is None:
            return Rejected(action.cl_ord_id, f"the account has no instrument {action.symbol!r} that takes orders")
        if isinstance(action, OpenPosition):
            answer = await self._rest.place(orders.open_body(action, row, route))
        else:
            answer = await self._rest.place(orders.pending_body(action, row, route))
        if isinstance(answer, Refused):
            return Rejected(action.cl_ord_id, answer.text)
        return VenueOrderId(str(converted(answer, OrderPlaced, "answer to an order").order_id))

    async def _tradable(self, symbol: Symbol) -> InstrumentRow | None:
        try:
            return (await self._catalog.instruments()).get(symbol)
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error

    async def _close(self, action: ClosePosition | ReducePosition, quantity: str, remaining: Volume) -> Report:
        """Close `quantity` lots ("0": all). The answer names no order, so the open positions tell what came of it."""
        answer = await self._rest.change("DELETE", _position_path(action.position_id), {"qty": quantity})
        if isinstance(answer, Refused):
            return Rejected(action.cl_ord_id, answer.text)
        with trio.move_on_after(_RESULT_S_MAX):
            try:
                rows = await self._rest.rows("positions", where=("id", action.position_id))
                left = values.positive(rows[0].get("qty"), "qty of a position") if rows else Volume(0)
            except SessionLost:
                return Accepted(action.cl_ord_id)
            if left <= remaining:
                return Filled(action.cl_ord_id, action.position_id, action.volume)
        return Accepted(action.cl_ord_id)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        # In the order in which an order wanders, so that it cannot slip through between two questions.
        tagged = ("strategyId", cl_ord_id)
        row = orders.opening_row(await self._rest.rows("orders", where=tagged), cl_ord_id)
        if row is not None:
            return orders.report_of(row, cl_ord_id, final=False)
        row = orders.opening_row(await self._history(submitted_at - _HISTORY_MARGIN, tagged), cl_ord_id)
        report = None if row is None else orders.report_of(row, cl_ord_id, final=True)
        if isinstance(report, Filled | Rejected | Canceled):
            return report
        positions = await self._rest.rows("positions", where=tagged)
        if positions:
            return orders.report_of_position(positions[0], cl_ord_id)
        return NotFound(cl_ord_id) if report is None else report

    async def _history(self, since: datetime, where: tuple[str, str]) -> list[Row]:
        start_ms = int(since.timestamp()) * 1000
        return await self._rest.rows("ordersHistory", {"from": str(start_ms)}, where=where)


def _position_path(position_id: PositionId) -> str:
    return f"/trade/positions/{escaped(position_id, safe='')}"


def _order_path(order_id: VenueOrderId) -> str:
    return f"/trade/orders/{escaped(order_id, safe='')}"
