"""What a person wants of a limit: typed and immutable, one `Limit` for every loss rule and profit target we know of."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum

from rules.limits.days import Period, ResetTime
from rules.limits.terms import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    FlattenScope,
    Flows,
    LimitAmount,
    LimitKind,
    Metric,
    OnBreach,
    Part,
    Percent,
    StagedLock,
    Trailing,
)
from rules.model.frozen import frozen
from rules.model.observed import AccountStatus
from rules.model.values import AccountId


class CapKind(Enum):
    """What of an account is capped, whoever opened it."""

    MAX_POSITIONS = "max_positions"
    """How many positions are open; the pieces of a split copy count once."""
    MAX_TOTAL_VOLUME = "max_total_volume"
    """How many lots they are together, over all symbols and both sides."""


class TierBy(Enum):
    """Which figure of the account leads to a tier."""

    BALANCE = "balance"
    EQUITY = "equity"
    PROFIT = "profit"
    """Balance less the initial balance."""


@frozen
class Tier:
    """From `reached` on, `amount` is allowed, positions or lots, > 0."""

    reached: Decimal
    amount: Decimal


@frozen
class Cap:
    """New risk that would take the account above what is allowed is denied; nothing is closed.

    `amount` (positions or lots, > 0) is allowed, and with tiers what the highest one that was reached says.

    Raises:
        ValueError: tiers by profit without an initial balance.
    """

    account: AccountId
    kind: CapKind
    amount: Decimal
    tiers: tuple[Tier, ...] = ()
    by: TierBy = TierBy.PROFIT
    initial_balance: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        if self.tiers and self.by is TierBy.PROFIT and self.initial_balance is None:
            raise ValueError("initial_balance is required by tiers of profit")

    def allowed(self, status: AccountStatus | None) -> Decimal:
        """Return what is allowed now; where the figure is not known, the least of all tiers."""
        figure = None if status is None else status.equity if self.by is TierBy.EQUITY else status.balance
        if figure is None:
            return min((self.amount, *(tier.amount for tier in self.tiers)))
        if self.by is TierBy.PROFIT and self.initial_balance is not None:
            figure -= self.initial_balance
        reached = [tier for tier in self.tiers if figure >= tier.reached]
        return max(reached, key=lambda tier: tier.reached).amount if reached else self.amount


_PEAKS = (Anchor.DAY_PEAK_BALANCE, Anchor.DAY_PEAK_EQUITY)
_LIVE = (Trailing.LIVE_EQUITY, Trailing.LIVE_BALANCE)
_EOD = (Trailing.EOD_BALANCE, Trailing.EOD_EQUITY, Trailing.EOD_HIGHER)
_ON_BALANCE = (Anchor.INITIAL, Anchor.DAY_START_BALANCE, Anchor.DAY_PEAK_BALANCE)
PERIODS: Mapping[LimitKind, Period] = {
    LimitKind.DAILY_LOSS: Period.DAY,
    LimitKind.WEEKLY_LOSS: Period.WEEK,
    LimitKind.MONTHLY_LOSS: Period.MONTH,
    LimitKind.QUARTERLY_LOSS: Period.QUARTER,
    LimitKind.YEARLY_LOSS: Period.YEAR,
}
"""The losses that begin anew, with how long each counts."""
EVERYTHING = frozenset(Part)


@frozen
class Limit:
    """One rule of one account: a loss that may not be made, or a profit to be reached. The defaults are the config's,
    and choose the stricter side.

    Raises:
        ValueError: a combination of parameters that means nothing; the text says which and what to write instead.
    """

    limit_id: str
    """Unique in a config and stable from one run to the next: the state is kept under it."""
    account: AccountId
    kind: LimitKind
    amount: LimitAmount
    """How much may be lost (or is to be won), > 0, as a percent or as cash."""
    of: AmountOf | None = None
    """What a percent is of. None: the anchor of what begins anew, else the initial balance."""
    anchor: Anchor | None = None
    """What a day counts from. None: the higher of balance and equity at its start (`day_net_pnl`: equity; of a profit
    target: balance)."""
    metric: Metric | None = None
    """None: equity of a loss, balance of a profit target."""
    include: frozenset[Part] = EVERYTHING
    """What the metric counts; it does not change anchors. Without `floating` equity is no more than balance."""
    trailing: Trailing = Trailing.NONE
    initial_balance: Decimal | None = None
    """>= 0, in the account's currency. None: the first balance ever seen stands in for it, marked as an estimate."""
    currency: str | None = None
    """The account's currency, where the person told it: figures in another are never judged."""
    high_water_mark: Decimal | None = None
    """What the mark of an account taken over in profit starts at. It never starts below the initial balance."""
    reset: ResetTime | None = None
    """When days, weeks, months, quarters or years begin: required by what begins anew and by end-of-day marks. It never
    ends a maximum loss. A profit target without one is of all time."""
    hold: timedelta | None = None
    """How long the breach must last before it counts. Stages are never held."""
    comparator: Comparator = Comparator.LE
    warn_at: Decimal | None = Decimal("0.75")
    """Fraction of the amount, in (0, 1], that must be lost for a warning; None switches the stage off. `block_at` takes
    no new risk while it lasts; `flatten_at` closes everything in scope and takes no new risk until the reset; `halt_at`
    takes no new risk until a person resets it."""
    block_at: Decimal | None = None
    flatten_at: Decimal | None = None
    halt_at: Decimal | None = None
    on_breach: OnBreach = OnBreach.FLATTEN
    lock: LimitAmount | None = None
    """A trailing floor never passes the initial balance plus this (a percent of it, or cash; 0 and below are fine)."""
    lock_when: StagedLock | None = None
    flows: Flows | None = None
    """None: `shift` of what begins anew, `ignore` otherwise."""
    scope: FlattenScope = FlattenScope.COPIES
    resets_below: bool = False
    """A profit target that was reached is in force no longer than its figure stands there."""

    def __attrs_post_init__(self) -> None:
        for name, problem in (*self._problems(), *self._stage_problems()):
            raise ValueError(f"limit {self.limit_id}: {name} {problem}")

    def _problems(self) -> list[tuple[str, str]]:
        amount = self.amount.fraction if isinstance(self.amount, Percent) else self.amount.amount
        max_loss = self.kind is LimitKind.MAX_LOSS
        period, trails = PERIODS.get(self.kind), self.trailing is not Trailing.NONE
        wrong = self.reset is not None and period is not None and self.reset.period is not period
        costs = {Part.COMMISSION, Part.SWAP} - self.include
        own = self.counted_from is not Anchor.INITIAL
        found = [
            ("amount", "must be > 0", amount <= 0),
            ("amount", "must be at most 100 %", isinstance(self.amount, Percent) and amount > 1 and not self.is_target),
            ("initial_balance", "must be >= 0", self.initial_balance is not None and self.initial_balance < 0),
            ("reset", f"is required by a {self.kind.value.replace('_', ' ')}", period is not None and not self.reset),
            ("reset", "is required by end-of-day trailing", self.trailing in _EOD and self.reset is None),
            ("reset", "must be of the limit's own period", wrong),
            ("trailing", "is for max_loss; a daily loss takes a day_peak anchor", not max_loss and trails),
            ("anchor", "is for daily_loss; a maximum loss takes trailing", max_loss and self.anchor is not None),
            ("anchor", "of a profit target of all time must be initial", not max_loss and not self.reset and own),
            ("metric", "day_net_pnl is for daily_loss", period is None and self.metric is Metric.DAY_NET_PNL),
            ("of", 'cannot be "anchor" of a maximum loss', max_loss and self.of is AmountOf.ANCHOR),
            ("of", 'must not be "hwm" without trailing', self.of is AmountOf.HIGH_WATER_MARK and not trails),
            ("of", "is for percent amounts", self.of is not None and not isinstance(self.amount, Percent)),
            ("lock", "is for trailing limits", self.lock is not None and not trails),
            ("lock", "and lock_when exclude each other", self.lock is not None and self.lock_when is not None),
            ("lock_when", "is for max_loss", self.lock_when is not None and not max_loss),
            ("high_water_mark", "is for trailing limits", self.high_water_mark is not None and not trails),
            ("include", "leaves out costs only of what begins anew", bool(costs) and not self.begins_anew),
            ("resets_below", "is for profit_target", self.resets_below and not self.is_target),
            ("for", "must be > 0", self.hold is not None and self.hold <= timedelta(0)),
        ]
        return [(name, problem) for name, problem, is_so in found if is_so]

    def _stage_problems(self) -> list[tuple[str, str]]:
        found = []
        for name in ("warn_at", "block_at", "flatten_at", "halt_at"):
            fraction: Decimal | None = getattr(self, name)
            found.append((name, "must lie above 0 and not above 1", fraction is not None and not 0 < fraction <= 1))
        closes, warns = self.on_breach is OnBreach.FLATTEN, self.on_breach is OnBreach.WARN
        found += [
            (name, "is for losses: a target is reached whole", self.is_target and getattr(self, name) is not None)
            for name in ("block_at", "flatten_at", "halt_at")
        ]
        found += [
            ("flatten_at", 'needs on_breach = "flatten"', self.flatten_at is not None and not closes),
            ("block_at", 'does not go with on_breach = "warn"', self.block_at is not None and warns),
            ("halt_at", 'does not go with on_breach = "warn"', self.halt_at is not None and warns),
        ]
        return [(name, problem) for name, problem, is_so in found if is_so]

    @property
    def is_target(self) -> bool:
        """Whether a profit is to be reached rather than a loss to be avoided."""
        return self.kind is LimitKind.PROFIT_TARGET

    @property
    def begins_anew(self) -> bool:
        """Whether each reset ends what is in force and sets the anchors anew."""
        return self.kind in PERIODS or (self.is_target and self.reset is not None)

    @property
    def shifts(self) -> bool:
        """Whether deposits and withdrawals move what it counts from."""
        return self.begins_anew if self.flows is None else self.flows is Flows.SHIFT

    @property
    def compared(self) -> Metric:
        """The metric in force."""
        if self.metric is not None:
            return self.metric
        return Metric.BALANCE if self.is_target else Metric.EQUITY

    @property
    def counts_floating(self) -> bool:
        """Whether the metric sees what is not closed yet."""
        return self.compared is not Metric.BALANCE and Part.FLOATING in self.include

    @property
    def counted_from(self) -> Anchor:
        """The anchor in force."""
        if self.anchor is not None:
            return self.anchor
        if not self.begins_anew:
            return Anchor.INITIAL
        if self.is_target:
            return Anchor.DAY_START_BALANCE
        return Anchor.DAY_START_EQUITY if self.metric is Metric.DAY_NET_PNL else Anchor.DAY_START_HIGHER

    @property
    def percent_of(self) -> AmountOf:
        """The base of a percent amount in force."""
        if self.of is not None:
            return self.of
        return AmountOf.ANCHOR if self.begins_anew else AmountOf.INITIAL

    @property
    def needs_equity(self) -> bool:
        """Whether the limit cannot be judged from balances alone."""
        return (
            self.counts_floating
            or self.counted_from not in _ON_BALANCE
            or self.trailing in (Trailing.LIVE_EQUITY, Trailing.EOD_EQUITY, Trailing.EOD_HIGHER)
            or (self.lock_when is not None and self.lock_when.metric is Metric.EQUITY)
        )

    @property
    def needs_initial(self) -> bool:
        """Whether the initial balance is part of the floor."""
        is_base = isinstance(self.amount, Percent) and self.percent_of is AmountOf.INITIAL
        return self.counted_from is Anchor.INITIAL or is_base

    @property
    def needs_peaks(self) -> bool:
        """Whether a value between two samples can matter, so that an outage makes the floor an estimate."""
        return self.counted_from in _PEAKS or self.trailing in _LIVE or self.lock_when is not None

    @property
    def needs_equity_of_old(self) -> bool:
        """Whether its floor rests on equity of another time than now, which no history tells."""
        marks = self.trailing not in (Trailing.NONE, Trailing.LIVE_BALANCE, Trailing.EOD_BALANCE)
        return marks or self.counted_from not in _ON_BALANCE

    @property
    def marks_at_reset(self) -> bool:
        """Whether the high-water mark is taken at resets only."""
        return self.trailing in _EOD

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies that the limit names."""
        profit = None if self.lock_when is None else self.lock_when.profit
        parts = (self.amount, self.lock, profit)
        named = (part.currency for part in parts if isinstance(part, Cash))
        return frozenset(currency for currency in (self.currency, *named) if currency is not None)
