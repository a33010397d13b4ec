"""One seed from beginning to end: the same seed makes the same world, step by step, in every process."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from random import Random

import structlog
import trio
import trio.testing
from trio._core import _run as trio_run

from adapters.base import Account
from adapters.simulation.broker import Book
from copier.clock import VirtualClock
from copier.ledger.ledger import Ledger
from copier.ledger.recovery import recover
from rules.books.mismatch import Mismatch
from rules.model.copies import CopyStatus
from rules.model.frozen import frozen
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, LinkId, OmsType, PositionId, Symbol, VenueOrderId
from tests.simulation.lives import Lives, Point
from tests.simulation.people import VOLUMES, Hand, Trader
from tests.simulation.scenario import DENIED_SYMBOL, SOURCES, TARGETS, Scenario, draw
from tests.simulation.waiting import OrderHand
from tests.simulation.weather import Weather
from tests.simulation.world import World

SETTLE_S_MAX = 420.0
"""What the service gets to converge once the weather is fine. MetaCopier's books may hide an order for 190 s, and after
a bad minute everybody waits up to 60 s before the next try, twice."""

ORDERS_EVERY_S = 2.0
"""Between two steps of somebody with pending orders: an account then has some at most times."""

Sabotage = Callable[[dict[AccountId, Account]], dict[AccountId, Account]]


@frozen
class Outcome:
    """What a simulation leaves for the auditor; `denials` and `mismatches` are all that the copier itself says."""

    scenario: Scenario
    books: Mapping[AccountId, Book]
    hand: Hand
    orders: OrderHand
    """The person at the targets again, with pending orders."""
    shown: Mapping[AccountId, Mapping[VenueOrderId, WorkingOrder]]
    """What the service took for the accounts' pending orders in the end."""
    weather: Weather
    down: tuple[tuple[float, float], ...]
    settled: bool
    """Whether the service claimed in time that all is done."""
    denials: Mapping[tuple[LinkId, PositionId], str]
    mismatches: tuple[Mismatch, ...]
    """Those that last in the end."""
    ended_s: float
    """The end, on trio's clock, and the same by the service's own."""
    ended_at: datetime
    kills: int
    trace: str
    """A hash over all books and the whole ledger."""
    ledger: Ledger


def simulate(
    seed: int, sabotage: Sabotage | None = None, venues: tuple[str, str] | None = None, orders: bool | None = None
) -> Outcome:
    """Run a seed; `sabotage` may put broken accounts under the service; the rest is instead of what the seed draws."""
    with _deterministic(seed), _quiet():
        return trio.run(
            _simulate, draw(seed, venues, orders), sabotage, clock=trio.testing.MockClock(autojump_threshold=0)
        )


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Let trio's scheduler shuffle its tasks by the seed, as its own plug-in for Hypothesis does it."""
    allowed, state = trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r.getstate()
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True  # type: ignore[misc]
    trio_run._r.seed(seed)
    try:
        yield
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = allowed  # type: ignore[misc]
        trio_run._r.setstate(state)


@contextmanager
def _quiet() -> Iterator[None]:
    """Log nothing: what went wrong the auditor says."""
    config = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    try:
        yield
    finally:
        structlog.configure(**config)


async def _simulate(scenario: Scenario, sabotage: Sabotage | None) -> Outcome:
    clock = VirtualClock.starting(scenario.start)
    async with trio.open_nursery() as nursery:
        world = World.built(nursery, clock.utc_now, scenario)
        lives = Lives(
            scenario, world, lambda connect: (sabotage or (lambda accounts: accounts))(world.accounts(connect))
        )
        weather = Weather(world, scenario.random("weather"))
        books = {account: world.book(account) for account in SOURCES}
        stopless = {book.name for account, book in books.items() if not scenario.kind(account).shows_stops}
        trader = Trader(tuple(books.values()), scenario.random("trader"), world.smallest, frozenset(stopless))
        hand = Hand({account: world.book(account) for account in TARGETS}, scenario.random("hand"))
        order_hands = [_order_hand(scenario, world, accounts) for accounts in (SOURCES, TARGETS)]
        nursery.start_soon(lives.run)
        await _days_work(scenario, world, lives, weather, (trader, hand, *order_hands))
        weather.clear()
        settled = await _until_quiet(scenario, lives)
        outcome = Outcome(
            scenario,
            {account: world.book(account) for account in (*SOURCES, *TARGETS)},
            hand,
            order_hands[1],
            {} if lives.service is None else {name: view.orders for name, view in lives.service.engine.views.items()},
            weather,
            tuple(lives.down),
            settled,
            _denials(lives),
            tuple(recover(lives.ledger).mismatches.values()),
            trio.current_time(),
            clock.utc_now(),
            lives.killer.kills,
            _trace(world, lives),
            lives.ledger,
        )
        nursery.cancel_scope.cancel()
    return outcome


