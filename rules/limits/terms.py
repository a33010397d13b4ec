"""The words of limits: what is limited, what it is counted from, which figure is compared, what follows."""

from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from rules.model.frozen import frozen


class LimitKind(Enum):
    """Which loss is limited, or that a profit is the goal."""

    DAILY_LOSS = "daily_loss"
    """Since the reset that opened the day. It begins anew with each day."""
    WEEKLY_LOSS = "weekly_loss"
    """The same by weeks, and below by months, quarters and years: what is said of days holds for these periods."""
    MONTHLY_LOSS = "monthly_loss"
    QUARTERLY_LOSS = "quarterly_loss"
    YEARLY_LOSS = "yearly_loss"
    MAX_LOSS = "max_loss"
    """Since the beginning (`trailing = "none"`), or from the high-water mark. It never begins anew."""
    PROFIT_TARGET = "profit_target"
    """A profit of a day, week, month, quarter or year, or of all time, that is reached rather than breached."""


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
    """Of limits that begin anew only."""
    HIGH_WATER_MARK = "hwm"
    """Trailing maximum loss only."""


class Anchor(Enum):
    """What a day's loss or profit is counted from. A week, a month and what is longer start like a day."""

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
    """Equity minus the anchor; its floor is the negative amount. Only of losses that begin anew."""


class Part(Enum):
    """What a figure counts besides closed profit."""

    FLOATING = "floating"
    COMMISSION = "commission"
    SWAP = "swap"


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


class LockOf(Enum):
    """What the floor of a staged lock is a share of."""

    TRIGGER = "trigger"
    """The balance or equity that was seen when the lock was set off."""
    INITIAL = "initial"


@frozen
class StagedLock:
    """At a profit the floor becomes a share of what was seen, once and for all; it never falls by that.

    `metric` is balance or equity; `profit` is over the initial balance, and a percent of it.
    """

    profit: LimitAmount
    floor: Decimal
    """A fraction in (0, 1.5]: 0.95 locks at 95 % of `of`."""
    metric: Metric = Metric.BALANCE
    of: LockOf = LockOf.TRIGGER


class OnBreach(Enum):
    """What follows a breach, or a profit target that is reached. It stays until the reset, or until a person's."""

    FLATTEN = "flatten"
    """Everything in `scope` is closed, and no new risk is taken."""
    BLOCK = "block"
    """No new risk is taken; what is open stays open."""
    HALT = "halt"
    """No new risk is taken until a person resets it, whatever the clock says."""
    WARN = "warn"
    """It is only told."""


class Flows(Enum):
    """What deposits and withdrawals do to anchors, peaks and marks."""

    SHIFT = "shift"
    """They move by the flow, which so is neither profit nor loss."""
    IGNORE = "ignore"


class FlattenScope(Enum):
    """What a flatten closes."""

    COPIES = "copies"
    """What our links own on the account."""
    ACCOUNT = "account"
    """Everything on the account."""
