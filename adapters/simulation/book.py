"""The books of one simulated account: positions, pending orders, balance, and every order ever; hedging or netting."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import NoReturn

from attrs import evolve

from adapters.base import UtcNow
from adapters.simulation import checks
from adapters.simulation.dealing import Dealing
from adapters.simulation.listeners import Listeners
from adapters.simulation.market import Market
from adapters.simulation.money import close_price
from adapters.simulation.order_log import OrderLog
from adapters.simulation.pending import PendingOrders
from adapters.simulation.records import (
    BookOrder,
    Change,
    Deposit,
    OrderRefused,
    PositionChanged,
    Purpose,
    Result,
    StatusChanged,
)
from rules.model.observed import AccountStatus, Position, Quote, WorkingOrder
from rules.model.values import OmsType, PositionId, Price, Side, Symbol, Volume


class Book(PendingOrders):
    """One account. Made by `Broker.add_account`; changed by one task at a time, at once, never waiting.

    A change costs the same with one position or ten thousand; a quote touches the positions and orders of its symbol.
    """

    def __init__(
        self,
        name: str,
        oms: OmsType,
        balance: Decimal,
        currency: str,
        market: Market,
        now: UtcNow,
        take_id: Callable[[], int],
        holds: Callable[["Book", Symbol, bool], None],
    ) -> None:
        self.name = name
        self.oms = oms
        self.currency = currency
        log = OrderLog(now, take_id)
        super().__init__(Dealing(oms, balance, currency, market, log, take_id), log, market, now)
        self.orders = log.orders
        self._holdings = self._dealing.holdings
        self.positions = self._holdings.positions
        self.closed = self._dealing.closed
        self.deposits: list[Deposit] = []
        """After the first, which the account began with."""
        self._holds = holds
        self._listeners: Listeners[Change] = Listeners()

    @property
    def balance(self) -> Decimal:
        """Cash after closed trades."""
        return self._dealing.balance

    # Trading

    def open(
        self,
        symbol: Symbol,
        side: Side,
        volume: Volume,
        *,
        stop_loss: Price | None = None,
        take_profit: Price | None = None,
        tag: str | None = None,
        magic: str | None = None,
        comment: str | None = None,
        price: Price | None = None,
    ) -> BookOrder:
        """Execute a market order: opens a position, or (netting) adds to, reduces or turns around the symbol's one.

        Args:
            volume: lots, on the instrument's grid.
            stop_loss: of the position. When a netting order adds to one, None leaves the stop that it has; when it
                only reduces or closes one, both stops are ignored.
            price: fill at exactly this price, > 0; None: at the quote (buy at the ask, sell at the bid).
        Returns:
            the filled order.
        Raises:
            OrderRefused: nothing was executed; the refused order is in the books.
        """
        order = evolve(self._log.new(Purpose.OPEN, None, symbol, side, volume, tag), magic=magic, comment=comment)
        instrument = self.market.instruments.get(symbol)
        if instrument is None:
            self._log.refuse(order, checks.UNKNOWN_SYMBOL)
        text = checks.refusal_of_opening(instrument, volume)
        if text is not None:
            self._log.refuse(order, text)
        quote = self.market.quotes.get(symbol)
        fill_price = price if price is not None or quote is None else quote.entry(side)
        if fill_price is None:
            self._log.refuse(order, checks.OFF_QUOTES)
        if not checks.is_price(fill_price):
            self._log.refuse(order, checks.INVALID_PRICE)
        if not self._dealing.only_closes(order):
            reference = fill_price if quote is None else quote.entry(side.opposite)
            text = checks.refusal_of_stops(instrument, side, reference, stop_loss, take_profit)
            if text is not None:
                self._log.refuse(order, text)
        filled = self._dealing.deal(order, fill_price, (stop_loss, take_profit))
        self._tell(symbol, StatusChanged())
        return filled

    def close(
        self,
        position_id: PositionId,
        volume: Volume | None = None,
        *,
        tag: str | None = None,
        price: Price | None = None,
    ) -> BookOrder:
        """Close `volume` lots of a position, or the whole of it (None).

        Args:
            price: fill at exactly this price, > 0; None: at the quote.
        Raises:
            OrderRefused: nothing was executed; the refused order is in the books.
        """
        held = self.positions.get(position_id)
        if held is None:
            # Of what never was, or is no more, the books know neither symbol nor side: the order shows none.
            unknown = (Symbol(""), Side.SELL, volume or Decimal(0))
            self._log.refuse(self._log.new(Purpose.CLOSE, position_id, *unknown, tag), checks.POSITION_NOT_FOUND)
        wanted = held.volume if volume is None else volume
        purpose = Purpose.CLOSE if wanted == held.volume else Purpose.REDUCE
        order = self._log.new(purpose, position_id, held.symbol, held.side.opposite, wanted, tag)
        text = checks.refusal_of_closing(self.market.instruments[held.symbol], held.volume, wanted)
        if text is not None:
            self._log.refuse(order, text)
        fill_price = price if price is not None else close_price(self.market, held)
        if fill_price is None:
            self._log.refuse(order, checks.OFF_QUOTES)
        if not checks.is_price(fill_price):
            self._log.refuse(order, checks.INVALID_PRICE)
        filled = self._dealing.close(order, held, wanted, fill_price)
        self._tell(held.symbol, StatusChanged())
        return filled

    def replace_stops(self, position_id: PositionId, stop_loss: Price | None, take_profit: Price | None) -> Position:
        """Set both stops of a position; None removes one.

        Raises:
            OrderRefused: there is no such position, or a stop lies on the wrong side, too close, or off the tick grid.
        """
        held = self.positions.get(position_id)
        if held is None:
            raise OrderRefused(checks.POSITION_NOT_FOUND)
        price = held.current_price or held.open_price
        text = checks.refusal_of_stops(self.market.instruments[held.symbol], held.side, price, stop_loss, take_profit)
        if text is not None:
            raise OrderRefused(text)
        replaced = evolve(held, stop_loss=stop_loss, take_profit=take_profit)
        self.positions[position_id] = replaced
        self._tell(held.symbol, PositionChanged(replaced))
        return replaced

    def refuse(
        self,
        symbol: Symbol,
        side: Side,
        volume: Volume,
        text: str,
        *,
        tag: str | None = None,
        purpose: Purpose = Purpose.OPEN,
        position_id: PositionId | None = None,
    ) -> NoReturn:
        """Record an order that the venue refuses for a reason of its own (a fault that was asked for), and say so.

        Raises:
            OrderRefused: always, with `text`.
        """
        self._log.refuse(self._log.new(purpose, position_id, symbol, side, volume, tag), text)

    def deposit(self, amount: Decimal) -> None:
        """Add `amount` to the balance, or take it out when negative (the balance may go below zero)."""
        self._dealing.balance += amount
        self.deposits.append(Deposit(f"deposit-{len(self.deposits) + 1}", self._now(), amount))
        self._tell(None, StatusChanged())

    # Looking

    def status(self) -> AccountStatus:
        """Return the account's figures at the latest quotes."""
        equity = self.balance + self._holdings.floating
        margin_used = self._holdings.margin_used
        return AccountStatus(self.balance, equity, self.currency, margin_used, equity - margin_used)

    def floating_pnl(self, position_id: PositionId) -> Decimal:
        """Return what an open position has gained or lost so far, in the account's currency.

        Raises:
            KeyError: it is not open.
        """
        return self._holdings.floating_of(position_id)

    def orders_with_tag(self, tag: str) -> list[BookOrder]:
        """Return all orders that ever came with `tag`, in order, filled or not."""
        return self._log.with_tag(tag)

    def position_of_tag(self, tag: str) -> Position | None:
        """Return the open position that a filled order with `tag` opened or added to; None when there is none."""
        for order in reversed(self._log.with_tag(tag)):
            if order.status is Result.FILLED and order.purpose is Purpose.OPEN and order.position_id is not None:
                return self.positions.get(order.position_id)
        return None

    def listen(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Have `callback` called at once and in order with every change, after the books show it; returns what ends it.

        A change that a callback itself causes is told to everybody after the one that is being told.
        """
        return self._listeners.add(callback)

    # Another life

    def restore(
        self,
        balance: Decimal,
        positions: list[Position],
        orders: list[BookOrder],
        working: Iterable[WorkingOrder] = (),
    ) -> None:
        """Take over what an earlier life of this account had; only for a book that nothing happened to yet.

        Closed positions do not come back (the orders tell of them). Nobody is told.

        Raises:
            ValueError: the book is not new, or the market has no instrument of a position or a pending order.
        """
        working = tuple(working)
        if self.orders or self.positions or self.working:
            raise ValueError(f"only a new book can be restored, this one has {len(self.orders)} orders")
        symbols = {position.symbol for position in positions} | {order.symbol for order in working}
        for symbol in sorted(symbols):
            if symbol not in self.market.instruments:
                raise ValueError(
                    f"the market has no instrument {symbol!r}, of which a position is open or an order works"
                )
        self._dealing.restore(balance, positions, orders)
        for each in working:
            self._working.put(each)
        for symbol in symbols:
            self._holds(self, symbol, True)

    # Marking

    def mark(self, quote: Quote) -> None:
        """Take a quote: pending orders that it reaches, then all stops of its symbol, those of new positions included.

        What is due expires before. Positions are valued anew.
        """
        self.expire()
        self._mark_orders(quote)
        held = [self._holdings.revalue(position) for position in self._holdings.of_symbol(quote.symbol)]
        for position in held:
            reached = checks.reached_stop(position, quote)
            if reached is not None:
                text, price = reached
                side, volume = position.side.opposite, position.volume
                order = self._log.new(Purpose.STOP_OUT, position.position_id, position.symbol, side, volume)
                self._dealing.close(order, position, volume, price, text)
        if held or self._dealing.changes:
            self._tell(quote.symbol, StatusChanged())

    def _tell(self, symbol: Symbol | None, *changes: Change) -> None:
        """Tell the listeners of all that was gathered, then of `changes`; all of it concerns `symbol` at most."""
        if symbol is not None:
            self._holds(self, symbol, self._holdings.holds(symbol) or self._working.holds(symbol))
        gathered = (*self._dealing.changes, *changes)
        self._dealing.changes.clear()
        self._listeners.tell(gathered)
