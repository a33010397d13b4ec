from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest
import trio
from trio.testing import MockClock

from adapters.simulation.broker import Book, Purpose, Result
from adapters.simulation.faults import Faults
from copier.clock import VirtualClock
from copier.ledger.ledger import Ledger
from copier.rulebook import Rulebook
from copier.service.service import Service
from rules.model.values import LinkId, OmsType, Side, Symbol
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.symbols import SymbolMap, SymbolRow
from tests.simulation.kinds import METACOPIER, TRADELOCKER
from tests.simulation.scenario import ACCOUNTS, ONE, ONE_SOURCE, ONE_TARGET, SUFFIXES, TWO, TWO_TARGET, Scenario
from tests.simulation.world import World

START = datetime(2026, 11, 20, 9, tzinfo=UTC)
ORDERS = 1000
POSITIONS = ORDERS // 2
"""Each is copied to two targets, one on each venue."""

PATIENT = CopyPolicy(
    "patient",
    guard=Guard(max_age=timedelta(hours=2)),
    on_start=StartPolicy(StartOpen.COPY, max_age=timedelta(hours=2)),
)
FINE = Scenario(
    seed=0,
    start=START,
    trading_s=0,
    trade_every_s=1,
    market_every_s=1,
    links=(),
    reconcile_every_s={},
    calm=True,
    crashes=0,
    venues={ONE: TRADELOCKER, TWO: METACOPIER},
    oms=dict.fromkeys(ACCOUNTS, OmsType.HEDGING),
    books_late_s=10,
    orders=False,
    coarse=False,
)
"""Plain venues without faults of their own: this test loses the answers itself."""

TO_SUFFIXED = SymbolMap((SymbolRow("(.*)", r"\1" + SUFFIXES[TWO]),))


@pytest.mark.slow  # a thousand orders over real protocols, each answered by a dead connection
async def test_a_lost_answer_leads_to_exactly_one_order_a_thousand_times(autojump_clock: MockClock) -> None:
    clock = VirtualClock.starting(START)
    async with trio.open_nursery() as nursery:
        world = World.built(nursery, clock.utc_now, FINE)
        for book in (world.book(ONE_SOURCE), *_targets(world)):
            book.deposit(Decimal(10**9))
        service = _service(world, clock)
        stop = trio.Event()
        nursery.start_soon(service.run, stop)
        await _converged(service)
        await _open_many(world)
        await _converged(service)
        for book in _targets(world):
            assert _opened(book) == POSITIONS
            assert _executed_more_than_once(book) == []
        for faults in _faults(world):
            assert faults.lose_answers < 10**6 - POSITIONS + 1, "the answers were not lost"
        _close_all(world)
        await trio.sleep(1)
        await _converged(service)
        for book in _targets(world):
            assert book.positions == {}
            assert _opened(book) == POSITIONS
        stop.set()
        await trio.sleep(1)
        nursery.cancel_scope.cancel()


def _service(world: World, clock: VirtualClock) -> Service:
    policies = {ONE_TARGET: PATIENT, TWO_TARGET: _with_map(PATIENT)}
    links = [
        CopyLink(LinkId(f"{ONE_SOURCE}->{target}"), ONE_SOURCE, target, policy) for target, policy in policies.items()
    ]
    return Service(
        rulebook=Rulebook(tuple(links)),
        accounts=world.accounts(world.network.connect),
        ledger=Ledger.in_memory(),
        utc_now=clock.utc_now,
        random=Random(1),
        threads=False,
    )


def _with_map(policy: CopyPolicy) -> CopyPolicy:
    return CopyPolicy("mapped", symbols=TO_SUFFIXED, guard=policy.guard, on_start=policy.on_start)


async def _open_many(world: World) -> None:
    """Open source positions, a few a second; from the first on, every order's answer is lost."""
    source = world.book(ONE_SOURCE)
    for faults in _faults(world):
        faults.lose_answers = 10**6
    for number in range(POSITIONS):
        side = Side.BUY if number % 2 else Side.SELL
        source.open(Symbol("EURUSD"), side, Decimal("0.01") * (number % 7 + 1))
        await trio.sleep(0.3)


def _close_all(world: World) -> None:
    source = world.book(ONE_SOURCE)
    for position_id in list(source.positions):
        source.close(position_id)


async def _converged(service: Service) -> None:
    with trio.fail_after(3600):
        while True:
            with trio.move_on_after(5) as quiet:
                await service.engine.next_round()
            if quiet.cancelled_caught and service.convergence.reached:
                return


def _targets(world: World) -> list[Book]:
    return [world.book(ONE_TARGET), world.book(TWO_TARGET)]


def _faults(world: World) -> list[Faults]:
    return [site.faults for site in world.sites.values()]


def _opened(book: Book) -> int:
    return sum(order.purpose is Purpose.OPEN and order.status is Result.FILLED for order in book.orders)


def _executed_more_than_once(book: Book) -> list[str | None]:
    tags = Counter(order.tag for order in book.orders if order.purpose is Purpose.OPEN)
    return [tag for tag, count in tags.items() if count > 1]
