"""Stop-losses that are orders of their own: what has none is decided again, and one that protects nothing is canceled.

Only for targets whose venue does not keep them with the position. The books tell; what they tell of a stray order
counts when two looks in a row show it, since one may fall between a stop and its position.
"""

from datetime import datetime, timedelta
from typing import Final

from copier.engine.desk import Desk
from rules.alerts.kinds import AlertKind
from rules.model.actions import ReplaceStops
from rules.model.events import SnapshotReceived
from rules.model.identity import is_ours
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, ClOrdId, VenueOrderId
from rules.stops.day import stop_is_missing

CANCEL_AGAIN: Final = timedelta(seconds=30)
"""A stray order that is still there is canceled again after this: longer than an answer and its settling take."""


class StopWatch:
    """Compares snapshots of targets with what is to be protected there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._suspected: dict[AccountId, frozenset[VenueOrderId]] = {}
        self._canceled: dict[AccountId, dict[VenueOrderId, datetime]] = {}

    @property
    def suspicious(self) -> bool:
        """Tell whether an order was seen that a second look must confirm, or that is to be gone."""
        return any(self._suspected.values())

    def compare(self, event: SnapshotReceived) -> None:
        """Take one polled snapshot of a target."""
        desk, account = self._desk, event.account
        view = desk.views[account]
        if view.stop_loss_lasts:
            return
        for copy in desk.book.of_target(account):
            if any(stop_is_missing(view, leg, desk.now) for leg in copy.legs):
                desk.reconsider(copy, "no stop-loss")
        strays = {order.order_id: order for order in event.orders or () if self._is_stop(order)}
        seen_before = self._suspected.get(account, frozenset())
        self._suspected[account] = frozenset(strays)
        canceled = {key: at for key, at in self._canceled.get(account, {}).items() if key in strays}
        for order_id, order in strays.items():
            last = canceled.get(order_id)
            if order_id in seen_before and (last is None or desk.now - last >= CANCEL_AGAIN):
                canceled[order_id] = desk.now
                text = f"a stop-loss of {order.symbol} protects nothing any more, it is canceled"
                desk.loose.cancel(account, order, AlertKind.STOP_LOSS, text, desk.now)
        self._canceled[account] = canceled
        if strays.keys() - seen_before:
            desk.outside.poll(account)

    def _is_stop(self, order: WorkingOrder) -> bool:
        """Tell whether a pending order was a stop-loss of ours; the adapter shows it as one that protects nothing."""
        if order.tag is None or not is_ours(order.tag):
            return False
        return isinstance(self._desk.journal.intended(ClOrdId(order.tag)), ReplaceStops)
