"""What the MetaCopier tests share: a simulated venue in memory, an account on it, and a book to look into."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

import trio
from attrs import define, field

from adapters.metacopier.config import Config
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.simulator import SOCKET_PATH, Simulator
from adapters.metacopier.simulator_words import account_id
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.market import Market
from adapters.transport.network import MemoryNetwork
from rules.model.events import Event
from rules.model.values import AccountId, OmsType

T = TypeVar("T")

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
HOST, PORT = "metacopier.test", 80
KEY = "key:1"  # a colon, since STOMP must not trip over it

ALIAS = AccountId("mc")


def now() -> datetime:
    """The tests' wall clock: it goes with trio's, which the tests' autojump clock drives."""
    return START + timedelta(seconds=trio.current_time())


@define
class Venue:
    broker: Broker
    book: Book
    simulator: Simulator
    network: MemoryNetwork

    def account(self, key: str = KEY, **changes: object) -> MetaCopierAccount:
        return MetaCopierAccount(ALIAS, config(self.book, key, **changes), connect=self.network.connect, now=now)


def config(book: Book, key: str = KEY, host: str = HOST, port: int = PORT, **changes: object) -> Config:
    urls = {"rest_url": f"http://{host}:{port}", "socket_url": f"ws://{host}:{port}{SOCKET_PATH}"}
    return Config(**{"account_id": account_id(book.name), "api_key": Secret(key), **urls, **changes})  # type: ignore[arg-type]


@asynccontextmanager
async def open_venue(oms: OmsType = OmsType.HEDGING, sessions_max: int = 100) -> AsyncIterator[Venue]:
    broker = Broker(Market.default(now()), now)
    book = broker.add_account("master", oms, Decimal(10_000))
    keys = {KEY: None, "other": frozenset({"elsewhere"})}
    simulator = Simulator(broker, now=now, api_keys=keys, sessions_max=sessions_max)
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen(HOST, PORT, simulator.service.serve_stream)
        yield Venue(broker, book, simulator, network)
        nursery.cancel_scope.cancel()


@define
class Events:
    """Collects what an account emits, and waits for what a test expects."""

    all: list[Event] = field(factory=list)
    _more: trio.Event = field(factory=trio.Event)

    async def emit(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.all.append(event)
        self._more.set()

    async def wait_for(self, kind: type[T], check: Callable[[T], bool] = lambda _: True) -> T:
        """Return the first event of that kind that passes, now or later, and forget it and all before it."""
        with trio.fail_after(300):
            while True:
                for index, event in enumerate(self.all):
                    if isinstance(event, kind) and check(event):
                        del self.all[: index + 1]
                        return event
                self._more = trio.Event()
                await self._more.wait()
