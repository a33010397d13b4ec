"""What a person wants of a copy's size: the mode with its numbers, the caps, the rounding."""

from collections.abc import Mapping
from decimal import Decimal
from enum import Enum

from rules.model.frozen import frozen
from rules.model.instruments import Rounding
from rules.model.values import Money, Volume
from rules.policy.distances import Distance
from rules.policy.expressions import Expression


class SizeMode(Enum):
    """How the target's volume follows from the source's. What a mode needs and nobody tells denies the copy."""

    MULTIPLIER = "multiplier"
    """The source's volume, in as many units: 1 lot of 100 becomes 10 lots of 10."""
    FIXED = "fixed"
    """Always `volume`."""
    BALANCE_RATIO = "balance_ratio"
    """As `multiplier`, times the target's balance over the source's: 1 lot at 30000 USD becomes 0.33 at 10000 USD."""
    EQUITY_RATIO = "equity_ratio"
    """Likewise by equity, which counts what is open."""
    MARGIN_RATIO = "margin_ratio"
    """Likewise by free margin."""
    NOTIONAL = "notional"
    """A position of the same value at today's prices: 1 lot of an index at 20000 with 1 USD a point becomes 10 of one
    at 2000."""
    LEVERAGE = "leverage"
    """The value in proportion to equity as at the source: what is 2 times the source's equity is 2 times the
    target's."""
    RISK_PERCENT = "risk_percent"
    """So large that the way from the expected price to the target's stop-loss, and `cost_per_lot`, lose `percent` of
    `of`: 1 % of 10000 USD with a stop 50 pips away is 0.2 lots of EURUSD."""
    RISK_AMOUNT = "risk_amount"
    """Likewise, but they lose `amount`."""
    EXPRESSION = "expression"
    """What `expression` gives, in lots."""

    __hash__ = object.__hash__  # as of `Side`


class RiskOf(Enum):
    """What the target's `percent` is a percent of."""

    EQUITY = "equity"
    BALANCE = "balance"
    INITIAL = "initial"
    """`initial`, whatever the account has now."""


SIZE_VARIABLES: Mapping[str, str] = {
    "source_volume": "The source position's lots.",
    "source_price": "What the source paid or got.",
    "source_contract_size": "Units in a lot of the source.",
    "source_lot_worth": "What a lot of the source gains there when its price rises by 1, in the source's currency.",
    "source_balance": "The source's balance, in its currency.",
    "source_equity": "The source's equity, in its currency.",
    "source_margin_free": "The source's free margin, in its currency.",
    "target_price": "What the target would pay or get by its quote of now.",
    "target_contract_size": "Units in a lot of the target.",
    "lot_worth": "What a lot of the target gains when its price rises by 1, in the target's currency.",
    "target_balance": "The target's balance, in its currency.",
    "target_equity": "The target's equity, in its currency.",
    "target_margin_free": "The target's free margin, in its currency.",
    "contract_ratio": "Units in a lot of the source over those in a lot of the target.",
    "stop_distance": "From `target_price` to the target's stop-loss, in price; else `default_stop`.",
    "rate": "One unit of the source's currency in the target's.",
    "price_rate": "One unit of what the source's instrument is priced in, in what the target's is priced in.",
    "multiplier": "The key.",
    "cost_per_lot": "The key.",
}
"""What a person's own formula may name. What of it nobody tells denies the copy."""


@frozen
class Size:
    """How large a copy is, before the caps and the rounding of `volume`. Each mode has its own keys.

    `source_reference` and `target_reference` pin a ratio mode's balance, equity or free margin to a number of the
    account's own currency. Accounts of different currencies are compared by the quotes of the target, or else of the
    source: the pair itself, its inverse, or a way over USD or EUR. Where no quote tells, the copy is denied.
    """

    mode: SizeMode = SizeMode.MULTIPLIER
    multiplier: Decimal = Decimal(1)
    volume: Volume | None = None
    source_reference: Decimal | None = None
    target_reference: Decimal | None = None
    ignore_contract_size: bool = False
    ignore_currency: bool = False
    percent: Decimal | None = None
    of: RiskOf = RiskOf.EQUITY
    initial: Decimal | None = None
    amount: Money | None = None
    cost_per_lot: Decimal = Decimal(0)
    default_stop: Distance | None = None
    expression: Expression | None = None


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
    """`max` caps the whole copy in lots, increases included; `max_amplification` (>= 1) bounds `min = "raise"`.

    With `keep_proportions` copies of one link, symbol and side that are open together are sized as one: the second of
    0.02 and 0.04 lots at a quarter becomes twice the first, though the first was raised to 0.01.
    """

    min: BelowMin = BelowMin.DENY
    max: Volume | None = None
    over_max: OverMax = OverMax.CLAMP
    round: Rounding = Rounding.DOWN
    max_amplification: Decimal = Decimal(2)
    keep_proportions: bool = False
