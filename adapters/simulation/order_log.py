"""Every order that ever reached one account's books, in order and by tag. Append-only: what an auditor reads."""

from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

from attrs import evolve

from adapters.base import UtcNow
from adapters.simulation.records import BookOrder, OrderRefused, Purpose, Result
from rules.model.observed import WorkingOrder
from rules.model.values import PositionId, Price, Side, Symbol, VenueOrderId, Volume


class OrderLog:
    """Numbers orders, and records them once their fate is known."""

    def __init__(self, now: UtcNow, take_id: Callable[[], int]) -> None:
        self.orders: list[BookOrder] = []
        self._by_tag: dict[str, list[BookOrder]] = {}
        self._now = now
        self._take_id = take_id

    def new(
        self,
        purpose: Purpose,
        position_id: PositionId | None,
        symbol: Symbol,
        side: Side,
        volume: Volume,
        tag: str | None = None,
    ) -> BookOrder:
        """Return an order of which nothing is decided yet; it is recorded by `fill` or `refuse`."""
        return BookOrder(
            order_id=VenueOrderId(str(self._take_id())),
            tag=tag,
            purpose=purpose,
            position_id=position_id,
            symbol=symbol,
            side=side,
            volume=volume,
            price=None,
            status=Result.REJECTED,
            text="",
            at=self._now(),
        )

    def ending(self, order: WorkingOrder) -> BookOrder:
        """Return the record of a pending order that ends now, of which nothing is decided yet."""
        return BookOrder(
            order_id=order.order_id,
            tag=order.tag,
            purpose=Purpose.OPEN,
            position_id=None,
            symbol=order.symbol,
            side=order.side,
            volume=order.volume,
            price=None,
            status=Result.REJECTED,
            text="",
            at=self._now(),
            magic=order.magic,
            comment=order.comment,
            pending=order,
        )

    def fill(self, order: BookOrder, position_id: PositionId, price: Price, realized_pnl: Decimal) -> BookOrder:
        """Record `order` as filled at `price`; returns it so."""
        filled = evolve(order, position_id=position_id, price=price, status=Result.FILLED, realized_pnl=realized_pnl)
        self.record(filled)
        return filled

    def refuse(self, order: BookOrder, text: str) -> NoReturn:
        """Record `order` as rejected.

        Raises:
            OrderRefused: always, with `text`.
        """
        self.record(evolve(order, text=text))
        raise OrderRefused(text)

    def record(self, order: BookOrder) -> None:
        """Append an order whose fate is known."""
        self.orders.append(order)
        if order.tag is not None:
            self._by_tag.setdefault(order.tag, []).append(order)

    def with_tag(self, tag: str) -> list[BookOrder]:
        """Return all orders that ever came with `tag`, in order, filled or not."""
        return list(self._by_tag.get(tag, ()))
