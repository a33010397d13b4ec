"""What volume each size mode asks for, before any cap: a formula each, reckoned exactly."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Final

from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.policy.expressions import Exact, Expression
from rules.policy.size import Size, SizeMode
from rules.sizes.variables import VARIABLES, Basis
from rules.sizes.volumes import shown

WANTED_MAX = 10**20
"""Lots: no number from outside is larger, so what a formula makes of them is a slip. It bounds the digits, too."""


def _formula(text: str) -> Expression:
    return Expression(text, frozenset(VARIABLES))


_RATIO: Final = _formula(
    "source_volume * multiplier * contract_ratio * target_reference / (source_reference * rate)",
)
FORMULAS: Final[Mapping[SizeMode, Expression]] = {
    SizeMode.MULTIPLIER: _formula("source_volume * multiplier * contract_ratio"),
    SizeMode.FIXED: _formula("volume"),
    SizeMode.BALANCE_RATIO: _RATIO,
    SizeMode.EQUITY_RATIO: _RATIO,
    SizeMode.MARGIN_RATIO: _RATIO,
    SizeMode.NOTIONAL: _formula(
        "source_volume * multiplier * source_contract_size * source_price * price_rate"
        " / (target_contract_size * target_price)"
    ),
    SizeMode.LEVERAGE: _formula(
        "source_volume * multiplier * source_lot_worth * source_price / source_equity * target_equity"
        " / (lot_worth * target_price)"
    ),
    SizeMode.RISK_PERCENT: _formula("at_risk * percent / (stop_distance * lot_worth + cost_per_lot)"),
    SizeMode.RISK_AMOUNT: _formula("amount / (stop_distance * lot_worth + cost_per_lot)"),
}
"""What each mode is; `expression` is the person's own."""


def wanted_volume(size: Size, basis: Basis, notes: list[Note]) -> Fraction | Denied:
    """Return the volume that the mode asks for, before any cap."""
    formula = size.expression if size.mode is SizeMode.EXPRESSION else FORMULAS[size.mode]
    if formula is None:
        raise ValueError("size.expression must be set in mode expression, was not")
    values: dict[str, Exact] = {}
    numbers: list[tuple[str, str]] = []
    for name in formula.variables:
        known = VARIABLES[name](size, basis)
        if isinstance(known, Denied):
            return known
        values[name] = known.value
        numbers.append((name, str(known)))
    wanted = formula.value(values)
    if wanted is None or not 0 < wanted <= WANTED_MAX:
        result = "a division by zero" if wanted is None else shown(wanted)
        return Denied("size", Reason.SIZE_UNUSABLE, (("formula", formula.text), *numbers, ("result", result)))
    notes.append(Note("size", size.mode.value, (*numbers, ("wanted", shown(wanted)))))
    return wanted
