"""What a person wants of a copy's age, price and spread, and of what a start finds."""

from datetime import timedelta
from decimal import Decimal
from enum import Enum

from rules.model.frozen import frozen
from rules.policy.distances import Distance


class OnDeviation(Enum):
    """What becomes of a copy whose price is worse than the source's by more than `max_deviation`."""

    DENY = "deny"
    LIMIT = "limit"
    """A limit order waits at the source's price for `limit_for`, between accounts that hedge; its fill is the copy."""


@frozen
class Guard:
    """Gates of new risk on age and price; None switches one off.

    `max_age` also bounds every waiting denial; without it these wait at most `wait_default`. A stop-loss or
    take-profit that is needed and missing is waited for no longer than `wait_for_stop` either.
    """

    max_age: timedelta | None = None
    max_deviation: Distance | None = None
    on_deviation: OnDeviation = OnDeviation.DENY
    limit_for: timedelta = timedelta(minutes=1)
    max_spread: Distance | None = None
    max_price_ratio: Decimal | None = Decimal("0.1")
    """Source and target mid price may differ by this fraction before they count as different instruments."""
    require_quotes: bool = False
    wait_default: timedelta = timedelta(seconds=5)
    wait_for_stop: timedelta = timedelta(seconds=2)

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
