"""Mismatches of pending orders: what should wait at a target by its links, against the orders that its books show."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from rules.books.mismatch import Difference, MismatchKind
from rules.books.targets import Books, position_of, same_price, symbol_at_target
from rules.model.copies import ZERO, Copy, CopyStatus, Ending, Leg, LegStage
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import WorkingOrder
from rules.model.values import ClOrdId, Price, VenueOrderId, plain

EXPIRY_SLACK: Final = timedelta(minutes=1)
"""Venues keep the time at which an order ends in milliseconds, seconds or minutes."""


@frozen
class ShownOrders:
    """The pending orders of a target as one look at its books shows them. `by_tag` finds what carries our tag."""

    by_id: Mapping[VenueOrderId, WorkingOrder]
    by_tag: Mapping[ClOrdId, WorkingOrder]

    @classmethod
    def of(cls, orders: Iterable[WorkingOrder]) -> "ShownOrders":
        orders = tuple(orders)
        by_tag = {ClOrdId(each.tag): each for each in orders if each.tag is not None}
        return cls({each.order_id: each for each in orders}, by_tag)

    def of_leg(self, leg: Leg) -> WorkingOrder | None:
        """Return a leg's own order, found by its id or, before that is known, by our tag."""
        known = None if leg.waits is None or leg.waits.order_id is None else self.by_id.get(leg.waits.order_id)
        return known or self.by_tag.get(leg.cl_ord_id)


def has_waited(copy: Copy) -> bool:
    """Tell whether any order of a copy was a pending one."""
    return any(leg.waits is not None for leg in copy.legs)


def order_difference(
    copy: Copy,
    source_works: bool,
    books: Books,
    orders: ShownOrders,
    instrument: Instrument | None,
    now: datetime,
) -> Difference | None:
    """Return where the pending orders of a copy differ from those that should be there, before any grace.

    What was filled meanwhile is a matter of positions. An order that a rule, or its time, took off should be gone.

    Args:
        source_works: the source's pending order that it mirrors works.
        books: complete, with `orders` no older than its positions.
        instrument: the target's, for the size of a tick.
    """
    wanted = _wanted(copy, source_works, now)
    desired = observed = ZERO
    other = ""
    for leg in copy.legs:
        if leg.waits is None or leg.held or position_of(leg, books) is not None:
            continue
        shown = orders.of_leg(leg)
        if shown is not None:
            observed += shown.volume * shown.side.sign
        if wanted and _should_wait(copy, leg, now):
            desired += leg.volume * leg.side.sign
            if shown is not None and leg.pending is None:
                other = other or _other(leg, shown, books.keeps_stops, instrument)
    if desired == observed and not other:
        return None
    why = other if desired == observed else _why(copy) or other
    return Difference(copy.key, symbol_at_target(copy), MismatchKind.PENDING, desired, observed, why)


def _wanted(copy: Copy, source_works: bool, now: datetime) -> bool:
    """Tell whether anything of a copy should still wait at its target."""
    if copy.flatten is not None or copy.left or copy.status is CopyStatus.WAITING:
        return False
    if copy.status is CopyStatus.ENDED and copy.ending not in (Ending.TARGET_CLOSED, Ending.REJECTED):
        return False
    return source_works if copy.order is not None else copy.fill_by is not None and now < copy.fill_by


def _should_wait(copy: Copy, leg: Leg, now: datetime) -> bool:
    assert leg.waits is not None  # its order is a pending one
    if leg.waits.canceled or (leg.waits.expires_at is not None and now >= leg.waits.expires_at):
        return False
    # What a position lacks that has taken over from an order is missing lots.
    return leg.live or (copy.order is not None and leg.missing > ZERO)


def _other(leg: Leg, shown: WorkingOrder, keeps_stops: bool, instrument: Instrument | None) -> str:
    """Return what of an order is not as it was asked for, for people; "" for nothing."""
    waits = leg.waits
    assert waits is not None  # its order is a pending one
    tick = ZERO if instrument is None or instrument.tick_size is None else instrument.tick_size
    prices = [("price", waits.price, shown.price), ("limit", waits.limit_price, shown.limit_price)]
    if keeps_stops:
        prices.append(("stop-loss", leg.stop_loss, shown.stop_loss))
        prices.append(("take-profit", leg.take_profit, shown.take_profit))
    for name, asked, found in prices:
        if not same_price(asked, found, tick):
            return f"its {name} is {_price(found)} in place of {_price(asked)}"
    if not _same_time(waits.expires_at, shown.expires_at):
        return f"it expires {_time(shown.expires_at)} in place of {_time(waits.expires_at)}"
    return ""


def _why(copy: Copy) -> str:
    """Return what the records know of the cause, for people."""
    waiting = [leg for leg in copy.legs if leg.waits is not None]
    if any(leg.pending is not None and leg.pending.unknown for leg in waiting):
        return "an order has no answer yet"
    stages = {leg.stage for leg in waiting}
    if LegStage.REJECTED in stages:
        return "the venue rejected the order"
    if LegStage.GONE in stages:
        return "it ended at the target: a person, or the venue"
    failures = max((leg.failures for leg in waiting if leg.live), default=0)
    return f"our order was refused, or could not be sent, {failures} times" if failures else ""


def _same_time(asked: datetime | None, shown: datetime | None) -> bool:
    if asked is None or shown is None:
        return asked is shown
    return abs(asked - shown) < EXPIRY_SLACK


def _price(price: Price | None) -> str:
    return "none" if price is None else plain(price)


def _time(at: datetime | None) -> str:
    return "never" if at is None else at.isoformat(timespec="seconds")
