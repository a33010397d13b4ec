"""Keep-alive trades: at each firing of a cron the account's history is asked, and decides whether one is due."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from attrs import define

from copier.engine.desk import Desk
from copier.engine.timers import Timers
from rules.alerts.kinds import AlertKind
from rules.deciding.keep_alive import keep_alive
from rules.limits.past import Past
from rules.limits.results_policy import Inactivity, KeepAlive
from rules.model.identity import cl_ord_id
from rules.model.look_ups import LookUp
from rules.model.trace import Denied
from rules.model.values import AccountId

PATIENCE: Final = timedelta(minutes=3)
"""The history and the instrument are waited for so long after a firing: a history may be asked once a minute only."""

LOOK_EVERY: Final = timedelta(seconds=5)
"""How often it is looked whether both have come."""


@define
class _Rule:
    """A rule with its trade, and the firing that waits for an answer."""

    limit: Inactivity
    trade: KeepAlive
    firing: datetime | None = None


class KeepAlives:
    """One timer a rule. A firing that was missed while nothing ran is not made up for: the next one will do."""

    def __init__(
        self,
        desk: Desk,
        rules: Iterable[Inactivity],
        *,
        ask: Callable[[AccountId, datetime], None],
        told: Callable[[AccountId, datetime], Past | None],
    ) -> None:
        """`ask` asks an account's history; `told` returns one that was asked at an instant or later, if it has come."""
        self._desk = desk
        self._ask = ask
        self._told = told
        self.timers: Timers[str] = Timers()
        self._rules: dict[str, _Rule] = {}
        for limit in rules:
            if limit.keep_alive is not None and limit.account in desk.views:
                self._rules[limit.rule_id] = _Rule(limit, limit.keep_alive)
                self.timers.set(limit.rule_id, limit.keep_alive.next_after(desk.now))

    def fire(self) -> None:
        """Do what is due by now."""
        for rule_id in self.timers.due(self._desk.now):
            rule = self._rules[rule_id]
            if rule.firing is None:
                rule.firing = rule.trade.last_until(self._desk.now)
                self._ask(rule.limit.account, self._desk.now)
                self._desk.outside.look_up(LookUp(rule.limit.account, rule.trade.symbol, awaited=False))
            self._look(rule, rule.firing)

    def _look(self, rule: _Rule, firing: datetime) -> None:
        """Decide once all that is asked for has come, or its time is over."""
        now, view = self._desk.now, self._desk.views[rule.limit.account]
        past = self._told(rule.limit.account, firing)
        over = now >= firing + PATIENCE
        if over or (past is not None and rule.trade.symbol in view.instruments):
            self._decide(rule, firing, past)
            rule.firing = None
            self.timers.set(rule.limit.rule_id, rule.trade.next_after(now))
        else:
            self.timers.set(rule.limit.rule_id, min(now + LOOK_EVERY, firing + PATIENCE))

    def _decide(self, rule: _Rule, firing: datetime, past: Past | None) -> None:
        desk, account = self._desk, rule.limit.account
        decision = keep_alive(rule.limit, rule.trade, firing, past, desk.views[account], desk.now)
        copy = decision.copy
        if copy is None or desk.knows(cl_ord_id(copy.link_id, copy.source_position_id, firing, 0, 0)):
            return
        desk.begin(decision, "keep-alive")
        denied = next((each for each in decision.trace if isinstance(each, Denied)), None)
        what = "opened, to be closed again" if denied is None else f"not opened: {denied.reason.value}"
        text = f"the keep-alive trade of {rule.trade.symbol} by {rule.limit.rule_id} is {what}"
        desk.journal.alert(AlertKind.KEEP_ALIVE, account, text)
