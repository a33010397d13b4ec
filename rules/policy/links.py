"""What a person wants of a link: typed and immutable.

The config reads TOML into these; `rules.deciding.decide` obeys them.
Each class documents its own keys; the defaults here are the defaults of the config.
"""

from enum import Enum

from attrs import field

from rules.gates.filters import ANY_BEGINNING, Filter
from rules.model.evolving import evolve
from rules.model.frozen import frozen
from rules.model.values import AccountId, LinkId, Symbol
from rules.policy.curve import EquityCurve
from rules.policy.exits import Exits
from rules.policy.guard import Guard, StartPolicy
from rules.policy.limits import PolicyLimits
from rules.policy.mismatch import MismatchPolicy
from rules.policy.pacing import Delay, SkipFirst, Throttle
from rules.policy.patterns import PatternSet
from rules.policy.pending import Mirror, PendingOrders
from rules.policy.series import AfterLosses, Masaniello, Progression
from rules.policy.size import Size, VolumePolicy
from rules.policy.stops import Aggregate, Stops, StopsMode
from rules.policy.symbols import Mapped, SymbolMap, map_symbol
from rules.times.news import NewsPolicy
from rules.times.schedule import Schedule


class OnTargetChange(Enum):
    """What becomes of lots and stops that a person changed at the target."""

    ADOPT = "adopt"
    """They are left as they are; fewer lots are the base from then on."""
    ALERT = "alert"
    """The same, and somebody is told at once (`target.changed`)."""
    RESTORE = "restore"
    """They are put back once, and it is told: stops once a position, lots once a copy, as new risk that passes every
    gate. What is changed again is left. What was closed whole is a matter of `reopen`."""


class SymbolOf(Enum):
    """Whose name of a symbol is meant."""

    SOURCE = "source"
    TARGET = "target"
    """What the policy's symbol map makes of the source's name."""


@frozen
class SymbolPolicy:
    """What holds for the symbols of a pattern in place of the policy whose row it is: a whole policy of its own.

    Raises:
        PatternError: RE2 does not take `match`.
    """

    match: str
    policy: "CopyPolicy"
    on: SymbolOf = SymbolOf.SOURCE
    _pattern: PatternSet = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_pattern", PatternSet((self.match,), "per_symbol.match"))

    def is_for(self, name: Symbol) -> bool:
        return self._pattern.matches(name)


