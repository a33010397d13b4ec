"""A paper account's file: what is open, what waits, all orders, all answers.

What it has committed survives the process and the power.
One SQLite file an account, locked while it is open, so that a second instance cannot fill the same order again.
"""

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

import apsw
import msgspec

from adapters.base import SessionLost, SignInRefused
from adapters.simulation.records import BookOrder
from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.values import ClOrdId, PositionId, VenueOrderId

_SCHEMA_VERSION = 2

# "Papr" in ASCII, in SQLite's application_id, so that another program's database is not taken for an account.
_APPLICATION_ID = 0x50617072

_SCHEMA = """
CREATE TABLE account (one INTEGER PRIMARY KEY CHECK (one = 1), name TEXT NOT NULL, body BLOB NOT NULL) STRICT;
CREATE TABLE orders (seq INTEGER PRIMARY KEY, tag TEXT UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE positions (seq INTEGER PRIMARY KEY, position_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
CREATE TABLE replacements (cl_ord_id TEXT PRIMARY KEY, refusal TEXT NOT NULL) STRICT;
"""

# To version 2, from the first one.
_PENDING_ORDERS = """
CREATE TABLE working (seq INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, body BLOB NOT NULL) STRICT;
ALTER TABLE replacements ADD COLUMN what TEXT NOT NULL DEFAULT 'stops';
"""


@frozen
class Figures:
    """What there is of an account beside positions and orders. `balance` is exact text."""

    balance: str
    oms: str
    currency: str
    next_id: int


class What(Enum):
    """A change of something that is there: it makes no order of its own that could tell of it."""

    STOPS = "stops"
    REPLACE = "replace"
    CANCEL = "cancel"


@frozen
class Answer:
    """What became of a change; `refusal` is empty when it was done."""

    what: What
    refusal: str


@frozen
class Saved:
    """All that a file holds; `answers` are those to changes."""

    figures: Figures
    positions: list[Position]
    working: list[WorkingOrder]
    orders: list[BookOrder]
    answers: dict[ClOrdId, Answer]


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
                [msgspec.json.decode(body, type=WorkingOrder) for (body,) in self._read("SELECT body FROM working")],
                [msgspec.json.decode(body, type=BookOrder) for (body,) in self._read("SELECT body FROM orders")],
                {
                    ClOrdId(cl_ord_id): Answer(What(what), refusal)
                    for cl_ord_id, what, refusal in self._read("SELECT cl_ord_id, what, refusal FROM replacements")
                },
            )
        # ValueError: also text that is no UTF-8, and an answer of a kind that a later version writes.
        except (apsw.Error, msgspec.DecodeError, ValueError) as error:
            raise SignInRefused(f"the paper account's file {self._path} cannot be read: {error}") from error

    def save(
        self,
        figures: Figures,
        positions: Mapping[PositionId, Position | None],
        working: Mapping[VenueOrderId, WorkingOrder | None],
        orders: Iterable[BookOrder],
        answers: Mapping[ClOrdId, Answer],
    ) -> None:
        """Write all of it, or nothing, durably; of a position or pending order that is None, that it is gone.

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
                for table, key, things in (("positions", "position_id", positions), ("working", "order_id", working)):
                    gone = [(each,) for each, thing in things.items() if thing is None]
                    execute_many(f"DELETE FROM {table} WHERE {key} = ?", gone)  # noqa: S608 - no text from outside
                    execute_many(
                        f"INSERT INTO {table} ({key}, body) VALUES (?, ?)"  # noqa: S608 - the same
                        f" ON CONFLICT ({key}) DO UPDATE SET body = excluded.body",
                        [(each, msgspec.json.encode(thing)) for each, thing in things.items() if thing is not None],
                    )
                execute_many(
                    "INSERT INTO orders (tag, body) VALUES (?, ?)",
                    [(order.tag, msgspec.json.encode(order)) for order in orders],
                )
                execute_many(
                    "INSERT INTO replacements (cl_ord_id, what, refusal) VALUES (?, ?, ?)",
                    [(cl_ord_id, answer.what.value, answer.refusal) for cl_ord_id, answer in answers.items()],
                )
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
        """Make the tables in an empty file, and those that an older one lacks; refuse a file that is something else."""
        application = self._connection.pragma("application_id")
        version = self._connection.pragma("user_version")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").get
        if not application and not version and not tables:
            self._connection.execute(_SCHEMA + _PENDING_ORDERS)
            self._connection.pragma("application_id", _APPLICATION_ID)
            self._connection.pragma("user_version", _SCHEMA_VERSION)
        elif application == _APPLICATION_ID and version == 1:
            self._connection.execute(_PENDING_ORDERS)
            self._connection.pragma("user_version", _SCHEMA_VERSION)
        elif application != _APPLICATION_ID or version != _SCHEMA_VERSION:
            expected = f"a paper account's file of version {_SCHEMA_VERSION}"
            raise SignInRefused(f"{self._path} must be {expected}, was application {application}, version {version}")

    def _check_owner(self, account: str) -> None:
        row = self._connection.execute("SELECT name FROM account").fetchone()
        if row is not None and row[0] != account:
            raise SignInRefused(f"the file {self._path} must be account {account!r}'s, was {row[0]!r}'s")
