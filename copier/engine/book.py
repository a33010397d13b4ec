"""All copies in memory, with the indexes that keep work proportional to what changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeVar

from rules.books.reconcile import CopyKey
from rules.model.copies import NO_TIME, ZERO, Copy, CopyStatus, Ending, Leg, LegStage
from rules.model.state import AccountView
from rules.model.values import AccountId, ClOrdId, LinkId, PositionId, Side, Symbol, VenueOrderId

_NO_RULE = (Ending.REJECTED, Ending.TARGET_CLOSED)


class CopyBook:
    """The last record of every copy that can still matter, and the totals that they make at their targets.

    Totals are kept in the target's `AccountView`: the gates read them there.
    """

    def __init__(self, views: Mapping[AccountId, AccountView], forgotten_until: datetime = NO_TIME) -> None:
        self.forgotten_until = forgotten_until
        """When the youngest position was opened whose copy is forgotten, or gave way to another life of its id.

        A younger one never had any.
        """
        self._views = views
        self._copies: dict[CopyKey, Copy] = {}
        self._by_order: dict[ClOrdId, CopyKey] = {}
        self._by_venue_order: dict[tuple[AccountId, VenueOrderId], CopyKey] = {}
        self._by_source: dict[AccountId, dict[CopyKey, None]] = {}
        self._by_target: dict[AccountId, dict[CopyKey, None]] = {}
        self._short: dict[AccountId, dict[CopyKey, None]] = {}
        self._waiting: dict[AccountId, dict[CopyKey, None]] = {}
        self._beside: dict[tuple[LinkId, Symbol, Side], dict[CopyKey, None]] = {}

    def __len__(self) -> int:
        return len(self._copies)

    def get(self, key: CopyKey) -> Copy | None:
        return self._copies.get(key)

    def all(self) -> Iterable[Copy]:
        return self._copies.values()

    def by_order(self, cl_ord_id: ClOrdId) -> Copy | None:
        """Return the copy that this order, opening or under way, belongs to."""
        key = self._by_order.get(cl_ord_id)
        return None if key is None else self._copies.get(key)

    def of_source(self, account: AccountId, position_ids: frozenset[PositionId] | None = None) -> list[Copy]:
        """Return the copies of a source account, or those of some of its positions."""
        keys = self._by_source.get(account, {})
        return [self._copies[key] for key in keys if position_ids is None or key[1] in position_ids]

    def of_target(self, account: AccountId) -> list[Copy]:
        """Return the copies that hold, or may yet hold, something at a target."""
        return [self._copies[key] for key in self._by_target.get(account, {})]

    def open_beside(self, link_id: LinkId, symbol: Symbol, side: Side) -> tuple[Copy, ...]:
        """Return a link's copies of one symbol and side of its source that hold, or may yet hold, something."""
        return tuple(self._copies[key] for key in self._beside.get((link_id, symbol, side), {}))

    def short_at(self, account: AccountId) -> list[Copy]:
        """Return the copies that hold nothing at a target any more although no rule ended them."""
        return [self._copies[key] for key in self._short.get(account, {})]

    def waiting_at(self, target: AccountId) -> list[Copy]:
        """Return the copies whose denial may clear when something becomes known about the target."""
        return [self._copies[key] for key in self._waiting.get(target, {})]

    def mirroring_at(self, account: AccountId) -> list[Copy]:
        """Return the copies at a target of which pending orders may wait there."""
        return [copy for copy in self.of_target(account) if copy.order is not None or copy.limited]

    def waiting_order(self, account: AccountId, order_id: VenueOrderId) -> tuple[Copy, Leg] | None:
        """Return the copy of a target, and its leg, whose pending order has this id."""
        key = self._by_venue_order.get((account, order_id))
        copy = None if key is None else self._copies.get(key)
        for leg in () if copy is None else copy.legs:
            if leg.waits is not None and leg.waits.order_id == order_id and copy is not None:
                return copy, leg
        return None

    def store(self, copy: Copy) -> None:
        """Put `copy` in the place of the record that it replaces."""
        key, holds = copy.key, copy.holds
        old, beside = self._copies.get(key), _beside(copy)
        if old is not None:
            self._take_out(old)
            if old.opened_at != copy.opened_at:
                self.forgotten_until = max(self.forgotten_until, old.opened_at)
            if _beside(old) != beside:
                _mark(self._beside, _beside(old), key, False)
        self._copies[key] = copy
        if holds:
            self._count(copy, 1)
        self._index_orders(copy, key)
        _mark(self._by_source, copy.source, key, True)
        if old is not None or holds:  # a new one has no mark to lose
            _mark(self._by_target, copy.target, key, holds)
            _mark(self._beside, beside, key, holds)
        if old is not None or not holds:
            _mark(self._short, copy.target, key, not holds and copy.ending in _NO_RULE)
        waits = copy.status is CopyStatus.WAITING or copy.wait_until is not None
        if old is not None or waits:
            _mark(self._waiting, copy.target, key, waits)

    def forget(self, copy: Copy) -> None:
        """Drop a copy that holds nothing and whose source position is gone; the ledger keeps its story."""
        old = self._copies.pop(copy.key, None)
        if old is None:
            return
        self.forgotten_until = max(self.forgotten_until, old.opened_at)
        self._take_out(old)
        _mark(self._beside, _beside(old), old.key, False)
        for index, account in (
            (self._by_source, old.source),
            (self._by_target, old.target),
            (self._short, old.target),
            (self._waiting, old.target),
        ):
            _mark(index, account, old.key, False)

    def _take_out(self, old: Copy) -> None:
        """Let totals and orders know of a record no more."""
        if old.holds:
            self._count(old, -1)
        for leg in old.legs:
            self._by_order.pop(leg.cl_ord_id, None)
            if leg.pending is not None:
                self._by_order.pop(leg.pending.cl_ord_id, None)
            if leg.waits is not None and leg.waits.order_id is not None:
                self._by_venue_order.pop((old.target, leg.waits.order_id), None)

    def _count(self, copy: Copy, sign: int) -> None:
        """Let the target's totals grow, or shrink, by a copy that holds something."""
        view = self._views.get(copy.target)
        if view is None:
            return
        view.copies += sign
        view.volume += sign * copy.exposure
        lots = view.lots
        for leg in copy.legs:
            if leg.live:
                of = (leg.symbol, leg.side)
                lots[of] = lots.get(of, ZERO) + sign * leg.most

    def _index_orders(self, copy: Copy, key: CopyKey) -> None:
        for leg in copy.legs:
            self._by_order[leg.cl_ord_id] = key
            if leg.pending is not None:
                self._by_order[leg.pending.cl_ord_id] = key
            if leg.stage is LegStage.WORKING and leg.waits is not None and leg.waits.order_id is not None:
                self._by_venue_order[copy.target, leg.waits.order_id] = key


def _beside(copy: Copy) -> tuple[LinkId, Symbol, Side]:
    return (copy.link_id, copy.source_symbol, copy.side)


Place = TypeVar("Place")


def _mark(index: dict[Place, dict[CopyKey, None]], place: Place, key: CopyKey, present: bool) -> None:
    there = index.get(place)
    if not present:
        if there is not None:
            there.pop(key, None)
    elif there is None:
        index[place] = {key: None}
    else:
        there[key] = None
