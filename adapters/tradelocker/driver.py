"""The trio side of a TradeLocker account: the stream loop, questions, and orders that are sent once."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote as escaped

import trio
from trio_websocket import ConnectionClosed, WebSocketConnection

from adapters import socketio
from adapters.base import (
    Capabilities,
    Emit,
    RequestNotSent,
    SessionLost,
    SignInRefused,
    Throttled,
    UtcNow,
)
from adapters.network import Connect
from adapters.tradelocker import capabilities, orders, translate, wire
from adapters.tradelocker.catalog import Catalog
from adapters.tradelocker.config import Config
from adapters.tradelocker.open_times import OpenTimes
from adapters.tradelocker.rest import NotExecuted, Refused, Rest, VenueRefusal
from adapters.tradelocker.session import StreamSession, TokenRefused
from adapters.tradelocker.stream_book import BookStops
from adapters.tradelocker.wire_rest import InstrumentRow, OrderPlaced, Row, converted
from adapters.websocket import open_websocket
from rules.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.events import Event, Origin, SnapshotReceived
from rules.instruments import Instrument
from rules.observed import AccountStatus, Position, Quote
from rules.reports import Accepted, Filled, NotFound, NotSent, Rejected, Report, StopsReplaced
from rules.values import AccountId, ClOrdId, PositionId, Symbol, VenueOrderId, Volume, plain

_SYNC_S_MAX: Final = 60.0
"""From the open socket to the confirmed snapshot. The venue gives no figure; large accounts need seconds."""

_SILENCE_S_MAX: Final = 60.0
"""Our patience until the server has told its ping times (a default server tells 25 s + 20 s)."""

_BOOKS_PAUSE_S: Final = 0.5
"""Between two questions to the books, which lag behind the stream a little."""

_RESULT_S_MAX: Final = 2.0
"""What we spend, after an order was taken, on learning what became of it; after that `find` does."""

_HISTORY_MARGIN: Final = timedelta(hours=1)
"""By how much the venue's clock may differ from ours when we ask for orders since we sent one."""

_FIRST_MARGIN: Final = timedelta(minutes=2)
"""The same for the first look right after an order: a short list is read fast, and `find` looks farther back."""


