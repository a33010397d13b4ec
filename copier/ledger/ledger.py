"""The ledger: append-only, durable, hash-chained truth in one SQLite file, with one writer.

It must never acknowledge a row that a power cut can take back, never write half of a batch, and never let two
services append to one file. What the rows mean is not its business: bodies are opaque bytes
(`copier.ledger.codec` makes them).
"""

import contextlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import apsw

from copier.ledger.file import (
    LedgerBusy,
    LedgerFailed,
    LedgerRefused,
    WriterLock,
    file_identity,
    open_connection,
    reading,
)
from copier.ledger.rows import (
    BEFORE_OF_KIND,
    BY_KEY,
    BY_SEQ,
    GENESIS,
    HAS_KEY,
    INSERT,
    LAST,
    LAST_OF_KIND,
    ChainedRows,
    Entry,
    Row,
    StoredEntry,
    at_ns_of,
    chained,
    page_of,
    rows_from,
    stored_entry,
)
from rules.model.frozen import frozen

__all__ = [
    "DuplicateKey",
    "Entry",
    "Ledger",
    "LedgerBusy",
    "LedgerFailed",
    "LedgerRefused",
    "StoredEntry",
    "VerifyReport",
]

# Rows are fetched in pages, so that no statement stays open between two steps of a slow reader: an open one would
# keep the write-ahead log from being folded back, and it would grow without bound.
_PAGE_ROWS: Final = 1000

_LATEST_ROWS: Final = 200
"""Of a page that is read backwards: who asks for the latest wants few."""

_SEQ_MAX: Final = 2**63 - 1
"""What SQLite's integers hold."""


class DuplicateKey(Exception):
    """An entry's key is already in the ledger (or twice in one batch); nothing of the batch was written."""

    def __init__(self, key: str) -> None:
        super().__init__(f"expected a key that the ledger does not hold yet, found {key!r} in it")
        self.key = key


@frozen
class VerifyReport:
    """What `Ledger.verify` found. Rows cut off the very end leave no trace in what remains, so none is claimed."""

    entries: int
    """Rows that are as they were written, counted from the first."""
    first_bad_seq: int | None = None
    """The first sequence number whose row is missing, changed or unreadable; None when all is well."""
    problem: str = ""


