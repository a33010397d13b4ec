"""Rules on results over time: the account's history is asked when its balance moved, and what it shows is told."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from copier.engine.timers import Timers
from copier.ledger.journal import Journal
from rules.limits.past import Past
from rules.limits.results import Found, found
from rules.limits.results_policy import Consistency, Inactivity, OnExcess, Results
from rules.limits.state import LimitStage, LimitState
from rules.model.observed import AccountStatus
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import AccountId

ASK_EVERY = timedelta(minutes=1)
"""A history of months is a large answer, and results are of days: it is asked no oftener than this."""

_MARGIN = timedelta(days=7)
"""Asked for from before the rules begin: a position closed since may have been opened earlier."""


class ResultsWatch:
    """Judges results by histories; what forbids new risk does so from the answer on."""

    def __init__(
        self,
        rules: Iterable[Results],
        states: Iterable[LimitState],
        journal: Journal,
        now: datetime,
        recall: Mapping[AccountId, Callable[[datetime], None]],
    ) -> None:
        self._journal = journal
        self._recall = recall
        self._rules: dict[AccountId, list[Results]] = {}
        self._clock: Timers[AccountId] = Timers()
        self._past: dict[AccountId, Past] = {}
        self._asked_at: dict[AccountId, datetime] = {}
        self._balances: dict[AccountId, Decimal | None] = {}
        for rule in rules:
            self._rules.setdefault(rule.account, []).append(rule)
        known = {rule.rule_id for own in self._rules.values() for rule in own}
        self._states = {state.limit_id: state for state in states if state.limit_id in known}
        self._found: dict[str, Found] = {}
        for account in self._rules:
            if account not in recall:
                self._tell(account, Found(LimitStage.UNKNOWN, "the venue tells no history"), now)

    @property
    def states(self) -> Iterable[LimitState]:
        return self._states.values()

    def next_due(self) -> datetime | None:
        return self._clock.first()

    def sample(self, account: AccountId, status: AccountStatus, now: datetime) -> None:
        """Ask for the history where the balance is not the one that it was last asked for."""
        if account not in self._rules or account not in self._recall:
            return
        if account not in self._balances or self._balances[account] != status.balance:
            self._balances[account] = status.balance
            self._ask(account, now)

    def remember(self, account: AccountId, past: Past, now: datetime) -> None:
        """Judge by what the history tells, where it reaches back far enough."""
        rules = self._rules.get(account, ())
        if rules and all(past.since <= rule.since for rule in rules):
            self._past[account] = past
            self._judge(account, now)

    def clock_due(self, now: datetime) -> list[AccountId]:
        """Take the accounts at which a day has ended, or a question has waited long enough."""
        accounts = list(self._clock.due(now))
        for account in accounts:
            if account in self._past:
                self._judge(account, now)
            self._ask(account, now)
        return accounts

    def denied(self, account: AccountId) -> Denied | None:
        """Return why the account may take no new risk, None when it may.

        A rule that can block does so until the history was told in this run: the day may be the best one.
        """
        for rule in self._rules.get(account, ()):
            judged = self._found.get(rule.rule_id)
            if judged is None and isinstance(rule, Consistency) and rule.on_excess is OnExcess.BLOCK:
                numbers = (("limit", rule.rule_id), ("note", "the account's history has not been told yet"))
                return Denied("limits", Reason.LIMIT_UNKNOWN, numbers)
            if judged is not None and judged.stage is LimitStage.BLOCK:
                numbers = (("limit", rule.rule_id), ("note", judged.said))
                return Denied("limits", Reason.BEST_DAY, numbers, judged.again_at)
        return None

    def told(self, account: AccountId, since: datetime) -> Past | None:
        """Return the account's history where it was asked for at `since` or later, and told all that the rules need."""
        past = self._past.get(account)
        return past if past is not None and past.asked_at >= since else None

    def ask(self, account: AccountId, now: datetime) -> None:
        """Ask for the history of an account that has one, at once or as soon as it may be asked again."""
        if account in self._recall:
            self._ask(account, now)

    @property
    def inactivity(self) -> Iterable[Inactivity]:
        """The rules on inactivity, of all accounts."""
        return [rule for own in self._rules.values() for rule in own if isinstance(rule, Inactivity)]

    def _ask(self, account: AccountId, now: datetime) -> None:
        asked_at = self._asked_at.get(account)
        if asked_at is not None and now - asked_at < ASK_EVERY:
            self._set_clock(account, now, asked_at + ASK_EVERY)
            return
        self._asked_at[account] = now
        self._recall[account](min(rule.since for rule in self._rules[account]) - _MARGIN)

    def _judge(self, account: AccountId, now: datetime) -> None:
        for rule in self._rules[account]:
            judged = found(rule, self._past[account], now)
            self._note(rule, judged, now)
            if judged.again_at is not None:
                self._set_clock(account, now, judged.again_at)

    def _tell(self, account: AccountId, judged: Found, now: datetime) -> None:
        for rule in self._rules[account]:
            self._note(rule, judged, now)

    def _note(self, rule: Results, judged: Found, now: datetime) -> None:
        before, state = self._found.get(rule.rule_id), self._states.get(rule.rule_id)
        self._found[rule.rule_id] = judged
        if state is None or state.said != judged.said or before is None or before.stage is not judged.stage:
            self._states[rule.rule_id] = LimitState(rule.rule_id, now, said=judged.said)
            self._journal.limit(rule.account, self._states[rule.rule_id], judged.stage.value)

    def _set_clock(self, account: AccountId, now: datetime, at: datetime) -> None:
        known = self._clock.at(account)
        self._clock.set(account, at if known is None or known <= now else min(known, at))
