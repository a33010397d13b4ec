"""How a source position began: at market, or as a pending order of the source that was filled.

Some venues name the position that an order opened. Where they do not, an order that has just gone is taken for the
beginning of a new position that it could have opened: same symbol and side, no more lots, a price that it allows.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum

from attrs import define, field

from rules.model.frozen import frozen
from rules.model.observed import Position, WorkingOrder
from rules.model.values import OrderType, PositionId, Side
from rules.model.waiting_orders import YOUNG, EndedOrder, WaitingOrders

MATCH_WITHIN = timedelta(seconds=10)
"""A position that is first seen so long after an order has gone did not come of it, unless the venue says so: books
lag by a few seconds at most."""

SLIPPAGE = Decimal("0.001")
"""Of the price: so much worse than its own an order may have been filled. Beyond it, an order that waits at another
price was not what opened a position, and nobody has to wait for its end."""

_CLOCKS = timedelta(seconds=1)
"""Two times of one venue may be of another resolution."""


class EntryType(Enum):
    """What opened a position."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"


@frozen
class Beginning:
    """How a position began; `order` is None where it was opened at market, or where nothing says otherwise."""

    order: WorkingOrder | None = None
    over: bool = False
    """What mirrored the order at the target has ended there for good."""

    @property
    def entry(self) -> EntryType:
        return EntryType.MARKET if self.order is None else EntryType(self.order.order_type.value)


AT_MARKET = Beginning()


@define
class Beginnings:
    """How the open positions of one account began, each decided once."""

    _known: dict[tuple[PositionId, Side], tuple[datetime, Beginning]] = field(factory=dict)
    """Each with when the position was opened: one that turns has another life under the same id."""
    _first_asked: dict[tuple[PositionId, Side], datetime] = field(factory=dict)
    _claimed: list[EndedOrder] = field(factory=list)
    """Ends that a position came of already, the latest last."""

    def of(
        self,
        position: Position,
        held: Iterable[Position],
        orders: WaitingOrders,
        looked_at: datetime | None,
        now: datetime,
    ) -> Beginning | None:
        """Return how a position began; None while that is not known yet, which the next look at the books tells.

        Args:
            held: all that the account holds.
            looked_at: when the books that were read last were asked.
        """
        key = (position.position_id, position.side)
        known = self._of_life(position)
        if known is not None:
            return known
        first = self._first_asked.setdefault(key, now)
        ends = [each for each in self._ends(orders, first) if _opened(each, position)]
        ended = _best([each for each in ends if not self._fits_another(each, position, held)], position)
        if ended is not None:
            self._claimed = [each for each in self._claimed if each in orders.ended] + [ended]
            found = Beginning(ended.order)
        elif looked_at is not None and looked_at >= first + YOUNG:
            found = AT_MARKET
        elif any(could_open(order, position) for order in orders.working.values()):
            return None
        else:
            found = AT_MARKET
        del self._first_asked[key]
        self._known[key] = (position.opened_at, found)
        return found

    def _of_life(self, position: Position) -> Beginning | None:
        """Return what is known of a position's own life, None: nothing yet."""
        known = self._known.get((position.position_id, position.side))
        return None if known is None or abs(known[0] - position.opened_at) > _CLOCKS else known[1]

    def forget(self, position_id: PositionId) -> None:
        """Drop what is known of a position that was closed."""
        for side in Side:
            self._known.pop((position_id, side), None)
            self._first_asked.pop((position_id, side), None)

    def _fits_another(self, ended: EndedOrder, position: Position, held: Iterable[Position]) -> bool:
        """Tell whether another position has as many lots as the order, and this one not; nothing is known of it yet.

        Both may be seen first in one list, after a time in which the account could not be seen.
        """
        if ended.position_id is not None or ended.order.volume == position.volume:
            return False
        return any(
            other.volume == ended.order.volume and self._of_life(other) is None and _opened(ended, other)
            for other in held
        )

    def _ends(self, orders: WaitingOrders, first: datetime) -> Iterator[EndedOrder]:
        for ended in reversed(orders.ended):
            if ended.ended_at < first - MATCH_WITHIN:
                return
            if ended not in self._claimed:
                yield ended


def could_open(order: WorkingOrder, position: Position, *, at_any_price: bool = False) -> bool:
    """Tell whether a position can be what a pending order opened; `at_any_price`: it may have been moved since."""
    if (order.symbol, order.side) != (position.symbol, position.side) or position.volume > order.volume:
        return False
    if order.placed_at is not None and position.opened_at < order.placed_at - _CLOCKS:
        return False
    if at_any_price:
        return True
    slack = order.price * SLIPPAGE
    above = (position.open_price - order.price) * order.side.sign
    match order.order_type:
        case OrderType.LIMIT:
            return above <= slack
        case OrderType.STOP:
            return above >= -slack
        case OrderType.STOP_LIMIT:
            return order.limit_price is None or (position.open_price - order.limit_price) * order.side.sign <= slack


def _opened(ended: EndedOrder, position: Position) -> bool:
    if ended.position_id is not None:
        order = ended.order
        same = (order.symbol, order.side) == (position.symbol, position.side)
        return ended.may_be_filled and same and ended.position_id == position.position_id
    return ended.may_be_filled and could_open(ended.order, position, at_any_price=not ended.watched)


def _best(ends: list[EndedOrder], position: Position) -> EndedOrder | None:
    """Return the likeliest of several: the one that names the position, then the one with as many lots."""

    def unlikely(ended: EndedOrder) -> tuple[bool, bool]:
        return ended.position_id is None, ended.order.volume != position.volume

    return min(reversed(ends), key=unlikely, default=None)