def _order_hand(scenario: Scenario, world: World, accounts: Iterable[AccountId]) -> OrderHand:
    """Return who has pending orders there; on a netting target only of what no copy is of, as of positions."""
    books = {account: world.book(account) for account in accounts}
    own = {book.name for account, book in books.items() if account in TARGETS and book.oms is OmsType.NETTING}
    random = scenario.random(f"orders at {sorted(books)}")

    def symbols(book: Book) -> list[Symbol]:
        names = list(book.market.instruments)
        return [name for name in names if name.startswith(DENIED_SYMBOL)] if book.name in own else names

    return OrderHand(
        books,
        random,
        symbols,
        lambda book, symbol: world.smallest(book, symbol) * random.choice(VOLUMES),
        frozenset(account for account in books if account in SOURCES and scenario.kind(account).shows_stops),
        frozenset(account for account in books if scenario.kind(account).orders_expire),
    )


async def _days_work(
    scenario: Scenario,
    world: World,
    lives: Lives,
    weather: Weather,
    people: tuple[Trader, Hand, OrderHand, OrderHand],
) -> None:
    """Trade in bad weather until the end of the day."""
    trader, hand, *order_hands = people
    random = scenario.random("order of the day")
    if random.random() < 0.3:
        for _ in range(3):
            trader.step()  # what was open before the service came
    end_s = trio.current_time() + scenario.trading_s
    async with trio.open_nursery() as nursery:
        if not scenario.calm:
            nursery.start_soon(weather.run, end_s)
        nursery.start_soon(_every, scenario.trade_every_s, end_s, random, trader.step)
        nursery.start_soon(_every, scenario.market_every_s, end_s, random, lambda: world.tick(random))
        nursery.start_soon(_every, 15.0, end_s, random, lambda: hand.step(world.now()))
        nursery.start_soon(_murder, scenario, lives, end_s)
        for number, orders in enumerate(order_hands if scenario.orders else ()):
            times = scenario.random(f"times of orders {number}")
            nursery.start_soon(_every, ORDERS_EVERY_S, end_s, times, partial(_act, orders, world))
    if random.random() < 0.2:
        trader.close_all()


def _act(orders: OrderHand, world: World) -> None:
    orders.step(world.now())


async def _every(mean_s: float, end_s: float, random: Random, step: Callable[[], None]) -> None:
    while True:
        await trio.sleep(random.uniform(0.1, 2 * mean_s))
        if trio.current_time() >= end_s:
            return
        step()


async def _murder(scenario: Scenario, lives: Lives, end_s: float) -> None:
    """Kill the service a few times: at a point that comes soon, or at once."""
    random = scenario.random("murder")
    for _ in range(scenario.crashes):
        await trio.sleep(random.uniform(1.0, scenario.trading_s / scenario.crashes))
        if trio.current_time() >= end_s:
            break
        end = random.choice((lives.kill_now, lives.stop_now, None, *Point))
        if end is None:
            await lives.fill_disk(random.uniform(0.5, 8.0))
        elif isinstance(end, Point):
            lives.killer.arm(end)
        else:
            end()


async def _until_quiet(scenario: Scenario, lives: Lives) -> bool:
    """Wait until the service claims for long enough that all is done (False: in vain); the auditor judges whether.

    Long enough is two rounds of regular looks at every account: what nobody told, they find.
    """
    lives.killer.armed = None
    enough_s = 2 * max(scenario.reconcile_every_s.values()) + 5.0
    deadline = trio.current_time() + SETTLE_S_MAX
    since_s = trio.current_time()
    while trio.current_time() < since_s + enough_s:
        if trio.current_time() > deadline:
            return False
        await trio.sleep(1.0)
        if lives.service is None or not lives.service.convergence.reached:
            since_s = trio.current_time()
    return True


def _denials(lives: Lives) -> dict[tuple[LinkId, PositionId], str]:
    return {
        copy.key: copy.reason.value
        for copy in recover(lives.ledger).copies.values()
        if copy.status is CopyStatus.ENDED and copy.reason is not None
    }


def _trace(world: World, lives: Lives) -> str:
    digest = hashlib.sha256(repr(lives.ledger.last_seq).encode())
    for account in (*SOURCES, *TARGETS):
        book = world.book(account)
        digest.update(repr((book.orders, book.closed, sorted(book.positions.items()))).encode())
    for entry in lives.ledger.entries():
        digest.update(repr((entry.seq, entry.at, entry.kind, entry.account, entry.key)).encode() + entry.body)
    return digest.hexdigest()
