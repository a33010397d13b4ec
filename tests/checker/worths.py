"""What lots and amounts are worth in the money of the target's account."""

from fractions import Fraction

from tests.checker.asked import Asked
from tests.checker.rates import rate
from tests.checker.sizes import currency_of, of, positive
from tests.checker.trees import Tree


def worth(asked: Asked, instrument: Tree) -> Fraction:
    """Return what a lot gains when its price rises by 1."""
    size = positive(instrument["contract_size"])
    return size * rate(asked, instrument["profit_currency"], currency_of(asked.target_status))


def in_cash(asked: Asked, amount: tuple[Fraction, str | None], share_of: str = "equity") -> Fraction:
    """Return an amount in the target's currency; a share is of its equity, or of its balance."""
    number, unit = amount
    if unit == "%":
        return number * of(asked.target_status, share_of)
    return number if unit is None else number * rate(asked, unit, currency_of(asked.target_status))
