"""The trio side of a TradeLocker account: the stream loop, and questions."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import trio
from trio_websocket import ConnectionClosed

from adapters.base import (
    Capabilities,
    Emit,
    SessionLost,
    SignInRefused,
    Throttled,
    UtcNow,
)
from adapters.history import oldest_first
from adapters.tradelocker import capabilities, history, translate, wire
from adapters.tradelocker.catalog import Catalog
from adapters.tradelocker.config import Config
from adapters.tradelocker.open_times import OpenTimes
from adapters.tradelocker.rest import Books, Rest, VenueRefusal
from adapters.tradelocker.session import StreamSession, TokenRefused
from adapters.tradelocker.stream_book import BookStops
from adapters.tradelocker.trading import Trading
from adapters.transport import socketio
from adapters.transport.frames import EagerLock
from adapters.transport.network import Connect
from adapters.transport.plain_frames import VenueSocket
from adapters.transport.websocket import open_websocket
from rules.model.actions import Action
from rules.model.events import Event, Origin, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Fill, Position, Quote, WorkingOrder
from rules.model.reports import Report
from rules.model.values import AccountId, ClOrdId, PositionId, Symbol

_SYNC_S_MAX: Final = 60.0
"""From the open socket to the confirmed snapshot. The venue gives no figure; large accounts need seconds."""

_SILENCE_S_MAX: Final = 60.0
"""Our patience until the server has told its ping times (a default server tells 25 s + 20 s)."""

_BOOKS_PAUSE_S: Final = 0.5
"""Between two questions to the books, which lag behind the stream a little."""


class TradeLockerAccount:
    """One account at TradeLocker (an `adapters.base.Account`)."""

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        self._account = account
        self._config = config
        self._connect = connect
        self._now = now
        self._rest = Rest(config, connect, now)
        self._catalog = Catalog(self._rest)
        self._trading = Trading(self._rest, self._catalog, now)
        self._open_times = OpenTimes()
        self._capabilities = capabilities.capabilities(streams=config.developer_api_key is not None)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    async def aclose(self) -> None:
        await self._rest.aclose()

    # Stream

    async def stream(self, emit: Emit) -> None:
        """Run one Streams API session until it is lost.

        Raises:
            SessionLost: the session is gone. SignInRefused: key, credentials or account are refused for good.
        """
        key = self._config.developer_api_key
        if key is None:
            raise SignInRefused("the Streams API needs a developer_api_key, and the account's config has none")
        try:
            token = await self._rest.stream_token()
        except Throttled as error:
            raise SessionLost(str(error)) from error
        session = StreamSession(self._account, token)
        url = socketio.endpoint(self._config.streams_origin, wire.PATH, eio_version=4)
        headers = [("developer-api-key", key.reveal())]
        try:
            async with open_websocket(url, connect=self._connect, headers=headers) as websocket:
                await self._run(websocket, session, emit)
        except TokenRefused:
            self._rest.reject_stream_token(token)
            raise

    async def _run(self, websocket: VenueSocket, session: StreamSession, emit: Emit) -> None:
        lock = EagerLock()  # so that events reach the engine in the order in which the session saw them
        wake = trio.Event()

        async def read() -> None:
            nonlocal wake
            deadline = trio.current_time() + _SYNC_S_MAX
            while True:
                frame: str | bytes | None = await self._next_frame(websocket, session, deadline)
                now = self._now()
                async with lock:
                    while frame is not None:  # also what was read with it: of a few milliseconds at most
                        if events := session.receive(frame, now):
                            await self._emit_all(emit, events)
                        frame = websocket.ready_message()
                    for reply in session.take_outbox():
                        await websocket.send_message(reply)
                if session.needs_books:
                    wake.set()

        async def ask_books() -> None:
            nonlocal wake
            while True:
                await wake.wait()
                wake = trio.Event()
                while session.needs_books:
                    mark = session.mark
                    stops, pending = await self._books_for(session)
                    await trio.lowlevel.checkpoint()  # thousands of rows took their time, as will what follows
                    async with lock:
                        await self._emit_all(emit, session.learn(stops, pending, mark, self._now()))
                    if session.needs_books:
                        await trio.sleep(_BOOKS_PAUSE_S)

        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ask_books)
                nursery.start_soon(read)
        except ExceptionGroup as group:
            raise _main_reason(group) from group

    async def _emit_all(self, emit: Emit, events: list[Event]) -> None:
        for event in events:
            await emit(self._open_times.settled_event(event))

    async def _next_frame(self, websocket: VenueSocket, session: StreamSession, deadline: float) -> str | bytes:
        patience_s = session.silence_s_max or _SILENCE_S_MAX
        limit = trio.current_time() + patience_s
        if not session.synchronized:
            limit = min(limit, deadline)
        frame = await websocket.message_by(limit)
        if frame is not None:
            return frame
        if not session.synchronized and trio.current_time() >= deadline:
            raise SessionLost(f"expected the end of the initial state within {_SYNC_S_MAX:g} s, it did not come")
        raise SessionLost(f"the Streams API was silent for {patience_s:g} s")

    async def _books_for(self, session: StreamSession) -> tuple[BookStops, tuple[WorkingOrder, ...]]:
        try:
            books = await self._rest.books()
            return books.stops, await self._pending(books)
        except SessionLost:
            if not session.synchronized:
                raise
            # A live stream is worth more than a stop price that is late: the next regular snapshot brings it.
            return {}, ()

    # Questions

    async def symbols(self) -> Iterable[Symbol]:
        return [Symbol(name) for name in await self._catalog.instruments()]

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        row = (await self._catalog.instruments()).get(symbol)
        if row is None:
            return None
        return translate.instrument(symbol, await self._catalog.details(row), tradable=row.route("TRADE") is not None)

    async def quote(self, symbol: Symbol) -> Quote | None:
        row = (await self._catalog.instruments()).get(symbol)
        if row is None:
            return None
        try:
            quotes = await self._catalog.quotes(row)
        except VenueRefusal:
            return None
        return translate.quote(symbol, quotes, self._now())

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        requested_at = self._now()
        books = await self._rest.books()
        positions: list[Position] = []
        for row in books.positions():
            name = await self._catalog.name_of(translate.required(row, "tradableInstrumentId", "position"))
            contract_size = await self._catalog.contract_size(name)
            stop_loss, take_profit = books.stops[PositionId(translate.required(row, "id", "position"))]
            position = translate.position_from_row(row, Symbol(name), contract_size, stop_loss, take_profit)
            positions.append(self._open_times.settled(position))
        status = translate.status_from_row(await self._rest.state(), self._rest.currency)
        orders = await self._pending(books)
        received = SnapshotReceived(
            self._account, self._now(), tuple(positions), Origin.RECONCILED, requested_at, orders=orders
        )
        return received, status

    async def _pending(self, books: Books) -> tuple[WorkingOrder, ...]:
        orders = []
        for row in books.orders:
            name = await self._catalog.name_of(translate.required(row, "tradableInstrumentId", "order"))
            orders.append(translate.order_from_row(row, Symbol(name)))
        return tuple(orders)

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        start_ms = int((since - history.PLACED_EARLIER).timestamp()) * 1000
        rows = await self._rest.rows("ordersHistory", {"from": str(start_ms)})
        fills: list[Fill] = []
        for row in history.filled_rows(rows, since):
            name = await self._catalog.name_of(translate.required(row, "tradableInstrumentId", "order"))
            fills.append(history.fill(row, Symbol(name)))
        return oldest_first(fills, since)

    # Orders

    async def submit(self, action: Action) -> Report:
        return await self._trading.submit(action)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        return await self._trading.find(cl_ord_id, submitted_at)


def _main_reason(group: ExceptionGroup[Exception]) -> Exception:
    """Return the one error that ended both tasks of a session; a bug among them is shown as it is."""
    expected, bugs = group.split((SignInRefused, SessionLost, ConnectionClosed))
    if expected is None or bugs is not None:
        return group
    errors: list[Exception] = list(expected.exceptions)
    return min(errors, key=lambda error: not isinstance(error, SignInRefused))
