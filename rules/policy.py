"""What a person wants of a link: typed and immutable. The config reads TOML into these; `rules.decide` obeys them.

Each class documents its own keys; the defaults here are the defaults of the config.
"""

from datetime import timedelta
from decimal import Decimal
from enum import Enum

from attrs import field, frozen

from rules.filters import Filter
from rules.instruments import Rounding
from rules.schedule import Schedule
from rules.symbols import SymbolMap
from rules.values import AccountId, LinkId, Volume


class DistanceUnit(Enum):
    """What a price distance is counted in."""

    PRICE = "price"
    POINTS = "points"
    """The instrument's tick_size."""
    PIPS = "pips"
    """Ten points."""
    PERCENT = "%"
    """Of the reference price."""


@frozen
class Distance:
    """A price distance, >= 0, in a unit that an instrument turns into price."""

    amount: Decimal
    unit: DistanceUnit


class SizeMode(Enum):
    """How the target's volume follows from the source's (SPEC 3)."""

    MULTIPLIER = "multiplier"
    FIXED = "fixed"
    BALANCE_RATIO = "balance_ratio"
    EQUITY_RATIO = "equity_ratio"


@frozen
class Size:
    """`multiplier` > 0 scales all modes but `fixed`, which takes `volume` (lots, > 0) instead.

    `source_reference` and `target_reference` pin a ratio mode's balance or equity to a number of the account's own
    currency; None takes the account's.
    """

    mode: SizeMode = SizeMode.MULTIPLIER
    multiplier: Decimal = Decimal(1)
    volume: Volume | None = None
    source_reference: Decimal | None = None
    target_reference: Decimal | None = None
    ignore_contract_size: bool = False
    ignore_currency: bool = False


class BelowMin(Enum):
    """What to do with a volume below the instrument's minimum."""

    DENY = "deny"
    RAISE = "raise"


class OverMax(Enum):
    """What to do with a volume above the instrument's maximum."""

    CLAMP = "clamp"
    SPLIT = "split"
    DENY = "deny"


@frozen
class VolumePolicy:
    """`max` caps the whole copy in lots, increases included; `max_amplification` (>= 1) bounds `min = "raise"`."""

    min: BelowMin = BelowMin.DENY
    max: Volume | None = None
    over_max: OverMax = OverMax.CLAMP
    round: Rounding = Rounding.DOWN
    max_amplification: Decimal = Decimal(2)


@frozen
class Guard:
    """Gates of new risk on age and price; None switches one off.

    `max_age` also bounds every waiting denial; without it these wait at most `wait_default`.
    """

    max_age: timedelta | None = None
    max_deviation: Distance | None = None
    max_spread: Distance | None = None
    max_price_ratio: Decimal | None = Decimal("0.1")
    """Source and target mid price may differ by this fraction before they count as different instruments."""
    require_quotes: bool = False
    wait_default: timedelta = timedelta(seconds=5)

    @property
    def wait_max(self) -> timedelta:
        return self.wait_default if self.max_age is None else self.max_age


class StopsMode(Enum):
    """How the source's stops become the target's."""

    PRICE = "price"
    """As they are."""
    DISTANCE = "distance"
    """The distance from entry to stop is kept, from the source's entry to the target's."""
    NONE = "none"


@frozen
class Stops:
    """Which protective prices follow the source, and how; rounded to the tick toward the entry."""

    mode: StopsMode = StopsMode.PRICE
    stop_loss: bool = True
    take_profit: bool = True


class StartOpen(Enum):
    """What to do with source positions first seen by reconciliation."""

    COPY = "copy"
    SKIP = "skip"
    """Copy only what is opened after the account was first seen."""
    IF_YOUNG = "if_young"


@frozen
class StartPolicy:
    """Stands in for the guard where a position was found rather than seen to open."""

    open: StartOpen = StartOpen.IF_YOUNG
    max_age: timedelta = timedelta(seconds=60)
    max_deviation: Distance | None = None


@frozen
class PolicyLimits:
    """Caps over all copies of the target account, in positions and lots; None is no cap."""

    max_positions: int | None = None
    max_total_volume: Volume | None = None


@frozen
class CopyPolicy:
    """Everything that a link obeys; immutable."""

    name: str
    size: Size = field(factory=Size)
    volume: VolumePolicy = field(factory=VolumePolicy)
    symbols: SymbolMap | None = None
    filter: Filter = field(factory=Filter)
    schedule: Schedule | None = None
    guard: Guard = field(factory=Guard)
    stops: Stops = field(factory=Stops)
    on_start: StartPolicy = field(factory=StartPolicy)
    limits: PolicyLimits = field(factory=PolicyLimits)
    reverse: bool = False


class LinkState(Enum):
    """What a link may do."""

    ACTIVE = "active"
    CLOSE_ONLY = "close_only"
    PAUSED = "paused"
    """Copies nothing new; what it holds is still closed with its source."""


@frozen
class CopyLink:
    """One source-to-target pairing with its policy."""

    link_id: LinkId
    source: AccountId
    target: AccountId
    policy: CopyPolicy
    state: LinkState = LinkState.ACTIVE

    @classmethod
    def orphaned(cls, link_id: LinkId, source: AccountId, target: AccountId) -> "CopyLink":
        """Stand in for a link that the config no longer names: what it holds still closes with its source."""
        policy = CopyPolicy("(removed)", stops=Stops(StopsMode.NONE))
        return cls(link_id, source, target, policy, LinkState.CLOSE_ONLY)
