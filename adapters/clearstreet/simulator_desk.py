"""One simulated account: what becomes of its orders over the shared books, and what its stream says of that.

A 201 means "received". What the venue then thinks of an order is told by an order-update, as at the venue itself.
"""

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.base import UtcNow
from adapters.clearstreet.simulator_activity import Activity
from adapters.clearstreet.simulator_locates import Locates
from adapters.clearstreet.simulator_orders import (
    VenueOrder,
    new_order,
    new_terms,
    refusal_of_side,
    refusal_of_terms,
)
from adapters.clearstreet.simulator_positions import Positions
from adapters.clearstreet.simulator_requests import NewOrder, UpdateOrder
from adapters.clearstreet.simulator_words import Json, Refused, numeral
from adapters.clearstreet.simulator_working import Working
from adapters.simulation.broker import Book, BookOrder, Change, OrderRefused, Result, StatusChanged
from adapters.simulation.money import LEVERAGE
from rules.observed import Quote
from rules.values import Side, Symbol


class Desk:
    """The venue's side of one netting book. Changed by one task at a time, at once, never waiting."""

    def __init__(
        self, book: Book, account_number: str, now: UtcNow, zone: ZoneInfo, hard_to_borrow: Collection[str]
    ) -> None:
        self.book = book
        self.account: Json = {"account_id": book.name, "account_number": account_number}
        self.positions = Positions(book, self.account)
        self.sod_equity = book.status().equity or Decimal(0)
        self._now = now
        self._zone = zone
        self._hard_to_borrow = hard_to_borrow
        self.activity = Activity(self.account, self._date(), now)
        self.locates = Locates(self.account, now, self.activity.take_id, self._tell_inventory)
        self._working = Working(book.market, self._on_quote)
        self._balance_told = book.balance
        self._orders_told = len(book.orders)
        self._executing = False
        book.listen(self._on_change)

    # What clients do

    def place(self, asked: NewOrder, rejection: str | None = None) -> VenueOrder:
        """Receive an order; with `rejection` the venue refuses it in these words.

        Raises:
            Malformed: it is no order at all, and is not received.
        """
        self.roll()
        order = new_order(asked, self._now())
        refusal = rejection or self._refusal(order)
        if refusal is not None:
            self._refuse(order, refusal)
        elif order.is_executable(self.book.market.quotes.get(order.symbol)):
            self._execute(order)
        else:
            self._rest(order)
        return order

    def replace(self, order_id: str, asked: UpdateOrder) -> None:
        """Attempt to change an order: pending-replace, then replaced (still open), or the old terms stay.

        Raises:
            Refused: there is no such order today, or the body does not fit it.
        """
        order = self.order(order_id)
        wanted = new_terms(order, asked)
        if order.state != "open":
            return self._announce(order, order.status, "cancel-reject", text=f"too late to replace: {order.status}")
        self._announce(order, "pending-replace", "modify")
        before = (order.quantity, order.price, order.stop_price)
        self._release(order)
        order.quantity, order.price, order.stop_price = wanted
        refusal = self._refusal(order)
        if refusal is not None:
            order.quantity, order.price, order.stop_price = before
        self._reserve(order)
        if refusal is not None:
            return self._announce(order, "new", "cancel-reject", text=refusal)
        self._announce(order, "replaced", "execution-report")
        if order.is_executable(self.book.market.quotes.get(order.symbol)):
            self._working.remove(order)
            self._execute(order)
        return None

    def cancel(self, order_id: str) -> None:
        """Attempt to cancel an order.

        Raises:
            Refused: there is no such order today.
        """
        order = self.order(order_id)
        if order.state != "open":
            return self._announce(order, order.status, "cancel-reject", text=f"too late to cancel: {order.status}")
        self._announce(order, "pending-cancel", "cancel")
        self._end(order, "canceled", "cancel")
        return None

    def cancel_all(self, symbol: Symbol | None) -> list[str]:
        """Cancel every open order, or those of one symbol; returns their ids."""
        self.roll()
        wanted = [order for order in self._working.orders() if symbol in (None, order.symbol)]
        for order in wanted:
            self.cancel(order.order_id)
        return [order.order_id for order in wanted]

    def order(self, order_id: str) -> VenueOrder:
        """Return one of today's orders.

        Raises:
            Refused: there is none.
        """
        self.roll()
        order = self.activity.day.orders.get(order_id)
        if order is None:
            raise Refused(404, "order not found")
        return order

    # The day

    def roll(self) -> None:
        """Begin a new trading day if it is time: open orders expire with the old one, and the sequence restarts."""
        today = self._date()
        if today == self.activity.day.date:
            return
        for order in self._working.orders():
            self._end(order, "expired", "execution-report")
        self.activity.begin(today)
        self.positions.begin_day()
        self.locates.clear()
        self.sod_equity = self.book.status().equity or Decimal(0)

    def _date(self) -> date:
        return self._now().astimezone(self._zone).date()

    # The life of an order

    def _refusal(self, order: VenueOrder) -> str | None:
        """Return why the venue refuses an order, or None; notes whether it needs located shares."""
        refusal = refusal_of_terms(order, self.book.market.instruments.get(order.symbol)) or self._refusal_of_side(
            order
        )
        is_hard = order.side == "sell-short" and order.symbol in self._hard_to_borrow
        order.needs_locate = is_hard and order.locate_broker is None
        if refusal is None and order.needs_locate and self.locates.available(order.symbol) < order.quantity:
            return f"{order.symbol} is not easy to borrow and too little of it is located"
        return refusal

    def _refusal_of_side(self, order: VenueOrder) -> str | None:
        return refusal_of_side(order.side, order.quantity, self.positions.quantity(order.symbol))

    def _refuse(self, order: VenueOrder, text: str) -> None:
        """Reject an order before the books see it; they keep it too."""
        try:
            self.book.refuse(order.symbol, order.book_side, order.quantity, text, tag=order.reference_id)
        except OrderRefused:
            self._reject(order, text)

    def _reject(self, order: VenueOrder, text: str) -> None:
        """Tell that the last order of the books, which is this one, was refused there."""
        self._orders_told = len(self.book.orders)
        if order.order_id:  # it was at work: the venue takes it out
            return self._end(order, "canceled", "execution-report", text=text)
        self._receive(order, self.book.orders[-1].order_id, "pending-new")
        self._announce(order, "rejected", "reject", state="rejected", text=text)
        return None

    def _rest(self, order: VenueOrder) -> None:
        self._receive(order, self.activity.take_id(), "new")
        if order.time_in_force == "ioc":
            return self._end(order, "canceled", "execution-report", text="nothing to execute against at once")
        self._reserve(order)
        self._working.add(order)
        return None

    def _execute(self, order: VenueOrder) -> None:
        """Execute an order at the quote; the books may still refuse it."""
        self._executing = True
        try:
            filled = self.book.open(order.symbol, order.book_side, order.quantity, tag=order.reference_id)
        except OrderRefused as refused:
            self._reject(order, str(refused))
        else:
            self._orders_told = len(self.book.orders)
            if not order.order_id:
                self._receive(order, filled.order_id, "new")
            self._fill(order, filled)
        finally:
            self._executing = False

    def _on_quote(self, quote: Quote) -> None:
        """Execute the working orders that a quote reaches."""
        self.roll()
        for order in self._working.orders_of(quote.symbol):
            if order.state != "open" or not order.is_executable(quote):
                continue
            self._working.remove(order)
            refusal = self._refusal_of_side(order)
            if refusal is None:
                self._execute(order)
            else:  # a protective stop whose position is gone must not open one
                self._end(order, "canceled", "execution-report", text=refusal)

    def _end(self, order: VenueOrder, status: str, reason: str, *, text: str | None = None) -> None:
        """End an order that did not execute."""
        self._working.remove(order)
        self._release(order)
        self._announce(order, status, reason, state="closed", text=text)

    def _reserve(self, order: VenueOrder) -> None:
        if order.needs_locate:
            order.is_reserved = True
            self.locates.reserve(order.symbol, order.quantity)

    def _release(self, order: VenueOrder) -> None:
        if order.is_reserved:
            order.is_reserved = False
            self.locates.reserve(order.symbol, -order.quantity)

    # Executions

    def _on_change(self, change: Change) -> None:
        """Follow the books: what a person or a stop did there becomes orders and trades here."""
        self.positions.follow(change)
        if not isinstance(change, StatusChanged) or self._executing:
            return  # a StatusChanged follows every trade, and the books then show all of it
        fresh, self._orders_told = self.book.orders[self._orders_told :], len(self.book.orders)
        for done in fresh:
            if done.status is Result.FILLED:
                self._fill_by_hand(done)
        if self.book.balance != self._balance_told:
            self.roll()
            self._tell_buying_power()

    def _fill_by_hand(self, done: BookOrder) -> None:
        """Show a trade that came another way as market orders; a sale through zero is two of them."""
        self.roll()
        held = self.positions.quantity(done.symbol)
        parts = [("buy" if done.side is Side.BUY else "sell" if held > 0 else "sell-short", done.volume)]
        if done.side is Side.SELL and 0 < held < done.volume:
            parts = [("sell", held), ("sell-short", done.volume - held)]
        for number, (side, quantity) in enumerate(parts):
            order = VenueOrder(
                done.symbol, side, "market", quantity, "day", created_at=self._now(), reference_id=done.tag
            )
            self._receive(order, done.order_id if number == 0 else self.activity.take_id(), "new")
            self._fill(order, done)

    def _fill(self, order: VenueOrder, done: BookOrder) -> None:
        """Fill the whole of an order, as the books did: the update, the trade, the position, the buying power."""
        assert done.price is not None
        self.positions.add(order.symbol, order.book_side.sign * order.quantity)
        order.filled_quantity, order.average_price = order.quantity, done.price
        self._announce(order, "filled", "execution-report", state="closed")
        if order.needs_locate:
            self.locates.use(order.symbol, order.quantity, is_reserved=order.is_reserved)
            order.is_reserved = False
        self.activity.trade(order, done.price)
        self.activity.add("position-update", self.positions.show(order.symbol))
        self._tell_buying_power()

    # Messages

    def _receive(self, order: VenueOrder, order_id: str, status: str) -> None:
        self.activity.receive(order, order_id, status, self.positions.quantity(order.symbol))

    def _announce(
        self, order: VenueOrder, status: str, reason: str, *, state: str | None = None, text: str | None = None
    ) -> None:
        held = self.positions.quantity(order.symbol)
        self.activity.announce(order, status, reason, held, state=state, text=text)

    def _tell_buying_power(self) -> None:
        """Tell what may still be bought. The published schema requires `buying_power` and describes `amount`."""
        self._balance_told = self.book.balance
        amount = (self.book.status().margin_free or Decimal(0)) * LEVERAGE
        self.activity.add("buying-power-update", {**self.account, "amount": numeral(amount)})

    def _tell_inventory(self, inventory: Json) -> None:
        self.activity.add("locate-inventory-update", inventory)