class Ledger:
    """An open ledger. Made by `open` or `in_memory`.

    Used by one task at a time, in whatever thread. Who wants to read beside the writer opens it again, `readonly`.
    """

    def __init__(self, connection: apsw.Connection, lock: WriterLock | None, *, readonly: bool) -> None:
        self._connection = connection
        self._lock = lock
        self._readonly = readonly
        self._broken: str | None = None
        self._identity = file_identity(connection.filename) if lock is not None else None
        self._seq = 0
        self._chain = GENESIS
        with reading(connection):
            for row in rows_from(connection, LAST):
                self._seq, self._chain = row[0], row[6]

    @classmethod
    def open(cls, path: Path | str, *, readonly: bool = False) -> "Ledger":
        """Open the ledger at `path`; a writer creates it when it does not exist.

        Raises:
            LedgerBusy: another process writes to this ledger.
            LedgerRefused: the file is no ledger, or of a newer schema version than this program knows.
            LedgerFailed: the disk or its permissions do not let it be opened.
        """
        path = Path(path).resolve()  # one lock, whichever links lead here
        lock = None if readonly else WriterLock.take(path)
        try:
            return cls(open_connection(path, readonly=readonly), lock, readonly=readonly)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    @classmethod
    def in_memory(cls) -> "Ledger":
        """Return an empty ledger that lives and dies with this object: for simulation and dry runs."""
        return cls(open_connection(None, readonly=False), None, readonly=False)

    @property
    def last_seq(self) -> int:
        """The sequence number of the last entry that was appended or found at opening; 0 for none."""
        return self._seq

    @property
    def broken(self) -> bool:
        """Whether a failure was such that no entry is taken any more; False after a full disk."""
        return self._broken is not None

    def last_of_kind(self, kind: str) -> int:
        """Return the sequence number of the last entry of a kind; 0 for none.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        with reading(self._connection):
            rows = rows_from(self._connection, LAST_OF_KIND, (kind,))
        return rows[0][0] if rows else 0

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        """Write `entries` in one transaction; when this returns, they survive a power cut.

        Args:
            entries: in order; they get consecutive sequence numbers. None at all writes nothing.
            at: our clock's instant, aware.
        Returns:
            The sequence number of the last entry.
        Raises:
            DuplicateKey: a key is already in the ledger. Nothing was written; go on as you like.
            LedgerFailed: the disk is full (try again once there is room), or it cannot be trusted any more (this
                object then refuses every further append). Act on nothing that you tried to write.
            ValueError: `at` is naive.
        """
        if self._broken is not None:
            raise LedgerFailed(f"the ledger stopped taking entries after an earlier failure: {self._broken}")
        if self._readonly:
            raise LedgerFailed("the ledger was opened for reading only")
        if self._identity is not None and self._identity != file_identity(self._connection.filename):
            raise self._break("its file was moved, replaced or deleted while it was open")
        rows = ChainedRows(entries, at_ns_of(at), self._seq, self._chain)
        if entries:
            self._write(rows)
            self._seq, self._chain = rows.seq, rows.chain
        return self._seq

    def _write(self, rows: ChainedRows) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(INSERT, rows)
            self._connection.execute("COMMIT")
        except apsw.ConstraintError as error:
            self._roll_back()
            code = error.extendedresult  # type: ignore[attr-defined]  # documented, missing in apsw's stubs
            if code == apsw.SQLITE_CONSTRAINT_UNIQUE and rows.key is not None:
                raise DuplicateKey(rows.key) from error
            if code == apsw.SQLITE_CONSTRAINT_PRIMARYKEY:
                raise self._break("another program wrote to it although we hold its lock") from error
            raise
        except apsw.FullError as error:
            self._roll_back()
            raise LedgerFailed(f"the disk of the ledger is full, nothing was written ({error})") from error
        except apsw.BusyError as error:
            self._roll_back()
            raise LedgerFailed(f"another program locks the ledger, nothing was written ({error})") from error
        except apsw.Error as error:
            # After a failed sync the kernel may have dropped the dirty pages and call the next sync a success, so
            # the only honest way on is a fresh start from what the disk really holds.
            self._roll_back()
            raise self._break(f"the disk failed ({type(error).__name__}: {error})") from error
        except BaseException:
            self._roll_back()
            raise

    def _break(self, why: str) -> LedgerFailed:
        self._broken = why
        return LedgerFailed(f"the ledger takes no more entries: {why}; restart to go on from what was kept")

    def _roll_back(self) -> None:
        # SQLite has already rolled back by itself after some errors; on a dying disk this may fail as well, and the
        # error that brought us here says more.
        with contextlib.suppress(apsw.Error):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")

    def entries(self, after: int = 0, kinds: Sequence[str] | None = None) -> Iterator[StoredEntry]:
        """Yield the entries with a sequence number above `after`, in order, optionally only of some kinds.

        Entries appended while one iterates are yielded too.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        for row in self._rows(after, kinds):
            yield stored_entry(row)

    def latest(self, kind: str, before: int | None = None, at_once: int = _LATEST_ROWS) -> Iterator[StoredEntry]:
        """Yield the entries of a kind with a sequence number below `before` (None: all), the latest first.

        `at_once` are looked for before the first is told: few, where the kind is rare and the first may do.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        before = _SEQ_MAX if before is None else before
        while True:
            with reading(self._connection):
                page = rows_from(self._connection, BEFORE_OF_KIND, (kind, before, at_once))
            for row in page:
                yield stored_entry(row)
            if len(page) < at_once:
                return
            before = page[-1][0]

    def mentioning(
        self, parts: Sequence[bytes], kinds: Sequence[str], before: int | None = None
    ) -> Iterator[StoredEntry]:
        """Yield the entries of some kinds whose body has one of some parts anywhere, in order.

        SQLite looks through the file for that, at about a second for a gigabyte; no row is read in Python that does
        not have it. `before`: only entries with a sequence number below it.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        for row in self._rows(0, kinds, parts, before) if parts else ():
            yield stored_entry(row)

    def by_key(self, key: str) -> StoredEntry | None:
        """Return the entry with `key`, or None when there has never been one.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        with reading(self._connection):
            rows = rows_from(self._connection, BY_KEY, (key,))
        return stored_entry(rows[0]) if rows else None

    def by_seq(self, seq: int) -> StoredEntry | None:
        """Return the entry at a place, or None when there is none.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        if not 0 < seq <= _SEQ_MAX:
            return None
        with reading(self._connection):
            rows = rows_from(self._connection, BY_SEQ, (seq,))
        return stored_entry(rows[0]) if rows else None

    def holds(self, key: str) -> bool:
        """Tell whether there has ever been an entry with `key`.

        Raises:
            LedgerFailed: the file cannot be read.
        """
        with reading(self._connection):
            return self._connection.execute(HAS_KEY, (key,)).get is not None

    def _rows(
        self, after: int, kinds: Sequence[str] | None, parts: Sequence[bytes] = (), before: int | None = None
    ) -> Iterator[Row]:
        select = page_of(None if kinds is None else len(kinds), len(parts))
        before = _SEQ_MAX if before is None else before
        while True:
            with reading(self._connection):
                page = rows_from(self._connection, select, (after, before, *(kinds or ()), *parts, _PAGE_ROWS))
            yield from page
            if len(page) < _PAGE_ROWS:
                return
            after = page[-1][0]

    def verify(self) -> VerifyReport:
        """Recompute the hash chain over all rows and report the first that is not as it was written."""
        seq, chain = 0, GENESIS
        try:
            for row in self._rows(0, None):
                seq += 1
                if row[0] != seq:
                    return VerifyReport(seq - 1, seq, f"expected row {seq}, found row {row[0]}: rows are missing")
                chain = chained(chain, *row[:6])
                if chain != row[6]:
                    return VerifyReport(seq - 1, seq, f"row {seq} is not what was written: its hash does not match")
        except (LedgerFailed, TypeError, ValueError) as error:
            bad = seq + 1
            return VerifyReport(seq, bad, f"row {bad} cannot be read: {error}")
        return VerifyReport(seq)

    def close(self) -> None:
        """Fold the write-ahead log back, close the file and give up the lock. May be called twice."""
        try:
            self._connection.close()
        finally:
            if self._lock is not None:
                self._lock.release()
