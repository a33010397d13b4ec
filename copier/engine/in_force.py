"""The links as they may act now: what the config says, what an operator set, and what a mismatch holds back."""

from collections.abc import Iterable, Mapping

from copier.ledger.records import LeverRecord
from rules.model.copies import Copy
from rules.model.evolving import evolve
from rules.model.levers import SetAccount, SetLink, lasts, state_of_link
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink, CopyPolicy, LinkState


class InForce:
    """Links by id, each in the state that it has by now."""

    def __init__(self, links: Iterable[CopyLink], views: Mapping[AccountId, AccountView]) -> None:
        self.links = {link.link_id: link for link in links}
        self.levers: dict[str, LeverRecord] = {}
        """What an operator has set and not lifted, by its subject."""
        self.held_back: set[LinkId] = set()
        """Links that open nothing while a mismatch lasts."""
        self._set: dict[LinkId, LinkState] = {}
        self._views = views

    def link(self, link_id: LinkId) -> CopyLink | None:
        """Return a link of the config as it may act now."""
        link = self.links.get(link_id)
        if link is None or not (self._set or self.held_back):
            return link
        state = state_of_link(link.state, self._set.get(link_id), held_back=link_id in self.held_back)
        return link if state is link.state else evolve(link, state=state)

    def link_of(self, copy: Copy) -> CopyLink:
        """Return the copy's link; one that the config no longer names still closes with its source."""
        return self.link(copy.link_id) or CopyLink.orphaned(copy.link_id, copy.source, copy.target)

    def policy_of(self, copy: Copy) -> CopyPolicy:
        """Return what the copy's link wants of its symbol."""
        return self.link_of(copy).policy.for_symbol(copy.source_symbol)

    def put(self, record: LeverRecord) -> None:
        """Let a lever hold from now on."""
        lever = record.lever
        self.levers.pop(lever.key, None)
        if lasts(lever):
            self.levers[lever.key] = record
        if isinstance(lever, SetLink):
            self._set.pop(lever.link_id, None)
            if lasts(lever):
                self._set[lever.link_id] = lever.state
        elif isinstance(lever, SetAccount) and lever.account in self._views:
            self._views[lever.account].halted = f"{record.by}: {record.why}" if lasts(lever) else None
