"""What one source event costs when 1,000 links follow it under every kind of rule, and beside what stays as it is."""

from datetime import UTC, datetime
from decimal import Decimal
from time import process_time
from unittest.mock import patch

from attrs import evolve

from bench.deciding import BLOCKS, GOAL_GROWTH
from bench.parts import median, save, show_table
from bench.workbench import EURUSD, INSTRUMENT, SOURCE, bench_link, engine_over, filled, living_copy, source_position
from copier.clock import utc_now
from copier.collector import spare_collector
from copier.engine import desk
from copier.engine.book import CopyBook
from copier.engine.inputs import Reported
from rules.deciding.decide import decide
from rules.deciding.decision import Context, Decision
from rules.model.actions import Action
from rules.model.events import Origin, PositionReported, SnapshotReceived
from rules.model.observed import AccountStatus, Position, Quote
from rules.model.state import AccountView
from rules.model.values import AccountId, LinkId
from rules.policy.links import CopyLink

LINKS = 1_000
OTHERS = (0, 10_000)
HELD = (10, 10_000)
CHANGES = 200
GOAL_US = 50

POLICY = r"""
[symbols.majors]
map = [
  { match = 'BTC.*', deny = true },
  { match = 'XAU.*|GOLD', to = 'XAUUSD' },
  { match = '([A-Z]{6})(\.m)?', to = '\1', max_price_ratio = 0.1 },
]

[schedules.week]
timezone = "Europe/London"
open = [{ cron = "0 0 * * *", for = "24h" }]
closed = [{ cron = "0 0 1 1 *", for = "1s", why = "the first second of the year" }]

[policies.base]
volume = { min = "raise", max = 2, round = "down", over_max = "split" }
symbols = "majors"
schedule = "week"
on_start = { open = "copy" }

[policies.bench]
extends = "base"
size = { mode = "equity_ratio", multiplier = 0.5 }
filter = { symbols = ["[A-Z]{6}"], not_symbols = ["BTC.*"], sides = ["buy", "sell"], magic = ['12\d\d'], comment = [".*a.*"], volume = [0.02, 50], require = ["stop_loss"] }
guard = { max_age = "10s", max_deviation = "20 points", max_spread = "20 points", require_quotes = true }
stops = { mode = "distance", add_stop_points = 5, add_profit_points = 5 }
limits = { max_positions = 200000, max_total_volume = 200000, max_volume_per_symbol = 200000, block_hedging = true, count_foreign = true, max_leverage = 100000, max_stop_distance = "500 points", on_limit = "shrink" }
per_symbol = [{ match = 'EUR.*', size = { multiplier = 0.4 } }]

[[links]]
source = "source"
targets = ["target"]
policy = "bench"
"""  # noqa: E501 - one table a line, as a person writes it
"""Every kind of rule that one event can meet."""


class FanOut:
    """An engine with `links` links of one source, and `others` of other sources, each to a target of its own.

    The targets show the same prices, as those of one broker do, unless they are `unlike`: then no two do. No two have
    the same equity, and each has another one at each event.
    """

    def __init__(self, link: CopyLink, links: int, others: int, *, unlike: bool = False) -> None:
        now = utc_now()
        self._unlike = unlike
        views = {SOURCE: _view(SOURCE, now)}
        every: list[CopyLink] = []
        for number in range(links + others):
            source = SOURCE if number < links else AccountId(f"source{number}")
            target = AccountId(f"target{number}")
            views[target] = _view(target, now, Decimal(100_000) + number * Decimal("1.37"))
            views.setdefault(source, _view(source, now))
            every.append(evolve(link, link_id=LinkId(f"{source}->{target}"), source=source, target=target))
        self._sent: list[Action] = []
        self._engine = engine_over(every, views, CopyBook(views), self._sent)
        self._views = views
        self._number = 0

    async def open_us(self) -> float:
        """Return CPU us per order of one source position that every link copies."""
        self._number += 1
        now = utc_now()
        for number, view in enumerate(self._views.values()):
            view.quotes[EURUSD] = _quote(now, number if self._unlike else 0)
            assert view.status is not None  # as made
            assert view.status.equity is not None
            view.status = evolve(view.status, equity=view.status.equity + Decimal("0.11"))
        event = PositionReported(SOURCE, now, _position(self._number))
        begun = process_time()
        await self._engine.round([event])
        taken = process_time() - begun
        orders = len(self._sent)
        assert orders == LINKS, f"expected {LINKS} orders, found {orders}"
        self._sent.clear()
        return taken / orders * 1e6

    async def decision_us(self) -> float:
        """Return CPU us per order of the decisions alone, gates to order: one event's are made once more."""
        contexts: list[Context] = []

        def note(context: Context) -> Decision:
            contexts.append(context)
            return decide(context)

        with patch.object(desk, "decide", note):
            await self.open_us()
        begun = process_time()
        orders = sum(len(decide(context).actions) for context in contexts)
        taken = process_time() - begun
        assert orders == LINKS, f"expected {LINKS} orders, found {orders}"
        return taken / orders * 1e6


