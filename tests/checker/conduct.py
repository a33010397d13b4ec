"""Accounts' conduct beside their losses: budgets of orders and lots, and hours in which nothing is held."""

from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from attrs import define, field

from tests.checker.periods import begun
from tests.checker.text import Unchecked, duration, number, ratio
from tests.checker.trees import Tree, kind_of
from tests.checker.windows import fires, minutes

BUDGETS = ("max_orders", "max_opened_volume")
POSITIONS = ("max_position_volume", "stop_required", "per_trade_loss", "max_open_time")
KINDS = (*BUDGETS, *POSITIONS, "min_hold", "flat_by")
KEYS = {
    "max_orders": {"account", "kind", "amount", "reset", "name", "warn_at", "period", "week_starts"},
    "max_opened_volume": {"account", "kind", "amount", "reset", "name", "warn_at", "period", "week_starts"},
    "max_position_volume": {"account", "kind", "volume", "name", "follow", "scope"},
    "stop_required": {"account", "kind", "within", "name", "follow", "scope"},
    "max_open_time": {"account", "kind", "within", "name", "follow", "scope"},
    "per_trade_loss": {"account", "kind", "amount", "name", "follow", "scope"},
    "min_hold": {"account", "kind", "within", "name"},
    "flat_by": {"account", "kind", "at", "for", "timezone", "name", "no_new_before", "scope"},
}


@define
class Conduct:
    """The rules of the config, and what was counted."""

    rows: list[Tree]
    zone: str
    counts: dict[str, tuple[datetime, Fraction]] = field(factory=dict)
    """By budget: when its day began, and what was used since."""
    due: list[str] = field(factory=list)
    """Budgets whose new count must be told next."""
    ids: dict[str, Tree] = field(init=False)

    def __attrs_post_init__(self) -> None:
        for row in self.rows:
            if row.keys() - KEYS[row["kind"]]:
                raise Unchecked(f"limits: {row}")
        self.ids = {rule_id(row): row for row in self.rows}

    # Budgets

    def ordered(self, action: Tree, now: datetime) -> None:
        """Count an order that may leave."""
        for name, row in self.ids.items():
            if row["kind"] not in BUDGETS or row["account"] != action["account"]:
                continue
            began, used = self._used(name, now)
            opens = kind_of(action) in ("OpenPosition", "PlaceOrder")
            by = Fraction(1) if row["kind"] == "max_orders" else action["volume"] if opens else Fraction(0)
            self.counts[name] = (began, used + by)
            if by or self.counts[name][0] != began:
                self.due.append(name)

    def told(self, stage: str, state: Tree, now: datetime) -> str | None:
        """Take a row on a budget: something was counted, or a reset emptied it; return what is wrong with it."""
        name = state["limit_id"]
        before, self.counts[name] = self.counts.get(name), self._used(name, now)
        if name in self.due:
            self.due.remove(name)
        elif before == self.counts[name]:
            return f"nothing was counted by {name}"
        began, used = self.counts[name]
        if (state["day_started"], state["count"]) != (began, used):
            return f"{name} must have used {used} since {began}, found {state['count']} since {state['day_started']}"
        expected = self._stage(self.ids[name], used)
        return None if stage == expected else f"{name} must be at {expected}, was {stage}"

    def spent(self, account: str, now: datetime) -> bool:
        """Tell whether a budget of the account is used up."""
        return any(
            row["account"] == account and self._stage(row, self._used(name, now)[1]) == "block"
            for name, row in self.ids.items()
            if row["kind"] in BUDGETS
        )

    def _used(self, name: str, now: datetime) -> tuple[datetime, Fraction]:
        began = begun(self.ids[name], now)
        assert began is not None  # every budget has a reset
        known = self.counts.get(name)
        return (began, Fraction(0)) if known is None or known[0] != began else known

    def _stage(self, row: Tree, used: Fraction) -> str:
        amount = number(row["amount"])
        if used >= amount:
            return "block"
        return "warn" if used >= ratio(row.get("warn_at", "75 %")) * amount else "ok"

    # Hours

    def closed(self, account: str, now: datetime) -> bool:
        """Tell whether new risk is not taken now because the account must be flat, or soon will be."""
        return any(self._flat(row, now) or self._soon(row, now) for row in self._hours(account))

    def flat_now(self, account: str, now: datetime) -> list[str]:
        """Return the rules that want the account flat now."""
        return [rule_id(row) for row in self._hours(account) if self._flat(row, now)]

    def all_must_go(self, account: str, now: datetime) -> bool:
        """Tell whether the hours of an account want it flat, whoever opened what is there."""
        return any(self._flat(row, now) for row in self._hours(account) if row.get("scope") == "account")

    def _hours(self, account: str) -> list[Tree]:
        return [row for row in self.rows if row["kind"] == "flat_by" and row["account"] == account]

    def _flat(self, row: Tree, now: datetime) -> bool:
        return self._fires(row, now - duration(row["for"]), now)

    def _soon(self, row: Tree, now: datetime) -> bool:
        return self._fires(row, now, now + duration(row.get("no_new_before", "0s")))

    def _fires(self, row: Tree, after: datetime, until: datetime) -> bool:
        zone = ZoneInfo(row.get("timezone", self.zone))
        return any(fires(cron, zone, each) for each in minutes(after, until) for cron in row["at"])

    # Single positions

    def min_hold(self, account: str) -> timedelta:
        """Return for how long a copy is not closed after its source; zero: no rule wants that."""
        rows = (row for row in self.rows if row["kind"] == "min_hold" and row["account"] == account)
        return max((duration(row["within"]) for row in rows), default=timedelta(0))


def rule_id(row: Tree) -> str:
    return f"{row['account']}/{row['kind']}" + (f"/{row['name']}" if "name" in row else "")
