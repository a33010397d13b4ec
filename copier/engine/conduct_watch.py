"""The rules of conduct of all accounts: budgets counted, hours kept, offending positions told and named for closing."""

from collections.abc import Iterable
from datetime import datetime

from copier.engine.timers import Timers
from copier.ledger.journal import Journal
from rules.alerts.kinds import AlertKind
from rules.limits.conduct import (
    Offence,
    budget_denial,
    budget_stage,
    counted,
    flat_denial,
    flat_stage,
    is_blind,
    offence,
    offends_at,
)
from rules.limits.conduct_policy import Budget, Conduct, FlatBy, Follow, PositionRule
from rules.limits.days import following_reset
from rules.limits.state import LimitStage, LimitState
from rules.limits.terms import FlattenScope
from rules.model.actions import Action
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, PositionId

TOLD_MAX = 10_000
"""Offences that are remembered as told; the oldest would be told again, which harms nobody."""


class ConductWatch:
    """Judges conduct and says what it forbids and closes; the engine enforces it in the same step."""

    def __init__(self, rules: Iterable[Conduct], states: Iterable[LimitState], journal: Journal, now: datetime) -> None:
        self._journal = journal
        self._now = now
        self._clock: Timers[AccountId] = Timers()
        self._positions: dict[AccountId, list[PositionRule]] = {}
        self._hours: dict[AccountId, list[FlatBy]] = {}
        self._budgets: dict[AccountId, list[Budget]] = {}
        self._states: dict[str, LimitState] = {}
        self._told: dict[tuple[str, PositionId, bool], None] = {}
        self._closing: dict[AccountId, dict[PositionId, str]] = {}
        known = {state.limit_id: state for state in states}
        for rule in rules:
            match rule:
                case PositionRule():
                    self._positions.setdefault(rule.account, []).append(rule)
                case FlatBy():
                    self._hours.setdefault(rule.account, []).append(rule)
                case Budget():
                    self._budgets.setdefault(rule.account, []).append(rule)
                    self._states[rule.rule_id] = counted(rule, known.get(rule.rule_id), now, None)
        for account in {*self._hours, *self._budgets}:
            self._set_clock(account)

    @property
    def states(self) -> Iterable[LimitState]:
        return self._states.values()

    def next_due(self) -> datetime | None:
        return self._clock.first()

    def clock_due(self, now: datetime) -> list[AccountId]:
        """Take the accounts whose hours, budgets or positions time alone has changed."""
        self._now = now
        accounts = list(self._clock.due(now))
        for account in accounts:
            for rule in self._budgets.get(account, ()):
                self._count(rule, now, None)
            self._set_clock(account)
        return accounts

    def ordered(self, action: Action, now: datetime) -> bool:
        """Count an order that is about to leave, and tell whether any budget does; the count is written with it."""
        self._now = now
        budgets = self._budgets.get(action.account, ())
        for rule in budgets:
            self._count(rule, now, action)
        return bool(budgets)

    def look(self, view: AccountView, positions: Iterable[Position], now: datetime) -> list[Offence]:
        """Return the offences among the positions that must be closed; each offence is told once."""
        self._now = now
        rules = self._positions.get(view.account)
        if rules is None:
            return []
        judged = (self._judge(rule, view, position) for position in positions for rule in rules)
        return [found for found in judged if found is not None]

    def _count(self, rule: Budget, now: datetime, action: Action | None) -> None:
        before = self._states[rule.rule_id]
        self._states[rule.rule_id] = state = counted(rule, before, now, action)
        if state.count != before.count:
            self._journal.limit(rule.account, state, budget_stage(rule, state).value)

    def _judge(self, rule: PositionRule, view: AccountView, position: Position) -> Offence | None:
        found = offence(rule, position, view.instruments, view.status, self._now)
        if found is None:
            if is_blind(rule, position, view.instruments, view.status):
                text = f"what position {position.position_id} {position.symbol} loses cannot be told"
                self._tell(rule, position.position_id, text, blind=True)
            due = offends_at(rule, position)
            if due is not None:
                self._set_clock(view.account, due)
            return None
        if rule.follow is Follow.WARN:
            self._tell(rule, position.position_id, found.text)
            return None
        self._tell(rule, position.position_id, f"{found.text}, and is closed")
        if rule.scope is FlattenScope.ACCOUNT:
            self._closing.setdefault(view.account, {})[position.position_id] = rule.rule_id
        return found

    def forget(self, view: AccountView) -> None:
        """Forget what offended and is gone."""
        gone = self._closing.get(view.account, {}).keys() - view.positions.keys()
        for position_id in gone:
            del self._closing[view.account][position_id]

    def closes(self, account: AccountId, position_id: PositionId) -> bool:
        """Tell whether a position offends a rule that closes what is no copy as well."""
        return position_id in self._closing.get(account, ())

    def flattens_all(self, account: AccountId) -> bool:
        """Tell whether all positions that are not copies must be closed as well."""
        return any(
            rule.scope is FlattenScope.ACCOUNT and flat_stage(rule, self._now)[0] is LimitStage.FLATTEN
            for rule in self._hours.get(account, ())
        )

    def denied(self, account: AccountId) -> Denied | None:
        """Return why the account may take no new risk, None when it may."""
        for hours in self._hours.get(account, ()):
            if (found := flat_denial(hours, self._now)) is not None:
                return found
        return None

    def spent(self, account: AccountId) -> Denied | None:
        """Return which budget is used up, so that nothing new may be decided; what was decided still leaves."""
        for budget in self._budgets.get(account, ()):
            if (found := budget_denial(budget, self._states[budget.rule_id])) is not None:
                return found
        return None

    def flattening(self, account: AccountId) -> str | None:
        """Return the id of a rule that wants the account flat now, None when there is none."""
        flat = (rule for rule in self._hours.get(account, ()) if flat_stage(rule, self._now)[0] is LimitStage.FLATTEN)
        return next((rule.rule_id for rule in flat), None)

    def _tell(self, rule: PositionRule, position_id: PositionId, text: str, *, blind: bool = False) -> None:
        """Tell of a position once a rule, and again when it offends after nobody could tell whether it does."""
        key = (rule.rule_id, position_id, blind)
        if key in self._told:
            return
        self._told[key] = None
        if len(self._told) > TOLD_MAX:
            del self._told[next(iter(self._told))]
        self._journal.alert(AlertKind.POSITION_OFFENCE, rule.account, f"{rule.rule_id}: {text}")

    def _set_clock(self, account: AccountId, also: datetime | None = None) -> None:
        dues = [flat_stage(rule, self._now)[1] for rule in self._hours.get(account, ())]
        dues += [following_reset(rule.reset, self._now) for rule in self._budgets.get(account, ())]
        dues += [] if also is None or also <= self._now else [also]
        earlier = self._clock.at(account)
        dues += [] if earlier is None or earlier <= self._now else [earlier]
        if dues:
            self._clock.set(account, min(dues))
