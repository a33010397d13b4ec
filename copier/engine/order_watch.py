"""Pending orders of an account that must be flat: each is canceled, until the venue's own books show none."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from copier.engine.desk import Desk
from rules.alerts.kinds import AlertKind
from rules.model.copies import LegStage
from rules.model.events import SnapshotReceived
from rules.model.values import AccountId, VenueOrderId

CANCEL_AGAIN: Final = timedelta(seconds=30)
"""An order that is still there is canceled again after this: longer than an answer and its settling take."""


class OrderWatch:
    """Looks at the pending orders that books show, where everything on the account must go."""

    def __init__(self, desk: Desk, flattens_all: Callable[[AccountId], bool]) -> None:
        self._desk = desk
        self._flattens_all = flattens_all
        self._canceled: dict[AccountId, dict[VenueOrderId, datetime]] = {}

    def compare(self, event: SnapshotReceived) -> None:
        """Take one polled snapshot of an account; what protects a position is no order in it."""
        desk, account = self._desk, event.account
        self._look_for_ours(event)
        if not self._flattens_all(account):
            self._canceled.pop(account, None)
            return
        before, canceled = self._canceled.get(account, {}), dict[VenueOrderId, datetime]()
        for order in event.orders or ():
            last = before.get(order.order_id)
            if last is not None and desk.now - last < CANCEL_AGAIN:
                canceled[order.order_id] = last
                continue
            canceled[order.order_id] = desk.now
            text = f"the account must be flat: pending order {order.order_id} of {order.symbol} is canceled"
            desk.loose.cancel(account, order, AlertKind.FLATTEN, text, desk.now)
        self._canceled[account] = canceled

    def _look_for_ours(self, event: SnapshotReceived) -> None:
        """Ask what became of pending orders of ours that the books do not show any more."""
        if event.orders is None or event.requested_at is None:
            return
        shown = {order.order_id for order in event.orders}
        for copy in self._desk.book.of_target(event.account):
            for leg in copy.legs:
                settled = leg.settled_at is not None and leg.settled_at < event.requested_at
                waits = leg.waits if leg.stage is LegStage.WORKING and settled else None
                if waits is not None and waits.order_id is not None and waits.order_id not in shown:
                    self._desk.mirroring.ended_at_target(event.account, waits.order_id)
