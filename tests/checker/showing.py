"""What a target of a simulated day showed, written down for the checker: in plain trees, as a ledger would have it."""

from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from typing import Any

from attrs import fields

from rules.model.observed import AccountStatus, Position
from rules.model.values import AccountId
from tests.checker.positions import Shown
from tests.checker.trees import Tree


def shown(begun: int, at: datetime, account: AccountId, status: AccountStatus, positions: Iterable[Position]) -> Shown:
    return Shown(begun, at, account, tree(status), {each.position_id: tree(each) for each in positions})


def tree(value: Any) -> Tree:
    """Return an object's fields, with its numbers as fractions."""
    return {each.name: plain(each.name, getattr(value, each.name)) for each in fields(type(value))}


def plain(name: str, value: Any) -> Any:
    if value is None or isinstance(value, datetime | str | bool):
        return value
    return getattr(value, "value", None) or Fraction(value)
