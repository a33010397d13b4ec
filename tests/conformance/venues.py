"""Every venue as a world of its own: the venue, one account at it, and the books that say what is true.

A venue that comes new adds one function here, and the whole suite runs over it. Nothing else in this folder names one.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

import pytest
import trio
from attrs import define, evolve, field

from adapters.base import Account, UtcNow
from adapters.metacopier.simulator import SOCKET_PATH
from adapters.metacopier.simulator_words import account_id as metacopier_id
from adapters.registry import VENUES, open_account
from adapters.secret import Secret
from adapters.simulation.broker import Book, Broker
from adapters.simulation.faults import Faults
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from adapters.simulation.records import BookOrder, Change, ClosedPosition, PositionChanged
from adapters.transport.network import Connect, MemoryNetwork
from adapters.transport.serving import HttpService
from copier.clock import VirtualClock
from rules.model.instruments import Instrument
from rules.model.observed import Position, WorkingOrder
from rules.model.values import AccountId, OmsType, PositionId, Price, Side, Symbol, Volume
from tests.conformance.tamper import Tamper

ALIAS = AccountId("under-test")
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BALANCE = Decimal(1_000_000)
HOST, PORT = "venue.test", 80
FOLDERS = Path(__file__).parents[2] / "adapters"
WRONG = "wrong-secret-of-nobody"
"""A credential that no venue knows, and that no error may show."""


class World(Protocol):
    """One simulated venue with one account, and our adapter for it. `None` where the venue has no such thing."""

    venue: str
    now: UtcNow
    market: Market
    account: Account
    faults: Faults | None
    network: MemoryNetwork | None
    tamper: Tamper | None
    settings: Any
    told: "Told"
    ids_again: bool
    """The venue uses the id of a closed position again."""

    @property
    def book(self) -> Book:
        """The account's books: the truth."""
        ...

    def again(self) -> Account:
        """Return the same account's adapter as another process would make it, after the first one ended."""
        ...

    def wrong(self) -> dict[str, Account]:
        """Return accounts that must be refused for good, by what is wrong with them."""
        ...

    async def cut_streams(self) -> None:
        """End all streams as bad weather does."""
        ...

    def lose_request(self) -> None:
        """See to it that the next order is lost before it is executed."""
        ...

    def specification(self, symbol: Symbol) -> Instrument:
        """Return what the venue tells of an instrument."""
        ...


@define
class Told:
    """All that was ever true of each position: what an event says must be among it."""

    ever: dict[PositionId, list[Position]] = field(factory=dict)
    _book: Book | None = None

    def watch(self, book: Book) -> Book:
        """Follow a book from now on; returns it."""
        if book is not self._book:
            self._book = book
            for position in book.positions.values():
                self._note(position)
            book.listen(lambda change: self._note(getattr(change, "position", None)))
        return book

    def _note(self, position: Position | None) -> None:
        if position is not None:
            self.ever.setdefault(position.position_id, []).append(position)


@define
class WireWorld:
    """A venue with a wire protocol: its simulator, served over a network in memory."""

    venue: str
    now: UtcNow
    market: Market
    account: Account
    faults: Faults | None
    network: MemoryNetwork | None
    tamper: Tamper | None
    settings: Any
    _book: Book
    _connect: Connect
    _wrong: dict[str, Any]
    told: Told = field(factory=Told)
    _grid: Mapping[str, Any] = field(factory=dict)
    """What the venue tells of every instrument alike, whatever its market has."""
    ids_again: bool = False

    @property
    def book(self) -> Book:
        return self.told.watch(self._book)

    def again(self) -> Account:
        return self._opened(self.settings)

    def over(self, connect: Callable[[Connect], Connect]) -> Account:
        """Return the same account's adapter over connections that `connect` makes of this world's."""
        return open_account(self.venue, ALIAS, self.settings, connect=connect(self._connect), now=self.now)

    def wrong(self) -> dict[str, Account]:
        return {what: self._opened(settings) for what, settings in self._wrong.items()}

    async def cut_streams(self) -> None:
        assert self.faults is not None
        self.faults.drop_streams()

    def lose_request(self) -> None:
        assert self.faults is not None
        self.faults.lose_requests = 1

    def specification(self, symbol: Symbol) -> Instrument:
        return evolve(self.market.instruments[symbol], **self._grid)

    def _opened(self, settings: object) -> Account:
        return open_account(self.venue, ALIAS, settings, connect=self._connect, now=self.now)


