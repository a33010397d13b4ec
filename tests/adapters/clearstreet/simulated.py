"""A simulated Clear Street of shares with one account, and the hands of a stranger: raw requests and a raw socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import trio
from attrs import define
from trio_websocket import WebSocketConnection

from adapters.clearstreet.simulator import CLIENT_ID, CLIENT_WORD, Simulator
from adapters.clearstreet.simulator_auth import AUDIENCE
from adapters.clearstreet.simulator_desk import Desk
from adapters.clearstreet.simulator_universe import share_market
from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import HttpRequest
from adapters.transport.websocket import open_websocket
from rules.model.observed import Quote
from rules.model.values import OmsType, PositionId, Side, Symbol

# A Friday, 10:00 in New York.
START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
ACCOUNT_ID = "100000"
ACCOUNT_NUMBER = "SIM000001"
ACCOUNT = {"account_id": ACCOUNT_ID, "account_number": ACCOUNT_NUMBER}
AAPL, XOM = Symbol("AAPL"), Symbol("XOM")
BASE = "/studio/v2"
HOST, PORT = "clearstreet.test", 80
GRANT = {
    "grant_type": "client_credentials",
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_WORD,
    "audience": AUDIENCE,
}

Json = dict[str, Any]


@define(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


class Venue:
    """The simulator, its parts, and a stranger's way to it."""

    def __init__(self, market: Market | None = None, start: datetime = START, **settings: Any) -> None:
        self.at = start
        self._started = trio.current_time()
        self.market = share_market(start) if market is None else market
        self.broker = Broker(self.market, self.now)
        self.book: Book = self.broker.add_account(ACCOUNT_ID, OmsType.NETTING, Decimal(1_000_000))
        self.simulator = Simulator(self.broker, now=self.now, **{"rate_limits": {}, **settings})
        self.faults = self.simulator.faults
        self.token = ""

    def now(self) -> datetime:
        """Return the world's time: it runs with trio's clock, and `later` moves it on."""
        return self.at + timedelta(seconds=trio.current_time() - self._started)

    def later(self, **by: float) -> None:
        """Let time pass at once, with nobody waiting for it."""
        self.at += timedelta(**by)

    @property
    def desk(self) -> Desk:
        return self.simulator.desks()[ACCOUNT_ID]

    def quote(self, bid: str, ask: str | None = None, symbol: Symbol = AAPL) -> None:
        self.market.set_quote(Quote(symbol, Decimal(bid), Decimal(ask or bid), self.now()))

    def by_hand(self, side: Side, volume: str, symbol: Symbol = AAPL) -> None:
        self.book.open(symbol, side, Decimal(volume))

    def close_by_hand(self, volume: str | None = None) -> None:
        (held,) = self.book.positions.values()
        self.book.close(PositionId(held.position_id), None if volume is None else Decimal(volume))

    # REST

    async def request(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        """Send a request to the service, as its HTTP server would hand it over."""
        headers = {"authorization": f"Bearer {self.token}"}
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        fields = {name.rstrip("_"): str(value) for name, value in query.items()}
        answer = await self.simulator.service.http(HttpRequest(method, path, fields, headers, data))
        shown = json.loads(answer.body, parse_float=Decimal) if answer.body else None
        return Answer(answer.status, shown, dict(answer.headers))

    async def sign_in(self) -> str:
        answer = await self.request("POST", "/oauth/token", GRANT)
        assert answer.status == 200, answer
        self.token = answer.body["access_token"]
        return self.token

    async def ask(self, method: str, path: str, body: object = None, **query: object) -> Answer:
        """Send a request below the account, signed in."""
        if not self.token:
            await self.sign_in()
        return await self.request(method, f"{BASE}/accounts/{ACCOUNT_ID}/{path}".rstrip("/"), body, **query)

    async def get(self, path: str, **query: object) -> Any:
        answer = await self.ask("GET", path, **query)
        assert answer.status == 200, answer
        return answer.body

    async def place(self, side: str = "buy", quantity: str = "10", **fields: str) -> str:
        """Place an order, which is received; returns its id."""
        answer = await self.ask("POST", "orders", order(side, quantity, **fields))
        assert answer.status == 201, answer
        assert list(answer.body) == ["order_id"]
        return answer.body["order_id"]

    async def order(self, order_id: str) -> Json:
        """Return one order."""
        shown = await self.get(f"orders/{order_id}")
        assert list(shown) == ["order"]
        return shown["order"]

    def told(self, kind: str | None = None) -> list[Json]:
        """Return what was said on the stream today (of one kind: only the data)."""
        messages = self.desk.activity.day.messages
        shown = json.loads(json.dumps(messages, default=str))
        return [each["data"] for each in shown if each["type"] == kind] if kind else shown


def order(side: str = "buy", quantity: str = "10", **fields: str) -> Json:
    """Return the body of an order: a market order of AAPL for the day, unless `fields` say otherwise."""
    body = {"order_type": "market", "side": side, "quantity": quantity, "time_in_force": "day", "symbol": "AAPL"}
    return {**body, **fields}


@define
class Stream:
    """A raw socket."""

    venue: Venue
    socket: WebSocketConnection

    async def subscribe(self, account_id: str = ACCOUNT_ID, token: str | None = None) -> None:
        token = self.venue.token if token is None else token
        payload = {"type": "subscribe-activity", "account_id": account_id}
        await self.socket.send_message(json.dumps({"authorization": token, "payload": payload}))

    async def next(self) -> Json:
        """Return the next frame that is no heartbeat."""
        while True:
            frame = json.loads(await self.socket.get_message())
            if frame["payload"]["type"] != "heartbeat":
                return frame

    async def take(self, count: int) -> list[Json]:
        with trio.fail_after(100):
            return [await self.next() for _ in range(count)]

    async def until_replayed(self) -> list[Json]:
        """Return what comes before the end of the replay; the acknowledgment is checked."""
        frames = []
        with trio.fail_after(100):
            while (frame := await self.next())["payload"]["type"] != "replay-complete":
                frames.append(frame)
        assert frames[0]["payload"]["type"] == "subscribe-activity-ack"
        assert frames[0]["payload"]["success"] is True
        return frames[1:]

    async def silent(self, seconds: float = 5) -> None:
        """Check that nothing but heartbeats comes for a while."""
        with trio.move_on_after(seconds):
            raise AssertionError(f"expected nothing, found {await self.next()}")


@asynccontextmanager
async def served(venue: Venue) -> AsyncIterator[MemoryNetwork]:
    """Serve a venue in memory."""
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen(HOST, PORT, venue.simulator.service.serve_stream)
        yield network
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def streaming(venue: Venue, network: MemoryNetwork) -> AsyncIterator[Stream]:
    """Open a socket, signed in but not subscribed."""
    if not venue.token:
        await venue.sign_in()
    async with open_websocket(f"ws://{HOST}:{PORT}{BASE}/ws", connect=network.connect) as socket:
        yield Stream(venue, socket)


@asynccontextmanager
async def stream_of(**settings: Any) -> AsyncIterator[tuple[Venue, Stream]]:
    """Serve a new venue and open a socket at it."""
    venue = Venue(**settings)
    async with served(venue) as network, streaming(venue, network) as stream:
        yield venue, stream


def kinds(frames: list[Json]) -> list[str]:
    return [frame["payload"]["type"] for frame in frames]


def sequences(frames: list[Json]) -> list[int | None]:
    return [frame.get("sequence") for frame in frames]
