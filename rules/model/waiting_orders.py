"""The pending orders of one account as last seen, and those that ended a moment ago."""

from collections import deque
from datetime import datetime, timedelta
from itertools import takewhile

from attrs import define, evolve, field

from rules.model.events import OrderEnded, OrderReported, SnapshotReceived
from rules.model.frozen import frozen
from rules.model.observed import WorkingOrder
from rules.model.values import OrderStatus, PositionId, VenueOrderId

YOUNG = timedelta(seconds=2)
"""A list that lacks what was reported this short a while ago may be an older list, and a venue's books may lag behind
its stream by as much: it must be confirmed."""

TOMBSTONES_MAX = 10_000
"""Closed positions, and ended orders, that are remembered per account, so that a late message reopens nothing. One that
comes after ten thousand others is caught by the next poll instead."""

ENDED_MAX = 1_000
"""Ended orders that are kept whole, for the position that may have come of one. It comes within seconds."""


@frozen
class EndedOrder:
    """A pending order that works no more, or the part of one that does not, as it was last seen.

    `status` is None where nobody said why it ended; `position_id` is of the position that it opened, where told.
    """

    order: WorkingOrder
    ended_at: datetime
    status: OrderStatus | None = None
    position_id: PositionId | None = None
    watched: bool = True
    """Whether it was seen by this run before it ended: what was not may have been moved since."""

    @property
    def may_be_filled(self) -> bool:
        return self.status in (None, OrderStatus.FILLED)


@define
class WaitingOrders:
    """Pending orders that work, by id; empty where the venue does not tell of them. `ended` has the latest last."""

    working: dict[VenueOrderId, WorkingOrder] = field(factory=dict)
    told_at: dict[VenueOrderId, datetime] = field(factory=dict)
    """When the stream last told of a pending order, or of its end, in order: a list that was made before is older."""
    remembered: set[VenueOrderId] = field(factory=set)
    """Those that an earlier run saw, and this one not yet."""
    ended: deque[EndedOrder] = field(factory=lambda: deque(maxlen=ENDED_MAX))

    def remember(self, order: WorkingOrder) -> None:
        """Take an order that an earlier run saw: a list without it says that it has ended since."""
        if order.order_id not in self.working:
            self.working[order.order_id] = order
            self.remembered.add(order.order_id)

    def report(self, event: OrderReported) -> bool:
        """Take one streamed pending order; one that ended stays so, since no venue uses an order's id again.

        Tells whether it is news.
        """
        order = event.order
        if order.order_id not in self.working and order.order_id in self.told_at:
            return False
        self._note(order.order_id, event.received_at)
        return self._keep(order, event.received_at)

    def end(self, event: OrderEnded) -> bool:
        """Take the streamed end of a pending order, known or not; tells whether it is news."""
        self._note(event.order_id, event.received_at)
        order = self.working.pop(event.order_id, None)
        if order is not None:
            watched = event.order_id not in self.remembered
            self.ended.append(EndedOrder(order, event.received_at, event.status, event.position_id, watched))
            return True
        for number, ended in enumerate(self.ended):  # a list may have been faster, without saying why
            if ended.order.order_id == event.order_id and ended.status is None:
                self.ended[number] = evolve(ended, status=event.status, position_id=event.position_id)
                return True
        return False

    def sync(self, event: SnapshotReceived, orders: tuple[WorkingOrder, ...]) -> list[VenueOrderId]:
        """Take a complete list of pending orders, but for what the stream told after, or just before, it was made.

        Where the venue cannot vouch for the list, an absence proves nothing. Returns what is news.
        """
        made_at = event.received_at if event.requested_at is None else event.requested_at - YOUNG
        latest_first = reversed(self.told_at.items())
        told_later = {order_id for order_id, _ in takewhile(lambda told: told[1] >= made_at, latest_first)}
        listed = {order.order_id: order for order in orders if order.order_id not in told_later}
        kept = self.working.keys() if not event.certain else told_later
        news = []
        for order_id in [each for each in self.working if each not in listed and each not in kept]:
            self.told_at.pop(order_id, None)
            watched = order_id not in self.remembered
            self.ended.append(EndedOrder(self.working.pop(order_id), event.received_at, watched=watched))
            news.append(order_id)
        return news + [order.order_id for order in listed.values() if self._keep(order, event.received_at)]

    def last_end(self, order_id: VenueOrderId) -> EndedOrder | None:
        """Return how an order ended, as far as that is remembered."""
        return next((ended for ended in reversed(self.ended) if ended.order.order_id == order_id), None)

    def _keep(self, order: WorkingOrder, at: datetime) -> bool:
        known = self.working.get(order.order_id)
        self.remembered.discard(order.order_id)
        if known is not None and order.volume < known.volume:
            # The rest may have been filled, or somebody has made the order smaller.
            self.ended.append(EndedOrder(evolve(known, volume=known.volume - order.volume), at))
        self.working[order.order_id] = order
        return known != order

    def _note(self, order_id: VenueOrderId, at: datetime) -> None:
        self.told_at.pop(order_id, None)
        self.told_at[order_id] = at
        if len(self.told_at) > TOMBSTONES_MAX:
            del self.told_at[next(iter(self.told_at))]
