"""What a person wants of a loss limit: typed and immutable, one `Limit` for every loss rule that we know of."""

from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from attrs import frozen

from rules.limits_days import ResetTime
from rules.values import AccountId


class LimitKind(Enum):
    """Which loss is limited."""

    DAILY_LOSS = "daily_loss"
    """Since the reset that opened the day. It begins anew with each day."""
    MAX_LOSS = "max_loss"
    """Since the beginning (`trailing = "none"`), or from the high-water mark. It never begins anew."""


class CapKind(Enum):
    """What of an account is capped, whoever opened it."""

    MAX_POSITIONS = "max_positions"
    """How many positions are open; the pieces of a split copy count once."""
    MAX_TOTAL_VOLUME = "max_total_volume"
    """How many lots they are together, over all symbols and both sides."""


@frozen
class Cap:
    """New risk that would take the account above `amount` (positions or lots, > 0) is denied; nothing is closed."""

    account: AccountId
    kind: CapKind
    amount: Decimal


@frozen
class Percent:
    """A share, as a fraction: 4 % is 0.04."""

    fraction: Decimal


@frozen
class Cash:
    """An amount of money. Without a currency it is in the account's own."""

    amount: Decimal
    currency: str | None = None


LimitAmount: TypeAlias = Percent | Cash


class AmountOf(Enum):
    """What a percent amount is a percent of."""

    INITIAL = "initial"
    ANCHOR = "anchor"
    """Daily loss only."""
    HIGH_WATER_MARK = "hwm"
    """Trailing maximum loss only."""


class Anchor(Enum):
    """What a day's loss is counted from."""

    INITIAL = "initial"
    DAY_START_BALANCE = "day_start_balance"
    DAY_START_EQUITY = "day_start_equity"
    DAY_START_HIGHER = "day_start_max"
    """The higher of balance and equity at the reset."""
    DAY_PEAK_BALANCE = "day_peak_balance"
    DAY_PEAK_EQUITY = "day_peak_equity"


class Metric(Enum):
    """Which figure is compared with the floor."""

    EQUITY = "equity"
    BALANCE = "balance"
    DAY_NET_PNL = "day_net_pnl"
    """Equity minus the anchor; its floor is the negative amount. Daily loss only."""


class Trailing(Enum):
    """What lifts the high-water mark of a maximum loss."""

    NONE = "none"
    LIVE_EQUITY = "live_equity"
    LIVE_BALANCE = "live_balance"
    EOD_BALANCE = "eod_balance"
    """The last value before each reset; the two below likewise."""
    EOD_EQUITY = "eod_equity"
    EOD_HIGHER = "eod_max"


class Comparator(Enum):
    """Whether touching the floor is a breach already."""

    LE = "le"
    LT = "lt"


class FlattenScope(Enum):
    """What a flatten closes."""

    COPIES = "copies"
    """What our links own on the account."""
    ACCOUNT = "account"
    """Everything on the account."""


_PEAKS = (Anchor.DAY_PEAK_BALANCE, Anchor.DAY_PEAK_EQUITY)
_LIVE = (Trailing.LIVE_EQUITY, Trailing.LIVE_BALANCE)
_EOD = (Trailing.EOD_BALANCE, Trailing.EOD_EQUITY, Trailing.EOD_HIGHER)
_ON_BALANCE = (Anchor.INITIAL, Anchor.DAY_START_BALANCE, Anchor.DAY_PEAK_BALANCE)


