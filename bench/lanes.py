"""What is measured wire to wire: each lane is a relay in a process of its own between a source and a sink of ours.

A lane knows how to send its next frame and tells when the order that the frame led to has come.
"""

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

import trio

from adapters.metacopier.simulator import Simulator as MetaCopierSimulator
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.simulation.broker import Broker
from adapters.tradelocker.simulator import Simulator as TradeLockerSimulator
from adapters.tradelocker.wire import EVENT_CONNECTION, EVENT_STREAM, EVENT_SUBSCRIPTIONS, NAMESPACE
from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest, serve_tcp
from adapters.transport.socketio import Event, ServerSession
from adapters.transport.socketio_packets import ConnectRequested
from bench.lean import LeanSocket, serve, text_frame
from bench.parts import POLICY, start_program
from copier.clock import utc_now
from copier.simulated import API_KEY, SimulatedVenue, make_market
from rules.model.values import OmsType

SOURCE, TARGET = "L#700001", "L#700002"
READY_S_MAX = 30.0

# No answer to a bench is worth the venue's own limits.
_UNLIMITED = dict.fromkeys(
    (
        "PLACE_ORDER",
        "MODIFY_ORDER",
        "MODIFY_POSITION",
        "GET_POSITIONS",
        "GET_ORDERS",
        "GET_ORDERS_HISTORY",
        "QUOTES",
    ),
    (10**9, 1),
)

_CONFIG = """
[service]
ledger = "sqlite:{ledger}"
reconcile_every = "1h"
{listen}

[accounts.source]
{source}

[accounts.target]
{target}

"""


def position_message(number: int, brand: str) -> dict[str, Any]:
    """Return a position as the Streams API writes it, opened now."""
    at = datetime.now(UTC)
    return {
        "type": "Position",
        "accountId": SOURCE,
        "brandId": brand,
        "userId": "00000000-0000-4000-8000-000000000001",
        "lots": "0.1",
        "lotSize": "100000",
        "units": "10000",
        "instrument": "EURUSD",
        "openPrice": "1.16008",
        "openDateTime": f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z",
        "positionId": str(number),
        "openOrderId": str(number),
        "maintMargin": "0",
        "side": "BUY",
        "fee": "0",
        "swaps": "0",
        "stopLossOrderId": None,
        "takeProfitOrderId": None,
    }


