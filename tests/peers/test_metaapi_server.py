"""Our MetaApi account against a scripted MetaApi on npm's socket.io 2, over real sockets."""

import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, TypeVar

import pytest
import trio
from attrs import define, field

from adapters.base import SignInRefused
from adapters.metaapi.config import Config
from adapters.metaapi.driver import MetaApiAccount
from adapters.secret import Secret
from adapters.transport.network import connect_tcp
from rules.model.actions import ClosePosition, OpenPosition
from rules.model.events import AccountReported, Event, PositionClosed, PositionReported, SnapshotReceived
from rules.model.identity import cl_ord_id
from rules.model.reports import Accepted, Filled, Rejected
from rules.model.values import AccountId, LinkId, PositionId, Side, Symbol
from tests.peers.programs import node

pytestmark = [pytest.mark.peer, pytest.mark.slow]  # starts node, over real sockets

ALIAS = AccountId("mt")
ACCOUNT = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
HELD = PositionId("46214692")
PATIENCE_S = 60
T = TypeVar("T")


def now() -> datetime:
    return datetime.now(UTC)


@define
class Server:
    """The server program, and what it has been told."""

    process: trio.Process
    port: int = 0
    heard: list[dict[str, Any]] = field(factory=list)

    async def read(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Collect what it prints; started when the port is known."""
        assert self.process.stdout is not None
        rest = b""
        async for data in self.process.stdout:
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if not self.port:
                    self.port = int(line)
                    task_status.started()
                else:
                    self.heard.append(json.loads(line))

    def requests(self, kind: str) -> list[dict[str, Any]]:
        told = [line["request"] for line in self.heard if "request" in line]
        return [request for request in told if request["type"] == kind]

    async def close_position(self) -> None:
        assert self.process.stdin is not None
        await self.process.stdin.send_all(b"close\n")

    def account(self, word: str = "token") -> MetaApiAccount:
        config = Config(account_id=ACCOUNT, token=Secret(word), socket_url=f"http://127.0.0.1:{self.port}")
        return MetaApiAccount(ALIAS, config, connect=connect_tcp, now=now)


@define
class Events:
    """What the stream has told, in order."""

    seen: list[Event] = field(factory=list)
    _more: trio.Event = field(factory=trio.Event)

    async def emit(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.seen.append(event)
        self._more.set()

    async def wait_for(self, kind: type[T], check: Callable[[T], bool] = lambda _: True) -> T:
        """Return the next event of that kind that passes, and forget those before it."""
        while True:
            while self.seen:
                event = self.seen.pop(0)
                if isinstance(event, kind) and check(event):
                    return event
            self._more = trio.Event()
            await self._more.wait()


@asynccontextmanager
async def server() -> AsyncIterator[tuple[Server, trio.Nursery]]:
    async with trio.open_nursery() as nursery:
        run = partial(
            trio.run_process, node("metaapi_server.js"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, check=False
        )
        program = Server(await nursery.start(run))
        with trio.fail_after(PATIENCE_S):
            await nursery.start(program.read)
            yield program, nursery
        nursery.cancel_scope.cancel()


async def test_the_stream_comes_from_socket_io_2_to_events() -> None:
    async with server() as (program, nursery):
        account, events = program.account(), Events()
        nursery.start_soon(account.stream, events.emit)
        snapshot = await events.wait_for(SnapshotReceived)
        (position,) = snapshot.positions
        assert (position.position_id, position.symbol, position.side) == (HELD, "GBPUSD", Side.BUY)
        assert (position.volume, position.open_price) == (Decimal("0.07"), Decimal("1.26101"))
        assert (position.stop_loss, position.take_profit) == (Decimal("1.17721"), None)
        await events.wait_for(AccountReported, lambda event: event.status.equity == Decimal("7300.5"))
        await program.close_position()
        closed = await events.wait_for(PositionClosed)
        assert closed.position_id == HELD
        handshake = program.heard[0]
        assert handshake["query"]["auth-token"] == "token"
        assert (handshake["query"]["EIO"], handshake["query"]["protocol"]) == ("3", "3")
        assert handshake["clientId"] == handshake["query"]["clientId"]
        assert program.requests("subscribe")[0]["accountId"] == ACCOUNT
        nursery.cancel_scope.cancel()


async def test_looks_and_orders_are_answered_and_told() -> None:
    async with server() as (program, nursery):
        account, events = program.account(), Events()
        nursery.start_soon(account.stream, events.emit)
        await events.wait_for(SnapshotReceived)
        snapshot, status = await account.snapshot()
        assert [position.position_id for position in snapshot.positions] == [HELD]
        assert (status.balance, status.currency) == (Decimal("7319.9"), "USD")
        tag = cl_ord_id(LinkId("a->b"), HELD, now(), 1, 1)
        report = await account.submit(OpenPosition(tag, ALIAS, Symbol("EURUSD"), Side.BUY, Decimal("0.30")))
        assert isinstance(report, Accepted | Filled)
        (request,) = program.requests("trade")
        assert request["trade"]["clientId"] == f"c_{tag}_0"
        assert request["trade"]["volume"] == 0.3
        reported = await events.wait_for(PositionReported)
        assert (reported.position.tag, reported.position.volume) == (tag, Decimal("0.3"))
        told = (await account.snapshot())[0].positions
        (opened,) = [position for position in told if position.tag == tag]
        assert (opened.position_id, opened.volume) == ("99000000000000001", Decimal("0.3"))
        close = ClosePosition(tag, ALIAS, opened.position_id, opened.symbol, opened.side, opened.volume)
        assert isinstance(await account.submit(close), Rejected)
        await account.aclose()
        nursery.cancel_scope.cancel()


async def test_a_session_lives_longer_than_its_pings() -> None:
    async with server() as (program, nursery):
        account, events = program.account(), Events()
        nursery.start_soon(account.stream, events.emit)
        await events.wait_for(SnapshotReceived)
        await trio.sleep(1.5)  # the server drops who has not pinged for 1.2 s
        await program.close_position()
        await events.wait_for(PositionClosed)
        assert len(program.requests("subscribe")) == 1
        nursery.cancel_scope.cancel()


async def test_a_wrong_token_is_refused_for_good() -> None:
    async with server() as (program, nursery):
        with pytest.raises(SignInRefused):
            await program.account("wrong").stream(Events().emit)
        nursery.cancel_scope.cancel()
