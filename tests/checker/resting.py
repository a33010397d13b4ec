"""The pending orders of a simulated target: placed, changed, canceled, filled, or ended by somebody else."""

from datetime import datetime
from random import Random

from attrs import evolve

from rules.model.actions import Action, CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.observed import Position, WorkingOrder
from rules.model.reports import Canceled, Filled, NotFound, Placed, Rejected, Replaced, Report
from rules.model.values import ClOrdId, PositionId, VenueOrderId


class Resting:
    """One account's, and what became of each."""

    def __init__(self, random: Random) -> None:
        self.working: dict[VenueOrderId, WorkingOrder] = {}
        self._fates: dict[ClOrdId, Report] = {}
        self._random = random

    def execute(self, action: Action) -> Report:
        """Do what an order about a pending one says."""
        name = action.cl_ord_id
        if isinstance(action, PlaceOrder):
            order_id = VenueOrderId(f"v-{name}")
            prices = (action.price, action.limit_price, action.stop_loss, action.take_profit)
            self.working[order_id] = WorkingOrder(
                order_id, action.symbol, action.side, action.order_type, action.volume, *prices, tag=name
            )
            return Placed(name, order_id)
        assert isinstance(action, ReplaceOrder | CancelOrder)
        order = self.working.get(action.order_id)
        if order is None:
            return Rejected(name, "no such order")
        if isinstance(action, CancelOrder):
            self.end(order)
            return Canceled(name)
        prices = {"price": action.price, "limit_price": action.limit_price}
        stops = {"stop_loss": action.stop_loss, "take_profit": action.take_profit}
        self.working[action.order_id] = evolve(order, **prices, **stops)
        return Replaced(name)

    def end(self, order: WorkingOrder) -> None:
        """Let an order end unfilled."""
        del self.working[order.order_id]
        assert order.tag is not None  # all of them are ours
        self._fates[ClOrdId(order.tag)] = Canceled(ClOrdId(order.tag))

    def fill(self, order: WorkingOrder, now: datetime) -> Position:
        """Let an order become a position; its venue may tell no price."""
        del self.working[order.order_id]
        assert order.tag is not None  # all of them are ours
        name, position_id = ClOrdId(order.tag), PositionId(f"t-{order.tag}")
        price = order.price if self._random.random() < 0.8 else None
        self._fates[name] = Filled(name, position_id, order.volume, price)
        stops = (order.stop_loss, order.take_profit)
        return Position(position_id, order.symbol, order.side, order.volume, order.price, now, *stops, tag=name)

    def find(self, action: PlaceOrder) -> Report:
        """Return what became of an order that was, or was not, placed."""
        fate = self._fates.get(action.cl_ord_id)
        if fate is not None:
            return fate
        order_id = VenueOrderId(f"v-{action.cl_ord_id}")
        return Placed(action.cl_ord_id, order_id) if order_id in self.working else NotFound(action.cl_ord_id)
