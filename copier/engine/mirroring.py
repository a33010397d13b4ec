"""Mirrored pending orders as the desk keeps them: whose they are, what became of each, who takes them over."""

from collections.abc import Mapping
from datetime import datetime

from copier.engine.book import CopyBook
from copier.engine.inputs import Outside
from copier.ledger.journal import Journal
from copier.ledger.records import ORDER_GONE
from rules.alerts.kinds import AlertKind
from rules.deciding.mirror import key_of, still_waits_so, take_over
from rules.deciding.settling import in_doubt
from rules.model.actions import PlaceOrder
from rules.model.beginnings import Beginning
from rules.model.copies import Copy, LegStage, Purpose, replace_leg
from rules.model.evolving import evolve
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.model.values import AccountId, VenueOrderId
from rules.model.waiting_orders import YOUNG
from rules.policy.links import CopyLink, CopyPolicy


class Mirroring:
    """Finds and records; what follows is the desk's to decide."""

    def __init__(
        self, views: Mapping[AccountId, AccountView], book: CopyBook, journal: Journal, outside: Outside
    ) -> None:
        self._views = views
        self._book = book
        self._journal = journal
        self._outside = outside
        for copy in book.all():
            if copy.order is not None and copy.source in views:
                views[copy.source].waiting.remember(copy.order)

    def ended_at_target(self, account: AccountId, order_id: VenueOrderId) -> None:
        """Look for what became of a pending order of ours that is said to work no more."""
        found = self._book.waiting_order(account, order_id)
        if found is None:
            return
        copy, leg = found
        if leg.stage is not LegStage.WORKING or (leg.pending is not None and leg.pending.purpose is Purpose.CANCEL):
            return  # its own answer comes
        doubted = replace_leg(copy, in_doubt(evolve(leg, step=leg.step + (leg.pending is not None))))
        self._journal.decision(doubted, ORDER_GONE)
        self._book.store(doubted)
        self.find(doubted, copy)

    def find(self, copy: Copy, before: Copy) -> None:
        """Ask what became of the pending orders of a copy that are in doubt, and were not before."""
        known = before.legs_by_number
        for leg in copy.legs:
            old, placed = known.get(leg.number), leg.waits is not None and leg.waits.order_id is not None
            doubted = placed and leg.stage is LegStage.OPENING and leg.pending is not None
            if doubted and old is not None and (old.stage, old.pending) != (leg.stage, leg.pending):
                action = self._journal.intended(leg.cl_ord_id)
                assert action is not None  # it left
                self._outside.find(action, leg.asked_at or copy.first_seen_at)

    def tell_of_ended(self, copy: Copy, now: datetime) -> None:
        """Alert when a pending order of ours ended at the target though neither we nor its time wanted that."""
        for leg in copy.legs:
            if leg.stage is LegStage.GONE and leg.waits is not None and leg.position_id is None:
                expires_at = leg.waits.expires_at
                if leg.settled_at == now and (expires_at is None or now < expires_at):
                    what = f"{copy.link_id}: our pending order {leg.waits.order_id} of {leg.symbol} ended at the target"
                    self._journal.alert(AlertKind.TARGET_CLOSED, copy.target, f"{what}: it is not placed again")

    def of(self, link: CopyLink, began: Beginning) -> Copy | None:
        """Return the copy of the pending order that a position came of."""
        return None if began.order is None else self._book.get((link.link_id, key_of(began.order.order_id)))

    def take_over(self, mirror: Copy, link: CopyLink, position: Position, now: datetime) -> Copy:
        """Let the copy of a position have what mirrored the order that opened it; returns that copy."""
        grace = link.policy.for_symbol(position.symbol).mirror.fill_grace
        ended, taken = take_over(mirror, position, grace, now)
        for each in (ended, taken):
            self._journal.decision(each, "order filled")
            self._book.store(each)
        self._journal.forget(ended)
        self._book.forget(ended)
        return taken

    def is_wanted(self, copy: Copy, policy: CopyPolicy, action: PlaceOrder) -> bool:
        """Tell whether a pending order that is about to leave is at the prices of the source's, which works still."""
        order = None if copy.order is None else self._views[copy.source].orders.get(copy.order.order_id)
        leg = next((leg for leg in copy.legs if leg.cl_ord_id == action.cl_ord_id), None)
        if order is None or leg is None or leg.waits is None:
            return False
        target = self._views[copy.target]
        instrument = target.instruments.get(leg.symbol)
        return instrument is not None and still_waits_so(leg.waits, order, policy, instrument, target)


def may_be_filled(source: AccountView, copy: Copy) -> bool:
    """Tell whether a source's order that is gone may have opened a position that is not seen yet."""
    assert copy.order is not None  # it mirrors one
    ended = source.waiting.last_end(copy.order.order_id)
    if ended is None or not ended.may_be_filled:
        return False
    return source.looked_at is None or source.looked_at < ended.ended_at + YOUNG
