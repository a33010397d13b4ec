"""How the simulated venue handles an order: received, refused, put to work in the books, executed, ended.

Every order of the venue has the id that the books give it, and each step is told on the stream.
"""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from adapters.base import UtcNow
from adapters.clearstreet.simulator_activity import Activity
from adapters.clearstreet.simulator_locates import Locates
from adapters.clearstreet.simulator_orders import VenueOrder
from adapters.clearstreet.simulator_positions import Positions
from adapters.clearstreet.simulator_words import Json, numeral
from adapters.clearstreet.simulator_working import BeforeQuote, QuoteWatch, Working
from adapters.simulation.broker import Book, BookOrder, OrderRefused
from adapters.simulation.money import LEVERAGE
from rules.model.values import VenueOrderId


class Handling:
    """The steps of orders on one account, each taken at once, over its books.

    What we place and execute in the books ourselves must not look like a person's doing: `_is_ours` says so while it
    lasts, and `_orders_told` counts how many of the books' orders are accounted for.
    """

    def __init__(
        self, book: Book, account: Json, now: UtcNow, zone: ZoneInfo, watch: QuoteWatch, before_quote: BeforeQuote
    ) -> None:
        self.book = book
        self.account = account
        self.positions = Positions(book, account)
        self.activity = Activity(account, now().astimezone(zone).date(), now)
        self.locates = Locates(account, now, self.activity.take_id, self._tell_inventory)
        self._zone = zone
        self._working = Working(watch, before_quote)
        self._balance_told = book.balance
        self._orders_told = len(book.orders)
        self._is_ours = False

    # Steps

    def _refuse(self, order: VenueOrder, text: str) -> None:
        """Reject an order before the books look at it; they keep it too."""
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
        """Have an order wait in the books, at most until the day ends."""
        order_type, price, limit_price = order.waiting_terms()
        self._is_ours = True
        try:
            waiting = self.book.place_order(
                order.symbol,
                order.book_side,
                order_type,
                order.quantity,
                price,
                limit_price=limit_price,
                expires_at=self._end_of_day(),
                tag=order.reference_id,
            )
        except OrderRefused as refused:
            return self._reject(order, str(refused))
        finally:
            self._is_ours = False
        self._receive(order, waiting.order_id, "new")
        self._working.add(order)
        self._reserve(order)
        if order.time_in_force == "ioc":
            self._withdraw(order, "canceled", "execution-report", text="nothing to execute against at once")
        return None

    def _execute(self, order: VenueOrder) -> None:
        """Execute an order at the quote; the books may still refuse it."""
        self._is_ours = True
        try:
            filled = self.book.open(order.symbol, order.book_side, order.quantity, tag=order.reference_id)
        except OrderRefused as refused:
            return self._reject(order, str(refused))
        finally:
            self._is_ours = False
        self._orders_told = len(self.book.orders)
        if not order.order_id:
            self._receive(order, filled.order_id, "new")
        return self._fill(order, filled)

    def _take_out(self, order: VenueOrder) -> None:
        """Take a waiting order out of the books; what they tell of it then is no news."""
        self._working.take(order.order_id)
        order_id = VenueOrderId(order.order_id)
        self.book.expire()
        if order_id in self.book.working:
            self.book.cancel_order(order_id)

    def _withdraw(self, order: VenueOrder, status: str, reason: str, *, text: str | None = None) -> None:
        """Take a waiting order out of the books and end it."""
        self._take_out(order)
        self._end(order, status, reason, text=text)

    def _end(self, order: VenueOrder, status: str, reason: str, *, text: str | None = None) -> None:
        """Tell that an order ended without execution; it waits no more."""
        self._release(order)
        self._announce(order, status, reason, state="closed", text=text)

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

    # Inventory for short sales

    def _reserve(self, order: VenueOrder) -> None:
        if order.needs_locate:
            order.is_reserved = True
            self.locates.reserve(order.symbol, order.quantity)

    def _release(self, order: VenueOrder) -> None:
        if order.is_reserved:
            order.is_reserved = False
            self.locates.reserve(order.symbol, -order.quantity)

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

    def _end_of_day(self) -> datetime:
        tomorrow = self.activity.day.date + timedelta(days=1)
        return datetime.combine(tomorrow, time(), self._zone).astimezone(UTC)
