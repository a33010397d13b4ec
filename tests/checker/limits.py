"""Accounts' loss limits: what each row of the ledger says that is in force, and whether that follows from its figures.

Losses by periods, and of all time, fixed or trailing, with locks; profit targets of all time. Others are refused until
somebody teaches them. Anchors are taken as the state tells them, since the samples that made them are not in a ledger;
marks and locks are followed from row to row (`tests.checker.marks`).
"""

from collections.abc import Iterable
from fractions import Fraction

from attrs import define, field

from tests.checker.marks import LAST, Marks
from tests.checker.text import Unchecked, cash, number, ratio
from tests.checker.trees import Tree

STAGES = ("ok", "warn", "block", "unknown", "halt", "flatten", "breached")
PERIODS = ("daily_loss", "weekly_loss", "monthly_loss", "quarterly_loss", "yearly_loss")
CODES = {
    "daily_loss": "LIMIT_DAILY_LOSS",
    "weekly_loss": "LIMIT_WEEKLY_LOSS",
    "monthly_loss": "LIMIT_MONTHLY_LOSS",
    "quarterly_loss": "LIMIT_QUARTERLY_LOSS",
    "yearly_loss": "LIMIT_YEARLY_LOSS",
    "max_loss": "LIMIT_MAX_LOSS",
    "profit_target": "PROFIT_TARGET",
}
TRAILING = ("none", "live_equity", "live_balance", *LAST)
ANCHORS = {
    "day_start_balance": ("day_balance",),
    "day_start_equity": ("day_equity",),
    "day_start_max": ("day_balance", "day_equity"),
}
"""What a period's loss counts from: the highest of these as the period began."""
METRICS = ("equity", "balance", "day_net_pnl")
PARTS = {"floating", "commission", "swap"}


@define
class Limits:
    """The limits of the config, and the stage that each is in by the ledger."""

    rows: list[Tree]
    stages: dict[str, str] = field(factory=dict)
    latches: dict[str, str | None] = field(factory=dict)
    """What of each profit target stays in force."""
    marks: Marks = field(factory=Marks)
    turned_on: set[str] = field(factory=set)
    """Rules that are rarely written and that the last row would not be the same without, to be counted."""
    ids: dict[str, Tree] = field(init=False)

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            known = row.get("trailing", "none") in TRAILING and row.get("anchor", "day_start_max") in ANCHORS
            counted = {"commission", "swap"} <= set(row.get("include", PARTS)) <= PARTS
            if row["kind"] not in CODES or not known or not counted or row.get("metric", "equity") not in METRICS:
                raise Unchecked(f"limits: {row}")
        self.ids = {limit_id(row): row for row in self.rows}

    def take(self, account: str, stage: str, state: Tree) -> Iterable[str]:
        """Take one row; yield what is wrong with it."""
        row = self.ids[state["limit_id"]]
        self.stages[state["limit_id"]] = stage
        if row["kind"] == "profit_target":
            yield from self._latched(row, state)
        if row.get("trailing", "none") != "none" or "lock_when" in row:
            yield from self.marks.take(row, state, initial_of(row, state), floor_of(row, state))
            self.turned_on |= self.marks.turned_on
        if row["account"] != account:
            yield f"the limit of {row['account']} is told of {account}"
        expected = stage_of(row, state)
        if expected != stage:
            yield f"{state['limit_id']} must be at {expected}, was {stage}"

    def _latched(self, row: Tree, state: Tree) -> Iterable[str]:
        """Yield what is wrong with what stays in force of a profit target, after what stayed so before."""
        name, now = state["limit_id"], reached(row, state)
        before = self.latches.get(name)
        expected = "breached" if now == "breached" else before
        if now == "ok" and row.get("resets_below", False):
            expected = None
            if before is not None:
                self.turned_on.add("resets_below")
        if state["latched"] != expected:
            yield f"of {name} {expected} must stay in force, was {state['latched']}"
        self.latches[name] = state["latched"]

    def outlives(self, account: str, status: Tree) -> Iterable[str]:
        """Yield the targets that still count as reached although these figures are below them, and they end there."""
        for name in self.of(account):
            row = self.ids[name]
            if not row.get("resets_below", False) or self.stages.get(name) != "breached" or status["currency"] is None:
                continue
            if status["balance"] is not None and status["equity"] is not None:
                state = {**status, "unknown": None, "initial_balance": None, "flows": Fraction(0)}
                if reached(row, state) == "ok":
                    yield f"{name} still counts as reached at a balance of {status['balance']}"

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
    if state["balance"] is None or state["equity"] is None or state["unknown"] is not None:
        return "unknown"
    if row.get("currency") is not None and state["currency"] != row["currency"]:
        return "unknown"  # the firm's money, and nobody told that the figures are in it
    anchor = counted_from(row, state)
    if anchor is None:
        return "unknown"
    amount = amount_of(row, state, anchor)
    if row["kind"] == "profit_target":
        return "breached" if judged(row, state) >= anchor + amount else "ok"
    floor = state["locked_floor"] if "lock_when" in row else None
    if floor is None:
        floor = floor_of(row, state)
    headroom = judged(row, state) - floor
    if headroom < 0 or (headroom == 0 and row.get("comparator", "le") == "le"):
        return "breached"
    for stage in ("flatten", "halt", "block", "warn"):
        at = row.get(f"{stage}_at", "75 %" if stage == "warn" else None)
        if at is not None and at != "off" and headroom <= (1 - ratio(at)) * amount:
            return stage
    return "ok"


def initial_of(row: Tree, state: Tree) -> Fraction | None:
    return number(row["initial_balance"]) if "initial_balance" in row else state["initial_balance"]


def judged(row: Tree, state: Tree) -> Fraction:
    """Return the figure that is compared; a day's result is compared as the equity that it leads to."""
    metric = row.get("metric", "balance" if row["kind"] == "profit_target" else "equity")
    return Fraction(
        state["balance" if metric == "balance" or "floating" not in row.get("include", PARTS) else "equity"]
    )


def amount_of(row: Tree, state: Tree, anchor: Fraction) -> Fraction:
    of = row.get("of", "anchor" if row["kind"] in PERIODS else "initial")
    base = initial_of(row, state) if of == "initial" else anchor
    assert base is not None  # there is an anchor, so that was seen
    return cash(row["amount"], base)


def floor_of(row: Tree, state: Tree) -> Fraction | None:
    """Return where a loss ends, a lock at a level counted in; one that was set off at a profit is another matter."""
    anchor, initial = counted_from(row, state), initial_of(row, state)
    if anchor is None or initial is None:
        return None
    floor = anchor - amount_of(row, state, anchor)
    return floor if "lock" not in row else min(floor, initial + state["flows"] + cash(row["lock"], initial))


def counted_from(row: Tree, state: Tree) -> Fraction | None:
    """Return what a loss or a profit counts from: the period's beginning, the mark, or the initial balance."""
    if row["kind"] in PERIODS:
        usual = "day_start_equity" if row.get("metric") == "day_net_pnl" else "day_start_max"
        starts = [state[figure] for figure in ANCHORS[row.get("anchor", usual)]]
        return None if None in starts else Fraction(max(starts))
    initial = initial_of(row, state)
    if initial is None:
        return None
    start = initial + state["flows"]
    if row.get("trailing", "none") == "none":
        return start
    mark = state["high_water_mark"]
    return None if mark is None else max(mark, start)
