"""What the auditor has to say of pending orders: those of others are left alone, and all are seen as they are."""

from collections.abc import Iterator, Mapping

from adapters.simulation.broker import Book, BookOrder, Result
from rules.model.identity import is_ours
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, OmsType, PositionId, Side, VenueOrderId, plain
from tests.simulation.history import STOP, PositionLife
from tests.simulation.run import Outcome
from tests.simulation.waiting import same_order


def orders_touched(outcome: Outcome, target: AccountId, lives: Mapping[PositionId, PositionLife]) -> Iterator[str]:
    """Nobody but the person moves or cancels a pending order, closes what came of it, or places one."""
    book, records = outcome.books[target], {order.order_id: order for order in outcome.books[target].orders}
    for (account, order_id), left in outcome.orders.left.items():
        if account != target:
            continue
        what, works = f"{target}: a person's order #{order_id}", book.working.get(order_id)
        if (account, order_id) in outcome.orders.canceled:
            continue
        if works is not None and works != left:
            yield f"{what} was left as {left}, and is {works}"
        elif works is None:
            by_venue = outcome.scenario.kind(target).marks_sales and left.side is Side.SELL
            yield from _ended(what, left, records.get(order_id), book, lives, by_venue=by_venue)
    for order_id in book.working:
        if (target, order_id) not in outcome.orders.left and not _is_own(book.working[order_id]):
            yield f"{target}: somebody placed the order #{order_id}"


def _ended(
    what: str,
    left: WorkingOrder,
    record: BookOrder | None,
    book: Book,
    lives: Mapping[PositionId, PositionLife],
    *,
    by_venue: bool,
) -> Iterator[str]:
    """The market fills an order, or time ends it where it has one; there may be no money for it.

    Args:
        by_venue: the venue itself may cancel it.
    """
    if record is None:
        yield f"{what} is nowhere"
    elif record.status is Result.CANCELED and by_venue:
        return
    elif record.status is Result.CANCELED or (record.status is Result.EXPIRED and left.expires_at is None):
        yield f"{what} was {record.status.value}"
    elif record.status is Result.FILLED and book.oms is OmsType.HEDGING:
        assert record.position_id is not None  # a filled order has one
        volume = lives[record.position_id].volume
        if volume != left.volume:
            yield f"{what} opened {plain(left.volume)} lots, of which {plain(volume)} are left"


def _is_own(order: WorkingOrder) -> bool:
    """Tell whether an order is one of ours, which others judge."""
    return _is_stop_loss(order) or is_ours(order.tag)


def _is_stop_loss(order: WorkingOrder) -> bool:
    """Tell whether an order is a stop-loss of ours, which the auditor judges by its position."""
    return order.tag is not None and order.tag.endswith(STOP)


def orders_mistaken(outcome: Outcome) -> Iterator[str]:
    """In the end the service takes for pending orders what the books hold, on every account."""
    if not outcome.settled:
        return
    for account, book in outcome.books.items():
        shown: Mapping[VenueOrderId, WorkingOrder] = outcome.shown.get(account, {})
        pending = {key: order for key, order in book.working.items() if not _is_stop_loss(order)}
        for order_id in sorted(shown.keys() | pending.keys()):
            told, true = shown.get(order_id), pending.get(order_id)
            if told is None or true is None or not same_order(told, true):
                yield f"{account}: order #{order_id} is {true}, and the service knows {told}"
