"""The limits of all accounts: judged at each sample and at each reset, remembered in the ledger."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from attrs import define, evolve

from copier.engine.conduct_watch import ConductWatch
from copier.engine.results_watch import ResultsWatch
from copier.engine.timers import Timers
from copier.ledger.journal import Journal
from copier.ledger.records import LimitRecord
from copier.rulebook import Rulebook
from rules.limits.exposure import at_stops
from rules.limits.limits import Judgement, cleared, denial, is_news, judge, next_due
from rules.limits.past import Past
from rules.limits.policy import Limit
from rules.limits.recall import adds_up, costs_asked_since, like_a_flow, must_ask
from rules.limits.state import LimitStage, LimitState, stays_in_force
from rules.limits.terms import FlattenScope
from rules.model.observed import AccountStatus
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, PositionId, Symbol

SAVE_EVERY = timedelta(minutes=5)
"""A limit's last figures are written this often while they move: after a crash over a reset they stand in for those
that opened the day."""


RECALL_MAX = timedelta(seconds=10)
"""Figures that may show a deposit wait this long for the history that tells, and no new risk is taken meanwhile: the
history's own deadline would leave a real loss without an answer for too long."""

_MARGIN = timedelta(minutes=2)
"""Asked for beyond what is needed: the venue's clock may be another."""

Recall: TypeAlias = Callable[[datetime], None]


@define
class _Withheld:
    """Figures that are not judged yet: the latest, since when they wait, and what the history told of them."""

    since: datetime
    status: AccountStatus
    past: Past | None = None


