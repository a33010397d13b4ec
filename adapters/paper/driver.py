"""A paper account behind the service's `Account`: the simulated broker in this process instead of a connection."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeAlias

import trio

from adapters.base import Capabilities, Emit, SessionLost, UtcNow
from adapters.history import oldest_first
from adapters.paper import history
from adapters.paper.books import PaperBooks, own_market
from adapters.paper.capabilities import capabilities
from adapters.paper.config import Config
from adapters.simulation.book import Book
from adapters.simulation.market import Market
from adapters.simulation.records import Change, OrderChanged, OrderGone, PositionChanged, PositionGone
from adapters.transport.network import Connect
from rules.model.actions import Action
from rules.model.events import (
    AccountReported,
    Event,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Quote
from rules.model.reports import NotFound, Report
from rules.model.values import AccountId, ClOrdId, OrderStatus, Symbol


class PaperAccount:
    """One paper account (`adapters.base.Account`).

    Args:
        connect: unused; every venue's account is made alike.
        market: whose quotes fill its orders; None: its own, which has no quotes until somebody sets them
            (`market.set_quote`), so that orders fill at the price that the action expects.
    """

    def __init__(
        self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow, market: Market | None = None
    ) -> None:
        del connect
        self.market = own_market(config) if market is None else market
        self._account = account
        self._config = config
        self._now = now
        self._capabilities = capabilities(config.oms)
        self._open_books: PaperBooks | None = None
        self._streams: set[_Outbox] = set()

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    @property
    def book(self) -> Book:
        """The account's books, opened when they were not: what an auditor reads."""
        return self._books().book

    async def stream(self, emit: Emit) -> None:
        """Tell of every change until the books are given up; see `adapters.base.Account.stream`."""
        await trio.lowlevel.checkpoint()
        books = self._books()
        outbox = _Outbox()
        self._streams.add(outbox)
        stop = books.book.listen(outbox.on_change)
        try:
            await emit(SessionOpened(self._account, self._now()))
            # What changes from here on is in the outbox, so that nothing falls between the snapshot and the stream.
            outbox.changes.clear()
            await emit(self._snapshot_of(books.book, requested_at=None))
            await emit(AccountReported(self._account, self._now(), books.book.status()))
            while True:
                await outbox.filled.wait()
                if books.failed is not None or books is not self._open_books:
                    raise SessionLost(books.failed or "the paper account was closed")
                for event in self._events(outbox):
                    await emit(event)
                await emit(AccountReported(self._account, self._now(), books.book.status()))
        finally:
            stop()
            self._streams.discard(outbox)

    async def symbols(self) -> Iterable[Symbol]:
        await trio.lowlevel.checkpoint()
        return tuple(self.market.instruments)

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        await trio.lowlevel.checkpoint()
        return self.market.instruments.get(symbol)

    async def quote(self, symbol: Symbol) -> Quote | None:
        await trio.lowlevel.checkpoint()
        return self.market.quotes.get(symbol)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        await trio.lowlevel.checkpoint()
        book = self._books().book
        book.expire()  # an account that nothing is quoted on still keeps time
        return self._snapshot_of(book, requested_at=self._now()), book.status()

    async def submit(self, action: Action) -> Report:
        """Execute one action, once; see `adapters.base.Account.submit`. It is on disk before the report is returned.

        Syncing to disk keeps the whole service waiting for some milliseconds; in a thread of its own it would make
        a simulated run differ from one time to the next.
        """
        await trio.lowlevel.checkpoint()
        try:
            return self._books().execute(action)
        except SessionLost:
            self._give_up()
            raise

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        """Return what became of an action, whenever it was; see `adapters.base.Account.find`."""
        await trio.lowlevel.checkpoint()
        return self._books().report(cl_ord_id) or NotFound(cl_ord_id)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        await trio.lowlevel.checkpoint()
        book = self._books().book
        book.expire()
        return oldest_first(history.fills(book.orders, book.oms), since)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self._give_up()

    def _books(self) -> PaperBooks:
        """Return the open books; opens the file at the first need, and anew after a failure.

        Raises:
            SessionLost: another process has the file. SignInRefused: it does not fit this account.
        """
        if self._open_books is not None and self._open_books.failed is not None:
            self._give_up()
        if self._open_books is None:
            self._open_books = PaperBooks(self._account, self._config, self.market, self._now)
        return self._open_books

    def _give_up(self) -> None:
        if self._open_books is not None:
            self._open_books.close()
            self._open_books = None
        for outbox in self._streams:
            outbox.filled.set()

    def _snapshot_of(self, book: Book, *, requested_at: datetime | None) -> SnapshotReceived:
        positions, orders = tuple(book.positions.values()), tuple(book.working.values())
        return SnapshotReceived(self._account, self._now(), positions, Origin.RECONCILED, requested_at, orders=orders)

    def _events(self, outbox: "_Outbox") -> list[Event]:
        """Return what the outbox holds, as events, and empty it."""
        changes, now = tuple(outbox.changes.values()), self._now()
        outbox.changes.clear()
        outbox.filled = trio.Event()
        return [self._event(change, now) for change in changes]

    def _event(self, change: "_Told", now: datetime) -> Event:
        match change:
            case PositionChanged():
                return PositionReported(self._account, now, change.position)
            case PositionGone():
                closed = change.closed
                position_id = closed.position.position_id
                return PositionClosed(self._account, now, position_id, closed.close_price, closed.closed_at)
            case OrderChanged():
                return OrderReported(self._account, now, change.order)
            case OrderGone():
                status = OrderStatus(change.status.value)
                return OrderEnded(self._account, now, change.order.order_id, status, change.position_id)


_Told: TypeAlias = PositionChanged | PositionGone | OrderChanged | OrderGone


class _Outbox:
    """What one stream has still to tell: of each position and order the latest only, so that a slow reader bounds it.

    Both have ids of one row of numbers.
    """

    def __init__(self) -> None:
        self.changes: dict[str, _Told] = {}
        self.filled = trio.Event()

    def on_change(self, change: Change) -> None:
        match change:
            case PositionChanged():
                self.changes[change.position.position_id] = change
            case OrderChanged():
                self.changes[change.order.order_id] = change
            case PositionGone():
                # Last in line again: a netted position that was turned around is gone before its successor is there.
                self._put_last(change.closed.position.position_id, change)
            case OrderGone():
                self._put_last(change.order.order_id, change)  # after the position that it opened
        self.filled.set()

    def _put_last(self, key: str, change: _Told) -> None:
        self.changes.pop(key, None)
        self.changes[key] = change
