"""What the auditor says of mirrored pending orders: in the end the target has those of its source, and no others."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from adapters.simulation.broker import Book, BookOrder, Result
from rules.model.identity import cl_ord_id, is_ours
from rules.model.observed import WorkingOrder
from rules.model.values import PositionId
from rules.policy.links import CopyLink
from tests.simulation.expected import entry_volume, units
from tests.simulation.history import PositionLife
from tests.simulation.run import Outcome

LEGS_MAX = 40


def _to_milliseconds(at: datetime) -> datetime:
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _tags(link: CopyLink, order: WorkingOrder) -> Iterator[str]:
    assert order.placed_at is not None  # the simulated books know it
    for at in {order.placed_at, _to_milliseconds(order.placed_at)}:
        for leg in range(LEGS_MAX):
            yield cl_ord_id(link.link_id, PositionId(f"order:{order.order_id}"), at, leg, 0)


def mirrored(
    link: CopyLink, book: Book, lives: Mapping[PositionId, PositionLife]
) -> dict[str, tuple[CopyLink, PositionLife | None]]:
    """Return whose each pending order of ours may be, by its tag: the position that its source's order opened."""
    found: dict[str, tuple[CopyLink, PositionLife | None]] = {}
    for record in book.orders:
        if record.pending is not None:
            filled = record.status is Result.FILLED and record.position_id is not None
            life = lives.get(record.position_id) if filled and record.position_id is not None else None
            found |= dict.fromkeys(_tags(link, record.pending), (link, life))
    for order in book.working.values():
        found |= dict.fromkeys(_tags(link, order), (link, None))
    return found


def is_mirror_of(link: CopyLink, record: BookOrder, tag: str) -> bool:
    """Tell whether a pending order of ours is the like of one of the source."""
    return record.pending is not None and tag in _tags(link, record.pending)


def working_tags(link: CopyLink, book: Book) -> set[str]:
    return {tag for order in book.working.values() for tag in _tags(link, order)}


def _was_closed_by_schedule(link: CopyLink, order: WorkingOrder, until: datetime) -> bool:
    """Tell whether the schedule closed everything since an order was placed; what it took off is not placed again."""
    schedule = link.policy.schedule
    return schedule is not None and schedule.flattens(order.placed_at or until, until) is not None


def mirrored_wrongly(outcome: Outcome) -> Iterator[str]:
    """Each pending order of ours stands for one of its source that works, at its price; none is there twice."""
    if not outcome.settled:
        return
    for account, book in outcome.books.items():
        ours = {order.order_id: order for order in book.working.values() if is_ours(order.tag)}
        claimed = set()
        for link in outcome.scenario.links:
            if link.target != account or not link.policy.mirrors:
                continue
            for order in outcome.books[link.source].working.values():
                if is_ours(order.tag):
                    continue
                tags = set(_tags(link, order))
                mine = [each for each in ours.values() if each.tag in tags]
                claimed |= {each.order_id for each in mine}
                what = f"{link.link_id} of order #{order.order_id}"
                if any(each.price != order.price for each in mine):
                    yield f"{what}: waits at {[str(each.price) for each in mine]}, not at {order.price}"
                lots = {each.symbol: sum(one.volume for one in mine if one.symbol == each.symbol) for each in mine}
                for symbol, volume in lots.items():
                    here = book.market.instruments[symbol]
                    there = outcome.books[link.source].market.instruments[order.symbol]
                    if volume != entry_volume(link.policy, here, order.volume, units(there, here)):
                        yield f"{what}: waits with {volume} lots for {order.volume}"
                said = (link.link_id, PositionId(f"order:{order.order_id}")) in outcome.denials
                said = said or _was_closed_by_schedule(link, order, outcome.ended_at)
                if not mine and not said and not any(each.tag in tags for each in book.orders):
                    yield f"{what}: is not mirrored, and nothing says why"
        for order_id in ours.keys() - claimed:
            yield f"{account}: our order #{order_id} {ours[order_id].tag} stands for no order that works"