@define
class InProcessWorld:
    """A venue without a wire: it fills in this process, and a file is its books."""

    venue: str
    now: UtcNow
    market: Market
    account: Any
    settings: Any
    faults: Faults | None = None
    network: MemoryNetwork | None = None
    tamper: Tamper | None = None
    told: Told = field(factory=Told)
    ids_again: bool = False

    @property
    def book(self) -> Book:
        return self.told.watch(self.account.book)

    def again(self) -> Account:
        self.account = _in_process(self.venue, self.settings, self.now, ALIAS)
        return self.account  # type: ignore[no-any-return]

    def wrong(self) -> dict[str, Account]:
        return {"another account's file": _in_process(self.venue, self.settings, self.now, AccountId("another"))}

    async def cut_streams(self) -> None:
        await self.account.aclose()

    def lose_request(self) -> None:
        """Make the file read-only until it is opened anew: the order cannot be written down."""
        self.account._books()._store._connection.pragma("query_only", 1)

    def specification(self, symbol: Symbol) -> Instrument:
        return self.market.instruments[symbol]


@asynccontextmanager
async def _tradelocker(_: Path, serve: "Serve") -> AsyncIterator[World]:
    broker, clock = _broker()
    book = broker.add_account("L#706984", OmsType.HEDGING, BALANCE)
    simulator: Any = VENUES["tradelocker"].simulator
    simulated = simulator(broker, now=clock, rate_limits={})
    tamper = Tamper()
    async with serve(tamper.wrapped(simulated.service)) as (origin, connect, network):
        settings = simulated.config(book.name, origin)
        wrong = {
            "password": evolve(settings, password=Secret(WRONG)),
            "developer key": evolve(settings, developer_api_key=Secret(WRONG)),
            "account": evolve(settings, account_id="L#1"),
        }
        account = open_account("tradelocker", ALIAS, settings, connect=connect, now=clock)
        faults = simulated.faults
        yield WireWorld(
            "tradelocker", clock, broker.market, account, faults, network, tamper, settings, book, connect, wrong
        )
        await account.aclose()


def _metaapi(oms: OmsType) -> "Kind":
    @asynccontextmanager
    async def world(_: Path, serve: "Serve") -> AsyncIterator[World]:
        broker, clock = _broker()
        book = broker.add_account("master", oms, BALANCE)
        simulator: Any = VENUES["metaapi"].simulator
        simulated = simulator(broker, now=clock)
        tamper = Tamper()
        async with serve(tamper.wrapped(simulated.service)) as (origin, connect, network):
            settings = simulated.config(book.name, origin)
            wrong = {
                "token": evolve(settings, token=Secret(WRONG)),
                "account": evolve(settings, account_id="00000000-0000-0000-0000-000000000000"),
            }
            account = open_account("metaapi", ALIAS, settings, connect=connect, now=clock)
            faults = simulated.faults
            yield WireWorld(
                "metaapi", clock, broker.market, account, faults, network, tamper, settings, book, connect, wrong
            )
            await account.aclose()

    return world


def _metacopier(oms: OmsType) -> "Kind":
    @asynccontextmanager
    async def world(_: Path, serve: "Serve") -> AsyncIterator[World]:
        broker, clock = _broker()
        book = broker.add_account("master", oms, BALANCE)
        simulator: Any = VENUES["metacopier"].simulator
        simulated = simulator(broker, now=clock, api_keys={"right-key": None})
        tamper = Tamper(_with_true_length)
        async with serve(tamper.wrapped(simulated.service)) as (origin, connect, network):
            settings = VENUES["metacopier"].config(
                account_id=metacopier_id(book.name),
                api_key=Secret("right-key"),
                oms=oms,
                rest_url=origin,
                socket_url=origin.replace("http", "ws", 1) + SOCKET_PATH,
            )
            wrong = {
                "key": evolve(settings, api_key=Secret(WRONG)),
                "account": evolve(settings, account_id=metacopier_id("nobody")),
            }
            account = open_account("metacopier", ALIAS, settings, connect=connect, now=clock)
            faults = simulated.faults
            yield WireWorld(
                "metacopier", clock, broker.market, account, faults, network, tamper, settings, book, connect, wrong
            )
            await account.aclose()

    return world


