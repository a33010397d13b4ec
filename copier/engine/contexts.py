"""What the rules are given to decide about a copy by: the views, the book and the ledger, as far as a decision asks."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from copier.engine.book import CopyBook
from copier.engine.hearing import Hearing
from copier.engine.source_side import Shown, SourceSide
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
        sources: SourceSide,
        book: CopyBook,
        journal: Journal,
        memories: Mapping[LinkId, LinkMemory],
    ) -> None:
        self._views = views
        self._sources = sources
        self._book = book
        self._journal = journal
        self._memories = memories
        self._count_risk = {link.link_id for link in links if link.policy.counts_risk}

    def of(
        self,
        link: CopyLink,
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
        position, link_id, source = shown.position, link.link_id, self._sources.of(link)
        if position is not None:
            link = link.for_symbol(position.symbol)
        heard = None if hearing is None or position is None else hearing.of(link.policy, source, position)
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
            self._legs_before(link_id, position) if copy is None and position is not None else 0,
            self._memories.get(link_id) or LinkMemory(link_id),
            () if position is None else self._beside(link, position),
            beginning=began,
            order=shown.order,
            at_target=self._at_target(link, position, copy),
            heard=heard,
        )

    def _at_target(self, link: CopyLink, position: Position | None, copy: Copy | None) -> tuple[Copy, ...]:
        """Return all that is held at the target, where new risk may be judged by what that may lose."""
        if link.link_id not in self._count_risk or position is None:
            return ()
        if copy is not None and copy.status is CopyStatus.ACTIVE and copy.holds and position.volume <= copy.followed:
            return ()
        return tuple(self._book.of_target(link.target))

    def _beside(self, link: CopyLink, position: Position) -> tuple[Copy, ...]:
        """Return the open copies whose proportions the position's copy keeps, by the link for its symbol."""
        if not link.policy.volume.keep_proportions:
            return ()
        return self._book.open_beside(link.link_id, position.symbol, position.side)

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
