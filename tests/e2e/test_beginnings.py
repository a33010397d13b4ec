"""What opened a source's position, as each venue tells it over its own protocol, decides whether it is copied."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.simulation.broker import Book
from copier.clock import VirtualClock
from copier.ledger.ledger import Ledger
from copier.rulebook import Rulebook
from copier.service.service import Service
from rules.gates.filters import Filter
from rules.model.beginnings import EntryType
from rules.model.copies import Copy
from rules.model.observed import Quote, WorkingOrder
from rules.model.reasons import Reason
from rules.model.values import AccountId, LinkId, OmsType, OrderType, PositionId, Side, Symbol
from rules.policy.guard import Guard
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.pending import PendingOrders
from rules.policy.symbols import SymbolMap, SymbolRow
from tests.simulation.kinds import METACOPIER, TRADELOCKER
from tests.simulation.scenario import ACCOUNTS, ONE, ONE_SOURCE, ONE_TARGET, SUFFIXES, TWO, TWO_TARGET, Scenario
from tests.simulation.world import World

pytestmark = pytest.mark.slow  # two venues over their real protocols, and a service, for half a simulated minute

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
EURUSD = Symbol("EURUSD")
LOT = Decimal("0.1")

SKIP = CopyPolicy("skip", pending=PendingOrders.SKIP, guard=Guard(max_age=timedelta(seconds=30)))
LIMITS = CopyPolicy("limits", filter=Filter(order_types=frozenset({EntryType.LIMIT})), guard=SKIP.guard)
ALL = CopyPolicy("all", guard=SKIP.guard)


def scenario(source: str, target: str) -> Scenario:
    return Scenario(
        seed=0,
        start=START,
        trading_s=0,
        trade_every_s=1,
        market_every_s=1,
        links=(),
        reconcile_every_s={},
        calm=True,
        crashes=0,
        venues={ONE: source, TWO: target},
        oms=dict.fromkeys(ACCOUNTS, OmsType.HEDGING),
        books_late_s=10,
        orders=False,
        coarse=False,
    )


class Stage:
    """A source on one venue, copied to both by two policies."""

    def __init__(self, world: World, service: Service) -> None:
        self.world = world
        self.service = service

    @property
    def source(self) -> Book:
        return self.world.book(ONE_SOURCE)

    def pending(self, order_type: OrderType, ticks_away: int) -> WorkingOrder:
        price = self.source.market.quotes[EURUSD].entry(Side.BUY) + ticks_away * self._tick
        return self.source.place_order(EURUSD, Side.BUY, order_type, LOT, price)

    def moves(self, ticks: int) -> None:
        """Move the source's market."""
        quote, by = self.source.market.quotes[EURUSD], ticks * self._tick
        self.source.market.set_quote(Quote(EURUSD, quote.bid + by, quote.ask + by, self.world.now()))

    @property
    def _tick(self) -> Decimal:
        return self.source.market.instruments[EURUSD].tick_size or Decimal(1)

    def copy(self, target: AccountId, position_id: PositionId) -> Copy:
        copy = self.service.book.get((LinkId(f"to {target}"), position_id))
        assert copy is not None
        return copy


@asynccontextmanager
async def stage(source: str, target: str, one: CopyPolicy, two: CopyPolicy) -> AsyncIterator[Stage]:
    clock = VirtualClock.starting(START)
    renamed = SymbolMap((SymbolRow("(.*)", r"\1" + SUFFIXES[TWO]),))
    async with trio.open_nursery() as nursery:
        world = World.built(nursery, clock.utc_now, scenario(source, target))
        links = (
            CopyLink(LinkId(f"to {ONE_TARGET}"), ONE_SOURCE, ONE_TARGET, one),
            CopyLink(LinkId(f"to {TWO_TARGET}"), ONE_SOURCE, TWO_TARGET, evolve(two, symbols=renamed)),
        )
        service = Service(
            rulebook=Rulebook(links),
            accounts=world.accounts(world.network.connect),
            ledger=Ledger.in_memory(),
            utc_now=clock.utc_now,
            random=Random(1),
            threads=False,
        )
        nursery.start_soon(service.run, trio.Event())
        await trio.sleep(8)
        yield Stage(world, service)
        nursery.cancel_scope.cancel()


VENUES = pytest.mark.parametrize(
    ("source", "target"), [(TRADELOCKER, METACOPIER), (METACOPIER, "metaapi"), ("metaapi", TRADELOCKER)]
)


@VENUES
async def test_what_a_pending_order_opened_is_skipped_or_chosen(
    source: str, target: str, autojump_clock: MockClock
) -> None:
    async with stage(source, target, SKIP, LIMITS) as it:
        it.pending(OrderType.LIMIT, -50)
        await trio.sleep(8)
        it.moves(-50)
        await trio.sleep(15)
        [filled] = it.source.positions
        assert it.copy(ONE_TARGET, filled).reason is Reason.PENDING_SKIPPED
        assert it.copy(TWO_TARGET, filled).holds
        opened = it.source.open(EURUSD, Side.BUY, LOT).position_id
        assert opened is not None
        await trio.sleep(15)
        assert it.copy(ONE_TARGET, opened).holds
        assert it.copy(TWO_TARGET, opened).reason is Reason.FILTER_ORDER_TYPE


@VENUES
async def test_an_order_that_still_waits_holds_up_only_what_it_could_have_opened(
    source: str, target: str, autojump_clock: MockClock
) -> None:
    async with stage(source, target, SKIP, ALL) as it:
        it.pending(OrderType.LIMIT, -20)  # so near that a bad fill of it would look just like this
        await trio.sleep(8)
        near = it.source.open(EURUSD, Side.BUY, LOT).position_id
        far = it.source.open(EURUSD, Side.SELL, LOT).position_id
        assert near is not None
        assert far is not None
        await trio.sleep(1.5)
        assert it.copy(ONE_TARGET, near).reason is Reason.BEGINNING_UNKNOWN
        assert it.copy(ONE_TARGET, far).holds
        assert it.copy(TWO_TARGET, near).holds
        await trio.sleep(15)
        assert it.copy(ONE_TARGET, near).holds


@VENUES
async def test_an_order_that_is_canceled_is_no_beginning(source: str, target: str, autojump_clock: MockClock) -> None:
    async with stage(source, target, SKIP, ALL) as it:
        order = it.pending(OrderType.STOP, 2000)
        await trio.sleep(8)
        it.source.cancel_order(order.order_id)
        opened = it.source.open(EURUSD, Side.BUY, LOT).position_id
        assert opened is not None
        await trio.sleep(15)
        assert it.copy(ONE_TARGET, opened).holds
