"""What a firm wants of an account's results over time: typed and immutable. They are counted from its history."""

from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from rules.limits.days import ResetTime
from rules.limits.terms import LimitAmount
from rules.model.frozen import frozen
from rules.model.values import AccountId, Symbol
from rules.times.cron import Cron


class ProfitBase(Enum):
    """What the best day is a share of."""

    TOTAL_PROFIT = "total_profit"
    """The sum of all days."""
    POSITIVE_DAYS = "positive_days"
    """The sum of the days in profit."""
    TARGET = "target"
    """The profit that is to be reached, `target`."""


class BookedBy(Enum):
    """The day to which a closed profit belongs."""

    CLOSE = "close"
    """On which it was closed."""
    OPEN = "open"
    """On which its position was opened, where the history tells; else on which it was closed."""


class OnExcess(Enum):
    """What follows while the best day is too large a share."""

    WARN = "warn"
    BLOCK = "block"
    """No new risk for the rest of a day that is the best one: more profit would make it worse."""


@frozen
class Consistency:
    """The best day may be at most `share` of what was won since `since`. Nothing won never satisfies it."""

    rule_id: str
    account: AccountId
    share: Decimal
    reset: ResetTime
    since: datetime
    base: ProfitBase = ProfitBase.TOTAL_PROFIT
    target: LimitAmount | None = None
    """Of `base = "target"`: cash, or a percent of the initial balance."""
    by: BookedBy = BookedBy.CLOSE
    on_excess: OnExcess = OnExcess.WARN
    initial_balance: Decimal | None = None

    def __attrs_post_init__(self) -> None:
        if (self.target is not None) is not (self.base is ProfitBase.TARGET):
            raise ValueError(f'rule {self.rule_id}: target belongs to base = "target"')


@frozen
class TradingDays:
    """At least `days` days since `since` must count: any with a trade, or those that won at least `profit`."""

    rule_id: str
    account: AccountId
    days: int
    reset: ResetTime
    since: datetime
    profit: LimitAmount | None = None
    """Cash, or a percent of the initial balance; None: a trade is enough."""
    by: BookedBy = BookedBy.CLOSE
    initial_balance: Decimal | None = None


@frozen
class KeepAlive:
    """The smallest trade of `symbol` is opened and closed at a firing where the account has not traded for `after`."""

    symbol: Symbol
    at: tuple[Cron, ...]
    after: timedelta
    lasts: timedelta = timedelta(0)
    """How long it is held."""

    def next_after(self, at: datetime) -> datetime:
        """Return the first firing after an aware instant, in UTC."""
        return min(cron.next_after(at) for cron in self.at)

    def last_until(self, at: datetime) -> datetime:
        """Return the last firing that is not after an aware instant, in UTC."""
        return max(cron.last_until(at) for cron in self.at)


@frozen
class Inactivity:
    """The account must trade at least once in `within`; a warning comes when `warn_at` of it has passed."""

    rule_id: str
    account: AccountId
    within: timedelta
    since: datetime
    """Counted from here where the history has no trade."""
    warn_at: Decimal = Decimal("0.75")
    keep_alive: KeepAlive | None = None

    def __attrs_post_init__(self) -> None:
        if self.keep_alive is not None and not self.keep_alive.at:
            raise ValueError(f"rule {self.rule_id}: keep_alive must fire at some time, its `at` names none")
        if self.keep_alive is not None and self.keep_alive.after >= self.within:
            raise ValueError(f"rule {self.rule_id}: keep_alive must be due before `within` is over, its `after` is not")


Results: TypeAlias = Consistency | TradingDays | Inactivity
