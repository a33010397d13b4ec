"""The rows of a ledger as plain trees: numbers as fractions, instants as datetimes, all else as it stands."""

import json
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from functools import lru_cache
from typing import Any, TypeAlias

from attrs import frozen

Tree: TypeAlias = dict[str, Any]

_NUMBERS = """
volume held granted followed refused expected_price open_price stop_loss take_profit missing stop_gap ratio remaining
locked opened contract_size current_price volume_min volume_max volume_step tick_size stop_distance_min balance equity
margin_used margin_free bid ask close_price price desired observed lots initial_balance day_balance day_equity
day_peak_balance day_peak_equity high_water_mark locked_floor flows missed_balance commission swap proceeds count
realized_pnl amount limit_price
"""
_INSTANTS = """
opened_at first_seen_at wait_until retry_at settled_at asked_at received_at at until judged_at day_started latched_at
halted_at breaching_from flows_after seen_at missed_from close_at last_at read_at ends since placed_at expires_at
early_at fill_by
"""
NUMBERS, INSTANTS = frozenset(_NUMBERS.split()), frozenset(_INSTANTS.split())
"""Keys whose values are read; everything else is compared as text."""


@frozen
class Row:
    """One row of a ledger."""

    seq: int
    at: datetime
    kind: str
    account: str
    key: str | None
    tree: Tree


def rows_of(entries: Iterable[Any]) -> list[Row]:
    """Return the rows of a ledger's entries (`copier.ledger.rows.StoredEntry`), whose bodies are JSON."""
    return [Row(each.seq, each.at, each.kind, each.account, each.key, read(json.loads(each.body))) for each in entries]


def read(value: Any, key: str = "") -> Any:
    """Return a JSON value with its numbers and instants made usable."""
    if isinstance(value, dict):
        return {name: read(each, name) for name, each in value.items()}
    if isinstance(value, list):
        return [read(each) for each in value]
    if isinstance(value, str):
        if key in NUMBERS:
            return number(value)
        if key in INSTANTS:
            return instant(value)
    return value


@lru_cache(maxsize=8192)
def number(text: str) -> Fraction:
    return Fraction(text)


@lru_cache(maxsize=8192)
def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def kind_of(tree: Tree) -> str:
    """Return the class that a tree names."""
    return str(tree["@kind"])
