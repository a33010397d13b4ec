"""What every venue's history has in common: its order, where it begins, how long it may be, and texts in it. Pure."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Final

from adapters.base import RemoteProtocolError
from rules.model.observed import Booked

ENTRIES_MAX: Final = 100_000
"""In one answer to whoever asks, some 50 MB: more than any account of ours trades in a month."""

_KIND_LENGTH_MAX: Final = 40
_COMMENT_LENGTH_MAX: Final = 256
"""As of positions: what is far beyond the 31 characters of MetaTrader is no comment."""


def oldest_first(entries: Iterable[Booked], since: datetime) -> tuple[Booked, ...]:
    """Return the entries from `since` on, oldest first; of one instant in the order in which they came.

    Venues tell times to the millisecond, so that is how closely `since` is compared. What comes twice (pages may
    overlap) is told once.

    Raises:
        RemoteProtocolError: there are too many, or two differ that have one id.
    """
    first = since.replace(microsecond=since.microsecond // 1000 * 1000)
    found: dict[str, Booked] = {}
    for entry in entries:
        if entry.at < first:
            continue
        if found.setdefault(entry.exec_id, entry) != entry:
            raise RemoteProtocolError(f"expected each entry of the history once, found {entry.exec_id[:40]!r} twice")
        if len(found) > ENTRIES_MAX:
            raise RemoteProtocolError(f"expected at most {ENTRIES_MAX} entries of the history, found more")
    return tuple(sorted(found.values(), key=lambda entry: entry.at))


def kind_of_balance(amount: Decimal) -> str:
    """Return what a venue's "balance" operation was: it has one word for money that comes and that goes."""
    return "deposit" if amount >= 0 else "withdrawal"


def bounded_kind(word: str) -> str:
    """Return a venue's own word for an operation that we have no word for."""
    return word[:_KIND_LENGTH_MAX]


def bounded_comment(comment: str | None) -> str | None:
    """Return a comment, None for what is too long to be one."""
    return None if not comment or len(comment) > _COMMENT_LENGTH_MAX else comment