class LimitWatch:
    """Judges limits and says what they forbid; the engine enforces it in the same step."""

    def __init__(
        self,
        rulebook: Rulebook,
        states: Iterable[LimitState],
        journal: Journal,
        now: datetime,
        *,
        recall: Mapping[AccountId, Recall] | None = None,
    ) -> None:
        """`recall` asks an account's history from an instant on, of the accounts that have one."""
        states = tuple(states)
        self.conduct = ConductWatch(rulebook.conduct, states, journal, now)
        self.results = ResultsWatch(rulebook.results, states, journal, now, recall or {})
        self._limits: dict[AccountId, list[Limit]] = {}
        self._states = {state.limit_id: state for state in states}
        self._saved = dict(self._states)
        self._judged: dict[str, Judgement] = {}
        self._journal = journal
        self._clock: Timers[AccountId] = Timers()
        self._recall = recall or {}
        self._withheld: dict[AccountId, _Withheld] = {}
        self._past: dict[AccountId, Past] = {}
        """Histories that nothing waited for: taken with the next sample."""
        self._dark: set[AccountId] = set()
        """Accounts whose figures are out of sight: what is missed there becomes an estimate."""
        for limit in rulebook.limits:
            self._limits.setdefault(limit.account, []).append(limit)
        for account in self._limits:
            self._dark.add(account)
            self._judge(account, None, now)

    @property
    def states(self) -> Iterable[LimitState]:
        return (*self._states.values(), *self.conduct.states, *self.results.states)

    def judgements(self, account: AccountId) -> list[tuple[Limit, Judgement]]:
        """Return each limit of the account with what was last found."""
        return [(limit, self._judged[limit.limit_id]) for limit in self._limits.get(account, ())]

    def lasting(self) -> Iterator[LimitRecord]:
        """Yield, as they stand in the ledger, the limits that warn of something or forbid it."""
        for account in self._limits:
            for _, judgement in self.judgements(account):
                if judgement.stage not in (LimitStage.OK, LimitStage.UNKNOWN):
                    yield LimitRecord(account, judgement.state, judgement.stage.value)

    def sample(self, account: AccountId, status: AccountStatus, now: datetime) -> None:
        """Judge an account by its new figures, unless its history must be asked first what they mean."""
        self.results.sample(account, status, now)
        if account not in self._limits:
            return
        withheld = self._withheld.get(account)
        if withheld is not None:
            withheld.status = status
            self._settle(account, withheld, now)
        elif self._must_ask(account, status, now):
            self._withheld[account] = _Withheld(now, status)
            self._ask(account)
            self._clock.set(account, now + RECALL_MAX)
        else:
            self._take(account, status, now, self._past.pop(account, None))

    def remember(self, account: AccountId, past: Past, now: datetime) -> None:
        """Take what the account's history told."""
        self.results.remember(account, past, now)
        if account not in self._limits:
            return
        withheld = self._withheld.get(account)
        if withheld is None:
            self._past[account] = past
        else:
            withheld.past = past
            self._settle(account, withheld, now)

    def _must_ask(self, account: AccountId, status: AccountStatus, now: datetime) -> bool:
        if account not in self._recall:
            return False
        known = [(limit, judgement.state) for limit, judgement in self.judgements(account)]
        if any(must_ask(limit, state, status, now) for limit, state in known):
            return True
        for limit, state in known:
            since = costs_asked_since(limit, state, status)
            if limit.shifts and like_a_flow(state, status):
                since = state.seen_at if since is None or state.seen_at is None else min(since, state.seen_at)
            if since is not None:
                self._recall[account](since - _MARGIN)
        return False

    def _ask(self, account: AccountId) -> None:
        seen = [judgement.state.seen_at for _, judgement in self.judgements(account)]
        self._recall[account](min(at for at in seen if at is not None) - _MARGIN)

    def _settle(self, account: AccountId, withheld: "_Withheld", now: datetime) -> None:
        """Judge what was withheld, once the history explains it or has had its time."""
        late, past = now - withheld.since >= RECALL_MAX, withheld.past
        states = [judgement.state for _, judgement in self.judgements(account)]
        explained = past is not None and all(adds_up(state, past, withheld.status.balance) for state in states)
        if late or explained:
            del self._withheld[account]
            self._take(account, withheld.status, now, None if past is None else evolve(past, final=late))
        elif past is not None:
            self._ask(account)

    def _take(self, account: AccountId, status: AccountStatus, now: datetime, past: Past | None) -> None:
        self._dark.discard(account)
        self._judge(account, status, now, past)

    def books(self, account: AccountId, view: AccountView) -> list[Symbol]:
        """Note what the account's stops would leave; return the symbols that must be looked up to tell."""
        if account not in self._limits:
            return []
        status, positions = view.status, view.positions.values()
        balance, currency = (None, None) if status is None else (status.balance, status.currency)
        found = at_stops(balance, currency, positions, view.instruments)
        for limit, judgement in self.judgements(account):
            state = evolve(judgement.state, at_stops=found)
            self._states[limit.limit_id] = state
            self._judged[limit.limit_id] = evolve(judgement, state=state)
        return sorted({position.symbol for position in positions} - view.instruments.keys())

    def lose_sight(self, account: AccountId, now: datetime) -> None:
        """Note that no figures come until the next sample."""
        if account in self._limits and account not in self._dark:
            self._dark.add(account)
            self._judge(account, None, now)

    def next_due(self) -> datetime | None:
        dues = (self._clock.first(), self.conduct.next_due(), self.results.next_due())
        return min((due for due in dues if due is not None), default=None)

    def clock_due(self, now: datetime) -> list[AccountId]:
        """Judge, by the clock alone, the accounts whose day or hold has ended; return them."""
        accounts = list(self._clock.due(now))
        for account in accounts:
            withheld = self._withheld.get(account)
            if withheld is not None:
                self._settle(account, withheld, now)
            self._judge(account, None, now)
        return [*accounts, *self.conduct.clock_due(now), *self.results.clock_due(now)]

    def denied(self, account: AccountId) -> Denied | None:
        """Return why the account may take no new risk, None when it may."""
        if account in self._withheld:
            numbers = (("account", account), ("note", "its figures wait for its history: money may have come or gone"))
            return Denied("limits", Reason.LIMIT_UNKNOWN, numbers)
        for limit, judgement in self.judgements(account):
            if judgement.forbids:
                return denial(limit, judgement)
        return self.conduct.denied(account) or self.results.denied(account)

    def flattening(self, account: AccountId) -> str | None:
        """Return the id of a limit that wants the account flat, None when there is none."""
        for limit, judgement in self.judgements(account):
            if judgement.flattens:
                return limit.limit_id
        return self.conduct.flattening(account)

    def flattens_all(self, account: AccountId) -> bool:
        """Tell whether all positions that are not copies must be closed as well."""
        flattens = any(
            judgement.flattens and limit.scope is FlattenScope.ACCOUNT for limit, judgement in self.judgements(account)
        )
        return flattens or self.conduct.flattens_all(account)

    def closes(self, account: AccountId, position_id: PositionId) -> bool:
        """Tell whether a position that is no copy must be closed as well."""
        return self.flattens_all(account) or self.conduct.closes(account, position_id)

    def account_of(self, limit_id: str) -> AccountId | None:
        """Return the account of a limit on losses or profits; None: there is no such limit."""
        judged = ((account, limit) for account, limits in self._limits.items() for limit in limits)
        return next((account for account, limit in judged if limit.limit_id == limit_id), None)

    def lift(self, limit_id: str, now: datetime) -> bool:
        """Let nothing of a limit stay in force, and judge it anew by the last figures; False: nothing of it did."""
        account, state = self.account_of(limit_id), self._states.get(limit_id)
        if account is None or state is None or not stays_in_force(state):
            return False
        self._states[limit_id] = cleared(state)
        self._judge(account, None, now)
        judgement = self._judged[limit_id]
        if self._saved.get(limit_id) != judgement.state:
            self._write(account, judgement)
        return True

    def stage(self, limit_id: str) -> LimitStage:
        """Return how far a limit on losses or profits is used up, as last judged."""
        return self._judged[limit_id].stage

    def save(self) -> None:
        """Write the last figures of each limit where the ledger has older ones: the service is about to end."""
        for account in self._limits:
            for limit, judgement in self.judgements(account):
                saved = self._saved.get(limit.limit_id)
                if saved is None or _moved(saved, judgement.state):
                    self._write(account, judgement)

    def _write(self, account: AccountId, judgement: Judgement) -> None:
        self._saved[judgement.state.limit_id] = judgement.state
        self._journal.limit(account, judgement.state, judgement.stage.value)

    def _judge(self, account: AccountId, status: AccountStatus | None, now: datetime, past: Past | None = None) -> None:
        withheld = self._withheld.get(account)
        dues = [] if withheld is None else [withheld.since + RECALL_MAX]
        for limit in self._limits[account]:
            state = self._states.get(limit.limit_id)
            judgement = judge(limit, state, status, now, current=account not in self._dark, past=past)
            before = self._judged.get(limit.limit_id)
            self._judged[limit.limit_id] = judgement
            self._states[limit.limit_id] = judgement.state
            new_stage = before is not None and before.stage is not judgement.stage
            saved = self._saved.get(limit.limit_id)
            save = saved is not None and now - saved.judged_at >= SAVE_EVERY and _moved(saved, judgement.state)
            if is_news(state, judgement.state) or new_stage or save:
                self._write(account, judgement)
            due = next_due(limit, judgement.state)
            if due is not None:
                dues.append(due)
        if dues:
            self._clock.set(account, min(dues))


def _moved(saved: LimitState, state: LimitState) -> bool:
    return (saved.balance, saved.equity, saved.at_stops) != (state.balance, state.equity, state.at_stops)
