"""Pending orders of a simulated source: placed, canceled, filled; what the stream tells of it, and in which order."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import evolve

from rules.model.events import Event, OrderEnded, OrderReported, PositionReported
from rules.model.observed import Position, WorkingOrder
from rules.model.values import OrderStatus, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.checker.configs import BASES
from tests.checker.market import TICKS
from tests.checker.trader import Trader

Told = list[tuple[timedelta, Event]]
"""Events, each with when it is told."""
AT_ONCE = timedelta(0)


class Orders:
    """One source account's."""

    def __init__(self, trader: Trader, random: Random) -> None:
        self.working: dict[VenueOrderId, WorkingOrder] = {}
        self._trader = trader
        self._random = random
        self._placed = 0

    def acts(self, now: datetime, mid: Callable[[str], Decimal]) -> Told:
        """Let the owner place an order, or something become of one that waits."""
        if not self.working or self._random.random() < 0.4:
            return self._places(now, mid)
        order = self.working[self._random.choice(list(self.working))]
        if self._random.random() < 0.3:
            return self._changes(order, now)
        del self.working[order.order_id]
        if self._random.random() < 0.3:
            status = self._random.choice((OrderStatus.CANCELED, OrderStatus.EXPIRED))
            return [(AT_ONCE, OrderEnded(self._trader.name, now, order.order_id, status))]
        return self._fills(order, now)

    def _changes(self, order: WorkingOrder, now: datetime) -> Told:
        """Move an order, or its stops, or make it another size."""
        tick = Decimal(TICKS[order.symbol.removesuffix(".m")])
        moved = round(order.price * Decimal(self._random.choice(("0.999", "1.001"))) / tick) * tick
        limit = None if order.limit_price is None else moved
        changed = self._random.choice(
            (
                evolve(order, price=moved, limit_price=limit),
                evolve(order, stop_loss=None, take_profit=moved + order.side.sign * 200 * tick),
                evolve(order, volume=order.volume + Decimal("0.2")),
            )
        )
        self.working[order.order_id] = changed
        return [(AT_ONCE, OrderReported(self._trader.name, now, changed))]

    def _places(self, now: datetime, mid: Callable[[str], Decimal]) -> Told:
        random = self._random
        symbol, side = random.choice(BASES) + random.choice(("", "", ".m")), random.choice((Side.BUY, Side.SELL))
        tick = Decimal(TICKS[symbol.removesuffix(".m")])
        away = Decimal(random.choice(("-0.005", "-0.0005", "0", "0.0005", "0.005")))
        price = round(mid(symbol) * (1 + away) / tick) * tick
        order_type = random.choice((OrderType.LIMIT, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT))
        self._placed += 1
        order = WorkingOrder(
            VenueOrderId(f"{self._trader.name}-o{self._placed}"),
            Symbol(symbol),
            side,
            order_type,
            Decimal(random.choice(("0.05", "0.33", "1", "2.5"))),
            price,
            limit_price=price if order_type is OrderType.STOP_LIMIT else None,
            stop_loss=random.choice((None, round(price * (1 - side.sign * Decimal("0.01")) / tick) * tick)),
            placed_at=now,
        )
        self.working[order.order_id] = order
        return [(AT_ONCE, OrderReported(self._trader.name, now, order))]

    def _fills(self, order: WorkingOrder, now: datetime) -> Told:
        """Let an order become a position; the stream may tell that in any order, and not how both belong together."""
        name = self._trader.name
        position_id = PositionId(f"{name}-{order.symbol}" if self._trader.nets else f"{name}-p{order.order_id}")
        if position_id in self._trader.positions:
            return [(AT_ONCE, OrderEnded(name, now, order.order_id, OrderStatus.CANCELED))]
        stops = (order.stop_loss, order.take_profit)
        position = Position(position_id, order.symbol, order.side, order.volume, order.price, now, *stops)
        self._trader.positions[position_id] = position
        named = self._random.random() < 0.5
        status, opened = (OrderStatus.FILLED, position_id) if named else (None, None)
        told: Told = [
            (AT_ONCE, OrderEnded(name, now, order.order_id, status, opened)),
            (AT_ONCE, PositionReported(name, now, position)),
        ]
        if self._random.random() < 0.5:
            told.reverse()
        [(_, first), (_, second)] = told
        return [(AT_ONCE, first), (timedelta(milliseconds=self._random.choice((0, 50, 900, 3000))), second)]