@frozen
class CopyPolicy:
    """Everything that a link obeys; immutable. `per_symbol` rows are tried in order, the first that matches wins."""

    name: str
    size: Size = field(factory=Size)
    volume: VolumePolicy = field(factory=VolumePolicy)
    symbols: SymbolMap | None = None
    filter: Filter = field(factory=Filter)
    schedule: Schedule | None = None
    news: NewsPolicy | None = None
    guard: Guard = field(factory=Guard)
    stops: Stops = field(factory=Stops)
    aggregate: Aggregate = Aggregate.NONE
    on_start: StartPolicy = field(factory=StartPolicy)
    limits: PolicyLimits = field(factory=PolicyLimits)
    mismatch: MismatchPolicy = field(factory=MismatchPolicy)
    skip_first: SkipFirst | None = None
    throttle: Throttle | None = None
    equity_curve: EquityCurve | None = None
    after_losses: AfterLosses | None = None
    masaniello: Masaniello | None = None
    delay: Delay = field(factory=Delay)
    exits: Exits = field(factory=Exits)
    pending: PendingOrders = PendingOrders.ON_FILL
    mirror: Mirror = field(factory=Mirror)
    approval: bool = False
    reopen: int = 0
    """How often a copy that the target closed by itself may be opened again."""
    on_target_change: OnTargetChange = OnTargetChange.ADOPT
    reverse: bool = False
    per_symbol: tuple[SymbolPolicy, ...] = ()
    row: int | None = None
    """The number (from 1) of the per-symbol row that this is; None: it is the policy itself."""

    def for_symbol(self, symbol: Symbol) -> "CopyPolicy":
        """Return what holds for a symbol of the source: the policy of the first row that matches, else this one."""
        for row in self.per_symbol:
            name = symbol if row.on is SymbolOf.SOURCE else self._mapped(symbol)
            if name is not None and row.is_for(name):
                return row.policy
        return self

    def _mapped(self, symbol: Symbol) -> Symbol | None:
        mapped = map_symbol(self.symbols, symbol)
        return mapped.symbol if isinstance(mapped, Mapped) else None

    @property
    def minds_hands(self) -> bool:
        """Tell whether it, or a row of it, wants more than to leave what a person changed at the target."""
        policies = (self, *(row.policy for row in self.per_symbol))
        return any(each.on_target_change is not OnTargetChange.ADOPT for each in policies)

    @property
    def aggregates(self) -> bool:
        """Tell whether it, or a row of it, sets stops on netted positions that stand for several copies."""
        policies = (self, *(row.policy for row in self.per_symbol))
        return any(each.aggregate is not Aggregate.NONE for each in policies)

    @property
    def equity_curves(self) -> tuple[EquityCurve, ...]:
        """The equity curves of it and of its rows."""
        policies = (self, *(row.policy for row in self.per_symbol))
        return tuple({policy.equity_curve: None for policy in policies if policy.equity_curve is not None})

    @property
    def progression(self) -> Progression | None:
        """What makes sizes follow results."""
        return self.after_losses or self.masaniello

    @property
    def counts_foreign(self) -> bool:
        """Tell whether it, or a row of it, counts positions that are not ours."""
        return any(each.limits.count_foreign for each in (self, *(row.policy for row in self.per_symbol)))

    @property
    def counts_risk(self) -> bool:
        """Tell whether it, or a row of it, asks what all that is open may lose."""
        return any(each.limits.counts_risk for each in (self, *(row.policy for row in self.per_symbol)))

    @property
    def asks_beginnings(self) -> bool:
        """Tell whether it, or a row of it, asks how a source position began."""
        return any(each.asks_beginning for each in (self, *(row.policy for row in self.per_symbol)))

    @property
    def mirrors(self) -> bool:
        """Tell whether it, or a row of it, mirrors pending orders."""
        return any(each.mirrors_orders for each in (self, *(row.policy for row in self.per_symbol)))

    @property
    def mirrors_orders(self) -> bool:
        """Tell the same of its own keys alone."""
        return self.pending is PendingOrders.MIRROR

    @property
    def asks_beginning(self) -> bool:
        """Tell the same of its own keys alone."""
        return self.pending is not PendingOrders.ON_FILL or self.filter.order_types != ANY_BEGINNING

    @property
    def news_policies(self) -> tuple[NewsPolicy, ...]:
        """The news policies of it and of its rows."""
        policies = (self, *(row.policy for row in self.per_symbol))
        return tuple({policy.news: None for policy in policies if policy.news is not None})

    @property
    def schedules(self) -> tuple[Schedule, ...]:
        """The schedules of it and of its rows."""
        policies = (self, *(row.policy for row in self.per_symbol))
        return tuple({policy.schedule: None for policy in policies if policy.schedule is not None})


class LinkState(Enum):
    """What a link may do."""

    ACTIVE = "active"
    CLOSE_ONLY = "close_only"
    PAUSED = "paused"
    """Copies nothing new; what it holds is still closed with its source."""

    __hash__ = object.__hash__  # as of `Side`


@frozen
class CopyLink:
    """One source-to-target pairing with its policy."""

    link_id: LinkId
    source: AccountId
    target: AccountId
    policy: CopyPolicy
    state: LinkState = LinkState.ACTIVE
    _by_row: dict[int | None, "CopyLink"] = field(init=False, eq=False, repr=False, factory=dict)
    """The links that it stands for by the rows of its policy; the memo changes no answer."""

    def for_symbol(self, symbol: Symbol) -> "CopyLink":
        """Return the link with the policy that holds for a symbol of the source."""
        return self.by(self.policy.for_symbol(symbol))

    def by(self, policy: CopyPolicy) -> "CopyLink":
        """Return the link with its own policy, or the one of a row of it."""
        if policy is self.policy:
            return self
        known = self._by_row.get(policy.row)
        if known is None or known.policy is not policy:
            known = self._by_row[policy.row] = evolve(self, policy=policy)
        return known

    @classmethod
    def orphaned(cls, link_id: LinkId, source: AccountId, target: AccountId) -> "CopyLink":
        """Stand in for a link that the config no longer names: what it holds still closes with its source."""
        policy = CopyPolicy("(removed)", stops=Stops(StopsMode.NONE))
        return cls(link_id, source, target, policy, LinkState.CLOSE_ONLY)
