"""What one seed is about: accounts, links, policies and pace. Everything is drawn here or from generators made here."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import evolve, field

from rules.gates.filters import Filter
from rules.model.beginnings import EntryType
from rules.model.frozen import frozen
from rules.model.instruments import Rounding
from rules.model.values import AccountId, LinkId, OmsType
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.guard import Guard, OnDeviation, StartOpen, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyLink, CopyPolicy
from rules.policy.pending import Early, Late, Mirror, PendingOrders
from rules.policy.size import BelowMin, OverMax, Size, VolumePolicy
from rules.policy.stops import Stops, StopsMode
from rules.policy.symbols import SymbolMap, SymbolRow
from rules.times.schedule import Outside, Schedule, Window
from tests.simulation.kinds import KINDS, Kind

ONE_SOURCE, ONE_TARGET = AccountId("one-source"), AccountId("one-target")
TWO_SOURCE, TWO_TARGET = AccountId("two-source"), AccountId("two-target")
SOURCES, TARGETS = (ONE_SOURCE, TWO_SOURCE), (ONE_TARGET, TWO_TARGET)
ACCOUNTS = (ONE_SOURCE, ONE_TARGET, TWO_SOURCE, TWO_TARGET)

ONE, TWO = SITES = ("one", "two")
"""Two brokers, each with a source and a target, each at a venue of its own kind."""

SUFFIXES: Mapping[str, str] = {ONE: "", TWO: ".m"}
"""How each broker's symbols end."""

DENIED_SYMBOL = "BTCUSD"
"""The symbol map refuses it; its copies must never be."""


@frozen
class Scenario:
    """One seed's fixed part; durations in seconds."""

    seed: int
    start: datetime
    trading_s: float
    trade_every_s: float
    market_every_s: float
    links: tuple[CopyLink, ...]
    reconcile_every_s: Mapping[AccountId, float]
    calm: bool
    """No faults at all: then nothing may be missed, and nothing denied for having been seen late."""
    crashes: int
    """How often the service is killed at most."""
    venues: Mapping[str, str]
    """The kind of venue that each broker is."""
    oms: Mapping[AccountId, OmsType]
    """How each account keeps positions; on a netting one they grow, and an opposite order turns them around."""
    books_late_s: float
    """How late a venue's history is said to be, where that is a setting."""
    orders: bool
    """Whether people have pending orders too."""
    coarse: bool
    """Whether the grids are awkward: a minimum of several steps, and a maximum that a copy can pass."""

    def random(self, purpose: str) -> Random:
        """Return a generator of its own for each purpose, so that one part's draws do not shift another's."""
        return Random(f"{self.seed}/{purpose}")

    def kind(self, account: AccountId) -> Kind:
        return KINDS[self.venues[site_of(account)]]

    def links_of(self, source: AccountId) -> tuple[CopyLink, ...]:
        return tuple(link for link in self.links if link.source == source)


def site_of(account: AccountId) -> str:
    """Return the broker that an account is kept at."""
    return account.partition("-")[0]


@frozen
class Ingredients:
    """What the four links of a seed share, and what each draws for itself."""

    random: Random
    venues: Mapping[str, str]
    rounding: Rounding = field()
    schedule: Schedule | None = field()
    guard: Guard = field()
    on_start: StartPolicy = field()
    limits: PolicyLimits = field()

    def link(self, source: AccountId, target: AccountId) -> CopyLink:
        random, kind = self.random, KINDS[self.venues[site_of(target)]]
        policy = CopyPolicy(
            name=f"to {target}",
            size=Size(multiplier=Decimal(random.choice(("0.1", "0.33", "0.5", "1", "1", "1.7", "2.5")))),
            volume=VolumePolicy(
                min=random.choice(tuple(BelowMin)),
                max=random.choice((None, None, Decimal("0.45") * kind.unit, Decimal(2) * kind.unit)),
                round=self.rounding,
                over_max=random.choice(tuple(OverMax)),
            ),
            symbols=symbol_map(target),
            schedule=self.schedule,
            guard=self.guard,
            stops=Stops(random.choice(STOPS)),
            on_start=self.on_start,
            limits=self.limits,
            reverse=random.random() < 0.15,
        )
        return CopyLink(LinkId(f"{source}->{target}"), source, target, policy)


