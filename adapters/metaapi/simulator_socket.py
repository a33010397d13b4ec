"""One client's socket at a simulated MetaApi: requests in, answers and synchronization packets out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import trio
from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.metaapi.simulator_desk import Desk
from adapters.metaapi.simulator_errors import (
    TIMED_OUT,
    ProcessingError,
    TradeRefused,
    not_found,
    too_many,
    unauthorized,
)
from adapters.metaapi.simulator_reads import Request, text
from adapters.metaapi.simulator_subscriptions import Subscriptions, Venue, instance_index
from adapters.metaapi.simulator_trade import checked
from adapters.metaapi.simulator_words import Json
from adapters.simulation.faults import StreamFaults
from adapters.transport.frames import FrameConnection
from adapters.transport.serving import DropConnection
from adapters.transport.socketio import Closed, Disconnected, Event, ServerSession

RECONNECT_S: Final = 1.0
"""How long a terminal is away that was asked to reconnect."""

PING_INTERVAL_S: Final = 25.0
PING_TIMEOUT_S: Final = 60.0
"""As in an open packet of a Socket.IO 2 server with its defaults."""

_UNANSWERED_MAX: Final = 10_000
"""Frames of a client that does not read what it is answered; then it is cut off."""


@define(eq=False)
class Socket:
    """Serves one open connection, over whatever carries its frames."""

    venue: Venue
    session: ServerSession
    token: str | None = field(repr=False)
    _nursery: trio.Nursery = field(init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)
    _unanswered: int = field(default=0, init=False)
    _subscriptions: Subscriptions = field(init=False)
    _weather: StreamFaults[Json] = field(init=False)

    @_subscriptions.default
    def _make_subscriptions(self) -> Subscriptions:
        return Subscriptions(self.venue, self._awake)

    @_weather.default
    def _make_weather(self) -> StreamFaults[Json]:
        return StreamFaults(self.venue.faults)

    async def run(self, connection: FrameConnection) -> None:
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
                    nursery.start_soon(self._write, connection)
                    await self._read(connection)
                    nursery.cancel_scope.cancel()
        finally:
            stop_cutting()
            self._subscriptions.close()
        if scope.cancelled_caught:
            raise DropConnection

    # Out

    async def _write(self, connection: FrameConnection) -> None:
        """Send answers first, then packets one by one, and wait only when nothing is due."""
        while True:
            self._wake = trio.Event()
            frames = self.session.take_outbox()
            self._unanswered = 0
            for frame in frames:
                if not self.venue.faults.half_open:
                    await connection.send_message(frame)
            packets = [] if frames else self._subscriptions.due_packets()
            for packet in packets:
                for each in self._weather.deliveries(packet):
                    self.session.emit("synchronization", each)
            if not frames and not packets:
                with trio.move_on_at(self._subscriptions.due_at()):
                    await self._wake.wait()

    def _awake(self) -> None:
        self._wake.set()

    def _emit(self, name: str, data: Json) -> None:
        self.session.emit(name, data)
        self._awake()

    # In

    async def _read(self, connection: FrameConnection) -> None:
        while True:
            frame: str | bytes | None = None
            with trio.move_on_after(self.session.silence_s_max):
                frame = await connection.get_message()
            self._unanswered += 1
            if frame is None or self._unanswered > _UNANSWERED_MAX:
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
        if kind == "reconnect":
            index = instance_index(request)
            if desk.is_up:
                self._nursery.start_soon(self._reconnect, desk, index)
        else:
            self._subscriptions.take(desk, kind, request)
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
                raise self._lost()
            try:
                answer = execute(faults.take_rejection())
            finally:
                if faults.take_lost_answer():
                    raise self._lost()
        except TradeRefused as refusal:
            code = {"numericCode": refusal.code[0], "stringCode": refusal.code[1]}
            if self.venue.trade_errors:
                raise ProcessingError("TradeError", str(refusal), **code) from None
            return {**code, "message": str(refusal)}
        return answer

    def _lost(self) -> Exception:
        """Return how a lost request or answer shows: the socket is cut, or the terminal says that it does not know."""
        return TradeRefused(TIMED_OUT, "Request canceled by timeout") if self.venue.doubts else DropConnection()

    async def _reconnect(self, desk: Desk, index: int) -> None:
        """Restart the terminal. The socket that asked is told of it, whether it is subscribed or not."""
        desk.take_down()
        with _coming_up(desk):
            await trio.sleep(RECONNECT_S)
        if not self._subscriptions.has((desk.account_id, index)):
            place = {"accountId": desk.account_id, "instanceIndex": index, "host": desk.hosts[0]}
            self._emit("synchronization", {"type": "authenticated", **place, "replicas": len(desk.hosts)})


@contextmanager
def _coming_up(desk: Desk) -> Iterator[None]:
    """Bring the terminal up at the end, also when the socket that asked for it has gone."""
    try:
        yield
    finally:
        desk.bring_up()
