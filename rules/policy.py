"""What a person wants of a link: typed and immutable. The config reads TOML into these; `rules.decide` obeys them.

Each class documents its own keys; the defaults here are the defaults of the config.
"""

from datetime import timedelta
from decimal import Decimal
from enum import Enum

from attrs import field, frozen

from rules.distances import Distance
from rules.filters import Filter
from rules.schedule import Schedule
from rules.size_policy import Size, VolumePolicy
from rules.stops_policy import Stops, StopsMode
from rules.symbols import SymbolMap
from rules.values import AccountId, LinkId, Volume


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