class BySymbol:
    """A netting book as a venue shows it that gives positions no ids: each goes by its symbol.

    And that keeps no stops with them: a stop-loss is an order of ours, which counts while it covers all of a position.
    """

    def __init__(self, book: Book) -> None:
        self._book = book

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)

    @property
    def positions(self) -> dict[PositionId, Position]:
        named = map(self._shown, self._book.positions.values())
        return {position.position_id: position for position in named}

    def resting(self, symbol: Symbol) -> list[WorkingOrder]:
        """Return the stop-losses that rest in a symbol."""
        working = self._book.working.values()
        return [order for order in working if order.symbol == symbol and _is_stop_loss(order)]

    def _shown(self, position: Position) -> Position:
        stops = [order for order in self.resting(position.symbol) if order.side is not position.side]
        whole = len(stops) == 1 and stops[0].volume == position.volume
        return evolve(_named(position), stop_loss=stops[0].price if whole else position.stop_loss)

    @property
    def closed(self) -> list[ClosedPosition]:
        return [evolve(closed, position=_named(closed.position)) for closed in self._book.closed]

    @property
    def orders(self) -> list[BookOrder]:
        orders = self._book.orders
        return [evolve(each, position_id=each.position_id and PositionId(each.symbol)) for each in orders]

    def open(self, symbol: Symbol, side: Side, volume: Volume, **options: Any) -> BookOrder:
        order = self._book.open(symbol, side, volume, **options)
        return evolve(order, position_id=PositionId(symbol))

    def close(self, position_id: PositionId, volume: Volume | None = None, **options: Any) -> BookOrder:
        return self._book.close(self._own_id(position_id), volume, **options)

    def replace_stops(self, position_id: PositionId, stop_loss: Price | None, take_profit: Price | None) -> Position:
        return _named(self._book.replace_stops(self._own_id(position_id), stop_loss, take_profit))

    def position_of_tag(self, tag: str) -> Position | None:
        position = self._book.position_of_tag(tag)
        return None if position is None else _named(position)

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        def named(change: Change) -> None:
            order = getattr(change, "order", None)
            held = self.positions.get(PositionId(order.symbol)) if order is not None else None
            if held is not None:
                callback(PositionChanged(held))
            callback(PositionChanged(self._shown(change.position)) if isinstance(change, PositionChanged) else change)

        return self._book.listen(named)

    def _own_id(self, position_id: PositionId) -> PositionId:
        held = self._book.positions.values()
        return next((each.position_id for each in held if each.symbol == position_id), position_id)


def _named(position: Position) -> Position:
    return evolve(position, position_id=PositionId(position.symbol))


def _is_stop_loss(order: WorkingOrder) -> bool:
    return order.tag is not None and order.tag.endswith("-stop")


@asynccontextmanager
async def _clearstreet(_: Path, serve: "Serve") -> AsyncIterator[World]:
    clock = VirtualClock.starting(START).utc_now
    shares = [evolve(each, contract_size=Decimal(1), profit_currency="USD") for each in DEFAULT_INSTRUMENTS]
    broker = Broker(Market(shares, start_quotes(clock())), clock)
    book = broker.add_account("100000", OmsType.NETTING, BALANCE)
    simulator: Any = VENUES["clearstreet"].simulator
    simulated = simulator(broker, now=clock, rate_limits={})
    tamper = Tamper()
    async with serve(tamper.wrapped(simulated.service)) as (origin, connect, network):
        settings = simulated.config(book.name, origin)
        wrong = {
            "secret": evolve(settings, client_secret=Secret(WRONG)),
            "client": evolve(settings, client_id="nobody"),
            "account": evolve(settings, account_id="1"),
        }
        account = open_account("clearstreet", ALIAS, settings, connect=connect, now=clock)
        faults = simulated.faults
        shown: Any = BySymbol(book)
        grid = {"volume_min": Decimal(1), "volume_step": Decimal(1), "volume_max": Decimal(1_000_000)}
        yield WireWorld(
            "clearstreet",
            clock,
            broker.market,
            account,
            faults,
            network,
            tamper,
            settings,
            shown,
            connect,
            wrong,
            grid=grid | {"tick_size": Decimal("0.01")},
            ids_again=True,
        )
        await account.aclose()


