"""What changed, for those who show it: durable records and touched accounts, in a bounded queue for each reader."""

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import trio

from copier.ledger.records import Record
from rules.model.frozen import frozen
from rules.model.values import AccountId

RECORDS_WAITING_MAX: Final = 10_000
"""Records that wait for one reader: what a burst writes in a second. Who is further behind starts anew."""


@frozen
class Change:
    """A record that became durable."""

    number: int
    """Its place in the ledger."""
    record: Record
    at: datetime


@frozen
class News:
    """What came since the last look."""

    changes: tuple[Change, ...]
    accounts: frozenset[AccountId]
    """Accounts of which anything may look different now: figures, positions, quotes, sessions."""
    is_gap: bool
    """The reader was too slow, and `changes` is not all: what is shown must be built anew."""


class ChangeReader:
    """One reader's queue. Accounts conflate; records are kept in order, up to a bound."""

    def __init__(self) -> None:
        self._changes: deque[Change] = deque()
        self._accounts: set[AccountId] = set()
        self._is_gap = False
        self._arrived = trio.Event()

    async def take(self) -> News:
        """Return what came since the last look, as soon as there is anything."""
        await self._arrived.wait()
        self._arrived = trio.Event()
        news = News(tuple(self._changes), frozenset(self._accounts), self._is_gap)
        self._changes.clear()
        self._accounts.clear()
        self._is_gap = False
        return news

    def put_record(self, change: Change) -> None:
        if len(self._changes) >= RECORDS_WAITING_MAX:
            self._changes.clear()
            self._is_gap = True
        self._changes.append(change)
        self._arrived.set()

    def put_accounts(self, accounts: Iterable[AccountId]) -> None:
        self._accounts.update(accounts)
        self._arrived.set()


class Changes:
    """Hands what changed to every reader. The engine calls in; it never waits for any of them."""

    def __init__(self) -> None:
        self._readers: set[ChangeReader] = set()
        self._number = 0

    def begin_after(self, seq: int) -> None:
        """Count on from the last entry of the ledger: each that follows is told once, in order."""
        self._number = seq

    def record(self, record: Record, at: datetime) -> None:
        """Take a record that became durable (a `copier.ledger.journal.Listener`)."""
        self._number += 1
        for reader in self._readers:
            reader.put_record(Change(self._number, record, at))

    def touch(self, accounts: Iterable[AccountId]) -> None:
        """Take note of accounts of which the engine heard something in its last round."""
        for reader in self._readers:
            reader.put_accounts(accounts)

    @contextmanager
    def reader(self) -> Iterator[ChangeReader]:
        """Read for the length of the block."""
        reader = ChangeReader()
        self._readers.add(reader)
        try:
            yield reader
        finally:
            self._readers.discard(reader)