class Lane:
    """A relay under test. `heard_at` is when its last request came; `arrived` hears time and kind of each order."""

    name: str
    kinds: tuple[str, ...] = ("open",)
    """Of orders, in the order in which `next_frame` asks for them."""

    def __init__(self) -> None:
        self.heard_at = 0.0
        self.arrived: Callable[[float, str], None] = lambda at, kind: None
        self._socket: LeanSocket | None = None
        self._connected = trio.Event()
        self._process: subprocess.Popen[str] | None = None

    async def start(self, nursery: trio.Nursery) -> None:
        """Start source, sink and relay; return when a frame can be sent."""
        raise NotImplementedError

    def next_frame(self, after: str) -> bytes:
        """Return the frame that follows on an order of kind `after`; it leads to one order."""
        raise NotImplementedError

    async def send(self, frame: bytes) -> None:
        """Send a frame to the relay."""
        assert self._socket is not None
        await self._socket.send(frame)

    async def run_relay(self, kind: str, argument: str) -> None:
        """Start the relay's process and wait until it has connected."""
        self._process = start_program(kind, argument)
        with trio.fail_after(READY_S_MAX):
            await self._connected.wait()

    def cpu_s(self) -> float:
        """Return the seconds of processor that the relay has used."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End the relay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None


class EmptyRelay(Lane):
    """Reads json, writes json, thinks nothing, remembers nothing."""

    def __init__(self, kind: str, name: str) -> None:
        super().__init__()
        self.name = name
        self._kind = kind
        self._number = 0

    async def start(self, nursery: trio.Nursery) -> None:
        port = await serve(nursery, self._take_order, self._serve_socket)
        await self.run_relay(self._kind, str(port))

    def next_frame(self, after: str) -> bytes:
        self._number += 1
        return text_frame(json.dumps(position_message(self._number, "SIMULATED")).encode())

    async def _take_order(self, _: HttpRequest, at: float) -> HttpResponse:
        self.heard_at = at
        self.arrived(at, "open")
        return HttpResponse(204)

    async def _serve_socket(self, socket: LeanSocket, target: str) -> None:
        if target == "/source":
            self._socket = socket
            self._connected.set()
        while await socket.receive() is not None:
            self.heard_at = perf_counter()
            self.arrived(self.heard_at, "open")


class CopierLane(Lane):
    """The product: a TradeLocker source, a target at `venue`, frames that open and close positions in turn.

    The target's books are the venue's simulator, behind our lean HTTP; the source's REST is a simulator too, and its
    stream is written here, by the same Socket.IO session that the simulator uses.
    """

    kinds = ("open", "close")

    def __init__(self, venue: str, folder: Path, *, listen: int | None = None) -> None:
        """`listen` is the port of its surfaces; None: it has none."""
        super().__init__()
        self.name = f"copier -> {venue}"
        self._listen = listen
        self._venue = venue
        self._folder = folder
        self._session = ServerSession("bench")
        self._number = 0
        self._open: deque[int] = deque()
        source = Broker(make_market(), utc_now)
        source.add_account(SOURCE, OmsType.HEDGING, Decimal(10**9))
        self._source = TradeLockerSimulator(source, now=utc_now, rate_limits=_UNLIMITED)
        self._target = Broker(make_market(), utc_now)
        self._target.add_account(TARGET, OmsType.HEDGING, Decimal(10**9))
        self._brand = ""

    async def start(self, nursery: trio.Nursery) -> None:
        simulator: Any
        if self._venue == "tradelocker":
            simulator = TradeLockerSimulator(self._target, now=utc_now, rate_limits=_UNLIMITED)
        else:
            simulator = MetaCopierSimulator(self._target, now=utc_now, api_keys={API_KEY: None})
        source_port = await serve(nursery, partial(self._answer, self._source), self._serve_stream)
        order_port = await serve(nursery, partial(self._answer, simulator), self._refuse)
        stream_port = await nursery.start(partial(serve_tcp, simulator.service, "127.0.0.1", 0))
        file = self._folder / f"{self._venue}.toml"
        source = SimulatedVenue("tradelocker", self._source.broker, self._source, _origin(source_port))
        text = _CONFIG.format(
            ledger=self._folder / f"{self._venue}.db",
            listen="" if self._listen is None else f'listen = "127.0.0.1:{self._listen}"\nsessions_per_key = 10000',
            source=source.account_toml(SOURCE),
            target=self._target_toml(simulator, order_port, stream_port),
        )
        file.write_text(text + POLICY)
        await self.run_relay("copier", str(file))

    def _target_toml(self, simulator: Any, order_port: int, stream_port: int) -> str:
        """Return the target's table: its orders come to us, its stream is the simulator's own."""
        if self._venue == "tradelocker":
            table = SimulatedVenue("tradelocker", self._target, simulator, _origin(order_port)).account_toml(TARGET)
            return table.replace(f'streams_url = "{_origin(order_port)}"', f'streams_url = "{_origin(stream_port)}"')
        keys = {
            "venue": "metacopier",
            "account_id": metacopier_id(TARGET),
            "api_key": API_KEY,
            "rest_url": _origin(order_port),
            "socket_url": f"ws://127.0.0.1:{stream_port}/ws/api/v1",
        }
        return "\n".join(f'{key} = "{value}"' for key, value in keys.items())

    @property
    def open(self) -> int:
        """How many positions the source holds."""
        return len(self._open)

    def next_frame(self, after: str) -> bytes:
        return self.close_frame() if after == "open" else self.open_frame()

    def open_frame(self) -> bytes:
        """Return the frame of a new position."""
        self._number += 1
        self._open.append(self._number)
        return self._frame(position_message(self._number, self._brand))

    def close_frame(self) -> bytes:
        """Return the frame that closes the oldest position that is open."""
        message = {
            "type": "ClosePosition",
            "accountId": SOURCE,
            "brandId": self._brand,
            "positionId": str(self._open.popleft()),
            "closePrice": "1.16",
            "closeDateTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        }
        return self._frame(message)

    def _frame(self, message: dict[str, Any]) -> bytes:
        self._session.emit(EVENT_STREAM, message, namespace=NAMESPACE)
        (text,) = self._session.take_outbox()
        return text_frame(text.encode())

    async def _answer(self, simulator: Any, request: HttpRequest, at: float) -> HttpResponse:
        self.heard_at = at
        if request.method in ("POST", "DELETE") and "/auth/" not in request.path:
            self.arrived(at, "open" if request.method == "POST" else "close")
        answer: HttpResponse = await simulator.service.http(request)
        if answer.status >= 400:
            print(self.name, request.method, request.path, answer.status, answer.body[:200], file=sys.stderr)
        return answer

    async def _refuse(self, socket: LeanSocket, target: str) -> None:
        raise AssertionError(f"nobody opens a WebSocket here, {target} was asked for")

    async def _serve_stream(self, socket: LeanSocket, _: str) -> None:
        """Sign the relay in and give it an empty account; afterwards only `frames` speak."""
        session = self._session

        async def flush() -> None:
            for text in session.take_outbox():
                await socket.send(text_frame(text.encode()))

        await flush()
        while (frame := await socket.receive()) is not None:
            match session.receive(frame.decode()):
                case ConnectRequested(namespace=name):
                    session.accept(name)
                    session.emit(EVENT_CONNECTION, {"status": "ok", "code": "connected"}, namespace=NAMESPACE)
                case Event(name=name, args=(dict(asked), *_)) as event if name == EVENT_SUBSCRIPTIONS:
                    self._brand = str(asked["brandId"])
                    session.acknowledge(event, {"status": "ok", "code": "connected", "message": "Connected"})
                    end = {"type": "Property", "name": "SyncEnd", "accountId": SOURCE}
                    session.emit(EVENT_STREAM, end, namespace=NAMESPACE)
                    self._socket = socket
                    self._connected.set()
            await flush()

    async def keep_alive(self) -> None:
        """Ping the relay between measurements, as Engine.IO wants it."""
        self._session.ping()
        (text,) = self._session.take_outbox()
        await self.send(text_frame(text.encode()))


def _origin(port: int) -> str:
    return f"http://127.0.0.1:{port}"