def _paper(oms: OmsType) -> "Kind":
    @asynccontextmanager
    async def world(folder: Path, _: "Serve") -> AsyncIterator[World]:
        clock = VirtualClock.starting(START).utc_now
        settings = VENUES["paper"].config(state=str(folder / "account.db"), oms=oms, balance=BALANCE)
        account = _in_process("paper", settings, clock, ALIAS)
        made = InProcessWorld("paper", clock, account.market, account, settings)
        yield made
        await made.account.aclose()

    return world


def _in_process(venue: str, settings: object, now: UtcNow, alias: AccountId) -> Any:
    account: Any = open_account(venue, alias, settings, connect=_nowhere, now=now)
    for quote in start_quotes(now()):
        account.market.set_quote(quote)
    return account


async def _nowhere(host: str, port: int, _: bool) -> trio.abc.Stream:
    raise AssertionError(f"a venue without a wire connected to {host}:{port}")


def _broker() -> tuple[Broker, UtcNow]:
    clock = VirtualClock.starting(START).utc_now
    return Broker(Market(DEFAULT_INSTRUMENTS, start_quotes(clock())), clock), clock


def _with_true_length(message: str) -> str:
    """Return a STOMP frame with the content-length of the body that it has now."""
    head, _, body = message.partition("\n\n")
    length = len(body.removesuffix("\0").encode())
    return re.sub(r"content-length:\d+", f"content-length:{length}", head) + "\n\n" + body


Serve = Callable[[HttpService], Any]
"""Serves a venue: a context of (origin, connect, the network in memory or None)."""

Kind = Callable[[Path, Serve], Any]

KINDS: dict[str, Kind] = {
    "clearstreet-netting": _clearstreet,
    "tradelocker": _tradelocker,
    "metaapi": _metaapi(OmsType.HEDGING),
    "metaapi-netting": _metaapi(OmsType.NETTING),
    "metacopier": _metacopier(OmsType.HEDGING),
    "metacopier-netting": _metacopier(OmsType.NETTING),
    "paper": _paper(OmsType.HEDGING),
    "paper-netting": _paper(OmsType.NETTING),
}
"""Every venue, once for each way in which its accounts can keep positions."""

TRADING = [kind for kind in KINDS if kind != "metacopier-netting"]
"""Those that take orders; `test_capabilities` holds this against what they say themselves."""

STREAMED = [kind for kind in KINDS if VENUES[kind.partition("-")[0]].simulator is not None]
"""Those with a wire, on which things get lost."""

WIRED = [kind for kind in STREAMED if kind in TRADING]
"""Those that take orders over a wire."""


@asynccontextmanager
async def open_world(kind: str, folder: Path) -> AsyncIterator[World]:
    """Open a world in memory, on trio's own (mock) clock."""
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)

        @asynccontextmanager
        async def serve(service: HttpService) -> AsyncIterator[tuple[str, Connect, MemoryNetwork]]:
            network.listen(HOST, PORT, service.serve_stream)
            yield f"http://{HOST}:{PORT}", network.connect, network

        async with KINDS[kind](folder, serve) as world:
            yield world
        nursery.cancel_scope.cancel()


NOTHING_OF = {
    "quotes": "There are no quotes",
    "figures": "There are no figures",
    "tags": "There are no tags on positions",
    "refusals by instrument": "does not say which instruments take no orders",
    "results": "There are no realized results",
    "deposits": "There are no deposits",
    "orders that last": "There are only orders of the day",
    "refusals of reached prices": "A price that is reached already executes at once",
}
"""What a venue may not have at all, by what its README then says."""


def has(world: World, what: str) -> bool:
    """Tell whether a venue has quotes, figures, or what else it may do without; without it, its README says so."""
    if what == "stops":
        can = world.account.capabilities
        return can.keeps_take_profit and can.stop_loss_lasts
    readme = (FOLDERS / world.venue / "README.md").read_text(encoding="utf-8")
    return NOTHING_OF[what] not in " ".join(readme.split())


def needs(world: World, what: str) -> None:
    """Skip a test of something that a venue does not have."""
    if not has(world, what):
        pytest.skip(f"{world.venue} has no {what}")


def states(venue: str, text: str) -> None:
    """Check that a venue's README says this, since it is a promise that it keeps otherwise, or not at all."""
    readme = (FOLDERS / venue / "README.md").read_text(encoding="utf-8")
    assert text in " ".join(readme.split()), f"adapters/{venue}/README.md must say: {text}"
