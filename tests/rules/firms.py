"""A firm's preset as limits, watched together: what the worked numbers of the firms' own pages are checked with."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from copier.config.limit_keys import LimitKeys
from copier.config.prop import PropKeys, firm_limit
from copier.config.prop_presets import FOLDER, prop_preset
from copier.config.units import read_money
from rules.limits.limits import Judgement, Limit, LimitKind, LimitStage, LimitState, judge, next_due, worst
from rules.model.observed import AccountStatus
from rules.model.values import AccountId

DAY, ALL, GOAL = LimitKind.DAILY_LOSS, LimitKind.MAX_LOSS, LimitKind.PROFIT_TARGET


def firm_limits(preset: str, balance: str, **prop: object) -> list[Limit]:
    """Return the limits of a preset for an account that began with `balance`, such as "100000 USD"."""
    keys = PropKeys(preset, read_money(balance), **prop)  # type: ignore[arg-type]
    rows = prop_preset(preset, FOLDER).rows
    wanted = [row for row, phases in rows if isinstance(row, LimitKeys) and (not phases or keys.phase in phases)]
    return [firm_limit(AccountId("a"), keys, row, ZoneInfo("UTC")) for row in wanted]


def utc(text: str) -> datetime:
    """Return "2026-03-29 21:59" as an instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Firm:
    """An account under a preset; each report and each firing of the clock is judged by all of its limits."""

    def __init__(self, preset: str, balance: str, **prop: object) -> None:
        self.limits = {limit.kind: limit for limit in firm_limits(preset, balance, **prop)}
        self.states: dict[LimitKind, LimitState] = {}
        self.judged: dict[LimitKind, Judgement] = {}

    def report(self, when: str, balance: str, equity: str | None = None) -> LimitStage:
        """Take figures; equity is the balance unless given. Return the account's stage."""
        return self._judge(AccountStatus(Decimal(balance), Decimal(equity or balance), "USD"), utc(when))

    def clock(self, when: str) -> LimitStage:
        """Let the clock alone judge, as it does at each reset."""
        return self._judge(None, utc(when))

    def day(self, when: str, balance: str, equity: str | None = None) -> None:
        """Take figures, and let the reset that follows them pass in the clock's sight."""
        self.report(when, balance, equity)
        dues = [next_due(limit, self.states[kind]) for kind, limit in self.limits.items()]
        due = min(each for each in dues if each is not None)
        self._judge(None, due)

    def floor(self, kind: LimitKind) -> Decimal | None:
        return self.judged[kind].floor

    def stage(self, kind: LimitKind) -> LimitStage:
        return self.judged[kind].stage

    def _judge(self, status: AccountStatus | None, at: datetime) -> LimitStage:
        for kind, limit in self.limits.items():
            self.judged[kind] = judge(limit, self.states.get(kind), status, at)
            self.states[kind] = self.judged[kind].state
        return worst(*(judged.stage for judged in self.judged.values()))
