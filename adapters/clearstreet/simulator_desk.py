"""One simulated account: what clients do to it, its trading day, and what a person does to its books.

A 201 means "received". What the venue then thinks of an order is told by an order-update, as at the venue itself.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from adapters.base import UtcNow
from adapters.clearstreet.simulator_handling import Handling
from adapters.clearstreet.simulator_orders import (
    VenueOrder,
    new_order,
    new_terms,
    order_of,
    refusal_of_side,
    refusal_of_terms,
)
from adapters.clearstreet.simulator_requests import NewOrder, UpdateOrder
from adapters.clearstreet.simulator_words import Refused
from adapters.clearstreet.simulator_working import QuoteWatch
from adapters.simulation.broker import (
    Book,
    BookOrder,
    Change,
    OrderChanged,
    OrderGone,
    OrderRefused,
    Result,
    StatusChanged,
)
from rules.model.observed import Quote, WorkingOrder
from rules.model.values import Side, Symbol, VenueOrderId

_ENDS: Final = {
    Result.CANCELED: ("canceled", "cancel"),
    Result.EXPIRED: ("expired", "execution-report"),
    Result.REJECTED: ("canceled", "execution-report"),  # when it was reached: the venue takes it out
}


class Desk(Handling):
    """The venue's side of one netting book. Changed by one task at a time, at once, never waiting."""

    def __init__(
        self,
        book: Book,
        account_number: str,
        now: UtcNow,
        zone: ZoneInfo,
        hard_to_borrow: Collection[str],
        watch: QuoteWatch,
    ) -> None:
        ids = {"account_id": book.name, "account_number": account_number}
        super().__init__(book, dict(ids), now, zone, watch, self._before_quote)
        self.sod_equity = book.status().equity or Decimal(0)
        self._now = now
        self._hard_to_borrow = hard_to_borrow
        for waiting in book.working.values():
            self._follow(waiting)
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
        before = (order.terms, order.is_triggered, order.needs_locate)
        self._release(order)
        order.terms = wanted
        refusal = self._refusal(order)
        is_executable = order.is_executable(self.book.market.quotes.get(order.symbol))
        if refusal is None and not is_executable:
            refusal = self._replace_in_books(order)
            if order.state != "open":
                return None  # its time came between two looks at the clock
        if refusal is not None:
            order.terms, order.is_triggered, order.needs_locate = before
            self._reserve(order)
            return self._announce(order, "new", "cancel-reject", text=refusal)
        self._reserve(order)
        self._announce(order, "replaced", "execution-report")
        if is_executable:
            self._take_out(order)
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
        return self._withdraw(order, "canceled", "cancel")

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

    def _refusal(self, order: VenueOrder) -> str | None:
        """Return why the venue refuses an order, or None; notes whether it needs located shares."""
        held = self.positions.quantity(order.symbol)
        refusal = refusal_of_terms(order, self.book.market.instruments.get(order.symbol))
        others = (each for each in self._working.orders_of(order.symbol) if each is not order and each.side == "sell")
        resting = sum((each.quantity for each in others), Decimal(0))
        refusal = refusal or refusal_of_side(order.side, order.quantity, held, resting)
        is_hard = order.side == "sell-short" and order.symbol in self._hard_to_borrow
        order.needs_locate = is_hard and order.locate_broker is None
        if refusal is None and order.needs_locate and self.locates.available(order.symbol) < order.quantity:
            return f"{order.symbol} is not easy to borrow and too little of it is located"
        return refusal

    def _replace_in_books(self, order: VenueOrder) -> str | None:
        """Give a waiting order its new terms in the books; returns their refusal, if any."""
        _, price, limit_price = order.waiting_terms()
        self._is_ours = True
        try:
            self.book.replace_order(
                VenueOrderId(order.order_id),
                price,
                limit_price=limit_price,
                stop_loss=None,
                take_profit=None,
                volume=order.quantity,
            )
        except OrderRefused as refused:
            return str(refused)
        finally:
            self._is_ours = False
        return None

    # Time and market

    def roll(self) -> None:
        """Begin a new trading day if it is time: open orders expire with the old one, and the sequence restarts."""
        today = self._now().astimezone(self._zone).date()
        if today == self.activity.day.date:
            return self.book.expire()  # what a person placed may end earlier
        for order in self._working.orders():
            self._withdraw(order, "expired", "execution-report")
        self.activity.begin(today)
        self.positions.begin_day()
        self.locates.clear()
        self.sod_equity = self.book.status().equity or Decimal(0)
        return None

    def _before_quote(self, quote: Quote) -> None:
        """Take out the sales that a quote reaches and that fit the position no more.

        A protective stop whose position is gone must not open one.
        """
        self.roll()
        held = self.positions.quantity(quote.symbol)
        for order in self._working.orders_of(quote.symbol):
            if not order.is_executable(quote):
                continue
            refusal = refusal_of_side(order.side, order.quantity, held)
            if refusal is None:
                held += order.book_side.sign * order.quantity
            else:
                self._withdraw(order, "canceled", "execution-report", text=refusal)

    # What happens in the books

    def _on_change(self, change: Change) -> None:
        """Follow the books: what a quote, a person or a stop did there becomes orders and trades here."""
        self.positions.follow(change)
        match change:
            case OrderChanged(waiting) if not self._is_ours:
                self._follow(waiting)
            case OrderGone(status=Result.CANCELED | Result.EXPIRED):
                self._catch_up()
            case StatusChanged() if not self._is_ours:
                self._catch_up()  # it follows every trade, and the books then show all of it

    def _catch_up(self) -> None:
        """Account for what is new among the books' orders, and for money that came or went."""
        fresh, self._orders_told = self.book.orders[self._orders_told :], len(self.book.orders)
        for done in fresh:
            order = self._working.take(done.order_id)
            if done.status is Result.FILLED:
                if order is None:
                    self._fill_by_hand(done)
                else:
                    self._fill(order, done)
            elif order is not None:
                self._end(order, *_ENDS[done.status], text=done.text or None)
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

    def _follow(self, waiting: WorkingOrder) -> None:
        """Show an order that a person placed or changed in the books; one that is set off is no news."""
        order = self._working.get(waiting.order_id)
        if order is None:
            self.roll()
            order = order_of(waiting, self.positions.quantity(waiting.symbol), self._now())
            self._receive(order, waiting.order_id, "new")
            self._working.add(order)
            return
        terms = order.terms_in(waiting)
        if terms != order.terms:
            order.terms = terms
            self._announce(order, "replaced", "execution-report")
