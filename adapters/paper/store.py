"""A paper account's file: positions, all orders, all answers. What it has committed survives the process and the power.

One SQLite file an account, locked while it is open, so that a second instance cannot fill the same order again.
"""

from collections.abc import Iterable
from typing import Any

import apsw
import msgspec
from attrs import frozen

from adapters.base import SessionLost, SignInRefused
from adapters.simulation.records import BookOrder
from rules.observed import Position
from rules.values import ClOrdId, PositionId

_SCHEMA_VERSION = 1

# "Papr" in ASCII, in SQLite's application_id, so that another program's database is not taken for an account.
_APPLICATION_ID = 0x50617072

_SCHEMA = """
CREATE TABLE account (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE orders (seq INTEGER PRIMARY KEY, tag TEXT UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE positions (seq INTEGER PRIMARY KEY, position_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE replacements (cl_ord_id TEXT PRIMARY KEY, refusal TEXT NOT NULL) STRICT;
"""


@frozen
class Figures:
    """What there is of an account beside positions and orders. `balance` is exact text."""

    balance: str
    oms: str
    currency: str
    next_id: int


@frozen
class Saved:
    """All that a file holds. `replacements`: of each replacing of stops the refusal, empty when it was done."""

    figures: Figures
    positions: list[Position]
    orders: list[BookOrder]
    replacements: dict[ClOrdId, str]


class StoreFailed(Exception):
    """Disk or file failed; what was being written may or may not be in the file."""


class Store:
    """An open file. All calls write through to the disk before they return."""

    def __init__(self, path: str, account: str) -> None:
        """Open the file at `path`, or make it.

        Raises:
            SessionLost: another process has it open (the one before us may still be ending).
            SignInRefused: it is no paper account's file, or another account's, or it cannot be opened.
        """
        self._path = path
        try:
            self._connection = apsw.Connection(path)
        except apsw.Error as error:
            raise SignInRefused(f"the paper account's file {path} cannot be opened: {error}") from error
        try:
            self._set_up()
            self._check_owner(account)
        except apsw.BusyError as error:
            self._connection.close()
            raise SessionLost(f"the paper account's file {path} is in use by another process") from error
        except apsw.Error as error:
            self._connection.close()
            raise SignInRefused(f"the paper account's file {path} cannot be read: {error}") from error
        except BaseException:
            self._connection.close()
            raise
        self._account = account

    def load(self) -> Saved | None:
        """Return what the file holds; None for a new one.

        Raises:
            SignInRefused: it cannot be read.
        """
        try:
            rows = self._read("SELECT body FROM account")
            if not rows:
                return None
            return Saved(
                msgspec.json.decode(rows[0][0], type=Figures),
                [msgspec.json.decode(body, type=Position) for (body,) in self._read("SELECT body FROM positions")],
                [msgspec.json.decode(body, type=BookOrder) for (body,) in self._read("SELECT body FROM orders")],
                {ClOrdId(row[0]): row[1] for row in self._read("SELECT cl_ord_id, refusal FROM replacements")},
            )
        except (apsw.Error, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise SignInRefused(f"the paper account's file {self._path} cannot be read: {error}") from error

    def save(
        self,
        figures: Figures,
        changed: Iterable[Position],
        gone: Iterable[PositionId],
        orders: Iterable[BookOrder],
        replacements: Iterable[tuple[ClOrdId, str]],
    ) -> None:
        """Write all of it, or nothing, durably.

        Raises:
            StoreFailed: disk or file failed.
        """
        execute, execute_many = self._connection.execute, self._connection.executemany
        try:
            with self._connection:
                execute(
                    "INSERT INTO account VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET body = excluded.body",
                    (self._account, msgspec.json.encode(figures)),
                )
                execute_many("DELETE FROM positions WHERE position_id = ?", [(position_id,) for position_id in gone])
                execute_many(
                    "INSERT INTO positions (position_id, body) VALUES (?, ?)"
                    " ON CONFLICT (position_id) DO UPDATE SET body = excluded.body",
                    [(position.position_id, msgspec.json.encode(position)) for position in changed],
                )
                execute_many(
                    "INSERT INTO orders (tag, body) VALUES (?, ?)",
                    [(order.tag, msgspec.json.encode(order)) for order in orders],
                )
                execute_many("INSERT INTO replacements VALUES (?, ?)", replacements)
        except apsw.Error as error:
            raise StoreFailed(f"the paper account's file {self._path} cannot be written: {error}") from error

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def _read(self, select: str) -> list[Any]:
        """Return all rows, the oldest first."""
        return self._connection.execute(f"{select} ORDER BY rowid").fetchall()

    def _set_up(self) -> None:
        # In exclusive mode the first transaction takes the lock, and only closing gives it back.
        self._connection.pragma("locking_mode", "exclusive")
        self._connection.pragma("journal_mode", "wal")
        # FULL syncs every commit; NORMAL would forget the last ones at a power cut.
        self._connection.pragma("synchronous", "full")
        self._connection.pragma("fullfsync", 1)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._check_kind()
            self._connection.execute("COMMIT")
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise

    def _check_kind(self) -> None:
        """Make the tables in an empty file; refuse a file that is something else."""
        application = self._connection.pragma("application_id")
        version = self._connection.pragma("user_version")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").get
        if not application and not version and not tables:
            self._connection.execute(_SCHEMA)
            self._connection.pragma("application_id", _APPLICATION_ID)
            self._connection.pragma("user_version", _SCHEMA_VERSION)
        elif application != _APPLICATION_ID or version != _SCHEMA_VERSION:
            expected = f"a paper account's file of version {_SCHEMA_VERSION}"
            raise SignInRefused(f"{self._path} must be {expected}, was application {application}, version {version}")

    def _check_owner(self, account: str) -> None:
        row = self._connection.execute("SELECT name FROM account").fetchone()
        if row is not None and row[0] != account:
            raise SignInRefused(f"the file {self._path} must be account {account!r}'s, was {row[0]!r}'s")
