"""Simulated venues in this process, and the real `copier` as a child process that can be killed."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import trio
from attrs import field

from adapters.simulation.broker import Book, Purpose, Result
from adapters.simulation.remote import RemoteAccount
from adapters.transport.http import HttpClient
from adapters.transport.network import connect_tcp
from copier.demo.trader import Terminal, Trader
from copier.simulated import SimulatedVenue, make_market, serve_venue
from rules.model.frozen import frozen
from rules.model.identity import is_ours

ROOT = Path(__file__).parents[2]
TL_SOURCE, TL_TARGET = "L#700001", "L#700002"
MC_SOURCE, MC_TARGET = "mc-source", "mc-target"

_CONFIG = """\
[service]
ledger = "sqlite:copier.db"
reconcile_every = "1s"

[accounts.tl-source]
{tl_source}
[accounts.mc-source]
{mc_source}
[accounts.tl-target]
{tl_target}
[accounts.mc-target]
{mc_target}

[policies.twice]
size = {{ multiplier = 2 }}
guard = {{ max_age = "10m" }}
stops = {{ mode = "none" }}
on_start = {{ open = "copy", max_age = "10m" }}

[[links]]
source = "tl-source"
targets = ["tl-target", "mc-target"]
policy = "twice"

[[links]]
source = "mc-source"
targets = ["tl-target", "mc-target"]
policy = "twice"
"""


@frozen
class World:
    """Two venues, two sources that a trader trades, two targets, and a config that copies all to all, doubled."""

    folder: Path
    tradelocker: SimulatedVenue
    metacopier: SimulatedVenue
    started: list[trio.Process] = field(factory=list)
    """Every copier that was started here; what still runs at the end is killed."""

    @property
    def file(self) -> Path:
        return self.folder / "copier.toml"

    @property
    def sources(self) -> list[Book]:
        return [self.tradelocker.broker.books[TL_SOURCE], self.metacopier.broker.books[MC_SOURCE]]

    @property
    def targets(self) -> list[Book]:
        return [self.tradelocker.broker.books[TL_TARGET], self.metacopier.broker.books[MC_TARGET]]

    def write_config(self) -> None:
        text = _CONFIG.format(
            tl_source=self.tradelocker.account_toml(TL_SOURCE),
            tl_target=self.tradelocker.account_toml(TL_TARGET),
            mc_source=self.metacopier.account_toml(MC_SOURCE),
            mc_target=self.metacopier.account_toml(MC_TARGET),
        )
        self.file.write_text(text, encoding="utf-8")

    async def start(self, *arguments: str) -> trio.Process:
        """Start `copier run` on this world; the caller waits for it or kills it."""
        with (self.folder / "log.txt").open("ab") as log:
            command = [sys.executable, "-m", "copier", "run", str(self.file), *arguments]
            process = await trio.lowlevel.open_process(command, cwd=ROOT, stdout=log, stderr=log)
        self.started.append(process)
        return process

    async def next_copy(self) -> None:
        """Return when a target has executed something."""
        changed = trio.Event()
        ends = [book.listen(lambda _: changed.set()) for book in self.targets]
        try:
            await changed.wait()
        finally:
            for end in ends:
                end()

    def differences(self) -> list[str]:
        """Compare the books of sources and targets; nothing of the copier is asked."""
        wanted = Counter(
            (position.symbol, position.side, position.volume * 2)
            for book in self.sources
            for position in book.positions.values()
        )
        found: list[str] = []
        for book in self.targets:
            held = Counter((each.symbol, each.side, each.volume) for each in book.positions.values())
            found += [f"{book.name} lacks {count} x {what}" for what, count in (wanted - held).items()]
            found += [f"{book.name} has {count} x {what} too many" for what, count in (held - wanted).items()]
            found += duplicates(book)
        return found


def duplicates(book: Book) -> list[str]:
    """Return the orders that a book executed more than once."""
    tags = Counter(
        order.tag
        for order in book.orders
        if order.purpose is Purpose.OPEN and order.status is Result.FILLED and is_ours(order.tag)
    )
    return [f"{book.name} executed {tag} {count} times" for tag, count in tags.items() if count > 1]


def copies_executed(books: Iterable[Book]) -> int:
    """Return how many openings of ours the books executed."""
    return sum(
        order.purpose is Purpose.OPEN and order.status is Result.FILLED and is_ours(order.tag)
        for book in books
        for order in book.orders
    )


@asynccontextmanager
async def open_world(folder: Path) -> AsyncIterator[World]:
    """Serve both venues on loopback and write the config."""
    async with trio.open_nursery() as nursery:
        world = World(
            folder,
            await serve_venue(nursery, "tradelocker", [TL_SOURCE, TL_TARGET]),
            await serve_venue(nursery, "metacopier", [MC_SOURCE, MC_TARGET]),
        )
        world.write_config()
        try:
            yield world
        finally:
            with trio.CancelScope(shield=True):
                for process in world.started:
                    await ended(process, 0)
        nursery.cancel_scope.cancel()


async def trade(world: World, random: Random, pause_s: float) -> None:
    """Trade without stops (only the copier closes copies) until cancelled."""
    instruments = make_market().instruments
    clients = [HttpClient(venue.origin, connect=connect_tcp) for venue in (world.tradelocker, world.metacopier)]
    terminals = [
        Terminal(RemoteAccount(client, name), instruments)
        for client, name in zip(clients, (TL_SOURCE, MC_SOURCE), strict=True)
    ]
    try:
        await Trader(terminals, random, stops=False).run(pause_s)
    finally:
        with trio.CancelScope(shield=True):
            for client in clients:
                await client.aclose()


async def ended(process: trio.Process, within_s: float) -> int:
    """Return the exit code of a child; it is killed when it takes too long."""
    with trio.move_on_after(within_s):
        return await process.wait()
    process.kill()
    return await process.wait()


def free_of_money(books: Iterable[Book]) -> None:
    """Give the accounts so much that no order is refused for lack of it."""
    for book in books:
        book.deposit(Decimal(10**9))
