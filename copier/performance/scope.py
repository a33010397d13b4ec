"""Which part of a ledger is asked about: a time, an account or a link, and what who asks may see."""

from collections.abc import Callable
from datetime import datetime

from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId

Sees = Callable[[str], bool]
"""Tells whether an account may be shown; "" stands for the service itself."""


def everybody(_: str) -> bool:
    return True


def ends_of(link_id: LinkId) -> tuple[AccountId, AccountId]:
    """Return source and target of a link; of what is kept without one (`orphan:target`), the account itself twice."""
    source, arrow, target = link_id.partition("->")
    if arrow:
        return AccountId(source), AccountId(target)
    account = AccountId(link_id.partition(":")[2])
    return account, account


@frozen
class Scope:
    """From `since` on and before `until` (None: without end), of one account or link (None: of all)."""

    since: datetime | None = None
    until: datetime | None = None
    account: AccountId | None = None
    link: LinkId | None = None
    sees: Sees = everybody

    def is_within(self, at: datetime) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def has_copy(self, copy: Copy) -> bool:
        """Tell whether a copy is asked about: of an account those from it and those to it."""
        return self._has(copy.link_id, copy.source, copy.target)

    def has_link(self, link_id: LinkId) -> bool:
        """Tell whether what happened on a link is asked about."""
        return self._has(link_id, *ends_of(link_id))

    def has_account(self, account: AccountId | str) -> bool:
        """Tell whether what happened at an account is asked about; of a link that is its target."""
        only = self.account if self.link is None else ends_of(self.link)[1]
        return only in (None, account) and self.sees(account)

    def _has(self, link_id: LinkId, source: AccountId, target: AccountId) -> bool:
        return (
            self.link in (None, link_id)
            and self.account in (None, source, target)
            and self.sees(source)
            and self.sees(target)
        )
