"""What orders are made of an action: planned on the position as it is, with its stop-loss out of their way.

Used under the symbol's lock, since each order is marked by what is held (sell, sell-short).
"""

from collections.abc import Callable, Collection
from decimal import Decimal
from functools import partial
from typing import Final

import trio

from adapters.base import RequestNotSent, SessionLost
from adapters.clearstreet import orders, translate
from adapters.clearstreet.orders import Part
from adapters.clearstreet.protection import fitting
from adapters.clearstreet.reached import ended_by_stop
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.stop_orders import StopOrders
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.reports import Filled, Rejected, Report, StopsReplaced
from rules.model.values import Symbol, VenueOrderId

ZERO: Final = Decimal(0)

_PLANS_MAX: Final = 3
"""How often an order is planned; each time that a stop had to be brought out of its way what is held is read anew."""


class Planning:
    """Plans one account's orders, one after the other in each symbol."""

    def __init__(self, rest: Rest, stops: StopOrders) -> None:
        self._rest = rest
        self._stops = stops
        self._locks: dict[Symbol, trio.Lock] = {}
        self._working: dict[Symbol, dict[VenueOrderId, VenueOrder]] = {}

    def lock(self, symbol: Symbol) -> trio.Lock:
        """Return what the orders of a symbol take turns by."""
        return self._locks.setdefault(symbol, trio.Lock())

    def sent(self, order: VenueOrder) -> None:
        """Take note of a market order that was received."""
        self._working.setdefault(order.symbol, {})[order.order_id] = order

    def hear(self, order: VenueOrder) -> None:
        """Take what is known of an order now."""
        if order.is_over:
            self._working.get(order.symbol, {}).pop(order.order_id, None)

    async def opening(self, action: OpenPosition) -> tuple[Part, ...]:
        """Return the orders of an opening; a purchase where no stop can rest is the same whatever is held."""
        if action.side.sign > 0 and not self._stops.may_be_at(action.symbol):
            return orders.parts_of_opening(action, ZERO)
        return await self._planned(action.symbol, action.side.sign, partial(orders.parts_of_opening, action))

    async def closing(self, action: ClosePosition | ReducePosition) -> tuple[Part, ...] | Filled:
        """Return the orders of a close, none where nothing is held, or the report where a stop-loss did it."""
        symbol, reached = action.symbol, self._stops.reached_at(action.symbol)
        ended = await self._ended_by_stop(action)
        if ended is not None:
            return ended
        parts = await self._planned(symbol, -action.side.sign, partial(orders.parts_of_closing, action))
        if self._stops.reached_at(symbol) > reached:
            ended = await self._ended_by_stop(action)
        return parts if ended is None else ended

    async def protect(self, action: ReplaceStops) -> Report:
        """Enter a position's stop-loss, move it, or take it away. Raises NotExecuted: it was not entered."""
        symbol, price = action.symbol, action.stop_loss
        for _ in range(_PLANS_MAX):
            held = await self._held_by(action)
            if action.side is not None and held * action.side.sign < 0:
                return Rejected(action.cl_ord_id, f"{symbol[:40]} is held on the other side")
            stops, changed = await self._stops.make_room(symbol, held, held if price is not None else ZERO, one=True)
            if changed:
                continue  # what was executed meanwhile is no longer to be covered
            if held == 0:
                return Rejected(action.cl_ord_id, f"nothing of {symbol[:40]} is held that a stop-loss could protect")
            if price is None:
                return StopsReplaced(action.cl_ord_id)
            return await self._stops.enter(action, held, price, stops)
        raise RequestNotSent(f"the position in {symbol[:40]} changes too fast")

    async def held(self, symbol: Symbol, sign: int) -> Decimal:
        """Return the signed position, less what our own orders on side `sign` are still about to take out of it."""
        working = self._working.get(symbol, {})
        for order_id in list(working):
            order = await self._rest.order(order_id)
            if order is None or order.is_over:
                working.pop(order_id, None)
            elif order_id in working:  # the stream did not tell its end while we asked
                working[order_id] = order
        held = await self._rest.position(symbol)
        quantity = ZERO if held is None else held.quantity
        leaving = sum((order.leaves for order in working.values() if order.sign == sign), ZERO)
        if quantity * sign >= 0:
            return quantity  # such orders add to it
        return quantity + sign * min(leaving, abs(quantity))

    async def _held_by(self, action: ReplaceStops) -> Decimal:
        """Return the signed position that an action is about, less what is about to leave it."""
        try:
            if action.side is not None:
                return await self.held(action.symbol, -action.side.sign)
            position = await self._rest.position(action.symbol)
            return ZERO if position is None else position.quantity
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error

    async def _planned(
        self, symbol: Symbol, sign: int, plan: Callable[[Decimal], tuple[Part, ...]]
    ) -> tuple[Part, ...]:
        """Return the orders on side `sign` that `plan` makes of what is held, with the stops out of their way."""
        left: Collection[VenueOrder] | None = None
        for _ in range(_PLANS_MAX):
            held = await self.held(symbol, sign)
            parts = plan(held)
            after = held + orders.signed(parts)
            if left is not None and fitting(left, held, after).is_done:
                return parts
            left, changed = await self._stops.make_room(symbol, held, after)
            if not changed:
                return parts
        raise RequestNotSent(f"the position in {symbol[:40]} changes too fast")

    async def _ended_by_stop(self, action: ClosePosition | ReducePosition) -> Filled | None:
        """Return the report of a close where a stop-loss left nothing of the position that the lots were in.

        What copies of both sides offset there ended with it, and what is held now was opened since.
        """
        if not action.opening or not self._stops.reached_at(action.symbol):
            return None
        positions, trades = await self._rest.day()
        placed = [translate.order(row) for row in await self._rest.orders()]
        return ended_by_stop(action, positions, trades, placed)
