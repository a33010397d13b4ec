"""Reads of a ledger what a state within some time is folded from: the rows since the last checkpoint before it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger, StoredEntry
from copier.ledger.records import Record
from copier.ledger.recovery import TYPES
from rules.model.values import AccountId

_INSTRUMENT: Final = b'"InstrumentReported"'
"""In the body of every row that tells of an instrument, and, at worst, in a comment of a row that does not."""


class TooManyRows(Exception):
    """More rows than the caller wants to read."""


def records(
    ledger: Ledger,
    kinds: Sequence[str],
    since: datetime | None,
    until: datetime | None,
    *,
    names: frozenset[AccountId] | None = None,
    old_instruments: bool = True,
    rows_max: int | None = None,
    between: Callable[[int], object] = lambda seq: None,
) -> Iterator[tuple[StoredEntry, Record]]:
    """Yield what a state from `since` to `until` is folded from: the rows of these kinds, and instruments of before.

    Args:
        kinds: of rows; `observed` for instruments, too.
        since: rows from the last checkpoint before it on are yielded; None: all.
        until: the first row that is not before it ends the reading; None: the ledger's end does.
        names: only rows that name one of these accounts, and orders, which name their target only; None: all.
        old_instruments: also the instruments of all rows before, which are looked through for that.
        rows_max: how many rows may be decoded.
        between: called with the number of each of them, after it: to tell how far it is, or to let other threads go on.
    Raises:
        TooManyRows: there are more.
        LedgerFailed: the file cannot be read.
    """
    begin = 0 if since is None else _last_checkpoint(ledger, since)
    read = 0
    old = ledger.mentioning([_INSTRUMENT], ["observed"], before=begin) if old_instruments else ()
    for entry in chain(old, ledger.entries(begin - 1, (*kinds, "checkpoint"))):
        if until is not None and entry.at >= until:
            return
        if entry.kind == "checkpoint":
            if entry.seq != begin:
                continue  # what lives is known by then
        elif names is not None and not _is_about(entry, names):
            continue
        read += 1
        if rows_max is not None and read > rows_max:
            raise TooManyRows(f"more than {rows_max} rows of the ledger tell of this time")
        yield entry, decode(TYPES[entry.kind], entry.body)
        between(entry.seq)


def _is_about(entry: StoredEntry, names: frozenset[AccountId]) -> bool:
    """Tell whether a row may concern one of some accounts, without decoding it: whose it is stands in its body."""
    if entry.account in names or entry.kind in ("intent", "resend"):
        return True
    return any(name.encode() in entry.body for name in names)


def _last_checkpoint(ledger: Ledger, before: datetime) -> int:
    """Return the last checkpoint before an instant; 0: there is none, and reading begins at the first row."""
    return next((entry.seq for entry in ledger.latest("checkpoint", at_once=1) if entry.at < before), 0)
