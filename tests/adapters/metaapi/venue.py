"""What the MetaApi tests share: a simulated venue in memory, and a plain client that speaks to it word by word."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import trio
from attrs import define, field
from trio_websocket import WebSocketConnection

from adapters.metaapi.simulator import ACCESS_WORD, Simulator
from adapters.metaapi.simulator_desk import Desk, account_id
from adapters.simulation.broker import Book, Broker
from adapters.simulation.faults import Faults
from adapters.simulation.market import Market
from adapters.transport.network import MemoryNetwork
from adapters.transport.socketio import ClientSession, Event, endpoint
from adapters.transport.websocket import open_websocket
from rules.model.observed import Quote
from rules.model.values import OmsType, Symbol

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOST, PORT = "metaapi.test", 80
ORIGIN = f"http://{HOST}:{PORT}"
EURUSD = Symbol("EURUSD")
PATIENCE_S = 300


def now() -> datetime:
    """The tests' wall clock: it goes with trio's, which the tests' autojump clock drives."""
    return START + timedelta(seconds=trio.current_time())


@define
class Client:
    """One socket: answers and packets in the order of their coming."""

    socket: WebSocketConnection
    session: ClientSession
    account_id: str
    packets: list[dict[str, Any]] = field(factory=list)
    answers: dict[str, dict[str, Any]] = field(factory=dict)
    _count: int = 0

    async def send(self, kind: str, **fields: object) -> str:
        """Send a request; returns its id."""
        self._count += 1
        request = {"type": kind, "accountId": self.account_id, "requestId": f"r{self._count}", **fields}
        self.session.emit("request", request)
        await self._flush()
        return str(request["requestId"])

    async def ask(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a request and return its answer, whichever of the two kinds it is."""
        request_id = await self.send(kind, **fields)
        return await self.answer_to(request_id)

    async def answer_to(self, request_id: str) -> dict[str, Any]:
        with trio.fail_after(PATIENCE_S):
            while request_id not in self.answers:
                await self._read()
        return self.answers.pop(request_id)

    async def trade(self, kind: str, **fields: object) -> dict[str, Any]:
        """Send a trade and return the terminal's answer."""
        answer = await self.ask("trade", trade={"actionType": kind, **fields})
        result: dict[str, Any] = answer["response"]
        return result

    async def packet(self, kind: str | None = None) -> dict[str, Any]:
        """Return the next packet, or the next of that kind; those before it are dropped."""
        with trio.fail_after(PATIENCE_S):
            while True:
                while self.packets:
                    packet = self.packets.pop(0)
                    if kind in (None, packet["type"]):
                        return packet
                await self._read()

    async def hears_nothing(self, seconds: float) -> None:
        """Check that for so long nothing comes but signs of life."""
        with trio.move_on_after(seconds):
            while True:
                packet = await self.packet()
                assert packet["type"] == "keepalive" or "connected" in packet, packet

    async def subscribe(self, index: int = 0, session_id: str = "s1") -> dict[str, Any]:
        """Subscribe and return the packet that says that the terminal is up."""
        await self.ask("subscribe", instanceIndex=index, sessionId=session_id)
        return await self.packet("authenticated")

    async def synchronize(self, name: str = "sync1", index: int = 0, **times: str) -> list[dict[str, Any]]:
        """Synchronize and return all packets from the first to the last of it."""
        answer = await self.ask("synchronize", requestId=name, version=2, instanceIndex=index, **times)
        assert answer["type"] == "response"
        seen = [await self.packet("synchronizationStarted")]
        while seen[-1]["type"] != "dealSynchronizationFinished":
            seen.append(await self.packet())
        return seen

    async def _read(self) -> None:
        event = self.session.receive(await self.socket.get_message())
        if not isinstance(event, Event):
            return
        data = event.args[0]
        if event.name == "synchronization":
            self.packets.append(data)
        else:
            assert event.name in ("response", "processingError")
            self.answers[data.get("requestId", "")] = data

    async def _flush(self) -> None:
        for frame in self.session.take_outbox():
            await self.socket.send_message(frame)


@define
class Venue:
    broker: Broker
    book: Book
    simulator: Simulator
    network: MemoryNetwork

    @property
    def faults(self) -> Faults:
        return self.simulator.faults

    @property
    def desk(self) -> Desk:
        return self.simulator.desk(self.book.name)

    @property
    def account_id(self) -> str:
        return account_id(self.book.name)

    def quote(self, bid: str, ask: str, symbol: Symbol = EURUSD) -> None:
        self.broker.market.set_quote(Quote(symbol, Decimal(bid), Decimal(ask), now()))

    @asynccontextmanager
    async def client(self, word: str = ACCESS_WORD) -> AsyncIterator[Client]:
        query = {"auth-token": word, "clientId": "0.1234567890", "protocol": "3"}
        url = endpoint(ORIGIN, "/ws", eio_version=3, query=query)
        async with open_websocket(url, connect=self.network.connect) as socket:
            session = ClientSession(eio_version=3)
            for _ in range(2):
                session.receive(await socket.get_message())
            yield Client(socket, session, self.account_id)


@asynccontextmanager
async def open_venue(oms: OmsType = OmsType.HEDGING, **options: Any) -> AsyncIterator[Venue]:
    broker = Broker(Market.default(now()), now)
    book = broker.add_account("master", oms, Decimal(10_000))
    simulator = Simulator(broker, now=now, **options)
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen(HOST, PORT, simulator.service.serve_stream)
        yield Venue(broker, book, simulator, network)
        nursery.cancel_scope.cancel()
