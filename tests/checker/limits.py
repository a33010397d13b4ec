"""Accounts' limits on losses and profits: what each row of the ledger says that is in force, and whether that follows.

What it says must follow from its own figures (`tests.checker.figures`) and from the row before it: anchors and peaks
(`anchors`), marks and locks (`marks`), what stays in force (`in_force`). Costs that are left out, and what deposits
do, are refused until somebody teaches them.
"""

from collections.abc import Iterable

from attrs import define, field

from tests.checker import anchors, in_force, marks
from tests.checker.figures import ANCHORS, PARTS, STAGES, anchor_named, reached
from tests.checker.in_force import stage_of
from tests.checker.text import Unchecked
from tests.checker.trees import Tree

CODES = {
    "daily_loss": "LIMIT_DAILY_LOSS",
    "weekly_loss": "LIMIT_WEEKLY_LOSS",
    "monthly_loss": "LIMIT_MONTHLY_LOSS",
    "quarterly_loss": "LIMIT_QUARTERLY_LOSS",
    "yearly_loss": "LIMIT_YEARLY_LOSS",
    "max_loss": "LIMIT_MAX_LOSS",
    "profit_target": "PROFIT_TARGET",
}
TRAILING = ("none", *marks.LIVE, *marks.LAST)
METRICS = ("equity", "balance", "day_net_pnl")
COUNTED = ("anchor", "metric", "of", "include", "for", "high_water_mark", "currency")
"""Keys without which a stage may be another; how often that is so is counted, on either side."""


@define
class Limits:
    """The limits of the config, and what the ledger last told of each."""

    rows: list[Tree]
    stages: dict[str, str] = field(factory=dict)
    states: dict[str, Tree] = field(factory=dict)
    turned_on: set[str] = field(factory=set)
    """Rules that are rarely written and that the last row would not be the same without, to be counted."""
    ids: dict[str, Tree] = field(init=False)

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            known = row.get("trailing", "none") in TRAILING and anchor_named(row) in ("initial", *ANCHORS)
            counted = {"commission", "swap"} <= set(row.get("include", PARTS)) <= PARTS
            if row["kind"] not in CODES or not known or not counted or row.get("metric", "equity") not in METRICS:
                raise Unchecked(f"limits: {row}")
        self.ids = {limit_id(row): row for row in self.rows}

    def take(self, account: str, stage: str, state: Tree) -> Iterable[str]:
        """Take one row; yield what is wrong with it."""
        name = state["limit_id"]
        row, before = self.ids[name], self.states.get(name)
        self.stages[name], self.states[name] = stage, state
        if row["account"] != account:
            yield f"the limit of {row['account']} is told of {account}"
        yield from anchors.wrong(row, before, state)
        yield from marks.wrong(row, before, state, self.turned_on)
        yield from in_force.wrong(row, before, state)
        expected = stage_of(row, state)
        if expected != stage:
            yield f"{name} must be at {expected}, was {stage}"
        self._count(row, before, state)

    def _count(self, row: Tree, before: Tree | None, state: Tree) -> None:
        """Note the keys without which the figures would make another stage, and on which side of it they are."""
        now = in_force.now_at(row, state)
        for key in COUNTED:
            if key in row:
                other = in_force.now_at({name: value for name, value in row.items() if name != key}, state)
                if other != now:
                    side = "stricter" if STAGES.index(now) > STAGES.index(other) else "milder"
                    self.turned_on.add(f"{key} {side}")
        if "for" in row and now == "breached":
            self.turned_on.add("for: it lasted")
        if before is not None and before["day_started"] not in (None, state["day_started"]):
            self.turned_on.add(f"{row['kind']} begins anew")
        if row.get("resets_below", False) and before is not None and before["latched"] and not state["latched"]:
            self.turned_on.add("resets_below")

    def outlives(self, account: str, status: Tree) -> Iterable[str]:
        """Yield the targets that still count as reached although these figures are below them, and they end there."""
        for name in self.of(account):
            row = self.ids[name]
            if not row.get("resets_below", False) or self.stages.get(name) != "breached" or status["currency"] is None:
                continue
            if status["balance"] is not None and status["equity"] is not None:
                state = {**self.states[name], **status, "unknown": None}
                if reached(row, state) == "ok":
                    yield f"{name} still counts as reached at a balance of {status['balance']}"

    def denied(self, account: str) -> str | None:
        """Return the code of the first limit that forbids new risk."""
        for name in self.of(account):
            state = self.states.get(name)
            stages = ["unknown"] if state is None else in_force.forbidding(self.ids[name], state)
            if stages:
                return "LIMIT_UNKNOWN" if set(stages) == {"unknown"} else CODES[self.ids[name]["kind"]]
        return None

    def of(self, account: str) -> list[str]:
        return [name for name, row in self.ids.items() if row["account"] == account]

    def flattens(self, name: str) -> bool:
        row, stage = self.ids.get(name), self.stages.get(name)
        if row is None:
            return False
        return stage == "flatten" or (stage == "breached" and row.get("on_breach", "flatten") == "flatten")


def limit_id(row: Tree) -> str:
    return f"{row['account']}/{row['kind']}" + (f"/{row['name']}" if "name" in row else "")