def symbol_map(target: AccountId) -> SymbolMap:
    """Return the regex map that turns either broker's names into the target's."""
    suffix = SUFFIXES[site_of(target)]
    return SymbolMap((SymbolRow("BTC.*", deny=True), SymbolRow(r"([A-Z0-9]+?)(\.m)?", to=r"\1" + suffix)))


STOPS = (StopsMode.PRICE, StopsMode.DISTANCE, StopsMode.NONE)


def draw(seed: int, venues: tuple[str, str] | None = None, orders: bool | None = None) -> Scenario:
    """Return the scenario of a seed: the same one every time, in every process.

    Args:
        venues: the kinds of both brokers' venues, instead of those that the seed draws.
        orders: whether people have pending orders, instead of what it draws; without them all else is as before there
            were any.
    """
    kinds = _kinds(seed, venues)
    random = Random(f"{seed}/scenario")
    calm = random.random() < 0.08
    start = datetime(2026, 11, 20, 12, random.randrange(60), random.randrange(60), tzinfo=UTC)
    mixed = Ingredients(
        random=random,
        venues=kinds,
        rounding=random.choice(tuple(Rounding)),
        schedule=_schedule(random, start) if random.random() < 0.4 else None,
        guard=Guard(max_age=random.choice((None, timedelta(seconds=10), timedelta(seconds=30)))),
        on_start=random.choice(
            (StartPolicy(StartOpen.COPY), StartPolicy(StartOpen.COPY), StartPolicy(), StartPolicy(StartOpen.SKIP))
        ),
        limits=PolicyLimits(max_positions=random.choice((None, None, 3, 5))),
    )
    orders = Random(f"{seed}/orders").random() < 0.6 if orders is None else orders
    links = tuple(mixed.link(source, target) for source in SOURCES for target in TARGETS)
    trading_s, trade_every_s, market_every_s = (
        random.uniform(15, 50),
        random.uniform(0.4, 2.5),
        random.uniform(1.5, 4.0),
    )
    reconcile_every_s = {account: random.choice((5.0, 10.0, 20.0)) for account in (*SOURCES, *TARGETS)}
    oms = _oms(seed, kinds, random.random() < 0.35)
    links = _patient(seed, _choosy(seed, links, oms), oms) if orders else links
    return Scenario(
        seed=seed,
        start=start,
        trading_s=trading_s,
        trade_every_s=trade_every_s,
        market_every_s=market_every_s,
        links=_persistent(seed, links),
        reconcile_every_s=reconcile_every_s,
        calm=calm,
        venues=kinds,
        oms=oms,
        books_late_s=random.choice((20.0, 20.0, 190.0)),
        orders=orders,
        coarse=random.random() < 0.4,
        crashes=0 if calm else random.choice((0, 1, 2, 3, 5)),
    )


def _kinds(seed: int, venues: tuple[str, str] | None) -> Mapping[str, str]:
    random = Random(f"{seed}/venues")
    drawn = random.choice(sorted(KINDS)), random.choice(sorted(KINDS))
    return dict(zip(SITES, venues or drawn, strict=True))


def _oms(seed: int, kinds: Mapping[str, str], netting: bool) -> Mapping[AccountId, OmsType]:
    """Draw how the accounts keep positions; `netting` decides for the second source, where it has the choice."""
    random = Random(f"{seed}/oms")
    drawn: dict[AccountId, OmsType] = {}
    for account in ACCOUNTS:
        kind = KINDS[kinds[site_of(account)]]
        drawn[account] = random.choice(kind.source_oms if account in SOURCES else kind.target_oms)
    second = KINDS[kinds[TWO]].source_oms
    if len(second) > 1:
        drawn[TWO_SOURCE] = OmsType.NETTING if netting else OmsType.HEDGING
    return drawn


