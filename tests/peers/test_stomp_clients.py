"""The client libraries of the vendor's Socket API page against the simulated MetaCopier, over real sockets."""

import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from attrs import define

from adapters.metacopier.simulator import SOCKET_PATH, Simulator
from adapters.metacopier.simulator_words import account_id
from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from adapters.transport.serving import serve_tcp
from rules.model.values import OmsType, Side, Symbol
from tests.peers.clients import Client, start_client

HERE = Path(__file__).parent
NODE = shutil.which("node")
NODE_CLIENT = [NODE or "node", str(HERE / "stomp_client.js")]
PYTHON_CLIENT = [sys.executable, str(HERE / "stomp_client.py")]
CLIENTS = [
    pytest.param(
        NODE_CLIENT,
        id="stompjs",
        marks=pytest.mark.skipif(
            NODE is None or not (HERE / "node_modules" / "@stomp").exists(),
            reason="node or tests/peers/node_modules is not there",
        ),
    ),
    pytest.param(PYTHON_CLIENT, id="stomper"),
]
pytestmark = [pytest.mark.peer, pytest.mark.slow]  # starts an interpreter or node, over real sockets

KEY = "key-1"
EURUSD = Symbol("EURUSD")
PATIENCE_S = 60


def now() -> datetime:
    return datetime.now(UTC)


@define
class Venue:
    simulator: Simulator
    book: Book
    url: str
    nursery: trio.Nursery

    async def start(self, command: list[str], key: str, messages: int) -> Client:
        return await start_client(self.nursery, [*command, self.url, key, str(messages)])


@asynccontextmanager
async def served() -> AsyncIterator[Venue]:
    broker = Broker(Market.default(now()), now)
    book = broker.add_account("master", OmsType.HEDGING, Decimal(10_000))
    simulator = Simulator(broker, now=now, api_keys={KEY: None})
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, simulator.service, "127.0.0.1", 0)
        with trio.fail_after(PATIENCE_S):
            yield Venue(simulator, book, f"ws://127.0.0.1:{port}{SOCKET_PATH}", nursery)
        nursery.cancel_scope.cancel()


def is_list_of(size: int) -> Callable[[dict[str, object]], bool]:
    def check(event: dict[str, object]) -> bool:
        data = event.get("data")
        return isinstance(data, dict) and len(data.get("openPositions", ())) == size and "openPositions" in data

    return check


@pytest.mark.parametrize("command", CLIENTS)
async def test_the_client_gets_the_state_at_once_and_then_changes(command: list[str]) -> None:
    async with served() as venue:
        venue.book.open(EURUSD, Side.BUY, Decimal("0.1"), stop_loss=Decimal("1.1"))
        client = await venue.start(command, KEY, 100)
        assert (await client.next())["version"] == "1.2"
        first = [await client.next() for _ in range(3)]
        assert {event["type"] for event in first} == {
            "UpdateAccountInformationDTO",
            "UpdateOpenPositionsDTO",
            "UpdateHistoryDTO",
        }
        assert all(event["data"]["accountId"] == account_id("master") for event in first)  # type: ignore[index]
        (position,) = venue.book.positions.values()
        (shown,) = next(event["data"]["openPositions"] for event in first if is_list_of(1)(event))  # type: ignore[index]
        assert shown["id"] == position.position_id
        assert (shown["symbol"], shown["volume"], shown["stopLoss"]) == ("EURUSD", 0.1, 1.1)
        venue.book.open(EURUSD, Side.SELL, Decimal("0.2"))
        await client.wait_for(is_list_of(2))
        for position_id in tuple(venue.book.positions):
            venue.book.close(position_id)
        await client.wait_for(is_list_of(0))
        venue.nursery.cancel_scope.cancel()


@pytest.mark.parametrize("command", CLIENTS)
async def test_the_client_leaves_in_order(command: list[str]) -> None:
    async with served() as venue:
        client = await venue.start(command, KEY, 3)
        for _ in range(4):
            await client.next()
        if command is NODE_CLIENT:
            assert await client.next() == {"event": "receipt"}
            assert await client.next() == {"event": "closed", "code": 1000}
            assert await client.next() == {"event": "deactivated"}
        else:
            assert (await client.next())["event"] == "closed"
        assert await client.process.wait() == 0


@pytest.mark.parametrize("command", CLIENTS)
async def test_the_client_is_told_that_its_key_is_wrong(command: list[str]) -> None:
    async with served() as venue:
        client = await venue.start(command, "wrong", 1)
        error = await client.next()
        assert (error["event"], error["message"]) == ("error", "Unauthorized")
        assert "api-key" in str(error["body"])
        await client.wait_for(lambda event: event["event"] == "closed")


@pytest.mark.parametrize("command", CLIENTS)
async def test_the_client_is_told_that_there_are_too_many_sessions(command: list[str]) -> None:
    async with served() as venue:
        venue.simulator._keys.sessions_max = 1
        first = await venue.start(command, KEY, 100)
        assert (await first.next())["event"] == "connected"
        second = await venue.start(command, KEY, 100)
        assert (await second.next())["message"] == "Too many sessions"
        venue.nursery.cancel_scope.cancel()