class Crowd:
    """An engine whose source and target hold `held` copied positions, one of which changes."""

    def __init__(self, link: CopyLink, held: int) -> None:
        now = utc_now()
        views = {link.source: _view(link.source, now), link.target: _view(link.target, now)}
        book = CopyBook(views)
        for number in range(held):
            position = source_position(number)
            views[link.source].positions[position.position_id] = position
            book.store(living_copy(number, link.link_id, link.source, link.target))
        self._sent: list[Action] = []
        self._views = views
        self._engine = engine_over([link], views, book, self._sent)
        self._source, self._target = link.source, link.target
        self._number = held

    async def change_us(self) -> float:
        """Return CPU us per new source position, from the event to the report on its order."""
        taken = 0.0
        for _ in range(CHANGES):
            self._number += 1
            now = utc_now()
            self._views[self._target].quotes[EURUSD] = _quote(now)
            event = PositionReported(self._source, now, _position(self._number))
            begun = process_time()
            await self._engine.round([event])
            (action,) = self._sent
            self._sent.clear()
            await self._engine.round([Reported(self._target, filled(action))])
            taken += process_time() - begun
            self._sent.clear()  # the stops follow the fill's own price
        return taken / CHANGES * 1e6


class Look:
    """An engine whose target holds `held` copies, and the target's books, which show each of them as it should be."""

    def __init__(self, link: CopyLink, held: int) -> None:
        now = utc_now()
        views = {link.source: _view(link.source, now), link.target: _view(link.target, now)}
        book = CopyBook(views)
        books: list[Position] = []
        for number in range(held):
            position = source_position(number)
            views[link.source].positions[position.position_id] = position
            copy = living_copy(number, link.link_id, link.source, link.target)
            book.store(copy)
            (leg,) = copy.legs
            assert leg.position_id is not None
            books.append(
                evolve(position, position_id=leg.position_id, symbol=leg.symbol, volume=leg.held, tag=leg.cl_ord_id)
            )
        self._sent: list[Action] = []
        self._engine = engine_over([link], views, book, self._sent)
        self._target, self._books = link.target, tuple(books)

    async def look_ms(self) -> float:
        """Return CPU ms of one look at books in which nothing changed."""
        at = utc_now()
        event = SnapshotReceived(self._target, at, self._books, Origin.RECONCILED, requested_at=at)
        begun = process_time()
        await self._engine.round([event])
        taken = process_time() - begun
        assert not self._sent, f"expected no orders, found {self._sent[:3]}"
        return taken * 1e3


async def measure() -> None:
    """Measure, print and save."""
    link = bench_link(POLICY)
    fans = {others: FanOut(link, LINKS, others) for others in OTHERS}
    unlike = FanOut(link, LINKS, OTHERS[0], unlike=True)
    crowds = {held: Crowd(link, held) for held in HELD}
    look = Look(link, HELD[-1])
    looks: list[float] = []
    spare_collector()  # as `copier run` does once everything is there
    orders: dict[int, list[float]] = {others: [] for others in OTHERS}
    decisions: list[float] = []
    unshared: list[float] = []
    changes: dict[int, list[float]] = {held: [] for held in HELD}
    for block in range(BLOCKS + 1):
        for others, fan in fans.items():
            found = await fan.open_us()
            if block:  # the first one warms up
                orders[others].append(found)
        found = await fans[OTHERS[0]].decision_us()
        if block:
            decisions.append(found)
        found = await unlike.open_us()
        if block:
            unshared.append(found)
        for held, crowd in crowds.items():
            found = await crowd.change_us()
            if block:
                changes[held].append(found)
        found = await look.look_ms()
        if block:
            looks.append(found)
    few, many = (median(each) for each in orders.values())
    rows = [
        (f"an order, one event of {LINKS:,} links", few, GOAL_US, ""),
        ("of which the decision, without records, ledger and books", median(decisions), GOAL_US, ""),
        ("an order, where no two targets show the same price", median(unshared), GOAL_US, ""),
        (f"an order, beside {OTHERS[1]:,} links of other sources", many, GOAL_US, many / few),
    ]
    few, many = (median(each) for each in changes.values())
    rows += [
        (f"open and fill, {HELD[0]} positions on the account", few, "", ""),
        (f"open and fill, {HELD[1]:,} positions on the account", many, "", many / few),
    ]
    show_table(f"Every rule configured, CPU us; growth to be <= {GOAL_GROWTH}", ("what", "us", "goal", "growth"), rows)
    show_table("A look at a target, CPU ms", ("what", "ms"), [(f"{HELD[-1]:,} copies, nothing changed", median(looks))])
    save(
        "fan_out",
        {
            "orders_us": orders,
            "unlike_us": unshared,
            "decisions_us": decisions,
            "changes_us": changes,
            "looks_ms": looks,
        },
    )


def _view(name: str, now: datetime, equity: Decimal = Decimal(100_000)) -> AccountView:
    """Return an account; targets differ in their money, so that no two links reckon the same."""
    status = AccountStatus(Decimal(100_000), equity, "USD", Decimal(0), equity)
    instrument = evolve(INSTRUMENT, profit_currency="USD")
    quotes = {EURUSD: _quote(now)}
    return AccountView(
        AccountId(name), known=True, ready=True, status=status, instruments={EURUSD: instrument}, quotes=quotes
    )


def _quote(now: datetime, number: int = 0) -> Quote:
    better = number * Decimal("0.00001")  # a tick each: to a buyer, no guard forbids that
    return Quote(EURUSD, Decimal("1.16007") - better, Decimal("1.16009") - better, now)


def _position(number: int) -> Position:
    return evolve(
        source_position(number),
        opened_at=datetime.now(UTC),
        stop_loss=Decimal("1.15808"),
        take_profit=Decimal("1.16308"),
        current_price=Decimal("1.16008"),
        magic="1234",
        comment="alpha",
    )
