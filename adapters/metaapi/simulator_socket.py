"""One client's socket at a simulated MetaApi: requests in, answers and synchronization packets out."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from typing import Any, Final

import trio
from attrs import define, field, frozen

from adapters.base import RemoteProtocolError, UtcNow
from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import (
    ProcessingError,
    TradeRefused,
    invalid,
    not_found,
    too_many,
    unauthorized,
)
from adapters.metaapi.simulator_reads import Reads, Request, instant, instrument, text
from adapters.metaapi.simulator_subscription import Stamps, Subscription
from adapters.metaapi.simulator_trade import checked
from adapters.metaapi.simulator_words import Json
from adapters.serving import DropConnection
from adapters.simulation.faults import Faults, StreamFaults
from adapters.socketio import Closed, Disconnected, Event, ServerSession
from rules.values import Symbol

RECONNECT_S: Final = 1.0
"""How long a terminal is away that was asked to reconnect."""

PING_INTERVAL_S: Final = 25.0
PING_TIMEOUT_S: Final = 60.0
"""As in an open packet of a Socket.IO 2 server with its defaults."""

_FRAMES_WAITING_MAX: Final = 10_000
"""Answers to a client that does not read; then it is cut off."""

Receive = Callable[[], Awaitable[str | bytes]]
Send = Callable[[str], Awaitable[None]]


@frozen
class Venue:
    """What all sockets share.

    Args:
        desks: the accounts by id, at this moment.
        subscriptions_max: of one socket.
        update_type, records_a_packet: see `Subscription`.
        trade_errors: refuse trades by `processingError` instead of by a code in the response.
    """

    desks: Callable[[], Mapping[str, Desk]]
    faults: Faults
    now: UtcNow
    token: str = field(repr=False)
    stamps: Stamps
    reads: Reads
    subscriptions_max: int
    update_type: str
    records_a_packet: int
    trade_errors: bool
    error_ids: "count[int]" = field(factory=lambda: count(1))


@define(eq=False)
class Socket:
    """Serves one open connection, over whatever carries its frames."""

    venue: Venue
    session: ServerSession
    token: str | None = field(repr=False)
    _nursery: trio.Nursery = field(init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)
    _subscriptions: dict[tuple[str, int], Subscription] = field(factory=dict, init=False)
    _weather: StreamFaults[Json] = field(init=False)

    @_weather.default
    def _make_weather(self) -> StreamFaults[Json]:
        return StreamFaults(self.venue.faults)

    async def run(self, receive: Receive, send: Send) -> None:
        """Serve until either side ends the connection.

        Raises:
            DropConnection: it is to be cut, also in a group.
        """
        scope = trio.CancelScope()
        stop_cutting = self.venue.faults.on_drop_streams(scope.cancel)
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    self._nursery = nursery
                    nursery.start_soon(self._write, send, scope)
                    await self._read(receive)
                    nursery.cancel_scope.cancel()
        finally:
            stop_cutting()
            for subscription in self._subscriptions.values():
                subscription.close()
        if scope.cancelled_caught:
            raise DropConnection

    # Out

    async def _write(self, send: Send, scope: trio.CancelScope) -> None:
        """Send answers first, then packets one by one, and wait only when nothing is due."""
        while True:
            self._wake = trio.Event()
            frames = self.session.take_outbox()
            if len(frames) > _FRAMES_WAITING_MAX:
                scope.cancel()
            for frame in frames:
                if not self.venue.faults.half_open:
                    await send(frame)
            if not frames and not self._queue_packets():
                due_at = min((each.due_at() for each in self._subscriptions.values()), default=float("inf"))
                with trio.move_on_at(due_at):
                    await self._wake.wait()

    def _queue_packets(self) -> bool:
        """Queue at most one packet of each subscription; tells whether there was any."""
        found = False
        for subscription in tuple(self._subscriptions.values()):
            packet = subscription.next_packet(trio.current_time())
            if packet is not None:
                found = True
                for each in self._weather.deliveries(packet):
                    self.session.emit("synchronization", each)
        return found

    def _awake(self) -> None:
        self._wake.set()

    def _emit(self, name: str, data: Json) -> None:
        self.session.emit(name, data)
        self._awake()

    # In

    async def _read(self, receive: Receive) -> None:
        while True:
            frame: str | bytes | None = None
            with trio.move_on_after(self.session.silence_s_max):
                frame = await receive()
            if frame is None:
                return
            match self.session.receive(frame):
                case Event(name="request", args=(request, *_)):
                    self._take(request)
                case Closed() | Disconnected():
                    return
            self._awake()

    def _take(self, request: object) -> None:
        if not isinstance(request, Mapping):
            raise RemoteProtocolError(f"expected a request that is an object, found {type(request).__name__}")
        about = {name: request[name] for name in ("requestId", "accountId") if isinstance(request.get(name), str)}
        try:
            answer: Json = {"type": "response", **about, **self._answer(request)}
            self._answer_later("response", answer)
        except ProcessingError as error:
            said = {"error": error.error, "message": str(error), **error.more}
            self._answer_later("processingError", {"id": next(self.venue.error_ids), **said, **about})

    def _answer_later(self, name: str, data: Json) -> None:
        if self.venue.faults.delay_s > 0:
            self._nursery.start_soon(self._answer_after, self.venue.faults.delay_s, name, data)
        else:
            self._emit(name, data)

    async def _answer_after(self, delay_s: float, name: str, data: Json) -> None:
        await trio.sleep(delay_s)
        self._emit(name, data)

    def _answer(self, request: Request) -> Json:
        """Answer one request; returns the response's own fields.

        Raises:
            ProcessingError: it is refused. DropConnection: a lost request or answer was asked for.
        """
        faults = self.venue.faults
        text(request, "requestId")
        if self.token != self.venue.token or faults.refuse_sign_in:
            raise unauthorized()
        if faults.maintenance:
            raise ProcessingError("InternalError", "The server is under maintenance")
        account_id, kind = text(request, "accountId"), text(request, "type")
        desk = self.venue.desks().get(account_id)
        if desk is None:
            raise not_found(f"Trading account with id {account_id} not found")
        if kind == "trade":
            return {"response": self._trade(desk, request)}
        if self.venue.reads.answers(kind):
            return self.venue.reads.answer(desk, kind, request)
        self._steer(desk, kind, request)
        return {}

    def _trade(self, desk: Desk, request: Request) -> Json:
        """Execute what moves money; the faults of money-moving requests happen here and only here."""
        faults = self.venue.faults
        try:
            if not desk.is_up:
                raise ProcessingError("TimeoutError", "Account is not connected to broker")
            execute = checked(desk, request)
            if faults.take_throttle():
                raise too_many("LIMIT_REQUEST_RATE_PER_USER", self.venue.now())
            if faults.take_lost_request():
                raise DropConnection
            try:
                answer = execute(faults.take_rejection())
            finally:
                if faults.take_lost_answer():
                    raise DropConnection
        except TradeRefused as refusal:
            code = {"numericCode": refusal.code[0], "stringCode": refusal.code[1]}
            if self.venue.trade_errors:
                raise ProcessingError("TradeError", str(refusal), **code) from None
            return {**code, "message": str(refusal)}
        return answer

    # Subscriptions

    def _steer(self, desk: Desk, kind: str, request: Request) -> None:
        """Take a request about the stream."""
        index = request.get("instanceIndex", 0)
        if type(index) is not int or index not in (0, 1):
            raise invalid("instanceIndex", str(index)[:40], "must be 0 or 1")
        match kind:
            case "subscribe":
                self._subscribe(desk, index, request)
            case "unsubscribe":
                subscription = self._subscriptions.pop((desk.account_id, index), None)
                if subscription is not None:
                    subscription.close()
            case "reconnect":
                if desk.is_up:
                    self._nursery.start_soon(self._reconnect, desk, index)
            case "waitSynchronized":
                if not desk.is_up:
                    raise ProcessingError("TimeoutError", "Account is not connected to broker")
            case "saveUptime" | "removeApplication":
                pass
            case _:
                self._steer_subscription(desk, kind, index, request)

    def _subscribe(self, desk: Desk, index: int, request: Request) -> None:
        venue, place = self.venue, (desk.account_id, index)
        if place not in self._subscriptions:
            if len(self._subscriptions) >= venue.subscriptions_max:
                raise too_many("LIMIT_ACCOUNT_SUBSCRIPTIONS_PER_USER_PER_SERVER", venue.now())
            self._subscriptions[place] = Subscription(
                desk,
                index,
                venue.stamps,
                self._awake,
                at=trio.current_time(),
                update_type=venue.update_type,
                records_a_packet=venue.records_a_packet,
            )
        session_id = request.get("sessionId")
        self._subscriptions[place].authenticate(session_id if isinstance(session_id, str) else None)

    def _steer_subscription(self, desk: Desk, kind: str, index: int, request: Request) -> None:
        subscription = self._subscriptions.get((desk.account_id, index))
        if kind not in _NEED_SUBSCRIPTION:
            raise invalid("type", kind[:40], "must be one of the documented request types")
        if subscription is None or not desk.is_up:
            raise ProcessingError("NotAuthenticatedError", "Account is not connected to the terminal yet")
        match kind:
            case "synchronize":
                orders_from, deals_from = (
                    instant(request, name) for name in ("startingHistoryOrderTime", "startingDealTime")
                )
                subscription.synchronize(text(request, "requestId"), orders_from, deals_from)
            case "refreshMarketDataSubscriptions":
                subscription.watch(_symbols(desk, request))
            case "subscribeToMarketData":
                subscription.watch_also(instrument(desk, request).symbol)
            case "unsubscribeFromMarketData":
                subscription.watch_no_more(instrument(desk, request).symbol)

    async def _reconnect(self, desk: Desk, index: int) -> None:
        """Restart the terminal. The socket that asked is told of it, whether it is subscribed or not."""
        desk.take_down()
        with _coming_up(desk):
            await trio.sleep(RECONNECT_S)
        if (desk.account_id, index) not in self._subscriptions:
            place = {"accountId": desk.account_id, "instanceIndex": index, "host": desk.host}
            self._emit("synchronization", {"type": "authenticated", **place, "replicas": 1})


_NEED_SUBSCRIPTION = (
    "synchronize",
    "refreshMarketDataSubscriptions",
    "subscribeToMarketData",
    "unsubscribeFromMarketData",
)


@contextmanager
def _coming_up(desk: Desk) -> Iterator[None]:
    """Bring the terminal up at the end, also when the socket that asked for it has gone."""
    try:
        yield
    finally:
        desk.bring_up()


def _symbols(desk: Desk, request: Request) -> set[Symbol]:
    wanted: Any = request.get("subscriptions", [])
    if not isinstance(wanted, list) or not all(isinstance(each, Mapping) for each in wanted):
        raise invalid("subscriptions", None, "a list of objects is required")
    return {instrument(desk, each).symbol for each in wanted}
