"""What the auditor has to say of how positions began: by the venue's own books, whatever the service took for it."""

from collections.abc import Iterator
from datetime import timedelta

from adapters.simulation.broker import Book, BookOrder, Result
from rules.model.beginnings import EntryType
from rules.model.values import OmsType, OrderType
from rules.policy.links import CopyLink
from rules.policy.pending import PendingOrders
from tests.simulation.history import PositionLife
from tests.simulation.run import Outcome

SEEN_S = 5.0
"""In fine weather an order that waited so long before it was filled was seen: also where only a look tells of it."""

NEAR = timedelta(seconds=30)
"""An order that went so long before or after an opening cannot be taken for it."""


def opened_by(book: Book, life: PositionLife) -> EntryType:
    """Return what opened a position, or began the first of those that go by one name."""
    record = _first_order(book, life)
    return EntryType.MARKET if record is None or record.pending is None else EntryType(_type(record).value)


def wrongly_copied(outcome: Outcome, link: CopyLink, life: PositionLife) -> Iterator[str]:
    """Nothing is copied whose beginning the policy does not take, unless bad weather can have hidden it.

    Of a netted position only the first opening is asked about, and orders may have opened it again since.
    """
    book = outcome.books[link.source]
    record = _first_order(book, life)
    if not outcome.scenario.calm or book.oms is OmsType.NETTING:
        return
    if record is not None and record.pending is not None:
        placed_at = record.pending.placed_at
        if placed_at is None or (record.at - max(placed_at, outcome.scenario.start)).total_seconds() < SEEN_S:
            return
    kind, policy = opened_by(book, life), link.policy
    skipped = policy.pending is PendingOrders.SKIP and kind is not EntryType.MARKET
    if skipped or (kind not in policy.filter.order_types and not any(could_be_mistaken(book, life))):
        yield f"{link.link_id} of #{life.position_id}: copied, though a {kind.value} order opened it"


def could_be_mistaken(book: Book, life: PositionLife) -> Iterator[BookOrder]:
    """Yield the pending orders of its symbol that a position can be taken to have come of, or not to have."""
    for order in book.orders:
        near = any(abs(order.at - opened_at) <= NEAR for opened_at in life.openings)
        if near and order.pending is not None and order.symbol == life.symbol:
            yield order


def _first_order(book: Book, life: PositionLife) -> BookOrder | None:
    filled = (each for each in book.orders if each.status is Result.FILLED and each.at == life.opened_at)
    return next((each for each in filled if each.symbol == life.symbol and each.side is life.side), None)


def _type(record: BookOrder) -> OrderType:
    assert record.pending is not None  # asked for those of pending orders only
    return record.pending.order_type
