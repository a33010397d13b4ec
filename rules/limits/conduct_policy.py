"""What a person (or a firm) wants of an account's conduct, besides its losses: typed and immutable."""

from datetime import timedelta
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from rules.limits.days import ResetTime
from rules.limits.terms import FlattenScope, LimitAmount
from rules.model.frozen import frozen
from rules.model.values import AccountId, Volume
from rules.times.cron import Cron


class PositionRuleKind(Enum):
    """What no single position of the account may do."""

    PER_TRADE_LOSS = "per_trade_loss"
    """Lose `amount` while it is open: cash, or a percent of the balance."""
    MAX_OPEN_TIME = "max_open_time"
    """Stay open for longer than `within`."""
    STOP_REQUIRED = "stop_required"
    """Have no stop-loss `within` after its opening."""
    MIN_HOLD = "min_hold"
    """Be closed after its source before it was open for `within`: the close waits, as with `exits.min_hold`, whatever
    the link's policy says."""
    MAX_POSITION_VOLUME = "max_position_volume"
    """Hold more than `volume` lots: the guardrail against a size that nobody meant."""


class Follow(Enum):
    """What follows an offence."""

    CLOSE = "close"
    """The position is closed."""
    WARN = "warn"
    """It is told."""


@frozen
class PositionRule:
    """A rule that each position is held to by itself.

    Raises:
        ValueError: what the kind needs is missing, or something is given that it has no use for.
    """

    rule_id: str
    account: AccountId
    kind: PositionRuleKind
    amount: LimitAmount | None = None
    within: timedelta | None = None
    volume: Volume | None = None
    follow: Follow = Follow.CLOSE
    scope: FlattenScope = FlattenScope.COPIES

    def __attrs_post_init__(self) -> None:
        timed = (PositionRuleKind.MAX_OPEN_TIME, PositionRuleKind.STOP_REQUIRED, PositionRuleKind.MIN_HOLD)
        needed = {
            "amount": self.kind is PositionRuleKind.PER_TRADE_LOSS,
            "within": self.kind in timed,
            "volume": self.kind is PositionRuleKind.MAX_POSITION_VOLUME,
        }
        for name, is_needed in needed.items():
            if (getattr(self, name) is not None) is not is_needed:
                verb = "is required by" if is_needed else "is not for"
                raise ValueError(f"rule {self.rule_id}: {name} {verb} {self.kind.value}")


@frozen
class FlatBy:
    """At each firing everything in scope is closed, and no new risk is taken for as long as it `lasts`.

    A day's or week's end: `lasts` reaches over the break to the next session.
    """

    rule_id: str
    account: AccountId
    firings: tuple[Cron, ...]
    lasts: timedelta
    warn: timedelta = timedelta(0)
    """How long before each firing no new risk is taken already, since it could hardly live."""
    scope: FlattenScope = FlattenScope.COPIES


class BudgetKind(Enum):
    """What is counted from one reset to the next; new risk beyond it is denied, closing never is."""

    MAX_ORDERS = "max_orders"
    """Every order that we send, closes and changes of stops too: venues and firms count requests."""
    MAX_OPENED_VOLUME = "max_opened_volume"
    """Lots that we open."""


@frozen
class Budget:
    """How much of something an account may use up in a day (week, month, quarter, year) of `reset`."""

    rule_id: str
    account: AccountId
    kind: BudgetKind
    amount: Decimal
    reset: ResetTime
    warn_at: Decimal | None = Decimal("0.75")


Conduct: TypeAlias = PositionRule | FlatBy | Budget
