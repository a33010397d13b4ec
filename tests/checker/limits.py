"""Accounts' loss limits: what each row of the ledger says that is in force, and whether that follows from its figures.

Here are daily losses and fixed maximum losses on equity; other kinds are refused until somebody teaches them.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from attrs import define, field

from tests.checker.text import Unchecked, number, ratio
from tests.checker.trees import Tree

STAGES = ("ok", "warn", "block", "unknown", "halt", "flatten", "breached")
CODES = {"daily_loss": "LIMIT_DAILY_LOSS", "max_loss": "LIMIT_MAX_LOSS"}


@define
class Limits:
    """The limits of the config, and the stage that each is in by the ledger."""

    rows: list[Tree]
    stages: dict[str, str] = field(factory=dict)
    ids: dict[str, Tree] = field(init=False)

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            if row["kind"] not in CODES:
                raise Unchecked(f"limits.kind = {row['kind']}")
        self.ids = {limit_id(row): row for row in self.rows}

    def take(self, account: str, stage: str, state: Tree) -> Iterable[str]:
        """Take one row; yield what is wrong with it."""
        row = self.ids[state["limit_id"]]
        self.stages[state["limit_id"]] = stage
        if row["account"] != account:
            yield f"the limit of {row['account']} is told of {account}"
        expected = stage_of(row, state)
        if expected != stage:
            yield f"{state['limit_id']} must be at {expected}, was {stage}"

    def denied(self, account: str) -> str | None:
        """Return the code of the first limit that forbids new risk."""
        for name, row in self.ids.items():
            stage = self.stages.get(name, "unknown")
            if row["account"] == account and self._forbids(row, stage):
                return "LIMIT_UNKNOWN" if stage == "unknown" else CODES[row["kind"]]
        return None

    def of(self, account: str) -> list[str]:
        return [name for name, row in self.ids.items() if row["account"] == account]

    def flattens(self, name: str) -> bool:
        row, stage = self.ids.get(name), self.stages.get(name)
        if row is None:
            return False
        return stage == "flatten" or (stage == "breached" and row.get("on_breach", "flatten") == "flatten")

    def _forbids(self, row: Tree, stage: str) -> bool:
        if stage == "breached" and row.get("on_breach", "flatten") == "warn":
            return False
        return STAGES.index(stage) >= STAGES.index("block")


def limit_id(row: Tree) -> str:
    return f"{row['account']}/{row['kind']}" + (f"/{row['name']}" if "name" in row else "")


def stage_of(row: Tree, state: Tree) -> str:
    """Return the stage that the state's own figures, and what stays in force, make."""
    stages = [reached(row, state)]
    if state["latched"] is not None:
        stages.append(state["latched"])
    if state["halted_at"] is not None:
        stages.append("halt")
    return max(stages, key=STAGES.index)


def reached(row: Tree, state: Tree) -> str:
    balance, equity = state["balance"], state["equity"]
    if balance is None or equity is None or state["unknown"] is not None:
        return "unknown"
    initial = number(row["initial_balance"]) if "initial_balance" in row else state["initial_balance"]
    if row["kind"] == "max_loss":
        anchor = initial
    elif state["day_balance"] is None or state["day_equity"] is None:
        return "unknown"
    else:
        anchor = max(state["day_balance"], state["day_equity"]) + Fraction(0)
    amount = cash(row["amount"], anchor)
    headroom = equity - (anchor - amount)
    if headroom <= 0:
        return "breached"
    for stage, key, default in (
        ("flatten", "flatten_at", None),
        ("block", "block_at", None),
        ("warn", "warn_at", "75 %"),
    ):
        at = row.get(key, default)
        if at is not None and at != "off" and headroom <= (1 - ratio(at)) * amount:
            return stage
    return "ok"


def cash(amount: Any, base: Fraction) -> Fraction:
    return ratio(amount) * base if isinstance(amount, str) and amount.endswith("%") else number(amount)
