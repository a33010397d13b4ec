"""The trading day of one account: its orders and trades, and the sequenced messages that its stream replays."""

from datetime import date

from attrs import define, field

from adapters.base import UtcNow
from adapters.clearstreet.simulator_orders import VenueOrder
from adapters.clearstreet.simulator_words import Json, millis
from adapters.simulation.listeners import Listeners
from rules.model.values import Price, Volume, plain

FIRST_ID = 9_007_199_254_740_993
"""Ids that the books do not give: beyond 2^53, so that a reader with floats shows itself."""


@define(eq=False)
class Day:
    """Messages in order; the sequence number of each is its place, counted from 1.

    Not bounded: the venue replays the whole day, and a simulated account makes a few messages an order.
    """

    date: date
    messages: list[Json] = field(factory=list)
    orders: dict[str, VenueOrder] = field(factory=dict)
    trades: dict[str, Json] = field(factory=dict)


class Activity:
    """The present day; `listeners` hear of every message and of a new day by that day."""

    def __init__(self, account: Json, today: date, now: UtcNow) -> None:
        self.day = Day(today)
        self.listeners: Listeners[Day] = Listeners()
        self._account = account
        self._now = now
        self._next_id = FIRST_ID

    def begin(self, today: date) -> None:
        """Begin a new day: its sequence restarts, and the day before is listed and replayed no more."""
        self.day = Day(today)
        self.listeners.tell([self.day])

    def add(self, kind: str, data: Json) -> None:
        """Number a message and tell the streams that there is one."""
        self.day.messages.append({"type": kind, "data": data})
        self.listeners.tell([self.day])

    def receive(self, order: VenueOrder, order_id: str, status: str, held: Volume) -> None:
        """Name a new order and tell of it."""
        order.order_id = order_id
        self.day.orders[order_id] = order
        self.announce(order, status, "place", held)

    def announce(
        self,
        order: VenueOrder,
        status: str,
        reason: str,
        held: Volume,
        *,
        state: str | None = None,
        text: str | None = None,
    ) -> None:
        """Tell of an order's new version; `held` is the signed position at this moment."""
        order.version += 1
        order.state, order.status, order.reason, order.text = state or order.state, status, reason, text
        order.updated_at = self._now()
        order.running_position = held
        self.add("order-update", order.show(self._account))

    def trade(self, order: VenueOrder, price: Price) -> None:
        """Note the execution of a whole order and tell of it."""
        trade: Json = {
            "created_at": millis(self._now()),
            "trade_id": self.take_id(),
            "order_id": order.order_id,
            **self._account,
            "symbol": order.symbol,
            "side": order.side,
            "quantity": plain(order.quantity),
            "price": plain(price),
            "running_position": plain(order.running_position),
        }
        self.day.trades[str(trade["trade_id"])] = trade
        self.add("trade-notice", trade)

    def take_id(self) -> str:
        """Return an id that nothing had yet."""
        taken = self._next_id
        self._next_id += 1
        return str(taken)