@frozen
class Limit:
    """One loss rule of one account; the defaults are the config's, and choose the stricter side.

    Deposits and withdrawals are not told from results: they leave anchors and marks where they are, so a withdrawal
    uses up room and a deposit gives it.

    Raises:
        ValueError: a combination of parameters that means nothing; the text says which and what to write instead.
    """

    limit_id: str
    """Unique in a config and stable from one run to the next: the state is kept under it."""
    account: AccountId
    kind: LimitKind
    amount: LimitAmount
    """How much may be lost, > 0, as a percent or as cash."""
    of: AmountOf | None = None
    """What a percent is of. None: the anchor of a daily loss, the initial balance of a maximum loss."""
    anchor: Anchor | None = None
    """What a day counts from. None: the higher of balance and equity at its start (`day_net_pnl`: equity)."""
    metric: Metric = Metric.EQUITY
    trailing: Trailing = Trailing.NONE
    initial_balance: Decimal | None = None
    """>= 0, in the account's currency. None: the first balance ever seen stands in for it, marked as an estimate."""
    high_water_mark: Decimal | None = None
    """What the mark of an account taken over in profit starts at. It never starts below the initial balance."""
    reset: ResetTime | None = None
    """When days begin: required by a daily loss and by end-of-day marks. It never ends a maximum loss."""
    comparator: Comparator = Comparator.LE
    warn_at: Decimal | None = Decimal("0.75")
    """Fraction of the amount, in (0, 1], that must be lost for a warning; None switches the stage off. `block_at` takes
    no new risk while it lasts; `flatten_at` closes everything in scope and takes no new risk until the reset."""
    block_at: Decimal | None = None
    flatten_at: Decimal | None = None
    lock: LimitAmount | None = None
    """A trailing floor never passes the initial balance plus this (a percent of it, or cash; 0 and below are fine)."""
    scope: FlattenScope = FlattenScope.COPIES

    def __attrs_post_init__(self) -> None:
        for name, problem in self._problems():
            raise ValueError(f"limit {self.limit_id}: {name} {problem}")

    def _problems(self) -> list[tuple[str, str]]:
        amount = self.amount.fraction if isinstance(self.amount, Percent) else self.amount.amount
        daily = self.kind is LimitKind.DAILY_LOSS
        trails = self.trailing is not Trailing.NONE
        found = [
            ("amount", "must be > 0", amount <= 0),
            ("amount", "must be at most 100 %", isinstance(self.amount, Percent) and amount > 1),
            ("initial_balance", "must be >= 0", self.initial_balance is not None and self.initial_balance < 0),
            ("reset", "is required by a daily loss", daily and self.reset is None),
            ("reset", "is required by end-of-day trailing", self.trailing in _EOD and self.reset is None),
            ("trailing", "is for max_loss; a daily loss takes a day_peak anchor", daily and trails),
            ("anchor", "is for daily_loss; a maximum loss takes trailing", not daily and self.anchor is not None),
            ("metric", "day_net_pnl is for daily_loss", not daily and self.metric is Metric.DAY_NET_PNL),
            ("of", 'cannot be "anchor" of a maximum loss', not daily and self.of is AmountOf.ANCHOR),
            ("of", 'must not be "hwm" without trailing', self.of is AmountOf.HIGH_WATER_MARK and not trails),
            ("of", "is for percent amounts", self.of is not None and not isinstance(self.amount, Percent)),
            ("lock", "is for trailing limits", self.lock is not None and not trails),
            ("high_water_mark", "is for trailing limits", self.high_water_mark is not None and not trails),
        ]
        for name in ("warn_at", "block_at", "flatten_at"):
            fraction: Decimal | None = getattr(self, name)
            found.append((name, "must lie above 0 and not above 1", fraction is not None and not 0 < fraction <= 1))
        return [(name, problem) for name, problem, is_so in found if is_so]

    @property
    def counted_from(self) -> Anchor:
        """The anchor in force."""
        if self.anchor is not None:
            return self.anchor
        if self.kind is LimitKind.MAX_LOSS:
            return Anchor.INITIAL
        return Anchor.DAY_START_EQUITY if self.metric is Metric.DAY_NET_PNL else Anchor.DAY_START_HIGHER

    @property
    def percent_of(self) -> AmountOf:
        """The base of a percent amount in force."""
        if self.of is not None:
            return self.of
        return AmountOf.ANCHOR if self.kind is LimitKind.DAILY_LOSS else AmountOf.INITIAL

    @property
    def needs_equity(self) -> bool:
        """Whether the limit cannot be judged from balances alone."""
        return (
            self.metric is not Metric.BALANCE
            or self.counted_from not in _ON_BALANCE
            or self.trailing in (Trailing.LIVE_EQUITY, Trailing.EOD_EQUITY, Trailing.EOD_HIGHER)
        )

    @property
    def needs_initial(self) -> bool:
        """Whether the initial balance is part of the floor."""
        is_base = isinstance(self.amount, Percent) and self.percent_of is AmountOf.INITIAL
        return self.counted_from is Anchor.INITIAL or is_base

    @property
    def needs_peaks(self) -> bool:
        """Whether a value between two samples can matter, so that an outage makes the floor an estimate."""
        return self.counted_from in _PEAKS or self.trailing in _LIVE

    @property
    def marks_at_reset(self) -> bool:
        """Whether the high-water mark is taken at resets only."""
        return self.trailing in _EOD

    @property
    def currencies(self) -> frozenset[str]:
        """The currencies that the limit's cash amounts name."""
        return frozenset(part.currency for part in (self.amount, self.lock) if isinstance(part, Cash) and part.currency)
