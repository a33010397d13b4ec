"""Puts in force what limits and rules of conduct say: before the next order can leave, since nothing else runs then."""

from collections.abc import Iterable

from copier.engine.desk import Desk
from copier.engine.inputs import Outside
from copier.engine.limit_watch import LimitWatch
from rules.model.observed import Position
from rules.model.values import AccountId


class Enforcement:
    """Between the judges of accounts and the desk. `closes_foreign`: what is no copy of ours can be closed too."""

    def __init__(self, desk: Desk, limits: LimitWatch, outside: Outside, *, closes_foreign: bool) -> None:
        self._desk = desk
        self._limits = limits
        self._outside = outside
        self._closes_foreign = closes_foreign
        for account in desk.views:
            self._show(account)

    def police(self, account: AccountId, positions: Iterable[Position]) -> None:
        """Close what offends a rule on single positions; what is no copy is closed by the books."""
        view, desk = self._desk.views[account], self._desk
        for offence in self._limits.conduct.look(view, positions, desk.now):
            for copy in desk.book.of_target(account):
                if copy.owns(offence.position_id, offence.symbol, view.oms):
                    desk.flatten(copy, offence.rule_id)
            if self._limits.closes(account, offence.position_id):
                self._outside.poll(account)

    def enforce(self, account: AccountId) -> None:
        """Put a limit's verdict in force; what waited for it is decided now."""
        view = self._desk.views[account]
        was_denied = view.denied is not None
        self._show(account)
        why = self._limits.flattening(account)
        if why is not None:
            for copy in self._desk.book.of_target(account):
                self._desk.flatten(copy, why)
            if self._closes_foreign and self._limits.flattens_all(account):
                self._outside.poll(account)
        if (view.denied is not None) is was_denied:
            return
        copied = self._desk.book.of_source(account)  # by policies that may obey the source's limits
        if was_denied:
            waiting = [copy for copy in copied if copy.wait_until is not None]
            concerned = (*self._desk.book.waiting_at(account), *waiting)
        else:
            mirrored = (copy for copy in copied if copy.order is not None or copy.limited)
            concerned = (*self._desk.book.mirroring_at(account), *mirrored)
        for copy in concerned:
            self._desk.reconsider(copy, "figures")

    def _show(self, account: AccountId) -> None:
        """Show an account's view what is denied there now."""
        view = self._desk.views[account]
        view.denied, view.spent = self._limits.denied(account), self._limits.conduct.spent(account)
