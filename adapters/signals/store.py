"""The file of an account of signals: what is open, and what was taken, on disk before anybody hears of it."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import apsw
import msgspec

from adapters.base import SessionLost, SignInRefused
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import PositionId

KEPT: Final = timedelta(days=1)
"""Signals are remembered so long, and closed positions: longer than any window in which one can come again."""

# "Sgnl" in ASCII, in SQLite's application_id, so that another program's database is not taken for an account.
_APPLICATION_ID: Final = 0x53676E6C

_SCHEMA: Final = """
CREATE TABLE account (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL) STRICT;
CREATE TABLE positions (position_id TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE lives (position_id TEXT PRIMARY KEY, opened_at_us INTEGER NOT NULL, seen_at_s INTEGER NOT NULL) STRICT;
CREATE TABLE taken (
    signal_id TEXT PRIMARY KEY, body_hash BLOB NOT NULL, says TEXT NOT NULL, at_s INTEGER NOT NULL
) STRICT;
"""


@frozen
class Taken:
    """A signal that was taken before, and what it did then."""

    body_hash: bytes
    says: str


class Store:
    """An open file. All calls write through to the disk before they return."""

    def __init__(self, path: str, account: str) -> None:
        """Open the file at `path`, or make it.

        Raises:
            SessionLost: another process has it open.
            SignInRefused: it is another account's, or something else, or cannot be opened.
        """
        self._path = path
        try:
            self._connection = apsw.Connection(path)
            self._set_up(account)
        except apsw.BusyError as error:
            raise SessionLost(f"the file of signals {path} is in use by another process") from error
        except apsw.Error as error:
            raise SignInRefused(f"the file of signals {path} cannot be opened: {error}") from error

    def positions(self) -> dict[PositionId, Position]:
        """Return what is open.

        Raises:
            SignInRefused: it cannot be read.
        """
        try:
            rows = self._connection.execute("SELECT body FROM positions ORDER BY rowid").fetchall()
            found = [msgspec.json.decode(bytes(row[0]), type=Position) for row in rows]  # type: ignore[arg-type]  # STRICT: a blob
        except (apsw.Error, msgspec.DecodeError, ValueError) as error:
            raise SignInRefused(f"the file of signals {self._path} cannot be read: {error}") from error
        return {position.position_id: position for position in found}

    def lives(self) -> dict[PositionId, datetime]:
        """Return when positions were opened last, closed ones of the last day too."""
        rows = self._connection.execute("SELECT position_id, opened_at_us FROM lives").fetchall()
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return {PositionId(str(row[0])): epoch + timedelta(microseconds=int(str(row[1]))) for row in rows}

    def taken(self, signal_id: str) -> Taken | None:
        """Return what is known of a signal that was taken before."""
        rows = self._connection.execute(
            "SELECT body_hash, says FROM taken WHERE signal_id = ?", (signal_id,)
        ).fetchall()
        return Taken(bytes(rows[0][0]), str(rows[0][1])) if rows else None  # type: ignore[arg-type]  # STRICT: a blob

    def save(
        self,
        signal_id: str,
        body_hash: bytes,
        says: str,
        changed: Mapping[PositionId, Position | None],
        now: datetime,
    ) -> None:
        """Write a signal and what it did, or nothing, durably.

        Raises:
            SessionLost: disk or file failed; whether it counts is for the file to say (open it anew).
        """
        execute, now_s = self._connection.execute, int(now.timestamp())
        oldest_s = now_s - int(KEPT.total_seconds())
        try:
            with self._connection:
                execute("DELETE FROM taken WHERE at_s < ?", (oldest_s,))
                execute(
                    "DELETE FROM lives WHERE seen_at_s < ? AND position_id NOT IN (SELECT position_id FROM positions)",
                    (oldest_s,),
                )
                execute("INSERT INTO taken VALUES (?, ?, ?, ?)", (signal_id, body_hash, says, now_s))
                for position_id, position in changed.items():
                    self._change(position_id, position, now_s)
        except apsw.Error as error:
            raise SessionLost(f"the file of signals {self._path} cannot be written: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _change(self, position_id: PositionId, position: Position | None, now_s: int) -> None:
        execute = self._connection.execute
        if position is None:
            execute("DELETE FROM positions WHERE position_id = ?", (position_id,))
            execute("UPDATE lives SET seen_at_s = ? WHERE position_id = ?", (now_s, position_id))
            return
        opened_at_us = (position.opened_at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        execute("INSERT OR REPLACE INTO positions VALUES (?, ?)", (position_id, msgspec.json.encode(position)))
        execute("INSERT OR REPLACE INTO lives VALUES (?, ?, ?)", (position_id, opened_at_us, now_s))

    def _set_up(self, account: str) -> None:
        connection = self._connection
        # In exclusive mode the first transaction takes the lock, and only closing gives it back.
        connection.pragma("locking_mode", "exclusive")
        connection.pragma("journal_mode", "wal")
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", 1)
        with connection:
            application = connection.pragma("application_id")
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").get
            if not application and not tables:
                connection.execute(_SCHEMA)
                connection.pragma("application_id", _APPLICATION_ID)
                connection.execute("INSERT INTO account VALUES (1, ?)", (account,))
            elif application != _APPLICATION_ID:
                raise SignInRefused(f"{self._path} must be a file of signals, was of application {application}")
            owner = connection.execute("SELECT name FROM account").get
            if owner != account:
                raise SignInRefused(f"the file {self._path} must be account {account!r}'s, was {owner!r}'s")


def hash_of(body: bytes) -> bytes:
    """Return what tells a body from others."""
    return hashlib.sha256(body).digest()
