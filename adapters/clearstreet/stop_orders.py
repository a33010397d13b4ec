"""The stop-losses of one account, as orders that rest: entered, moved, withdrawn, and kept out of the way of sales.

Nothing that reduces a position leaves before the stops rest over no more than what will be left of it: two orders that
sell the same shares would turn the position around. Used under the symbol's lock.
"""

from collections import Counter, OrderedDict
from collections.abc import Collection
from decimal import Decimal
from typing import Final

import trio

from adapters.base import RequestNotSent, SessionLost
from adapters.clearstreet import protection
from adapters.clearstreet.order_watch import OrderWatch
from adapters.clearstreet.orders import RECEIVED
from adapters.clearstreet.rest import NotExecuted, Refused, Rest
from adapters.clearstreet.resting import Resting
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import ReplaceStops
from rules.model.reports import Accepted, Rejected, Report, StopsReplaced
from rules.model.values import OrderType, Price, Symbol, VenueOrderId

_TRIES: Final = 3
"""How often stops are looked at and fitted before one order; each change may meet what was executed meanwhile."""

_LATE_S: Final = 20.0
"""How long a stop whose answer was lost may come late: so long its symbol is looked at whatever the list shows."""


_REACHED_MAX: Final = 10_000
"""Stop-losses that are remembered to have been executed: more than any account meets in a day."""


