"""Results over time, counted again from what an account's history told: the best day, trading days, inactivity."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from fractions import Fraction
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.checker.conduct import rule_id
from tests.checker.periods import day_begun, instant
from tests.checker.text import Unchecked, cash, duration, number, ratio
from tests.checker.trees import Tree, kind_of

COUNTED = {"account", "kind", "reset", "since", "name", "by", "initial_balance"}
KEYS = {
    "consistency": {*COUNTED, "share", "base", "target", "on_excess"},
    "min_days": {*COUNTED, "days", "day_counts_if"},
    "inactivity": {"account", "kind", "within", "since", "name", "warn_at", "keep_alive"},
}
KINDS = tuple(KEYS)


@define
class Results:
    """The rules of the config, and what this run has learned of the accounts' histories."""

    rows: list[Tree]
    ids: dict[str, Tree] = field(init=False)
    told: dict[str, dict[str, Tree]] = field(factory=dict)
    """By account: what was booked, by its id."""
    asked: dict[str, datetime] = field(factory=dict)
    """By account: when the history was asked for that was told last."""
    fired: set[tuple[str, datetime]] = field(factory=set)
    """Firings of keep-alive trades of which something was told."""
    silent: set[str] = field(factory=set)
    """Accounts that tell no history."""

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            amounts = [str(row[key]) for key in ("target", "day_counts_if") if key in row]
            of_nothing = "initial_balance" not in row and any("%" in amount for amount in amounts)
            if row.keys() - KEYS[row["kind"]] or of_nothing:
                raise Unchecked(f"limits: {row}")
        self.ids = {rule_id(row): row for row in self.rows}

    def restart(self) -> None:
        self.told.clear()
        self.asked.clear()
        self.silent.clear()

    def remember(self, account: str, past: Tree) -> None:
        """Take what a history told; where it does not reach back to the rules' beginnings it tells too little."""
        if all(past["since"] <= begun(row) for row in self.rows if row["account"] == account):
            self.asked[account] = past["asked_at"]
            self.told.setdefault(account, {}).update({entry["exec_id"]: entry for entry in past["entries"]})

    def take(self, account: str, stage: str, state: Tree, now: datetime) -> Iterable[str]:
        """Take a row on one of the rules; yield what is wrong with it."""
        row = self.ids[state["limit_id"]]
        if account not in self.told:
            self.silent.add(account)
            if stage != "unknown":
                yield f"{state['limit_id']} is at {stage}, and no history was told"
            return
        expected, numbers = self._stage(row, now)
        if stage != expected or row["account"] != account:
            yield f"{state['limit_id']} must be at {expected}, was {stage}: {state['said']}"
        if not numbers <= set(map(Fraction, re.findall(r"-?[0-9]+(?:[.][0-9]+)?", state["said"].replace(",", "")))):
            yield f"{state['limit_id']} must tell {sorted(numbers)}: {state['said']}"

    def denied(self, account: str, now: datetime) -> str | None:
        """Return the code of a best day that takes no more risk; while nobody knows, today may be it."""
        for row in self.rows:
            if row["account"] != account or row.get("on_excess", "warn") != "block" or account in self.silent:
                continue
            if account not in self.told:
                return "LIMIT_UNKNOWN"
            if self._stage(row, now)[0] == "block":
                return "BEST_DAY"
        return None

    def _stage(self, row: Tree, now: datetime) -> tuple[str, set[Fraction]]:
        """Return how a rule stands, and numbers that must be told, in cents."""
        fills = [entry for entry in self.told[row["account"]].values() if kind_of(entry) == "Fill"]
        if row["kind"] == "inactivity":
            last = max((entry["at"] for entry in fills), default=begun(row))
            passed, within, part = now - last, duration(row["within"]), ratio(row.get("warn_at", "75 %"))
            warns = passed * part.denominator >= within * part.numerator
            return ("breached" if passed >= within else "warn" if warns else "ok"), set()
        days = profits(row, fills)
        if row["kind"] == "min_days":
            least = row.get("day_counts_if")
            if least is None:
                return "ok", {Fraction(len(days))}
            counted = [each for each in days.values() if each >= cash(least, initial_of(row))]
            return "ok", {Fraction(len(counted))}
        return best_day(row, days, now)


def best_day(row: Tree, days: dict[datetime, Fraction], now: datetime) -> tuple[str, set[Fraction]]:
    total, best = sum(days.values(), Fraction(0)), max(days.values(), default=Fraction(0))
    base = total
    if row.get("base") == "positive_days":
        base = sum((each for each in days.values() if each > 0), Fraction(0))
    elif row.get("base") == "target":
        base = cash(row["target"], initial_of(row))
    if total <= 0 or best <= 0 or best <= ratio(row["share"]) * base:
        return "ok", set()
    today = days.get(day_begun(row["reset"], now)) == best
    return ("block" if today and row.get("on_excess", "warn") == "block" else "warn"), {best, base}


def profits(row: Tree, fills: list[Tree]) -> dict[datetime, Fraction]:
    """Return what was won on each day with a trade, costs taken off, by when the day began."""
    opened: dict[str, datetime] = {}
    days: dict[datetime, Fraction] = {}
    for fill in sorted(fills, key=lambda each: each["at"]):
        position, at = fill["position_id"], fill["at"]
        if fill["opens"] and position is not None:
            opened.setdefault(position, at)
        if row.get("by", "close") == "open":
            at = opened.get(position, at)
        if at >= begun(row):
            parts = [fill[part] for part in ("realized_pnl", "commission", "swap")]
            won = sum((part for part in parts if part is not None), Fraction(0))
            began = day_begun(row["reset"], at)
            days[began] = days.get(began, Fraction(0)) + won
    return days


def begun(row: Tree) -> datetime:
    """Return from when on a rule counts: the reset of its first date, or that date itself."""
    since: date = row["since"]
    if "reset" not in row:
        return datetime.combine(since, time(), UTC)
    clock, zone = row["reset"].split()
    return instant(since, time.fromisoformat(clock), ZoneInfo(zone))


def initial_of(row: Tree) -> Fraction:
    """Return what a percent is of; of cash nothing is."""
    return number(row.get("initial_balance", 0))
