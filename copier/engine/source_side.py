"""What a source shows of what a copy is of: its position, or its pending order, and how that began."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from copier.engine.inputs import Outside
from copier.engine.mirroring import may_be_filled
from copier.engine.timers import Timers
from rules.books.reconcile import CopyKey
from rules.deciding.mirror import as_position, is_mirror, order_of
from rules.gates.judge import ASK_AGAIN
from rules.model.beginnings import AT_MARKET, Beginning
from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.state import AccountView
from rules.model.values import AccountId, PositionId
from rules.policy.links import CopyLink


@frozen
class Shown:
    """A source's position, or none; of a pending order it is the one that this would open."""

    position: Position | None
    order: WorkingOrder | None = None


class SourceSide:
    """Looks at sources for the desk, and remembers what their books must tell first."""

    def __init__(
        self,
        links: Iterable[CopyLink],
        views: Mapping[AccountId, AccountView],
        outside: Outside,
        timers: Timers[CopyKey],
    ) -> None:
        self.asks_beginnings = {link.link_id for link in links if link.policy.asks_beginnings}
        self._views = views
        self._outside = outside
        self._timers = timers
        self._unclear: dict[AccountId, dict[CopyKey, None]] = {}
        """By source account, the copies that wait for its books to tell how their positions began."""

    def of(self, link: CopyLink) -> AccountView:
        """Return the link's source as last seen."""
        return self._views.get(link.source) or AccountView(link.source)

    def shown(
        self, link: CopyLink, source: AccountView, position_id: PositionId, copy: Copy | None, now: datetime
    ) -> Shown | None:
        """Return what the source shows; None where nothing can be decided by it now."""
        if not source.known and position_id not in source.positions and (copy is None or copy.flatten is None):
            return None  # nothing missing means closed before the source was seen whole; a flatten waits for no source
        if not is_mirror(position_id):
            return Shown(source.positions.get(position_id))
        order = source.orders.get(order_of(position_id))
        if copy is None and (order is None or not link.policy.for_symbol(order.symbol).mirrors_orders):
            return None
        if order is not None:
            began_at = order.placed_at or now
            return Shown(as_position(order, began_at if copy is None else copy.opened_at), order)
        if copy is not None and not (copy.flatten and copy.holds) and may_be_filled(source, copy):
            self._wait(source.account, copy.key)  # the position that it opened, or a later look, tells
            self._timers.set(copy.key, now + ASK_AGAIN)
            return None
        return Shown(None)

    def began(
        self, link: CopyLink, source: AccountView, position_id: PositionId, position: Position | None, now: datetime
    ) -> Beginning | None:
        """Return how a source position began; while that is not known, its source's books are asked."""
        if position is None or link.link_id not in self.asks_beginnings or is_mirror(position_id):
            return AT_MARKET
        began = source.began(position, now)
        if began is None:
            self._wait(source.account, (link.link_id, position_id))
        return began

    def take_unclear(self, account: AccountId) -> Iterable[CopyKey]:
        """Return the copies that waited for a look at a source's books."""
        return self._unclear.pop(account, ())

    def _wait(self, account: AccountId, key: CopyKey) -> None:
        self._unclear.setdefault(account, {})[key] = None
        self._outside.poll(account)
