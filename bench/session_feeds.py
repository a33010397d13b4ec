"""The venues' side in the bench of sessions: handshakes, initial state, and live messages encoded beforehand."""

from collections.abc import Iterable
from decimal import Decimal
from typing import ClassVar

import msgspec
import trio
from attrs import field

from adapters.clearstreet.simulator import Simulator as ClearStreetSimulator
from adapters.clearstreet.simulator_limits import RATE_LIMITS as CLEARSTREET_LIMITS
from adapters.metaapi.wire import EVENT_SYNCHRONIZATION
from adapters.metacopier.simulator_stomp import ServerSession as StompSession
from adapters.simulation.broker import Broker
from adapters.tradelocker.simulator import SERVER as BRAND
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.tradelocker.simulator_rest import RATE_LIMITS as TRADELOCKER_LIMITS
from adapters.tradelocker.wire import EVENT_CONNECTION, EVENT_STREAM, EVENT_SUBSCRIPTIONS, NAMESPACE
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest
from adapters.transport.socketio import Event, ServerSession
from adapters.transport.socketio_packets import ConnectRequested
from bench import session_words as words
from bench.lean import LeanSocket, text_frame
from bench.session_words import Json
from copier.clock import utc_now
from copier.simulated import make_market
from rules.model.frozen import frozen
from rules.model.values import OmsType

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_LIVE_IDS = 100
"""Open positions that live messages tell of, in turn."""

_PAGE_ROWS = 1000

# No answer to a bench is worth the venues' own limits.
_UNLIMITED = (10**9, 1)


def encoded(value: object) -> str:
    """Return compact JSON, as the venues write it."""
    return _ENCODER.encode(value).decode()


def _now_ms() -> int:
    return int(utc_now().timestamp() * 1000)


def socketio_event(namespace: str, name: str, payload: object) -> str:
    """Return the frame of an event, the same in Engine.IO 3 and 4."""
    place = "" if namespace == "/" else f"{namespace},"
    return f"42{place}{encoded([name, payload])}"


@frozen
class Block:
    """Live messages: as the venue sends them, as the yardstick gets them, and how many events they are to us."""

    texts: list[str] = field(repr=False)
    floor_texts: list[str] = field(repr=False)
    events: int


class Line:
    """The server's end of one client's WebSocket; several tasks may send."""

    def __init__(self, socket: LeanSocket) -> None:
        self._socket = socket
        self._turn = trio.Lock()

    async def send(self, texts: Iterable[str]) -> None:
        """Send messages, in one piece."""
        await self.send_wire(b"".join(text_frame(text.encode()) for text in texts))

    async def send_wire(self, wire: bytes) -> None:
        """Send what is framed already."""
        async with self._turn:
            await self._socket.send(wire)

    async def receive(self) -> str | None:
        """Return the client's next message; None at its end."""
        message = await self._socket.receive()
        return None if message is None else message.decode()


class Feed:
    """One venue with one account that holds `positions`; serves any number of connections."""

    venue: ClassVar[str]
    namespace: ClassVar[str] = "/"
    event: ClassVar[str]
    """Where the yardstick hears the payloads."""
    events_after_snapshot: ClassVar[int] = 0
    """Events that the end of the initial state brings behind the snapshot."""
    alive: ClassVar[str] = "2"
    """What keeps a session alive and is no event."""

    def __init__(self, positions: int = 1) -> None:
        self.positions = positions
        self._number = 0

    def state(self) -> list[str]:
        """Return the messages of the initial state."""
        raise NotImplementedError

    def live(self, count: int) -> Block:
        """Return the next `count` messages."""
        raise NotImplementedError

    async def answer(self, request: HttpRequest, at: float) -> HttpResponse:
        """Answer a request."""
        return HttpResponse(404)

    async def serve(self, socket: LeanSocket, target: str) -> None:
        """Serve a socket to its end."""
        await self.converse(Line(socket))

    async def converse(self, line: Line) -> None:
        """Answer a client until it has the initial state, and its pings after that."""
        raise NotImplementedError

    def _block(self, payloads: list[Json], events: int) -> Block:
        texts = [socketio_event(self.namespace, self.event, payload) for payload in payloads]
        return Block(texts, texts, events)


