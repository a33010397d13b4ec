"""Which keys of a `size` belong to which mode: one without effect is a misunderstanding about money."""

from collections.abc import Iterator, Mapping
from typing import Any

from copier.config.errors import Fault, shown_value
from copier.config.positions import KeyPath
from rules.policy.expressions import Expression, ExpressionError
from rules.policy.size import SIZE_VARIABLES, RiskOf, Size, SizeMode

_MULTIPLIED = {"multiplier", "ignore_contract_size"}
_RATIO = {*_MULTIPLIED, "source_reference", "target_reference", "ignore_currency"}
_VALUE = {"multiplier", "ignore_currency"}
_RISK = {"cost_per_lot", "default_stop", "ignore_currency"}
_KEYS: Mapping[SizeMode, set[str]] = {
    SizeMode.MULTIPLIER: _MULTIPLIED,
    SizeMode.FIXED: {"volume"},
    SizeMode.BALANCE_RATIO: _RATIO,
    SizeMode.EQUITY_RATIO: _RATIO,
    SizeMode.MARGIN_RATIO: _RATIO,
    SizeMode.NOTIONAL: _VALUE,
    SizeMode.LEVERAGE: _VALUE,
    SizeMode.RISK_PERCENT: {"percent", "of", "initial", *_RISK},
    SizeMode.RISK_AMOUNT: {"amount", *_RISK},
    SizeMode.EXPRESSION: {"expression", "multiplier", "ignore_contract_size", *_RISK},
}
_NEEDS: Mapping[SizeMode, str] = {
    SizeMode.FIXED: "volume",
    SizeMode.RISK_PERCENT: "percent",
    SizeMode.RISK_AMOUNT: "amount",
    SizeMode.EXPRESSION: "expression",
}


def size_misfits(size: Size, table: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Fault]]:
    """Yield each key that the size's mode does not have, and one that it lacks, with its path in the size."""
    mode, keys = size.mode.value, {"mode", *_KEYS[size.mode]}
    for key in sorted(table.keys() - keys):
        yield (key,), Fault(f'keys of mode "{mode}": {", ".join(sorted(keys))}', f"`{key}`")
    needed = _NEEDS.get(size.mode)
    if needed is not None and getattr(size, needed) is None:
        yield (), Fault(f'`{needed}`, which mode "{mode}" takes', "a size without it")
    if size.mode is SizeMode.RISK_PERCENT and size.of is RiskOf.INITIAL and size.initial is None:
        yield (), Fault('`initial`, which `of = "initial"` takes', "a size without it")


def read_expression(value: object) -> Expression:
    """Return a size's formula once it is known to be one.

    Raises:
        Fault: no text, or no formula.
    """
    if not isinstance(value, str):
        raise Fault("a formula in quotes", shown_value(value))
    try:
        return Expression(value, frozenset(SIZE_VARIABLES))
    except ExpressionError as error:
        expected, _, found = str(error).rpartition(", ")
        raise Fault(expected.replace("expression must", "a formula that must"), found.partition(" ")[2]) from None
