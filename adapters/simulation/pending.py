"""The half of a book that keeps pending orders: placed, replaced, canceled, expired, set off, filled."""

from abc import ABC, abstractmethod
from datetime import datetime

from attrs import evolve

from adapters.base import UtcNow
from adapters.simulation import checks
from adapters.simulation.dealing import Dealing
from adapters.simulation.market import Market
from adapters.simulation.order_log import OrderLog
from adapters.simulation.records import Change, OrderChanged, OrderGone, OrderRefused, Purpose, Result, StatusChanged
from adapters.simulation.working import WorkingOrders
from rules.model.observed import Quote, WorkingOrder
from rules.model.values import OrderType, Price, Side, Symbol, VenueOrderId, Volume


class PendingOrders(ABC):
    """Pending orders of one account; `working` holds those that wait, by id."""

    def __init__(self, dealing: Dealing, log: OrderLog, market: Market, now: UtcNow) -> None:
        self.market = market
        self._dealing = dealing
        self._log = log
        self._now = now
        self._working = WorkingOrders()
        self.working = self._working.orders

    def place_order(
        self,
        symbol: Symbol,
        side: Side,
        order_type: OrderType,
        volume: Volume,
        price: Price,
        *,
        limit_price: Price | None = None,
        stop_loss: Price | None = None,
        take_profit: Price | None = None,
        expires_at: datetime | None = None,
        tag: str | None = None,
        magic: str | None = None,
        comment: str | None = None,
    ) -> WorkingOrder:
        """Place a pending order; arguments as in `rules.model.observed.WorkingOrder`.

        Raises:
            OrderRefused: it does not work; the refused order is in the books.
        """
        record = self._log.new(Purpose.OPEN, None, symbol, side, volume, tag)
        order = WorkingOrder(
            record.order_id, symbol, side, order_type, volume, price, limit_price, stop_loss, take_profit,
            record.at, expires_at, magic, comment, tag,
        )  # fmt: skip
        text = self._refusal(order)
        if text is not None:
            self._log.refuse(self._log.ending(order), text)
        self._work(order)
        self._tell(symbol, StatusChanged())
        return order

    def replace_order(
        self,
        order_id: VenueOrderId,
        price: Price,
        *,
        limit_price: Price | None = None,
        stop_loss: Price | None,
        take_profit: Price | None,
        volume: Volume | None = None,
    ) -> WorkingOrder:
        """Set all prices of a pending order, and its volume unless None; returns it as it is now.

        Raises:
            OrderRefused: there is no such order, or it could not be placed so; it stays as it was.
        """
        self.expire()
        order = evolve(
            self._of_id(order_id),
            price=price,
            limit_price=limit_price,
            stop_loss=stop_loss,
            take_profit=take_profit,
        )
        order = order if volume is None else evolve(order, volume=volume)
        text = self._refusal(order)
        if text is not None:
            raise OrderRefused(text)
        self._work(order)
        self._tell(order.symbol, StatusChanged())
        return order

    def cancel_order(self, order_id: VenueOrderId) -> None:
        """End a pending order.

        Raises:
            OrderRefused: there is no such order.
        """
        self.expire()
        order = self._of_id(order_id)
        self._working.drop(order)
        self._end(order, Result.CANCELED)
        self._tell(order.symbol, StatusChanged())

    def expire(self) -> None:
        """End the pending orders whose time has come; each quote of something that the account holds does so too."""
        for order in self._working.take_due(self._now()):
            self._end(order, Result.EXPIRED)
            self._tell(order.symbol, StatusChanged())

    def working_with_tag(self, tag: str) -> list[WorkingOrder]:
        """Return the pending orders that wait and came with `tag`, the oldest first."""
        return self._working.with_tag(tag)

    def _mark_orders(self, quote: Quote) -> None:
        """Execute the orders that the quote reaches, the oldest first."""
        for order in self._working.of_symbol(quote.symbol):
            if not checks.reached(order, quote):
                continue
            reached = order
            if order.order_type is OrderType.STOP_LIMIT and order.limit_price is not None:
                reached = evolve(order, order_type=OrderType.LIMIT, price=order.limit_price, limit_price=None)
                self._work(reached)
                if not checks.reached(reached, quote):
                    continue
            self._fill(reached, quote)

    def _fill(self, order: WorkingOrder, quote: Quote) -> None:
        """Execute at the quote. What there is no money for is rejected only now: it binds no margin while it waits."""
        self._working.drop(order)
        changes, stops = self._dealing.changes, (order.stop_loss, order.take_profit)
        try:
            filled = self._dealing.deal(self._log.ending(order), quote.entry(order.side), stops)
        except OrderRefused:
            changes.append(OrderGone(order, Result.REJECTED))
        else:
            changes.append(OrderGone(order, Result.FILLED, filled.position_id))

    def _work(self, order: WorkingOrder) -> None:
        """Have an order wait against which nothing is to be said."""
        self._working.put(order)
        self._dealing.changes.append(OrderChanged(order))

    def _end(self, order: WorkingOrder, status: Result) -> None:
        """Record the end of an order that waits no more."""
        self._log.record(evolve(self._log.ending(order), status=status))
        self._dealing.changes.append(OrderGone(order, status))

    def _of_id(self, order_id: VenueOrderId) -> WorkingOrder:
        order = self.working.get(order_id)
        if order is None:
            raise OrderRefused(checks.ORDER_NOT_FOUND)
        return order

    def _refusal(self, order: WorkingOrder) -> str | None:
        instrument = self.market.instruments.get(order.symbol)
        if instrument is None:
            return checks.UNKNOWN_SYMBOL
        if order.expires_at is not None and order.expires_at <= self._now():
            return checks.INVALID_EXPIRATION
        return checks.refusal_of_order(instrument, self.market.quotes.get(order.symbol), order)

    @abstractmethod
    def _tell(self, symbol: Symbol | None, *changes: Change) -> None:
        """Tell the listeners of all that was gathered, then of `changes`; all of it concerns `symbol` at most."""