class StopOrders:
    """Protective stops; `note` all orders that are seen at work, so that symbols without any cost no request."""

    def __init__(self, rest: Rest, resting: Resting, watch: OrderWatch) -> None:
        self._rest = rest
        self._resting = resting
        self._watch = watch
        self._symbols: set[Symbol] | None = None
        """Where there may be some; None: everywhere, since no list was seen yet."""
        self._sent: dict[Symbol, dict[VenueOrderId, None]] = {}
        """Those that we sent and that were not seen over: a list may not show them yet."""
        self._doubted_until: dict[Symbol, float] = {}
        self._reached: OrderedDict[VenueOrderId, Symbol] = OrderedDict()
        self._counts: Counter[Symbol] = Counter()

    def note(self, orders: Collection[VenueOrder], *, complete: bool = False) -> None:
        """Take orders; `complete`: all that work, and all stop-losses of ours."""
        for order in filter(protection.was_reached, orders):
            if order.order_id not in self._reached:
                self._reached[order.order_id] = order.symbol
                self._counts[order.symbol] += 1
        while len(self._reached) > _REACHED_MAX:
            self._counts[self._reached.popitem(last=False)[1]] -= 1
        found = {order.symbol for order in orders if protection.is_protective(order) and not order.is_over}
        if self._symbols is not None:
            self._symbols |= found
        elif complete:
            self._symbols = found

    async def at(self, symbol: Symbol) -> list[VenueOrder]:
        """Return a symbol's protective stops that work. Raises SessionLost: they cannot be read."""
        if self._symbols is not None and symbol not in self._symbols:
            return []
        shown = await self._rest.resting()
        self.note(shown, complete=True)
        found = {order.order_id: order for order in shown if order.symbol == symbol and not order.is_over}
        sent = self._sent.get(symbol, {})
        for order_id in [order_id for order_id in sent if order_id not in found]:
            order = await self._rest.order(order_id)
            self.note([] if order is None else [order])
            if order is None or order.is_over:
                del sent[order_id]
            else:
                found[order_id] = order
        stops = [order for order in found.values() if protection.is_protective(order)]
        if not stops and trio.current_time() >= self._doubted_until.get(symbol, 0.0) and self._symbols is not None:
            self._symbols.discard(symbol)
        return stops

    def may_be_at(self, symbol: Symbol) -> bool:
        """Tell whether a symbol may have some; where not, nobody needs to ask."""
        return self._symbols is None or symbol in self._symbols

    def reached_at(self, symbol: Symbol) -> int:
        """Return how many stop-losses were executed in a symbol, as far as was seen."""
        return self._counts[symbol]

    async def make_room(
        self, symbol: Symbol, held: Decimal, after: Decimal, *, one: bool = False
    ) -> tuple[list[VenueOrder], bool]:
        """Bring the stops out of the way of an order before it is sent.

        Args: as of `protection.fitting`.
        Returns:
            those left, and whether any was changed: what is held may then be another quantity.
        Raises:
            RequestNotSent: they are in its way yet. Throttled, SignInRefused: the same.
        """
        changed = False
        for _ in range(_TRIES):
            try:
                stops = await self.at(symbol)
                fitting = protection.fitting(stops, held, after, one=one)
                if fitting.is_done:
                    return stops, changed
                changed = True
                left = await self._fitted(stops, fitting)
                if left is not None and protection.fitting(left, held, after, one=one).is_done:
                    return left, True
            except RequestNotSent:
                raise
            except NotExecuted as error:
                raise RequestNotSent(str(error)) from error
            except SessionLost:
                continue  # whether it was done, the next look at the orders tells
        raise RequestNotSent(f"the resting stop of {symbol[:40]} is not known to be out of the way")

    async def enter(self, action: ReplaceStops, held: Decimal, price: Price, stops: list[VenueOrder]) -> Report:
        """Have one stop cover a position whole, once; `stops` are those at work, one at most, and over no more."""
        if stops:
            return await self._change(action, stops[0], abs(held), price)
        return await self._place(action, held, price)

    async def _fitted(self, stops: Collection[VenueOrder], fitting: protection.Fitting) -> list[VenueOrder] | None:
        """Cancel and lower; returns what then works of `stops`, None where the venue refused something."""
        now = {order.order_id: order for order in stops}
        changed = [await self._resting.end(order) for order in fitting.cancel]
        if fitting.lower is not None:
            changed.append(await self._resize(fitting.lower, fitting.quantity, None))
        for order in changed:
            if isinstance(order, Refused):
                return None
            now[order.order_id] = order
        self.note(now.values())
        return [order for order in now.values() if not order.is_over]

    async def _resize(self, order: VenueOrder, quantity: Decimal, price: Price | None) -> VenueOrder | Refused:
        def has_them(now: VenueOrder) -> bool:
            return now.quantity == quantity and price in (None, now.stop_price)

        return await self._resting.change(order, protection.terms(quantity, price), has_them)

    async def _change(self, action: ReplaceStops, order: VenueOrder, covered: Decimal, price: Price) -> Report:
        if (order.leaves, order.stop_price) == (covered, price):
            return StopsReplaced(action.cl_ord_id)
        after = await self._resize(order, order.filled + covered, price)
        self.note([] if isinstance(after, Refused) else [after])
        if isinstance(after, Refused):
            return Rejected(action.cl_ord_id, after.text)
        return StopsReplaced(action.cl_ord_id)

    async def _place(self, action: ReplaceStops, held: Decimal, price: Price) -> Report:
        symbol, body = action.symbol, protection.body(action, held, price)
        if self._symbols is not None:
            self._symbols.add(symbol)
        try:
            answer = await self._rest.place(body)
        except RequestNotSent:
            raise
        except SessionLost:
            self._doubted_until[symbol] = trio.current_time() + _LATE_S
            raise
        if isinstance(answer, Refused):
            return Rejected(action.cl_ord_id, answer.text)
        self._sent.setdefault(symbol, {})[answer] = None
        sign = -1 if held > 0 else 1
        sent = VenueOrder(
            answer, str(body["reference_id"]), symbol, sign, abs(held), Decimal(0), None, is_over=False, said="sent",
            order_type=OrderType.STOP,
        )  # fmt: skip
        order = await self._watch.until(sent, lambda now: now.is_over or now.status not in (None, RECEIVED))
        self.note([order])
        if order.is_over and order.filled == 0:
            return Rejected(action.cl_ord_id, f"order {answer[:40]} ended as {order.said}")
        if not order.is_over and order.status in (None, RECEIVED):
            return Accepted(action.cl_ord_id, answer)
        return StopsReplaced(action.cl_ord_id)
