"""What the rules are given to decide about a copy by: the views, the book and the ledger, as far as a decision asks."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from copier.engine.book import CopyBook
from copier.engine.hearing import Hearing
from copier.engine.source_side import Shown
from copier.ledger.journal import Journal
from rules.deciding.decision import Context
from rules.model.beginnings import Beginning
from rules.model.copies import Copy, CopyStatus
from rules.model.events import Origin
from rules.model.identity import cl_ord_id
from rules.model.memory import LinkMemory
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId, PositionId, Price
from rules.policy.links import CopyLink


class Contexts:
    """Makes them. `memories` are the desk's, which it keeps."""

    def __init__(
        self,
        links: Iterable[CopyLink],
        views: Mapping[AccountId, AccountView],
        book: CopyBook,
        journal: Journal,
        memories: Mapping[LinkId, LinkMemory],
    ) -> None:
        self._views = views
        self._book = book
        self._journal = journal
        self._memories = memories
        links = tuple(links)
        self._count_risk = {link.link_id for link in links if link.policy.counts_risk}
        self._blank = {link.link_id: LinkMemory(link.link_id) for link in links}
        """What a link remembers before there is anything to remember."""

    def of(
        self,
        link: CopyLink,
        source: AccountView,
        position_id: PositionId,
        shown: Shown,
        origin: Origin,
        copy: Copy | None,
        price: Price | None,
        began: Beginning | None,
        hearing: Hearing | None,
        now: datetime,
    ) -> Context:
        """Return what is known of a source position and its copy on a link."""
        position, link_id = shown.position, link.link_id
        heard, legs_before = None, 0
        beside: tuple[Copy, ...] = ()
        at_target: tuple[Copy, ...] = ()
        if position is not None:
            if hearing is None:
                link = link.for_symbol(position.symbol)
            else:
                policy, heard = hearing.of(link.policy, source, position)
                link = link.by(policy)
            if copy is None:
                legs_before = self._legs_before(link_id, position)
            if link.policy.volume.keep_proportions:
                beside = self._book.open_beside(link_id, position.symbol, position.side)
            if link_id in self._count_risk:
                at_target = self._at_target(link, position, copy)
        return Context(
            now,
            link,
            source,
            self._views[link.target],
            position_id,
            position,
            origin,
            copy,
            price,
            legs_before,
            self._memories.get(link_id) or self._blank.get(link_id) or LinkMemory(link_id),
            beside,
            began,
            shown.order,
            at_target,
            heard,
        )

    def _at_target(self, link: CopyLink, position: Position, copy: Copy | None) -> tuple[Copy, ...]:
        """Return all that is held at the target, where new risk may be judged by what that may lose."""
        if copy is not None and copy.status is CopyStatus.ACTIVE and copy.holds and position.volume <= copy.followed:
            return ()
        return tuple(self._book.of_target(link.target))

    def _legs_before(self, link_id: LinkId, position: Position) -> int:
        """Return how many legs a copy had that was forgotten when the source closed what it now shows again."""
        if position.opened_at > self._book.forgotten_until:
            return 0  # to ask the ledger for two orders costs as much as a size
        legs = 0
        # A leg that was taken over from a mirrored order has no first order of its own.
        while any(
            self._journal.knows(cl_ord_id(link_id, position.position_id, position.opened_at, legs, step))
            for step in (0, 1)
        ):
            legs += 1
        return legs