def _mirrored(seed: int, links: tuple[CopyLink, ...], oms: Mapping[AccountId, OmsType]) -> tuple[CopyLink, ...]:
    random = Random(f"{seed}/mirrored")
    made = []
    for link in links:
        hedging = oms[link.source] is OmsType.HEDGING and oms[link.target] is OmsType.HEDGING
        if hedging and random.random() < 0.7:
            policy = evolve(
                link.policy,
                pending=PendingOrders.MIRROR,
                mirror=Mirror(
                    timedelta(seconds=random.choice((2, 5))), random.choice(tuple(Late)), random.choice(tuple(Early))
                ),
            )
            link = evolve(link, policy=policy)
        made.append(link)
    return tuple(made)


def _choosy(seed: int, links: tuple[CopyLink, ...], oms: Mapping[AccountId, OmsType]) -> tuple[CopyLink, ...]:
    """Return the links, some of which ask in some seeds what opened a position."""
    random = Random(f"{seed}/what opened it")
    if random.random() < 0.75:
        return _mirrored(seed, links, oms) if Random(f"{seed}/mirrors").random() < 0.3 else links
    return tuple(
        evolve(link, policy=evolve(link.policy, **random.choice(CHOOSY))) if random.random() < 0.6 else link
        for link in links
    )


PATIENT_SHARE = 0.25
"""Of the seeds with pending orders: how many have links that wait at their source's price."""


def _patient(seed: int, links: tuple[CopyLink, ...], oms: Mapping[AccountId, OmsType]) -> tuple[CopyLink, ...]:
    """Return the links, some of which wait in some seeds at their source's price where the target's is worse."""
    if Random(f"{seed}/patience").random() >= PATIENT_SHARE:
        return links
    random = Random(f"{seed}/patient")
    made = []
    for link in links:
        hedging = oms[link.source] is OmsType.HEDGING and oms[link.target] is OmsType.HEDGING
        if hedging and random.random() < 0.7:
            guard = evolve(
                link.policy.guard,
                max_deviation=Distance(Decimal(random.choice(("0.01", "1"))), DistanceUnit.POINTS),
                on_deviation=OnDeviation.LIMIT,
                limit_for=timedelta(seconds=random.choice((2, 5, 12))),
            )
            link = evolve(link, policy=evolve(link.policy, guard=guard))
        made.append(link)
    return tuple(made)


PERSISTENT_SHARE = 0.25
"""Of the seeds: how many have links that open again what the target closed by itself."""


def _persistent(seed: int, links: tuple[CopyLink, ...]) -> tuple[CopyLink, ...]:
    """Return the links, some of which open again in some seeds what a stop or a person closed."""
    random = Random(f"{seed}/persistence")
    if random.random() >= PERSISTENT_SHARE:
        return links
    return tuple(
        evolve(link, policy=evolve(link.policy, reopen=random.choice((1, 2)))) if random.random() < 0.7 else link
        for link in links
    )


CHOOSY: tuple[Mapping[str, object], ...] = (
    {"pending": PendingOrders.SKIP},
    {"pending": PendingOrders.SKIP},
    {"filter": Filter(order_types=frozenset({EntryType.MARKET, EntryType.STOP}))},
    {"filter": Filter(order_types=frozenset({EntryType.LIMIT, EntryType.STOP}))},
)
"""What a policy may ask of a position's beginning."""


def _schedule(random: Random, start: datetime) -> Schedule:
    """Return a schedule that is closed for a part of each minute, and perhaps flattens at the end of the first."""
    length = timedelta(seconds=random.choice((8, 15)))
    window = Window(f"{random.choice(('*', '*/2'))} * * * *", length, "the first seconds of the minute")
    end = start + timedelta(minutes=1)
    return Schedule(
        "pause",
        "UTC",
        closed=(window,),
        flatten=random.choice(((), (), (f"{end.minute} {end.hour} * * *",))),
        outside=random.choice(tuple(Outside)),
    )
