"""Mismatches of a running service: found at each look at a target's books, kept until they end, acted upon once."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from attrs import evolve

from copier.engine.desk import Desk
from copier.engine.timers import Timers
from rules.books.mismatch import (
    Difference,
    Mismatch,
    MismatchKey,
    MismatchKind,
    beyond,
    desired_volume,
    differences,
    summed,
)
from rules.books.orders import ShownOrders, has_waited, order_difference
from rules.books.reconcile import CopyKey, as_shown
from rules.books.targets import Books, price_of, symbol_at_target
from rules.model.copies import ZERO, Copy
from rules.model.events import SnapshotReceived
from rules.model.values import AccountId, LinkId, OmsType, Symbol, Volume
from rules.policy.links import CopyPolicy
from rules.policy.mismatch import MismatchAction

Seen = tuple[CopyKey, MismatchKind]
"""What makes two differences the same, as long as the same is desired: else a difference begins its grace anew."""


_HOLDING = (MismatchAction.CLOSE_ONLY, MismatchAction.FLATTEN)
"""With these a link opens nothing while the mismatch lasts."""


def holds_back(mismatch: Mismatch) -> bool:
    """Tell whether a mismatch lets its link only close while it lasts."""
    return mismatch.action in _HOLDING


class MismatchWatch:
    """Finds, at each look at a target's books, which mismatches begin, change and end there.

    A difference counts once it has lasted for its link's grace; one of a mismatch that is told of already counts at
    once. A copy whose source has not been seen whole is not judged, and keeps a mismatch from ending.
    """

    def __init__(self, desk: Desk, found: Iterable[Mismatch] = ()) -> None:
        self._desk = desk
        self._open: dict[MismatchKey, Mismatch] = {}
        self._since: dict[AccountId, dict[Seen, tuple[Volume, datetime]]] = {}
        self._due: Timers[AccountId] = Timers()
        for mismatch in found:
            if mismatch.target in desk.views:
                self._open[mismatch.key] = mismatch
                self._hold(mismatch)
            else:  # an account that the config no longer names is looked at no more
                desk.journal.mismatch(mismatch, ended=True)

    @property
    def open(self) -> Iterable[Mismatch]:
        """The mismatches that last."""
        return self._open.values()

    def next_due(self) -> datetime | None:
        return self._due.first()

    def ask_due(self, now: datetime) -> None:
        """Ask for the books that a difference waits for."""
        for account in self._due.due(now):
            self._desk.outside.poll(account)

    def look(self, event: SnapshotReceived) -> None:
        """Take a target's books, after the records were corrected by them."""
        assert event.requested_at is not None  # only polled snapshots are compared
        account, now = event.account, event.received_at
        copies = [*self._desk.book.of_target(account), *self._desk.book.short_at(account)]
        judged, unjudged = self._desired(copies)
        found = self._beyond(account, event, judged)
        last = self._lasting(account, found, now)
        totals: dict[tuple[LinkId, Symbol], Volume] = {(each.key[0], each.symbol): ZERO for each in last}
        waiting = {each.key: abs(each.desired) for each in last if each.kind is MismatchKind.PENDING}
        for copy, lots in judged if last else ():
            place = (copy.link_id, symbol_at_target(copy))
            if place in totals:
                totals[place] += max(lots, copy.expected, waiting.get(copy.key, ZERO))
        self._compare(event, summed(account, last, totals), unjudged)

    def _desired(self, copies: Iterable[Copy]) -> tuple[list[tuple[Copy, Volume]], set[LinkId]]:
        """Return the copies that can be judged, each with the lots that it should hold, and the links of the others."""
        desk = self._desk
        judged: list[tuple[Copy, Volume]] = []
        unjudged: set[LinkId] = set()
        policies: dict[tuple[LinkId, Symbol], CopyPolicy] = {}
        for copy in copies:
            source = desk.views.get(copy.source)
            position = None if source is None else source.positions.get(copy.source_position_id)
            if position is None and copy.flatten is None and (source is None or not source.known):
                unjudged.add(copy.link_id)
                continue
            instrument = desk.views[copy.target].instruments.get(symbol_at_target(copy))
            named = (copy.link_id, copy.source_symbol)
            policy = policies.get(named) or policies.setdefault(named, self._policy(copy))
            judged.append((copy, desired_volume(copy, position, instrument, policy.volume)))
        return judged, unjudged

    def _beyond(
        self, account: AccountId, event: SnapshotReceived, judged: list[tuple[Copy, Volume]]
    ) -> list[Difference]:
        view = self._desk.views[account]
        books = Books.of(view.oms, event.positions, keeps_stops=view.stop_loss_lasts)
        found = []
        for each in (*differences(judged, books, view.instruments), *self._of_orders(event, judged, books)):
            copy = self._desk.book.get(each.key)
            assert copy is not None  # it was just judged
            policy = self._policy(copy).mismatch
            if beyond(each, policy.tolerance, view.instruments.get(each.symbol), price_of(copy, books)):
                found.append(evolve(each, action=policy.action))
        return found

    def _of_orders(
        self, event: SnapshotReceived, judged: list[tuple[Copy, Volume]], books: Books
    ) -> Iterator[Difference]:
        """Yield where the target's pending orders are not those that should wait there, if its venue tells of them."""
        if event.orders is None:
            return
        view, orders = self._desk.views[event.account], ShownOrders.of(event.orders)
        for copy, _ in judged:
            if has_waited(copy):
                source = self._desk.views.get(copy.source)
                works = source is not None and copy.order is not None and copy.order.order_id in source.orders
                instrument = view.instruments.get(symbol_at_target(copy))
                found = order_difference(copy, works, books, orders, instrument, self._desk.now)
                if found is not None:
                    yield found

    def _lasting(self, account: AccountId, found: list[Difference], now: datetime) -> list[Difference]:
        """Return the differences that have lasted long enough, and remember the others."""
        before = self._since.get(account, {})
        since: dict[Seen, tuple[Volume, datetime]] = {}
        lasting: list[Difference] = []
        waiting: list[datetime] = []
        for each in found:
            last = before.get((each.key, each.kind))
            began = last[1] if last is not None and last[0] == each.desired else now
            since[each.key, each.kind] = (each.desired, began)
            copy = self._desk.book.get(each.key)
            grace_ends = began if copy is None else began + self._policy(copy).mismatch.grace
            if now >= grace_ends or (each.key[0], each.symbol, each.kind) in self._open:
                lasting.append(each)
            else:
                waiting.append(grace_ends)
        self._since[account] = since
        if waiting:
            self._due.set(account, min(waiting))
        return lasting

    def _compare(self, event: SnapshotReceived, found: dict[MismatchKey, Mismatch], unjudged: set[LinkId]) -> None:
        for key, mismatch in found.items():
            old = self._open.get(key)
            if old != mismatch:
                self._open[key] = mismatch
                self._desk.journal.mismatch(mismatch, ended=False)
            if old is None:
                self._hold(mismatch)
                self._resync(mismatch, event)
                self._flatten(mismatch)
        for each in [each for each in self._open.values() if each.target == event.account]:
            if each.key not in found and each.link_id not in unjudged:
                del self._open[each.key]
                self._desk.journal.mismatch(each, ended=True)
                self._release(each.link_id)

    def _resync(self, mismatch: Mismatch, event: SnapshotReceived) -> None:
        """Where the policy wants it, take the books for the truth and decide about the copies concerned, once."""
        desk = self._desk
        if mismatch.action is not MismatchAction.RESYNC:
            return
        for position_id in mismatch.positions:
            copy = desk.book.get((mismatch.link_id, position_id))
            if copy is not None and desk.views[event.account].oms is OmsType.HEDGING:
                positions = {position.position_id: position for position in event.positions}
                orders = {order.order_id: order for order in event.orders or ()}
                copy = as_shown(copy, positions, orders, desk.now)
            if copy is not None:
                desk.correct(copy, "resync")

    def _flatten(self, mismatch: Mismatch) -> None:
        """Where the policy wants it, close all that the link holds of the instrument."""
        if mismatch.action is MismatchAction.FLATTEN:
            for copy in self._desk.book.of_target(mismatch.target):
                if copy.link_id == mismatch.link_id and symbol_at_target(copy) == mismatch.symbol:
                    self._desk.flatten(copy, f"mismatch {mismatch.kind.value}")

    def _policy(self, copy: Copy) -> CopyPolicy:
        return self._desk.in_force.policy_of(copy)

    def _hold(self, mismatch: Mismatch) -> None:
        if holds_back(mismatch):
            self._desk.in_force.held_back.add(mismatch.link_id)

    def _release(self, link_id: LinkId) -> None:
        holding = (each for each in self._open.values() if holds_back(each))
        if not any(each.link_id == link_id for each in holding):
            self._desk.in_force.held_back.discard(link_id)
