"""Takes in what a look at an account's books shows, and a list of them that the stream sent."""

from collections.abc import Callable, Sequence

from copier.engine.desk import Desk
from copier.engine.enforcement import Enforcement
from copier.engine.foreign import count_foreign
from copier.engine.inputs import Outside
from copier.engine.limit_watch import LimitWatch
from rules.model.events import SnapshotReceived
from rules.model.look_ups import LookUp
from rules.model.state import AccountView, Doubt, OrderChange
from rules.model.values import AccountId


class Looks:
    """Decides about all that changed; `compare` are those who hold a target's books against our records, in order."""

    def __init__(
        self,
        desk: Desk,
        limits: LimitWatch,
        enforcement: Enforcement,
        outside: Outside,
        compare: Sequence[Callable[[SnapshotReceived], None]],
    ) -> None:
        self._desk = desk
        self._limits = limits
        self._enforcement = enforcement
        self._outside = outside
        self._compare = compare
        self._emptied: set[AccountId] = set()

    def take(self, event: SnapshotReceived) -> None:
        if self._must_see_twice(event):
            self._outside.poll(event.account)
            return
        view = self._desk.views[event.account]
        was_known = view.known
        news = view.sync(event)
        for found in news:
            if isinstance(found, OrderChange):  # positions of the same list are judged by it
                self._desk.note_order(event.account, found.order_id)
        for found in news:
            if isinstance(found, Doubt):
                self._outside.poll(event.account)
            elif isinstance(found, OrderChange):
                self._desk.order_changed(event.account, found.order_id)
            else:
                self._desk.changed(event.account, found, event.origin)
        view.known = view.known or event.certain or event.requested_at is not None
        if view.known and not was_known:
            self._first_sight(event, view)
        self._desk.looked(event.account)
        if event.requested_at is not None:
            self._books(event, view)

    def _first_sight(self, event: SnapshotReceived, view: AccountView) -> None:
        """Decide about what was closed, or ended, before the account was seen whole."""
        view.known_at = event.received_at
        self._desk.observations.first_seen(event.account, event.received_at)
        for copy in self._desk.book.of_source(event.account):
            if copy.order is not None:
                self._desk.reconsider(copy, "looked up")  # its order may have gone while nobody looked
            elif copy.source_position_id not in view.positions:
                view.missed(copy.source_position_id, copy.opened_at, event.received_at)
                self._desk.gone(copy)
        for order_id in tuple(view.orders):  # what was told before, or is as it was, is decided now
            self._desk.order_changed(event.account, order_id)

    def _books(self, event: SnapshotReceived, view: AccountView) -> None:
        """Take books that were asked for: they tell what an account holds beside our copies, too."""
        if view.caps or view.counts_foreign:
            count_foreign(view, self._desk.book, event.positions)
        self._ready(event.account)
        self._limits.conduct.forget(view)
        self._enforcement.police(event.account, event.positions)
        for symbol in self._limits.books(event.account, view):
            self._outside.look_up(LookUp(event.account, symbol, awaited=False))
        for compare in self._compare:
            compare(event)

    def _must_see_twice(self, event: SnapshotReceived) -> bool:
        """Tell whether books without anything, where several positions were, are seen for the first time.

        A venue that has just lost its own broker answers like that; the next look decides.
        """
        if event.positions or event.requested_at is None or event.account in self._emptied:
            self._emptied.discard(event.account)
            return False
        held = len(self._desk.views[event.account].positions)
        if not self._desk.views[event.account].known:
            held = sum(copy.holds for copy in self._desk.book.of_source(event.account))
        if held > 1:
            self._emptied.add(event.account)
        return held > 1

    def _ready(self, account: AccountId) -> None:
        view = self._desk.views[account]
        if not view.ready:
            view.ready = True
            for copy in self._desk.book.waiting_at(account):
                self._desk.reconsider(copy, "target ready")
