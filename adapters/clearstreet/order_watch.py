"""What becomes of orders that we sent or changed: the stream tells it first, or else the books are asked."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

import trio

from adapters.base import SessionLost, SignInRefused
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.translate import VenueOrder
from rules.model.values import VenueOrderId

_RESULT_S_MAX: Final = 2.0
"""What we spend, after the venue took a request, on learning what came of it; after that `find` or the books tell."""

_ASK_AGAIN_S: Final = 0.25
"""Between two questions about one order, where the stream does not tell first."""

_HEARD_MAX: Final = 64
"""Orders of which the stream told, kept for whoever is about to ask for one."""


class OrderWatch:
    """Waits for orders of one account."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self._heard: OrderedDict[VenueOrderId, VenueOrder] = OrderedDict()
        self._news = trio.Event()

    def hear(self, order: VenueOrder) -> None:
        """Take an order-update of the stream; it may outrun the answer to the request that caused it."""
        self._heard.pop(order.order_id, None)
        self._heard[order.order_id] = order
        if len(self._heard) > _HEARD_MAX:
            self._heard.popitem(last=False)
        self._news.set()
        self._news = trio.Event()

    async def until(self, order: VenueOrder, is_settled: Callable[[VenueOrder], bool]) -> VenueOrder:
        """Return the order as it is once that settles the matter, or as last seen after a moment.

        Args:
            order: as known so far.
        """
        order_id = order.order_id
        try:
            with trio.move_on_after(_RESULT_S_MAX):
                while not is_settled(order):
                    news = self._news  # taken before we ask: what comes meanwhile must wake us
                    heard = self._heard.get(order_id)
                    if heard is not None and is_settled(heard):
                        return heard
                    order = await self._rest.order(order_id) or order
                    if not is_settled(order):
                        with trio.move_on_after(_ASK_AGAIN_S):
                            await news.wait()
        except (SessionLost, SignInRefused):
            pass  # the request is in, only our look at it failed: it must not look as if nothing was sent
        return order


def is_over(order: VenueOrder) -> bool:
    """Tell whether an order will not change any more."""
    return order.is_over
