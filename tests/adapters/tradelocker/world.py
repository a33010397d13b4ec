"""A simulated TradeLocker with one live account, and our account that talks to it over memory or TCP."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import trio
from attrs import evolve

from adapters.simulation.broker import Broker
from adapters.simulation.market import Market
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.simulator import Simulator
from adapters.transport.network import MemoryNetwork, connect_tcp
from adapters.transport.serving import serve_tcp
from rules.model.actions import OpenPosition
from rules.model.events import Event
from rules.model.values import AccountId, ClOrdId, OmsType, Side, Symbol

ACCOUNT_ID = "L#706984"
ALIAS = AccountId("tl")
HOST, PORT = "tradelocker.test", 443
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TAG = ClOrdId("cpabcdefghijklmnopqrst")


class World:
    """The simulator, its parts, and our account."""

    def __init__(self, start=START, **settings) -> None:
        self._start, self._started = start, trio.current_time()
        self.broker = Broker(Market.default(START), self.now)
        self.book = self.broker.add_account(ACCOUNT_ID, OmsType.HEDGING, Decimal(10_000))
        self.other = self.broker.add_account("D#5", OmsType.HEDGING, Decimal(5_000), "EUR")
        self.simulator = Simulator(self.broker, now=self.now, **settings)
        self.faults = self.simulator.faults

    def now(self) -> datetime:
        """Return the world's time: it runs with trio's clock."""
        return self._start + timedelta(seconds=trio.current_time() - self._started)

    def account(self, connect, origin, account_id=ACCOUNT_ID, **changes) -> TradeLockerAccount:
        config = evolve(self.simulator.config(account_id, origin), **changes)
        return TradeLockerAccount(ALIAS, config, connect=connect, now=self.now)


class Events:
    """Collects what a stream emits, and waits for it."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._changed = trio.Event()

    async def emit(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.all.append(event)
        self._changed.set()
        self._changed = trio.Event()

    async def next(self, kind, after=0):
        """Return the first event of `kind` at or behind index `after`, waiting for it up to 100 s of trio's clock."""
        with trio.fail_after(100):
            while True:
                for event in self.all[after:]:
                    if isinstance(event, kind):
                        return event
                await self._changed.wait()


@asynccontextmanager
async def memory_world(**settings) -> AsyncIterator[tuple[World, TradeLockerAccount]]:
    """Serve a simulator in memory."""
    world = World(**settings)
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen(HOST, PORT, world.simulator.service.serve_stream)
        account = world.account(network.connect, f"http://{HOST}:{PORT}")
        world.network = network
        yield world, account
        await account.aclose()
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def tcp_world(**settings) -> AsyncIterator[tuple[World, TradeLockerAccount]]:
    """Serve a simulator on a loopback port."""
    world = World(**settings)
    async with trio.open_nursery() as nursery:
        port = await nursery.start(serve_tcp, world.simulator.service, "127.0.0.1", 0)
        world.origin = f"http://127.0.0.1:{port}"
        account = world.account(connect_tcp, world.origin)
        yield world, account
        await account.aclose()
        nursery.cancel_scope.cancel()


def opening(volume="0.10", symbol="EURUSD", side=Side.BUY, tag=TAG, **fields) -> OpenPosition:
    """Return an action that opens a position."""
    return OpenPosition(tag, ALIAS, Symbol(symbol), side, Decimal(volume), **fields)
