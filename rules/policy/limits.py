"""What the copies of a link may add up to at its target."""

from decimal import Decimal
from enum import Enum

from attrs import field

from rules.limits.terms import LimitAmount
from rules.model.frozen import frozen
from rules.model.values import Symbol, Volume
from rules.policy.distances import Distance
from rules.policy.patterns import PatternSet


class ShareOf(Enum):
    """What a percentage of the target's money is of."""

    EQUITY = "equity"
    BALANCE = "balance"


class NoStop(Enum):
    """What caps on open risk make of what has no stop-loss, so that nothing bounds what it may lose."""

    DENY = "deny"
    """Nothing is opened beside it, nor without one."""
    IGNORE = "ignore"
    """It counts as nothing."""


class OnLimit(Enum):
    """What becomes of a copy that is larger than a limit of its policy leaves room for."""

    DENY = "deny"
    SHRINK = "shrink"
    """It is made as large as the limit allows; what the instrument does not take so small is denied."""


@frozen
class Together:
    """Symbols of the target, by patterns of their whole names, that move alike and so count as one: their lots, of both
    sides together, are at most `max_volume`, > 0.

    Raises:
        PatternError: RE2 does not take one of `symbols`.
    """

    symbols: tuple[str, ...]
    max_volume: Volume
    _patterns: PatternSet = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_patterns", PatternSet(self.symbols, "limits.together.symbols"))

    def has(self, symbol: Symbol) -> bool:
        return self._patterns.matches(symbol)


@frozen
class PolicyLimits:
    """Caps on new risk at the target, over all copies there; no value is no cap. What is held is never closed by them.

    Risk and values are in the target's money; what they need and nobody tells denies the copy. A percentage of
    money is of the target's equity.
    """

    max_positions: int | None = None
    max_total_volume: Volume | None = None
    max_volume_per_symbol: Volume | None = None
    block_hedging: bool = False
    count_foreign: bool = False
    max_risk: LimitAmount | None = None
    max_risk_per_symbol: LimitAmount | None = None
    max_total_risk: LimitAmount | None = None
    risk_of: ShareOf = ShareOf.EQUITY
    no_stop: NoStop = NoStop.DENY
    max_leverage: Decimal | None = None
    min_free_margin: LimitAmount | None = None
    max_stop_distance: Distance | None = None
    on_limit: OnLimit = OnLimit.DENY
    together: tuple[Together, ...] = ()
    obey_source: bool = False

    @property
    def counts_risk(self) -> bool:
        """Tell whether it asks what all that is open may lose."""
        return self.max_risk_per_symbol is not None or self.max_total_risk is not None
