"""Reads the [[limits]] that cap how much an account may hold: `max_positions` and `max_total_volume`."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from attrs import field

from copier.config.errors import Fault, shown_value
from copier.config.limit_rows import has_kind, refuse_account, refuse_keys, rows_of_kinds
from copier.config.reader import Reader
from copier.config.structure import make_converter
from copier.config.units import read_number
from rules.limits.policy import Cap, CapKind, Tier, TierBy
from rules.model.frozen import frozen
from rules.model.values import AccountId

_AMOUNT = "a number > 0: positions of `max_positions`, lots of `max_total_volume`"


def _read_amount(value: object) -> Decimal:
    amount = read_number(value, _AMOUNT)
    if amount <= 0:
        raise Fault(_AMOUNT, shown_value(value))
    return amount


@frozen
class TierKeys:
    """From a balance, equity or profit on, another amount is allowed; where the figure is unknown, the least of all."""

    reached: Decimal = field(metadata={"key": "from", "doc": "The figure, in the account's currency."})
    amount: Decimal = field(metadata={"doc": "How many positions or lots from there on.", "read": _read_amount})


@frozen
class CapKeys:
    """The most that one account may hold, whoever opened it. New risk above it is denied; nothing is closed."""

    account: str = field(metadata={"doc": "Name of the account, or `group:NAME` for each of a group."})
    kind: CapKind = field(metadata={"doc": "What is counted: open positions, or lots over all symbols and sides."})
    amount: Decimal = field(metadata={"doc": "How many positions or lots.", "read": _read_amount})
    tiers: tuple[TierKeys, ...] = field(
        default=(),
        metadata={"doc": "What is allowed instead from some figure on: `[{ from = 1500, amount = 4 }]`; see below."},
    )
    by: TierBy = field(default=TierBy.PROFIT, metadata={"doc": "Which figure leads to a tier."})
    initial_balance: Decimal | None = field(
        default=None,
        metadata={"doc": "What profit is counted from, in the account's currency; required by tiers of profit."},
    )


_CLASSES: Mapping[str, type[Any]] = {kind.value: CapKeys for kind in CapKind}


def is_cap(row: object) -> bool:
    """Tell whether a [[limits]] row is one of these."""
    return has_kind(row, _CLASSES)


def read_caps(reader: Reader, rows: list[Any], accounts: Collection[str]) -> tuple[Cap, ...]:
    """Return the caps without faults among all [[limits]] rows."""
    caps: list[Cap] = []
    for path, keys in rows_of_kinds(reader, make_converter(), rows, _CLASSES):
        if keys.account not in accounts:
            refuse_account(reader, path, keys.account, accounts)
            continue
        amounts = [keys.amount, *(tier.amount for tier in keys.tiers)]
        split = next((amount for amount in amounts if amount % 1), None)
        if keys.kind is CapKind.MAX_POSITIONS and split is not None:
            reader.fault((*path, "amount"), Fault("a whole number of positions", shown_value(split)))
            continue
        try:
            caps.append(cap_of(keys))
        except ValueError as error:
            refuse_keys(reader, path, str(error))
    return tuple(caps)


def cap_of(keys: CapKeys) -> Cap:
    """Return the cap that the keys describe.

    Raises:
        ValueError: keys that do not fit together; the text begins with the key.
    """
    tiers = tuple(Tier(tier.reached, tier.amount) for tier in keys.tiers)
    return Cap(AccountId(keys.account), keys.kind, keys.amount, tiers, keys.by, keys.initial_balance)
