"""Changing and canceling orders that rest at the venue: each asked for once, then the order itself tells.

The venue answers 201 to what it will only attempt, and says on the order what came of it.
"""

from collections.abc import Callable, Mapping

from adapters.base import RequestNotSent, SessionLost
from adapters.clearstreet import pending
from adapters.clearstreet.order_watch import OrderWatch, is_over
from adapters.clearstreet.rest import NotExecuted, Refused, Rest
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import CancelOrder, ReplaceOrder
from rules.model.reports import Canceled, NotSent, Rejected, Replaced, Report
from rules.model.values import VenueOrderId

_GONE = "the order works no more"


class Resting:
    """Changes one account's resting orders."""

    def __init__(self, rest: Rest, watch: OrderWatch) -> None:
        self._rest = rest
        self._watch = watch

    async def replace(self, action: ReplaceOrder) -> Report:
        """Set a pending order's prices, once."""
        order = await self._working(action.order_id)
        if order is None or order.order_type is not action.order_type:
            return Rejected(action.cl_ord_id, _GONE)
        if pending.has_prices(order, action):
            return Replaced(action.cl_ord_id)
        try:
            after = await self.change(order, pending.change(action, order), lambda now: pending.has_prices(now, action))
        except NotExecuted as error:
            return NotSent(action.cl_ord_id, str(error))
        if isinstance(after, Refused):
            return Rejected(action.cl_ord_id, after.text)
        return Replaced(action.cl_ord_id)

    async def cancel(self, action: CancelOrder) -> Report:
        """Cancel a pending order, once."""
        order = await self._working(action.order_id)
        if order is None:
            return Rejected(action.cl_ord_id, _GONE)
        try:
            after = await self.end(order)
        except NotExecuted as error:
            return NotSent(action.cl_ord_id, str(error))
        if isinstance(after, Refused):
            return Rejected(action.cl_ord_id, after.text)
        if after.filled >= after.quantity:
            return Rejected(action.cl_ord_id, f"{_GONE}: {after.said}")
        return Canceled(action.cl_ord_id)

    async def change(
        self, order: VenueOrder, terms: Mapping[str, object], has_them: Callable[[VenueOrder], bool]
    ) -> VenueOrder | Refused:
        """Give an order other terms; returns the order once it has them (or was executed), or the refusal.

        Raises:
            SessionLost: whether it has them is not known. Throttled, NotExecuted, RequestNotSent: it does not.
        """

        def is_settled(now: VenueOrder) -> bool:
            told = now.version > order.version or now.version == 0
            return now.is_over or (told and now.status != "pending-replace" and (has_them(now) or _is_refused(now)))

        refused = await self._rest.change(order.order_id, terms)
        if refused is not None:
            return refused
        after = await self._watch.until(order, is_settled)
        if not is_settled(after):
            raise SessionLost(f"the venue has not said what came of a change of order {order.order_id[:40]}")
        if after.is_over:
            return after if after.filled > 0 else Refused(f"the order ended as {after.said}")
        return after if has_them(after) else Refused(after.said)

    async def end(self, order: VenueOrder) -> VenueOrder | Refused:
        """Cancel an order; returns it once it is over, or the refusal. Raises as `change`."""
        refused = await self._rest.cancel(order.order_id)
        if refused is not None:
            return refused
        after = await self._watch.until(order, lambda now: is_over(now) or _tells_refusal(now, order))
        if after.is_over:
            return after
        if _tells_refusal(after, order):
            return Refused(after.said)
        raise SessionLost(f"the venue has not said what came of the cancel of order {order.order_id[:40]}")

    async def _working(self, order_id: VenueOrderId) -> VenueOrder | None:
        try:
            order = await self._rest.order(order_id)
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error
        return None if order is None or order.is_over else order


def _is_refused(order: VenueOrder) -> bool:
    return order.reason == "cancel-reject"


def _tells_refusal(now: VenueOrder, before: VenueOrder) -> bool:
    return _is_refused(now) and now.version > before.version
