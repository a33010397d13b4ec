"""Orders of one account: planned on the position as it is, sent once, and looked for.

The orders of one symbol go one after the other, since each is marked by what is held (sell, sell-short).
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from adapters.base import RequestNotSent, SessionLost, SignInRefused, Throttled, UtcNow
from adapters.clearstreet import orders, pending, translate
from adapters.clearstreet.catalog import Catalog
from adapters.clearstreet.config import Config
from adapters.clearstreet.order_watch import OrderWatch, is_over
from adapters.clearstreet.orders import Part
from adapters.clearstreet.planning import ZERO, Planning
from adapters.clearstreet.rest import NotExecuted, Refused, Rest
from adapters.clearstreet.stop_orders import StopOrders
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import ClosePosition, OpenPosition, PlaceOrder, ReducePosition, ReplaceStops
from rules.model.reports import Accepted, Filled, NotFound, NotSent, Rejected, Report
from rules.model.values import ClOrdId, Symbol, VenueOrderId, plain

_PLACED_MAX: Final = 10_000
"""Actions of which the order's own id is remembered; older ones are found by their reference."""


_NO_STOPS: Final = "the venue takes no stops with an opening"
_HARD_TO_BORROW: Final = "is not easy to borrow, and the config names no locate_broker"


class Trading:
    """Sends one account's orders and finds them again."""

    def __init__(
        self, rest: Rest, catalog: Catalog, stops: StopOrders, watch: OrderWatch, config: Config, now: UtcNow
    ) -> None:
        self._rest = rest
        self._catalog = catalog
        self._stops = stops
        self._watch = watch
        self._config = config
        self._zone = config.zone
        self._now = now
        self._planning = Planning(rest, stops)
        self._placed: OrderedDict[ClOrdId, VenueOrderId] = OrderedDict()

    def hear(self, order: VenueOrder) -> None:
        """Take an order-update of the stream, for whoever waits for that order; it may outrun the answer."""
        self._planning.hear(order)
        self._stops.note([order])
        self._watch.hear(order)

    def note(self, orders: Collection[VenueOrder]) -> None:
        """Take what a look showed: all orders that work, and the stop-losses of ours that are over."""
        self._stops.note(orders, complete=True)

    async def open(self, action: OpenPosition) -> Report:
        """Open a position or add to it, once."""
        refusal = _NO_STOPS if _has_stops(action) else await self._refusal(action.symbol)
        if refusal is not None:
            return Rejected(action.cl_ord_id, refusal)
        async with self._planning.lock(action.symbol):
            try:
                parts = await self._planning.opening(action)
                easy = await self._may_sell_short(action.symbol, (part.side for part in parts))
            except SessionLost as error:
                raise RequestNotSent(f"before the order: {error}") from error
            if easy is None:
                return Rejected(action.cl_ord_id, f"{action.symbol} {_HARD_TO_BORROW}")
            return await self._send(action.cl_ord_id, action.symbol, parts, easy=easy)

    async def place(self, action: PlaceOrder) -> Report:
        """Place a pending order for today, once."""
        today = self._now().astimezone(self._zone).date()
        refusal = pending.refusal(action, today, self._zone) or await self._refusal(action.symbol)
        if refusal is not None:
            return Rejected(action.cl_ord_id, refusal)
        async with self._planning.lock(action.symbol):
            try:
                held = ZERO if action.side.sign > 0 else await self._planning.held(action.symbol, -1)
                side = pending.side_of(action, held)
                if side is None:
                    text = f"only {plain(held)} of {action.symbol[:40]} are held long: a sale through zero"
                    return Rejected(action.cl_ord_id, f"{text} cannot rest as one order")
                easy = await self._may_sell_short(action.symbol, [side])
            except SessionLost as error:
                raise RequestNotSent(f"before the order: {error}") from error
            if easy is None:
                return Rejected(action.cl_ord_id, f"{action.symbol} {_HARD_TO_BORROW}")
            broker = self._config.locate_broker if side == "sell-short" and not easy else None
            try:
                answer = await self._rest.place(pending.body(action, side, broker))
            except NotExecuted as error:
                return NotSent(action.cl_ord_id, str(error))
            if isinstance(answer, Refused):
                return Rejected(action.cl_ord_id, answer.text)
            self._remember(action.cl_ord_id, answer)
            sent = _sent(answer, action.symbol, Part(side, action.volume, action.cl_ord_id))
            order = await self._watch.until(sent, lambda now: now.is_over or now.status not in (None, orders.RECEIVED))
            return orders.report(action.cl_ord_id, [order])

    async def close(self, action: ClosePosition | ReducePosition) -> Report:
        """Close a position or a part of it, once, and never more than is held there and locked."""
        async with self._planning.lock(action.symbol):
            try:
                planned = await self._planning.closing(action)
                if isinstance(planned, Filled):
                    return planned
                parts = planned
                easy = await self._may_sell_short(action.symbol, (part.side for part in parts))
            except SessionLost as error:
                raise RequestNotSent(f"before the order: {error}") from error
            if easy is None:
                parts = tuple(part for part in parts if part.side != "sell-short")  # what is held can be sold
            if not parts:
                side = "long" if action.side.sign > 0 else "short"
                return Rejected(action.cl_ord_id, f"nothing of {action.symbol[:40]} is held {side} that can be closed")
            return await self._send(action.cl_ord_id, action.symbol, parts, easy=bool(easy))

    async def find(self, cl_ord_id: ClOrdId, *, on_earlier_day: bool, settled: bool) -> Report:
        """Look for an action's orders in the books.

        Args:
            on_earlier_day: it was sent before the current trading day, of which alone the books tell.
            settled: the books would show it by now.
        """
        known = self._placed.get(cl_ord_id)
        order = None if known is None else await self._rest.order(known)
        if order is not None:
            return orders.report(cl_ord_id, (order,))
        references = {cl_ord_id, cl_ord_id + orders.FIRST, cl_ord_id + orders.SECOND}
        rows = [row for row in await self._rest.orders() if row.reference_id in references]
        found = [translate.order(row) for row in rows]
        if found:
            said = orders.report(cl_ord_id, found)
            waits = not settled and orders.lacks_second(found, cl_ord_id)
            return Accepted(cl_ord_id, found[0].order_id) if waits else said
        if not on_earlier_day:
            return NotFound(cl_ord_id)
        if not (await self._rest.books()).holdings:
            return NotFound(cl_ord_id)  # whatever it did, nothing of it is held
        return Rejected(
            cl_ord_id,
            "orders of an earlier trading day are shown no more: whether it was executed must be seen by hand",
        )

    async def protect(self, action: ReplaceStops) -> Report:
        """Enter a position's stop-loss, move it, or take it away."""
        if action.take_profit is not None:
            return Rejected(action.cl_ord_id, "the venue keeps no take-profits")
        async with self._planning.lock(action.symbol):
            try:
                return await self._planning.protect(action)
            except NotExecuted as error:
                return NotSent(action.cl_ord_id, str(error))

    async def _refusal(self, symbol: Symbol) -> str | None:
        """Return why nothing can be opened in a symbol, or None."""
        try:
            instrument = await self._catalog.instrument(symbol)
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error
        if instrument is None or not instrument.tradable:
            return f"the venue has no instrument {symbol[:40]!r} that is traded in shares"
        return None

    async def _may_sell_short(self, symbol: Symbol, sides: Iterable[str]) -> bool | None:
        """Tell whether orders so marked need no locate; None when they need one that nobody provides."""
        if "sell-short" not in sides:
            return True
        if await self._catalog.is_easy_to_borrow(symbol):
            return True
        return False if self._config.allow_hard_to_borrow or self._config.locate_broker is not None else None

    # Sending

    async def _send(self, cl_ord_id: ClOrdId, symbol: Symbol, parts: Sequence[Part], *, easy: bool) -> Report:
        """Send the parts one after the other, each once, the next one only when the one before was filled whole."""
        done: list[VenueOrder] = []
        for part in parts:
            broker = self._config.locate_broker if part.side == "sell-short" and not easy else None
            try:
                answer = await self._rest.place(orders.body(part, symbol, broker))
            except (RequestNotSent, Throttled, SignInRefused, NotExecuted) as error:
                if done:
                    break  # what was filled counts; the rest was never sent
                if isinstance(error, NotExecuted):
                    return NotSent(cl_ord_id, str(error))
                raise
            if isinstance(answer, Refused):
                if done:
                    break
                return Rejected(cl_ord_id, answer.text)
            if len(parts) == 1:
                self._remember(cl_ord_id, answer)
            order = await self._outcome(answer, symbol, part)
            if not order.is_over:
                return Accepted(cl_ord_id, answer)
            done.append(order)
            if order.filled < part.quantity:
                break
        return orders.report(cl_ord_id, done)

    def _remember(self, cl_ord_id: ClOrdId, order_id: VenueOrderId) -> None:
        self._placed[cl_ord_id] = order_id
        if len(self._placed) > _PLACED_MAX:
            self._placed.popitem(last=False)

    async def _outcome(self, order_id: VenueOrderId, symbol: Symbol, part: Part) -> VenueOrder:
        """Return what became of an order within a moment; it then is among the working ones if it is not over."""
        sent = _sent(order_id, symbol, part)
        self._planning.sent(sent)
        order = await self._watch.until(sent, is_over)
        self._planning.hear(order)
        return order


def _has_stops(action: OpenPosition) -> bool:
    return action.stop_loss is not None or action.take_profit is not None


def _sent(order_id: VenueOrderId, symbol: Symbol, part: Part) -> VenueOrder:
    """Return an order of which nothing is known yet but that the venue received it."""
    sign, nothing = 1 if part.side == "buy" else -1, ZERO
    return VenueOrder(order_id, part.reference, symbol, sign, part.quantity, nothing, None, is_over=False, said="sent")