class TradeLockerFeed(Feed):
    """Streams API: Socket.IO 4; positions and figures in turn."""

    venue = "tradelocker"
    namespace = NAMESPACE
    event = EVENT_STREAM

    def __init__(self, positions: int = 1) -> None:
        super().__init__(positions)
        broker = Broker(make_market(), utc_now)
        broker.add_account(words.ACCOUNT, OmsType.HEDGING, Decimal(100_000))
        limits = dict.fromkeys(TRADELOCKER_LIMITS, _UNLIMITED)
        self._simulator = TradeLockerSimulator(broker, now=utc_now, rate_limits=limits)
        rows = [words.tradelocker_row(number) for number in range(1, positions + 1)]
        self.rows = encoded({"s": "ok", "d": {"positions": rows}}).encode()

    def state(self) -> list[str]:
        held = [words.tradelocker_position(number, number, BRAND) for number in range(1, self.positions + 1)]
        told = [words.tradelocker_status(0, BRAND), *held, words.tradelocker_property("SyncEnd")]
        return [socketio_event(NAMESPACE, EVENT_STREAM, message) for message in told]

    def live(self, count: int) -> Block:
        payloads: list[Json] = []
        for _ in range(count // 2):
            self._number += 1
            position_id = self._number % _LIVE_IDS + 1
            payloads.append(words.tradelocker_position(position_id, self._number, BRAND))
            payloads.append(words.tradelocker_status(self._number, BRAND))
        return self._block(payloads, len(payloads))

    async def answer(self, request: HttpRequest, at: float) -> HttpResponse:
        if request.path.endswith("/positions"):
            return HttpResponse(200, {"content-type": "application/json"}, self.rows)
        answer: HttpResponse = await self._simulator.service.http(request)
        return answer

    async def converse(self, line: Line) -> None:
        session = ServerSession("bench")
        await line.send(session.take_outbox())
        while (text := await line.receive()) is not None:
            state: list[str] = []
            match session.receive(text):
                case ConnectRequested(namespace=name):
                    session.accept(name)
                    session.emit(EVENT_CONNECTION, {"status": "ok", "code": "connected"}, namespace=NAMESPACE)
                case Event(name=name) as event if name == EVENT_SUBSCRIPTIONS:
                    session.acknowledge(event, {"status": "ok", "code": "connected", "message": "Connected"})
                    state = self.state()
            await line.send([*session.take_outbox(), *state])


class MetaApiFeed(Feed):
    """MetaApi: Socket.IO 2; updates of a position and prices of a symbol in turn."""

    venue = "metaapi"
    event = EVENT_SYNCHRONIZATION
    events_after_snapshot = 1
    alive = socketio_event("/", EVENT_SYNCHRONIZATION, words.metaapi_packet("status", connected=True))

    def __init__(self, positions: int = 1) -> None:
        super().__init__(positions)
        self._sequence = 0

    def authenticated(self) -> str:
        """Return the message that says that the terminal is up."""
        return socketio_event("/", self.event, words.metaapi_packet("authenticated", replicas=1))

    def state(self, synchronization_id: str = "") -> list[str]:
        self._sequence = -1
        held = [words.metaapi_position(number, number) for number in range(1, self.positions + 1)]
        packets = (
            self._packet("synchronizationStarted", synchronizationId=synchronization_id),
            self._packet("accountInformation", accountInformation=words.metaapi_information()),
            self._packet("positions", positions=held, synchronizationId=synchronization_id),
            self._packet("orderSynchronizationFinished", synchronizationId=synchronization_id),
            self._packet("dealSynchronizationFinished", synchronizationId=synchronization_id),
        )
        return [socketio_event("/", self.event, packet) for packet in packets]

    def live(self, count: int) -> Block:
        payloads: list[Json] = []
        for _ in range(count // 2):
            self._number += 1
            position = words.metaapi_position(self._number % _LIVE_IDS + 1, self._number)
            payloads.append(self._packet("update", updatedPositions=[position]))
            figures = {"equity": 100_000 + self._number % 999, "margin": 1160, "freeMargin": 98_840}
            prices = [words.metaapi_price(self._number)]
            payloads.append(self._packet("prices", prices=prices, marginLevel=8620, **figures))
        return self._block(payloads, len(payloads) // 2 * 3)  # prices are a quote and figures

    async def converse(self, line: Line) -> None:
        session = ServerSession("bench", eio_version=3, ping_timeout_s=60.0)
        await line.send(session.take_outbox())
        while (text := await line.receive()) is not None:
            told: list[str] = []
            match session.receive(text):
                case Event(args=({"type": "subscribe"}, *_)):
                    told = [self.authenticated()]
                case Event(args=({"type": "synchronize", "requestId": str(request_id)}, *_)):
                    told = self.state(request_id)
            await line.send([*session.take_outbox(), *told])

    def _packet(self, kind: str, **fields: object) -> Json:
        self._sequence += 1
        numbers: Json = {"sequenceNumber": self._sequence, "sequenceTimestamp": words.OPENED_MS + self._sequence}
        return words.metaapi_packet(kind, **{**numbers, **fields})


class MetaCopierFeed(Feed):
    """MetaCopier: STOMP; each message carries all open positions, of which live there is one."""

    venue = "metacopier"
    event = "changes"
    alive = "\n"

    def __init__(self, positions: int = 1) -> None:
        super().__init__(positions)
        self._session = StompSession()
        for _ in self._session.receive("CONNECT\naccept-version:1.2\nhost:/\nheart-beat:10000,10000\napi-key:k\n\n\0"):
            self._session.accept("bench")
        list(self._session.receive("SUBSCRIBE\nid:sub-0\ndestination:/user/queue/accounts/changes\n\n\0"))
        self._signed_in = self._session.take_outgoing()

    def state(self) -> list[str]:
        held = [words.metacopier_position(number, number) for number in range(1, self.positions + 1)]
        return self._session.messages(encoded(words.metacopier_positions(held)).encode())

    def live(self, count: int) -> Block:
        texts: list[str] = []
        floor_texts: list[str] = []
        for _ in range(count):
            self._number += 1
            body = words.metacopier_positions([words.metacopier_position(1, self._number)])
            texts += self._session.messages(encoded(body).encode())
            floor_texts.append(socketio_event("/", self.event, body))
        return Block(texts, floor_texts, count)

    async def converse(self, line: Line) -> None:
        """Say what a server says, whatever the client's ids: its own are those of `__init__`."""
        while (text := await line.receive()) is not None:
            if text.startswith("CONNECT\n"):
                await line.send(self._signed_in)
            elif text.startswith("SEND\n"):
                await line.send(self.state())


class ClearStreetFeed(Feed):
    """Clear Street: plain JSON messages; executions and net positions in turn."""

    venue = "clearstreet"
    event = "activity"

    def __init__(self, positions: int = 1) -> None:
        super().__init__(positions)
        broker = Broker(make_market(), utc_now)
        broker.add_account(words.CLEARSTREET_ID, OmsType.NETTING, Decimal(100_000))
        limits = dict.fromkeys(CLEARSTREET_LIMITS, _UNLIMITED)
        self._simulator = ClearStreetSimulator(broker, now=utc_now, rate_limits=limits)
        self.rows = [words.clearstreet_position(f"S{number:05}", 100) for number in range(1, positions + 1)]
        self._sequence = 0

    @property
    def alive(self) -> str:  # type: ignore[override] # the venue writes the time into it
        return self._frame({"type": "heartbeat"})

    def acknowledged(self) -> str:
        """Return the answer to a subscription."""
        details = "Subscribed successfully"
        return self._frame({"type": "subscribe-activity-ack", "success": True, "details": details})

    def state(self) -> list[str]:
        self._sequence = 0
        told = [self._sequenced("position-update", row) for row in self.rows]
        return [*(encoded(each) for each in told), self._frame({"type": "replay-complete"})]

    def live(self, count: int) -> Block:
        payloads: list[Json] = []
        for _ in range(count // 2):
            self._number += 1
            trade = words.clearstreet_trade("LIVE", self._number, self._number, _now_ms())
            payloads.append(self._sequenced("trade-notice", trade))
            payloads.append(self._sequenced("position-update", words.clearstreet_position("LIVE", self._number)))
        floor_texts = [socketio_event("/", self.event, payload) for payload in payloads]
        return Block([encoded(payload) for payload in payloads], floor_texts, len(payloads) // 2)

    async def answer(self, request: HttpRequest, at: float) -> HttpResponse:
        if request.path.endswith("/positions"):
            return HttpResponse(200, {"content-type": "application/json"}, self.page(request.query.get("page_token")))
        answer: HttpResponse = await self._simulator.service.http(request)
        return answer

    def page(self, token: str | None) -> bytes:
        """Return a page of the positions that the REST API lists."""
        start = int(token or 0)
        rest = {"next_page_token": str(start + _PAGE_ROWS)} if start + _PAGE_ROWS < len(self.rows) else {}
        return encoded({"data": self.rows[start : start + _PAGE_ROWS], **rest}).encode()

    async def converse(self, line: Line) -> None:
        while await line.receive() is not None:
            await line.send([self.acknowledged(), *self.state()])

    def _sequenced(self, kind: str, data: Json) -> Json:
        self._sequence += 1
        at_ms = _now_ms()
        return {"timestamp": at_ms, "sequence": self._sequence, "payload": {"type": kind, "data": data}}

    def _frame(self, payload: Json) -> str:
        return encoded({"timestamp": _now_ms(), "payload": payload})


class EarlierDaysFeed(ClearStreetFeed):
    """Clear Street with positions of earlier days: the replay of the day tells of none, the books have them all."""

    def state(self) -> list[str]:
        return super().state()[-1:]


class FloorFeed(Feed):
    """A Socket.IO 4 server that lets anybody in and says nothing by itself: what the yardstick is connected to."""

    venue = "yardstick"

    async def converse(self, line: Line) -> None:
        session = ServerSession("bench")
        await line.send(session.take_outbox())
        while (text := await line.receive()) is not None:
            match session.receive(text):
                case ConnectRequested(namespace=name):
                    session.accept(name)
            await line.send(session.take_outbox())


FEEDS: tuple[type[Feed], ...] = (TradeLockerFeed, MetaApiFeed, MetaCopierFeed, ClearStreetFeed)
