"""npm's socket.io-client 2 with the programs of MetaApi's pages against the simulated MetaApi, over real sockets."""

import json
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define

from adapters.metaapi.simulator import Simulator
from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from adapters.transport.serving import serve_tcp
from rules.model.values import OmsType, Side, Symbol
from tests.peers.programs import PEERS, node

pytestmark = [pytest.mark.peer, pytest.mark.slow]  # starts node, over real sockets

ACCOUNT = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
EURUSD = Symbol("EURUSD")
PATIENCE_S = 60

SYNCHRONIZATION = [
    "synchronizationStarted",
    "accountInformation",
    "specifications",
    "positions",
    "orders",
    "historyOrders",
    "orderSynchronizationFinished",
    "deals",
    "dealSynchronizationFinished",
]


def now() -> datetime:
    return datetime.now(UTC)


@define
class Client:
    """A client program and what it has told."""

    process: trio.Process
    _rest: bytes = b""

    async def next(self) -> tuple[str, Any]:
        """Return the next event and its data; floats as they were written."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            data = await self.process.stdout.receive_some()
            assert data, "the client ended too early"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        told = json.loads(line, parse_float=Decimal)
        return told["event"], told.get("data")

    async def wait_for(self, event: str, kind: str | None = None) -> Any:
        """Return the data of the next event of that name, and of that packet type."""
        while True:
            name, data = await self.next()
            if name == event and (kind is None or data["type"] == kind):
                return data

    async def until_synchronized_twice(self) -> list[tuple[str, Any]]:
        """Return all events up to the end of the synchronization that the client begins by its third request."""
        seen: list[tuple[str, Any]] = []
        while True:
            seen.append(await self.next())
            data = seen[-1][1]
            answers = [data["requestId"] for event, data in seen if event == "response"]
            if (
                isinstance(data, dict)
                and data.get("type") == "dealSynchronizationFinished"
                and data["synchronizationId"] in answers[2:]
            ):
                return seen

    async def send(self, **request: object) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(json.dumps({"accountId": ACCOUNT, **request}).encode() + b"\n")


@define
class Venue:
    simulator: Simulator
    book: Book
    port: int
    nursery: trio.Nursery

    async def start(self, page: str, transports: str) -> Client:
        command = node("metaapi_client.js", str(self.port), page, transports)
        run = partial(trio.run_process, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False)
        return Client(await self.nursery.start(run))


@asynccontextmanager
async def served() -> AsyncIterator[Venue]:
    broker = Broker(Market.default(now()), now)
    book = broker.add_account(ACCOUNT, OmsType.HEDGING, Decimal(10_000))
    simulator = Simulator(broker, now=now, token="token")
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, simulator.service, "127.0.0.1", 0)
        with trio.fail_after(PATIENCE_S):
            yield Venue(simulator, book, port, nursery)
        nursery.cancel_scope.cancel()


TRANSPORTS = ["websocket", "polling,websocket", "polling"]


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_the_program_of_the_update_page_synchronizes_and_hears_of_a_close(transports: str) -> None:
    async with served() as venue:
        position_id = venue.book.open(EURUSD, Side.BUY, Decimal("0.1"), stop_loss=Decimal("1.1")).position_id
        assert position_id is not None
        client = await venue.start("update", transports)
        seen = await client.until_synchronized_twice()
        names = [event for event, _ in seen]
        assert "connect" in names
        if transports == "polling,websocket":  # what the library does by itself
            assert ("upgrade", "websocket") in seen
        answers = [data["requestId"] for event, data in seen if event == "response"]
        assert answers[:2] == ["first", "57bfbc9f-108d-4131-a300-5f7d9e69c11b"]
        assert {"type": "response", "accountId": ACCOUNT, "requestId": "first"} in [data for _, data in seen]
        packets = [data for event, data in seen if event == "synchronization"]
        (authenticated,) = [packet for packet in packets if packet["type"] == "authenticated"]
        assert (authenticated["accountId"], authenticated["replicas"]) == (ACCOUNT, 1)
        packets = [packet for packet in packets if packet.get("synchronizationId") == answers[2]]
        assert [packet["type"] for packet in packets] == SYNCHRONIZATION
        assert [packet["sequenceNumber"] for packet in packets] == list(range(len(packets)))
        (position,) = packets[3]["positions"]
        assert (position["id"], position["volume"], position["stopLoss"]) == (
            position_id,
            Decimal("0.1"),
            Decimal("1.1"),
        )
        venue.book.close(position_id)
        update = await client.wait_for("synchronization", "update")
        assert (update["removedPositionIds"], update["accountId"]) == ([position_id], ACCOUNT)
        assert [deal["entryType"] for deal in update["deals"]] == ["DEAL_ENTRY_OUT"]
        venue.nursery.cancel_scope.cancel()


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_the_program_of_the_reconnect_page_is_answered_twice(transports: str) -> None:
    async with served() as venue:
        client = await venue.start("reconnect", transports)
        await client.wait_for("connect")
        request_id = "9eb3a9fc-4cb4-4c1a-b7fb-1140a8ed29c9"
        assert await client.wait_for("response") == {"type": "response", "requestId": request_id, "accountId": ACCOUNT}
        authenticated = await client.wait_for("synchronization")
        assert (authenticated["type"], authenticated["accountId"]) == ("authenticated", ACCOUNT)
        venue.nursery.cancel_scope.cancel()


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_a_trade_of_the_client_is_answered_and_told(transports: str) -> None:
    async with served() as venue:
        client = await venue.start("update", transports)
        await client.wait_for("synchronization", "dealSynchronizationFinished")
        trade = {"actionType": "ORDER_TYPE_BUY", "symbol": "EURUSD", "volume": 0.3, "clientId": "RF_EURUSD_GjCy5lk"}
        await client.send(type="trade", requestId="t1", trade=trade)
        answer = None
        while answer is None or answer["requestId"] != "t1":
            answer = await client.wait_for("response")
        assert answer["response"]["stringCode"] == "TRADE_RETCODE_DONE"
        (held,) = venue.book.positions.values()
        assert (held.volume, held.position_id) == (Decimal("0.3"), answer["response"]["positionId"])
        await client.send(type="trade", requestId="t2", trade={**trade, "volume": "much"})
        error = await client.wait_for("processingError")
        assert (error["error"], error["requestId"]) == ("ValidationError", "t2")
        await client.send(type="getPositions", requestId="t3", application="RPC")
        answer = await client.wait_for("response")
        assert [position["clientId"] for position in answer["positions"]] == ["RF_EURUSD_GjCy5lk"]
        venue.nursery.cancel_scope.cancel()


@pytest.mark.parametrize("transports", TRANSPORTS)
async def test_the_client_sees_that_its_stream_was_cut(transports: str) -> None:
    async with served() as venue:
        client = await venue.start("update", transports)
        await client.wait_for("synchronization", "dealSynchronizationFinished")
        venue.simulator.faults.drop_streams()
        assert await client.wait_for("disconnect") in ("transport close", "transport error")
        venue.nursery.cancel_scope.cancel()


SEEDS = Path(__file__).parents[3] / "shared" / "seeds"


@pytest.mark.parametrize("page", ["update", "reconnect"])
def test_the_programs_send_what_the_pages_show(page: str) -> None:
    source = SEEDS / f"metaapi-{page}.txt"
    if not source.exists():
        pytest.skip("the page is not kept with the project")
    program = (PEERS / "metaapi_client.js").read_text(encoding="utf-8")
    text = source.read_text(encoding="utf-8")
    (request,) = re.findall(r"const request = \{(.*?)\};", text, re.DOTALL)
    lines = [line.strip().rstrip(",") for line in request.strip().splitlines()]
    assert len(lines) >= 3
    for line in lines:
        assert line.replace("'", '"') in program
