"""Pending orders by hand: placed, moved and canceled at random; the market fills some, and time ends others."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from attrs import define, evolve, field

from adapters.simulation.broker import Book, OrderRefused
from rules.model.observed import WorkingOrder
from rules.model.values import AccountId, OrderType, Price, Side, Symbol, VenueOrderId, Volume

ORDERS_MAX = 4
"""Waiting at once per account."""

DISTANCES = (10, 30, 80, 400)
"""Of an order's price from the market, in ticks: a move of the market is up to 150."""

EXPIRY_S_MAX = 10.0
"""Over before the service is said to have settled, which takes 15 s of fine weather."""


@define
class OrderHand:
    """A person's pending orders on some accounts. It keeps what it did, for the auditor."""

    books: Mapping[AccountId, Book]
    random: Random
    symbols: Callable[[Book], list[Symbol]]
    """Returns what the person trades there."""
    volume: Callable[[Book, Symbol], Volume]
    """Draws what the person trades of it."""
    with_stops: frozenset[AccountId] = frozenset()
    """The accounts where an order may carry stops for its position."""
    with_expiry: frozenset[AccountId] = frozenset()
    """The accounts where an order may have a time when it ends."""
    left: dict[tuple[AccountId, VenueOrderId], WorkingOrder] = field(factory=dict)
    """Each order as the person left it."""
    canceled: set[tuple[AccountId, VenueOrderId]] = field(factory=set)

    def step(self, now: datetime) -> None:
        """Do one thing on one account; the venue may refuse it, and a person shrugs."""
        account = self.random.choice(sorted(self.books))
        book = self.books[account]
        waiting = [order for order in book.working.values() if (account, order.order_id) in self.left]
        choice = self.random.random()
        with suppress(OrderRefused):
            if not waiting or (choice < 0.6 and len(waiting) < ORDERS_MAX):
                self._place(account, book, now)
                return
            order = self.random.choice(waiting)
            if choice < 0.85:
                self._move(account, book, order)
            else:
                book.cancel_order(order.order_id)
                self.canceled.add((account, order.order_id))

    def _place(self, account: AccountId, book: Book, now: datetime) -> None:
        symbol = self.random.choice(self.symbols(book))
        side, order_type = self.random.choice(tuple(Side)), self.random.choice((OrderType.LIMIT, OrderType.STOP))
        price = self._price(book, symbol, side, order_type)
        distance = self._ticks(book, symbol) * (1 if side is Side.BUY else -1)
        ends_at = now + timedelta(seconds=self.random.uniform(1.0, EXPIRY_S_MAX))
        stop_loss = self.random.choice((None, price - distance))
        expires_at = self.random.choice((None, None, None, ends_at))
        order = book.place_order(
            symbol,
            side,
            order_type,
            self.volume(book, symbol),
            price,
            stop_loss=stop_loss if account in self.with_stops else None,
            expires_at=expires_at if account in self.with_expiry else None,
        )
        self.left[account, order.order_id] = order

    def _move(self, account: AccountId, book: Book, order: WorkingOrder) -> None:
        price = self._price(book, order.symbol, order.side, order.order_type)
        shift = price - order.price
        stop_loss = None if order.stop_loss is None else order.stop_loss + shift
        moved = book.replace_order(order.order_id, price, stop_loss=stop_loss, take_profit=order.take_profit)
        self.left[account, order.order_id] = moved

    def _price(self, book: Book, symbol: Symbol, side: Side, order_type: OrderType) -> Price:
        """Return a price that the market has not reached."""
        market = book.market.quotes[symbol].entry(side)
        below = (order_type is OrderType.LIMIT) is (side is Side.BUY)
        distance = self._ticks(book, symbol)
        return market - distance if below else market + distance

    def _ticks(self, book: Book, symbol: Symbol) -> Decimal:
        return (book.market.instruments[symbol].tick_size or Decimal(1)) * self.random.choice(DISTANCES)


def same_order(shown: WorkingOrder, true: WorkingOrder) -> bool:
    """Tell whether an order is the same in every field that all venues must give."""
    names = ("order_id", "symbol", "side", "order_type", "volume", "price", "limit_price", "stop_loss", "take_profit")
    return evolve(true, **{name: getattr(shown, name) for name in names}) == true