class TradeLockerAccount:
    """One account at TradeLocker (an `adapters.base.Account`)."""

    def __init__(self, account: AccountId, config: Config, *, connect: Connect, now: UtcNow) -> None:
        self._account = account
        self._config = config
        self._connect = connect
        self._now = now
        self._rest = Rest(config, connect, now)
        self._catalog = Catalog(self._rest)
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

    async def _run(self, websocket: WebSocketConnection, session: StreamSession, emit: Emit) -> None:
        lock = trio.Lock()  # so that events reach the engine in the order in which the session saw them
        wake = trio.Event()

        async def read() -> None:
            nonlocal wake
            deadline = trio.current_time() + _SYNC_S_MAX
            while True:
                frame = await self._next_frame(websocket, session, deadline)
                async with lock:
                    await self._emit_all(emit, session.receive(frame, self._now()))
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
                    books = await self._books_for(session)
                    async with lock:
                        await self._emit_all(emit, session.learn(books, mark, self._now()))
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

    async def _next_frame(self, websocket: WebSocketConnection, session: StreamSession, deadline: float) -> str | bytes:
        patience_s = session.silence_s_max or _SILENCE_S_MAX
        limit = trio.current_time() + patience_s
        if not session.synchronized:
            limit = min(limit, deadline)
        with trio.move_on_at(limit):
            frame: str | bytes = await websocket.get_message()
            return frame
        if not session.synchronized and trio.current_time() >= deadline:
            raise SessionLost(f"expected the end of the initial state within {_SYNC_S_MAX:g} s, it did not come")
        raise SessionLost(f"the Streams API was silent for {patience_s:g} s")

    async def _books_for(self, session: StreamSession) -> BookStops:
        try:
            return (await self._rest.books())[1]
        except SessionLost:
            if not session.synchronized:
                raise
            # A live stream is worth more than a stop price that is late: the next regular snapshot brings it.
            return {}

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
        rows, stops = await self._rest.books()
        positions: list[Position] = []
        for row in rows:
            name = await self._catalog.name_of(translate.required(row, "tradableInstrumentId", "position"))
            contract_size = await self._catalog.contract_size(name)
            stop_loss, take_profit = stops[PositionId(translate.required(row, "id", "position"))]
            position = translate.position_from_row(row, Symbol(name), contract_size, stop_loss, take_profit)
            positions.append(self._open_times.settled(position))
        status = translate.status_from_row(await self._rest.state(), self._rest.currency)
        received = SnapshotReceived(self._account, self._now(), tuple(positions), Origin.RECONCILED, requested_at)
        return received, status

    # Orders

    async def submit(self, action: Action) -> Report:
        """Send one action, once.

        An opening is tagged by its `strategyId`. Closes and changes name the position and carry no tag: in the venue's
        API a `strategyId` beside a position only selects.
        """
        try:
            match action:
                case OpenPosition():
                    return await self._open(action)
                case ClosePosition():
                    return await self._close(action, "0", Volume(0))  # 0 is the venue's word for all of it
                case ReducePosition():
                    return await self._close(action, plain(action.volume), action.remaining)
                case ReplaceStops():
                    path = _position_path(action.position_id)
                    answer = await self._rest.change("PATCH", path, orders.stops_body(action))
                    if isinstance(answer, Refused):
                        return Rejected(action.cl_ord_id, answer.text)
                    return StopsReplaced(action.cl_ord_id)
                case PlaceOrder() | ReplaceOrder() | CancelOrder():
                    return Rejected(action.cl_ord_id, "pending orders are not sent to TradeLocker")
        except NotExecuted as error:
            return NotSent(action.cl_ord_id, str(error))

    async def _open(self, action: OpenPosition) -> Report:
        row = await self._tradable(action.symbol)
        route = None if row is None else row.route("TRADE")
        if row is None or route is None:
            return Rejected(action.cl_ord_id, f"the account has no instrument {action.symbol!r} that takes orders")
        submitted_at = self._now()
        answer = await self._rest.place(orders.open_body(action, row, route))
        if isinstance(answer, Refused):
            return Rejected(action.cl_ord_id, answer.text)
        order_id = str(converted(answer, OrderPlaced, "answer to an order").order_id)
        accepted = Accepted(action.cl_ord_id, VenueOrderId(order_id))
        with trio.move_on_after(_RESULT_S_MAX):
            try:
                ended = await self._history(submitted_at - _FIRST_MARGIN, ("id", order_id))
                if ended:
                    return orders.report_of(ended[0], action.cl_ord_id, final=True)
            except SessionLost:
                return accepted  # the order is in, only our look at it failed
        return accepted

    async def _tradable(self, symbol: Symbol) -> InstrumentRow | None:
        try:
            return (await self._catalog.instruments()).get(symbol)
        except RequestNotSent:
            raise
        except SessionLost as error:
            raise RequestNotSent(f"before the order: {error}") from error

    async def _close(self, action: ClosePosition | ReducePosition, quantity: str, remaining: Volume) -> Report:
        """Close `quantity` lots ("0": all). The answer names no order, so the open positions tell what came of it."""
        answer = await self._rest.change("DELETE", _position_path(action.position_id), {"qty": quantity})
        if isinstance(answer, Refused):
            return Rejected(action.cl_ord_id, answer.text)
        with trio.move_on_after(_RESULT_S_MAX):
            try:
                rows = await self._rest.rows("positions", where=("id", action.position_id))
                left = translate.positive(rows[0].get("qty"), "qty of a position") if rows else Volume(0)
            except SessionLost:
                return Accepted(action.cl_ord_id)
            if left <= remaining:
                return Filled(action.cl_ord_id, action.position_id, action.volume)
        return Accepted(action.cl_ord_id)

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        # In the order in which an order wanders, so that it cannot slip through between two questions.
        tagged = ("strategyId", cl_ord_id)
        row = orders.opening_row(await self._rest.rows("orders", where=tagged), cl_ord_id)
        if row is not None:
            return orders.report_of(row, cl_ord_id, final=False)
        row = orders.opening_row(await self._history(submitted_at - _HISTORY_MARGIN, tagged), cl_ord_id)
        report = None if row is None else orders.report_of(row, cl_ord_id, final=True)
        if isinstance(report, Filled | Rejected):
            return report
        positions = await self._rest.rows("positions", where=tagged)
        if positions:
            return orders.report_of_position(positions[0], cl_ord_id)
        return NotFound(cl_ord_id) if report is None else report

    async def _history(self, since: datetime, where: tuple[str, str]) -> list[Row]:
        start_ms = int(since.timestamp()) * 1000
        return await self._rest.rows("ordersHistory", {"from": str(start_ms)}, where=where)


def _position_path(position_id: PositionId) -> str:
    return f"/trade/positions/{escaped(position_id, safe='')}"


def _main_reason(group: ExceptionGroup[Exception]) -> Exception:
    """Return the one error that ended both tasks of a session; a bug among them is shown as it is."""
    expected, bugs = group.split((SignInRefused, SessionLost, ConnectionClosed))
    if expected is None or bugs is not None:
        return group
    errors: list[Exception] = list(expected.exceptions)
    return min(errors, key=lambda error: not isinstance(error, SignInRefused))
