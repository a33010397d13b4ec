"""A ledger's file: the writer's lock, the schema, and what SQLite is told so that a commit is durable."""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import apsw

SCHEMA_VERSION: Final = 1
"""Kept in SQLite's user_version. A program reads its own version only: truth is not guessed at."""

# "Copi" in ASCII, kept in SQLite's application_id, so that no other program's database is taken for a ledger.
_APPLICATION_ID: Final = 0x436F7069

# Only a foreign program (a shell that someone left in a transaction) can hold us up: we are the one writer. The
# service stands still meanwhile, so the patience is short.
_BUSY_MS: Final = 1000

# The write-ahead log is cut back to this once folded into the database, after a long reader made it grow.
_WAL_BYTES_KEPT: Final = 16 * 1024 * 1024

_LOCK_TRIES: Final = 4
_LOCK_PAUSE_S: Final = 0.02
"""Some hundredths of a second in all: nobody notices it, and a second instance is refused all the same."""

_SCHEMA: Final = """
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    at_ns INTEGER NOT NULL,
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    key TEXT UNIQUE,
    body BLOB NOT NULL,
    chain BLOB NOT NULL
) STRICT;
CREATE TRIGGER entries_are_never_changed BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER entries_are_never_deleted BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class LedgerBusy(Exception):
    """Another process writes to this ledger: a second instance must not start."""


class LedgerRefused(Exception):
    """The file is not a ledger that this program can read."""


class LedgerFailed(Exception):
    """The disk or the file failed. What was being written was not acknowledged, so nothing may be sent for it."""


class WriterLock:
    """The right to write to a ledger: an OS lock that ends with its process, however that ends."""

    def __init__(self, file: int) -> None:
        self._file: int | None = file

    @classmethod
    def take(cls, ledger: Path, *, tries: int = _LOCK_TRIES) -> "WriterLock":
        """Take the lock of the ledger at `ledger` (a file beside it).

        Raises:
            LedgerBusy: another open ledger, of this or of another process, holds it.
            LedgerFailed: the lock file cannot be made.
        """
        path = ledger.with_name(ledger.name + ".lock")
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LedgerFailed(f"cannot open the lock file {path}: {error.strerror}") from error
        try:
            _lock(file, tries)
        except OSError as error:
            holder = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            os.close(file)
            if isinstance(error, BlockingIOError):
                raise LedgerBusy(f"the ledger {ledger} is in use by process {holder or '(unknown)'}") from error
            raise LedgerFailed(f"cannot lock {path}: {error.strerror}") from error
        # Only for the message of the next one who asks; the lock itself is the kernel's.
        os.ftruncate(file, 0)
        os.pwrite(file, str(os.getpid()).encode(), 0)
        return cls(file)

    def release(self) -> None:
        """Give the lock up. The file stays: to remove it would let two processes lock two files of one name."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int, tries: int) -> None:
    """Lock the file; one who only asks whether somebody writes holds the lock for a moment, and is waited for."""
    for left in reversed(range(tries)):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not left:
                raise
            time.sleep(_LOCK_PAUSE_S)


def open_connection(path: Path | None, *, readonly: bool) -> apsw.Connection:
    """Open the database at `path` (None: in memory), create the schema in an empty one, check an existing one.

    Raises:
        LedgerRefused: not a ledger, or of another schema version.
        LedgerFailed: it cannot be opened or read.
    """
    name = ":memory:" if path is None else str(path)
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    try:
        if path is not None and not readonly:
            create_private(path)
        connection = apsw.Connection(name, flags=flags)
    except (OSError, apsw.Error) as error:
        raise LedgerFailed(f"cannot open the ledger {name}: {error}") from error
    try:
        with reading(connection):
            _set_up(connection, name, in_memory=path is None, readonly=readonly)
    except BaseException:
        connection.close()
        raise
    return connection


def create_private(path: Path) -> None:
    """Create an empty file for us alone (SQLite would let everybody read it; its companions copy the mode)."""
    # An existing file is not even opened: closing it would drop the locks of this process's other connections to it.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def file_identity(name: str) -> tuple[int, int] | None:
    """Return what tells the file apart from every other one of the same name; None when there is no such file."""
    try:
        status = os.stat(name)
    except OSError:
        return None
    return status.st_dev, status.st_ino


@contextlib.contextmanager
def reading(connection: apsw.Connection) -> Iterator[None]:
    """Turn SQLite's errors into `LedgerFailed` (`LedgerRefused` where the file is no database at all)."""
    try:
        yield
    except apsw.NotADBError as error:
        raise LedgerRefused(f"{connection.filename} is not a ledger: {error}") from error
    except apsw.Error as error:
        raise LedgerFailed(
            f"the ledger {connection.filename} cannot be read ({type(error).__name__}: {error})"
        ) from error


def _set_up(connection: apsw.Connection, name: str, *, in_memory: bool, readonly: bool) -> None:
    connection.set_busy_timeout(_BUSY_MS)
    new = _is_new(connection, name)
    if readonly:
        if new:
            raise LedgerRefused(f"{name} is not a ledger: it is empty")
        return
    mode = connection.pragma("journal_mode", "wal")
    if mode != "wal" and not in_memory:
        raise LedgerFailed(f"expected a write-ahead log for {name}, found journal mode {mode!r}")
    # FULL syncs the log at every commit; NORMAL would be faster and forget the last commits at a power cut. Where
    # the system's fsync does not reach the platter (macOS), fullfsync asks for the call that does.
    for name_of, value in (("synchronous", "full"), ("fullfsync", 1), ("journal_size_limit", _WAL_BYTES_KEPT)):
        connection.pragma(name_of, value)
    if new:
        # One transaction: a crash in the middle leaves an empty file, which the next start takes for a new one.
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_SCHEMA)
        connection.pragma("application_id", _APPLICATION_ID)
        connection.pragma("user_version", SCHEMA_VERSION)
        connection.execute("COMMIT")


def _is_new(connection: apsw.Connection, name: str) -> bool:
    """Tell whether the database is empty; raise LedgerRefused when it is neither that nor a ledger of our version."""
    application = connection.pragma("application_id")
    version = connection.pragma("user_version")
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()[0][0]
    if not application and not version and not tables:
        return True
    if application != _APPLICATION_ID:
        raise LedgerRefused(f"{name} is not a ledger: it is another program's database")
    if version != SCHEMA_VERSION:
        raise LedgerRefused(f"expected {name} to have schema version {SCHEMA_VERSION}, found {version}")
    return False
