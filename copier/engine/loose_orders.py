"""Orders that are of no copy: only the next looks at the target's books show what became of them."""

from collections.abc import Callable
from datetime import datetime

from copier.ledger.journal import Journal
from rules.alerts.kinds import AlertKind
from rules.model.actions import Action, CancelOrder, ReplaceStops
from rules.model.copies import SetStops
from rules.model.identity import cl_ord_id
from rules.model.observed import Position, WorkingOrder
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId


class LooseOrders:
    """Writes them down and hands them on; `leave` is given each, to leave with its round."""

    def __init__(self, journal: Journal, leave: Callable[[Action], None]) -> None:
        self._journal = journal
        self._leave = leave

    def cancel(self, account: AccountId, order: WorkingOrder, kind: AlertKind, text: str, now: datetime) -> None:
        """Cancel an order of no copy; `text` tells why."""
        link_id, began = LinkId(f"stray:{account}"), order.placed_at or now
        order_id, _ = self._unused(link_id, PositionId(order.order_id), began)
        action = CancelOrder(order_id, account, order.order_id, order.symbol)
        self._journal.intent(action, resend=False)
        self._journal.alert(kind, account, text)
        self._leave(action)

    def set_stops(self, account: AccountId, position: Position, stops: SetStops, step: int) -> int:
        """Set the stops of a position that stands for several copies.

        `step` is the first one that may not be used up yet; returns the next of these.
        """
        link_id = LinkId(f"net stops:{account}")
        order_id, step = self._unused(link_id, position.position_id, position.opened_at, step)
        prices = (stops.stop_loss, stops.take_profit)
        action = ReplaceStops(order_id, account, position.position_id, position.symbol, *prices, side=position.side)
        self._journal.intent(action, resend=False)
        self._leave(action)
        return step + 1

    def _unused(self, link_id: LinkId, name: PositionId, began: datetime, step: int = 0) -> tuple[ClOrdId, int]:
        """Return the next id, and its step, of orders for one purpose: earlier tries used theirs up."""
        while self._journal.knows(order_id := cl_ord_id(link_id, name, began, 0, step)):
            step += 1
        return order_id, step
