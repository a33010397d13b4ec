"""The equity curves that figures are made of: which accounts, and all samples that are kept of a time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from copier.performance.gathering import Gathering
from copier.performance.scope import ends_of
from copier.web.store import Sample, Store, StoreFailed
from rules.model.values import AccountId

# A minute's samples of a week and an hour's of two years: what the file keeps of an account.
SAMPLES_MAX: Final = 30_000


def accounts_of(gathered: Gathering) -> list[AccountId]:
    """Return the accounts whose equity is told: the one that was asked about, a link's target, or all targets."""
    scope = gathered.scope
    if scope.account is not None:
        return [scope.account]
    return [ends_of(scope.link)[1]] if scope.link is not None else sorted(gathered.targets)


def samples_of(
    store: Store | None, account: AccountId, since: datetime | None, until: datetime
) -> Sequence[Sample] | None:
    """Return an account's samples before `until`, all that are kept; None: they cannot be read."""
    if store is None:
        return None
    try:
        kept = store.curve(account, since or datetime.min.replace(tzinfo=UTC), until, SAMPLES_MAX)[1]
    except StoreFailed:
        return None
    return [each for each in kept if each.at < until]
