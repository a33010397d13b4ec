"""What the surfaces remember beside the ledger: how equity went, and what commands with an idempotency key answered.

Nothing here decides about a trade, so that it need not be in the ledger, which is never thinned; a lost file costs the
charts' past, and lets a client's repeated command be done again.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Lock
from typing import Final, cast

import apsw
import structlog

from rules.model.frozen import frozen
from rules.model.values import AccountId, plain

MINUTES_KEPT: Final = timedelta(days=7)
HOURS_KEPT: Final = timedelta(days=730)
"""An account's whole curve is some 28,000 rows then, 2 MB."""

_MINUTE: Final = timedelta(minutes=1)

ANSWERS_KEPT: Final = timedelta(hours=24)
ANSWERS_MAX: Final = 10_000
"""Commands of a day with a key: more than people give, and a program that gives more is told to wait."""

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS samples (
    account TEXT NOT NULL, minute INTEGER NOT NULL, balance TEXT, equity TEXT, PRIMARY KEY (account, minute)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS peaks (account TEXT PRIMARY KEY, equity TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS answers (
    who TEXT NOT NULL, key TEXT NOT NULL, asked BLOB NOT NULL, at_s INTEGER NOT NULL, status INTEGER, body BLOB,
    PRIMARY KEY (who, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (at_s);
"""

# "Surf" in ASCII, in SQLite's application_id, so that another program's database is not taken for ours.
_APPLICATION_ID: Final = 0x53757266

_log = structlog.get_logger("web")


class StoreFailed(Exception):
    """The file cannot be read or written."""


@frozen
class Sample:
    """An account's figures in one minute."""

    at: datetime
    balance: Decimal | None
    equity: Decimal | None


@frozen
class Answer:
    """What a command with a key was answered; `status` None: it was begun, and nobody knows how it ended."""

    asked: bytes
    status: int | None
    body: bytes


def store_path(ledger: Path) -> Path:
    """Return where the file of a ledger's service lies."""
    return ledger.with_name(f"{ledger.name}.surfaces")


class Store:
    """The open file. What reads or writes it belongs in a thread, since a sync to disk takes what the disk takes."""

    def __init__(self, path: Path | None, *, readonly: bool = False) -> None:
        """Open the file at `path`, or make it; None: in memory. `readonly`: it must be there, and is not changed.

        Raises:
            StoreFailed: it is something else, or cannot be opened.
        """
        self._peaks: dict[AccountId, Decimal] = {}
        self._lock = Lock()
        """A connection is for one thread at a time."""
        try:
            flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
            self._connection = apsw.Connection(":memory:" if path is None else str(path), flags=flags)
            self._connection.setbusytimeout(1000)
            self._set_up(path, readonly=readonly)
            for account, equity in self._connection.execute("SELECT account, equity FROM peaks"):
                self._peaks[AccountId(account)] = Decimal(equity)
        except apsw.Error as error:
            raise StoreFailed(f"{path} cannot be opened: {error}") from error

    def close(self) -> None:
        self._connection.close()

    def _set_up(self, path: Path | None, *, readonly: bool) -> None:
        application = self._connection.pragma("application_id")
        tables = self._connection.execute("SELECT count(*) FROM sqlite_schema").get
        if application != _APPLICATION_ID and (application or tables):
            raise StoreFailed(f"{path} must be a file of the surfaces, was of application {application}")
        if readonly:
            return
        self._connection.pragma("journal_mode", "wal")
        # FULL syncs every commit: a command that was begun is known to have been, whatever happens next.
        self._connection.pragma("synchronous", "full")
        self._connection.execute(_SCHEMA)
        self._connection.pragma("application_id", _APPLICATION_ID)

    # How equity went

    def peak(self, account: AccountId) -> Decimal | None:
        """Return the highest equity that was ever sampled; None: none was."""
        return self._peaks.get(account)

    def sample(self, figures: Mapping[AccountId, tuple[Decimal | None, Decimal | None]], now: datetime) -> None:
        """Write the balance and equity of some accounts for this minute.

        Raises:
            StoreFailed: it cannot be written; the chart has a hole.
        """
        minute = _minute(now)
        rows = [
            (account, minute, None if balance is None else plain(balance), None if equity is None else plain(equity))
            for account, (balance, equity) in figures.items()
        ]
        higher = {
            account: equity
            for account, (_, equity) in figures.items()
            if equity is not None and equity > self._peaks.get(account, equity - 1)
        }
        peaks = [(account, plain(equity)) for account, equity in higher.items()]
        try:
            with self._lock, self._connection:
                self._connection.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?)", rows)
                self._connection.executemany("INSERT OR REPLACE INTO peaks VALUES (?, ?)", peaks)
        except apsw.Error as error:
            raise StoreFailed(f"the equity curve cannot be written: {error}") from error
        self._peaks |= higher

    def thin(self, now: datetime) -> None:
        """Keep of each hour that is older than a week its last minute only, and forget what is older than two years.

        Raises:
            StoreFailed: it cannot be written.
        """
        try:
            with self._lock, self._connection:
                self._connection.execute("DELETE FROM samples WHERE minute < ?", (_minute(now - HOURS_KEPT),))
                self._connection.execute(
                    "DELETE FROM samples WHERE minute < ? AND EXISTS (SELECT 1 FROM samples AS later WHERE"
                    " later.account = samples.account AND later.minute > samples.minute"
                    " AND later.minute < (samples.minute / 60 + 1) * 60)",
                    (_minute(now - MINUTES_KEPT),),
                )
        except apsw.Error as error:
            raise StoreFailed(f"the equity curve cannot be thinned: {error}") from error

    def curve(
        self, account: AccountId, since: datetime, until: datetime, points: int
    ) -> tuple[timedelta, list[Sample]]:
        """Return an account's samples, the last of each stretch, and how long a stretch is: no more than `points`.

        Raises:
            StoreFailed: it cannot be read.
        """
        last = _minute(until)
        first = max(_minute(since), last - HOURS_KEPT // _MINUTE)
        stretch = max(-(-(last - first + 1) // points), 1)
        try:
            with self._lock:
                rows = self._connection.execute(
                    "SELECT max(minute), balance, equity FROM samples WHERE account = ? AND minute BETWEEN ? AND ?"
                    " GROUP BY (minute - ?) / ? ORDER BY 1",
                    (account, first, last, first, stretch),
                ).fetchall()
        except apsw.Error as error:
            raise StoreFailed(f"the equity curve cannot be read: {error}") from error
        found = cast("list[tuple[int, str | None, str | None]]", rows)
        return timedelta(minutes=stretch), [Sample(_at(minute), _exact(b), _exact(e)) for minute, b, e in found]

    # What commands answered

    def begin(self, who: str, key: str, asked: bytes, now: datetime) -> Answer | None:
        """Note that a command begins; return what is known of it where its key was given before.

        Raises:
            StoreFailed: it cannot be written: do nothing. TooMany: too many commands with keys today.
        """
        at_s = int(now.timestamp())
        try:
            with self._lock, self._connection:
                known = self._known(who, key, at_s - int(ANSWERS_KEPT.total_seconds()))
                if known is None:
                    self._connection.execute(
                        "INSERT INTO answers VALUES (?, ?, ?, ?, NULL, NULL)", (who, key, asked, at_s)
                    )
        except apsw.Error as error:
            raise StoreFailed(f"the command cannot be noted: {error}") from error
        return known

    def _known(self, who: str, key: str, oldest_s: int) -> Answer | None:
        """Forget what is too old, and return what is known of a key.

        Raises:
            TooMany: nothing is known of it, and there is no room for another one.
        """
        execute = self._connection.execute
        execute("DELETE FROM answers WHERE at_s < ?", (oldest_s,))
        rows = execute("SELECT asked, status, body FROM answers WHERE who = ? AND key = ?", (who, key)).fetchall()
        if rows:
            [(asked, status, body)] = cast("list[tuple[bytes, int | None, bytes | None]]", rows)
            return Answer(asked, status, body or b"")
        if execute("SELECT count(*) FROM answers").get >= ANSWERS_MAX:
            raise TooMany(f"{ANSWERS_MAX} commands with keys within {ANSWERS_KEPT}")
        return None

    def end(self, who: str, key: str, status: int, body: bytes) -> None:
        """Note what a command was answered.

        Raises:
            StoreFailed: it cannot be written; the command counts as begun.
        """
        self._write("UPDATE answers SET status = ?, body = ? WHERE who = ? AND key = ?", (status, body, who, key))

    def forget(self, who: str, key: str) -> None:
        """Forget a command that did nothing.

        Raises:
            StoreFailed: it cannot be written; the command counts as begun.
        """
        self._write("DELETE FROM answers WHERE who = ? AND key = ?", (who, key))

    def _write(self, statement: str, bindings: Iterable[int | str | bytes]) -> None:
        try:
            with self._lock:
                self._connection.execute(statement, tuple(bindings))
        except apsw.Error as error:
            raise StoreFailed(f"the command's answer cannot be noted: {error}") from error


@contextmanager
def opened_store(path: Path | None) -> Iterator[Store]:
    """Open the store for the length of the block. One that cannot be opened must not keep anybody from trading."""
    try:
        store = Store(path)
    except StoreFailed as error:
        _log.error("charts and idempotency keys are not kept over restarts", reason=str(error))
        store = Store(None)
    try:
        yield store
    finally:
        store.close()


class TooMany(Exception):
    """More commands with keys than are remembered."""


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _at(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def _exact(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
