"""What volume each size mode asks for, before any cap: a formula each, reckoned exactly."""

from collections.abc import Mapping
from typing import Final

from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.policy.expressions import Expression, Ratio
from rules.policy.size import Size, SizeMode
from rules.sizes.common import common_of, nothing_read
from rules.sizes.variables import VARIABLES, Basis
from rules.sizes.volumes import Known, shown_ratio

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

_OUTCOMES: Final = {mode: mode.value for mode in SizeMode}
"""What a trace calls each; an Enum tells its value at the price of a sum."""


def wanted_volume(size: Size, basis: Basis, notes: list[Note]) -> Known | Denied:
    """Return the volume that the mode asks for, before any cap."""
    formula = size.expression if size.mode is SizeMode.EXPRESSION else FORMULAS[size.mode]
    if formula is None:
        raise ValueError("size.expression must be set in mode expression, was not")
    contract_size = basis.instrument.contract_size
    found = basis.commons.get(contract_size)
    common = nothing_read(formula.variables) if found is None else found
    values, numbers = common.ratios.copy(), [*common.numbers]
    for place, name in common.own:
        answer = VARIABLES[name](size, basis)
        if isinstance(answer, Denied):
            return answer
        values[name] = answer.ratio
        numbers[place] = (name, answer.text)
    if found is None:
        basis.commons[contract_size] = common_of(values, numbers)
    wanted = formula.value(values)
    if wanted is None or not is_usable(wanted):
        result = "a division by zero" if wanted is None else shown_ratio(wanted)
        return Denied("size", Reason.SIZE_UNUSABLE, (("formula", formula.text), *numbers, ("result", result)))
    volume = Known(wanted, shown_ratio(wanted))
    notes.append(Note("size", _OUTCOMES[size.mode], (*numbers, ("wanted", volume.text))))
    return volume


def is_usable(wanted: Ratio) -> bool:
    """Tell whether a formula gave a volume, > 0, that somebody may have meant."""
    lots, parts = wanted
    return 0 < lots <= WANTED_MAX * parts
