"""What a person wants of a copy's size: the mode with its numbers, the caps, the rounding."""

from decimal import Decimal
from enum import Enum

from attrs import frozen

from rules.instruments import Rounding
from rules.values import Volume


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
