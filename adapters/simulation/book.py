"""The books of one simulated account: positions, balance, and every order ever, with hedging or netting."""

from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn

from attrs import evolve

from adapters.base import UtcNow
from adapters.simulation import checks
from adapters.simulation.holdings import Holdings
from adapters.simulation.listeners import Listeners
from adapters.simulation.market import Market
from adapters.simulation.money import close_price, margin, result
from adapters.simulation.order_log import OrderLog
from adapters.simulation.records import (
    BookOrder,
    Change,
    ClosedPosition,
    OrderRefused,
    PositionChanged,
    PositionGone,
    Purpose,
    Result,
    StatusChanged,
)
from rules.observed import AccountStatus, Position, Quote
from rules.values import OmsType, PositionId, Price, Side, Symbol, VenueOrderId, Volume

# Far below any tick size, so that averaging hardly moves a price, and few enough digits for every reader's limits.
_AVERAGE_PRICE_GRID = Decimal("1e-10")


class Book:
    """One account. Made by `Broker.add_account`; changed by one task at a time, at once, never waiting.

    A position change costs the same with one position or ten thousand; a quote touches the positions of its symbol.
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
        self.balance = balance
        self.currency = currency
        self.market = market
        self._log = OrderLog(now, take_id)
        self.orders = self._log.orders
        self.closed: list[ClosedPosition] = []
        self._holdings = Holdings(market, currency)
        self.positions = self._holdings.positions
        self._now = now
        self._take_id = take_id
        self._holds = holds
        self._booked: dict[PositionId, Decimal] = {}
        self._changes: list[Change] = []
        self._listeners: Listeners[Change] = Listeners()

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
        held = self._netted(symbol)
        if held is not None and held.side is not side and volume <= held.volume:
            return self._close(order, held, volume, fill_price)
        reference = fill_price if quote is None else quote.entry(side.opposite)
        text = checks.refusal_of_stops(instrument, side, reference, stop_loss, take_profit)
        if text is not None:
            self._log.refuse(order, text)
        if not self._can_pay(order, held, fill_price):
            self._log.refuse(order, checks.NO_MONEY)
        stops = (stop_loss, take_profit)
        if held is not None and held.side is side:
            return self._add(order, held, fill_price, stops)
        return self._open(order, held, fill_price, stops)

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
        return self._close(order, held, wanted, fill_price)

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
        self._tell(PositionChanged(replaced))
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
        self.balance += amount
        self._tell(StatusChanged())

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

    def restore(self, balance: Decimal, positions: list[Position], orders: list[BookOrder]) -> None:
        """Take over what an earlier life of this account had; only for a book that nothing happened to yet.

        Closed positions do not come back (the orders tell of them).

        Raises:
            ValueError: the book is not new, or a position's symbol is not among the market's instruments.
        """
        if self.orders or self.positions:
            raise ValueError(f"only a new book can be restored, this one has {len(self.orders)} orders")
        for position in positions:
            if position.symbol not in self.market.instruments:
                raise ValueError(f"the market has no instrument {position.symbol!r}, of which a position is open")
        self.balance = balance
        for position in positions:
            self._put(position)
        for order in orders:
            self._log.record(order)
            # What partial closes booked belongs to the result of the whole life. An order that opened the position
            # booked nothing of it: what it realized (a netting flip) was of the position before.
            if order.position_id in self.positions and order.purpose is not Purpose.OPEN:
                self._booked[order.position_id] = self._booked.get(order.position_id, Decimal(0)) + order.realized_pnl

    # Marking

    def mark(self, quote: Quote) -> None:
        """Value the positions of the quote's symbol anew, and close those whose stop it reaches."""
        held = [self._holdings.revalue(position) for position in self._holdings.of_symbol(quote.symbol)]
        for position in held:
            reached = checks.reached_stop(position, quote)
            if reached is not None:
                text, price = reached
                side, volume = position.side.opposite, position.volume
                order = self._log.new(Purpose.STOP_OUT, position.position_id, position.symbol, side, volume)
                self._settle(order, position, volume, price, text)
        if held:
            self._tell(StatusChanged())

    # Filling

    def _open(
        self, order: BookOrder, turned: Position | None, price: Price, stops: tuple[Price | None, Price | None]
    ) -> BookOrder:
        """Open a position by the whole order, or, when it turns a netted one around, by what is left of it."""
        realized = Decimal(0)
        volume = order.volume
        if turned is not None:
            volume -= turned.volume
            realized = self._book_closing(order.order_id, Purpose.CLOSE, turned, turned.volume, price)
        position = self._put(
            Position(
                position_id=PositionId(str(self._take_id())),
                symbol=order.symbol,
                side=order.side,
                volume=volume,
                open_price=price,
                opened_at=order.at,
                stop_loss=stops[0],
                take_profit=stops[1],
                contract_size=self.market.instruments[order.symbol].contract_size,
                magic=order.magic,
                comment=order.comment,
                tag=order.tag,
            )
        )
        self._changes.append(PositionChanged(position))
        filled = self._log.fill(order, position.position_id, price, realized)
        self._tell(StatusChanged())
        return filled

    def _add(
        self, order: BookOrder, held: Position, price: Price, stops: tuple[Price | None, Price | None]
    ) -> BookOrder:
        volume = held.volume + order.volume
        average = (held.open_price * held.volume + price * order.volume) / volume
        position = self._put(
            evolve(
                held,
                volume=volume,
                open_price=average.quantize(_AVERAGE_PRICE_GRID),
                stop_loss=held.stop_loss if stops[0] is None else stops[0],
                take_profit=held.take_profit if stops[1] is None else stops[1],
                current_price=price,
            )
        )
        self._changes.append(PositionChanged(position))
        filled = self._log.fill(order, held.position_id, price, Decimal(0))
        self._tell(StatusChanged())
        return filled

    def _close(self, order: BookOrder, held: Position, volume: Volume, price: Price) -> BookOrder:
        """Close `volume` lots by `order`, which on a netting account may have come as an opening of the other side."""
        purpose = Purpose.CLOSE if volume == held.volume else Purpose.REDUCE
        filled = self._settle(evolve(order, purpose=purpose), held, volume, price, "")
        self._tell(StatusChanged())
        return filled

    def _settle(self, order: BookOrder, held: Position, volume: Volume, price: Price, text: str) -> BookOrder:
        realized = self._book_closing(order.order_id, order.purpose, held, volume, price)
        return self._log.fill(evolve(order, text=text), held.position_id, price, realized)

    def _book_closing(
        self, order_id: VenueOrderId, purpose: Purpose, held: Position, volume: Volume, price: Price
    ) -> Decimal:
        """Take `volume` lots out of `held` at `price`, into the balance; returns what that realized."""
        position_id = held.position_id
        realized = result(self.market, held, volume, price, self.currency)
        self.balance += realized
        booked = self._booked.get(position_id, Decimal(0)) + realized
        if volume < held.volume:
            self._booked[position_id] = booked
            self._changes.append(PositionChanged(self._put(evolve(held, volume=held.volume - volume))))
            return realized
        self._booked.pop(position_id, None)
        self._holdings.drop(held)
        if not self._holdings.holds(held.symbol):
            self._holds(self, held.symbol, False)
        closed = ClosedPosition(held, price, self._now(), order_id, purpose, booked)
        self.closed.append(closed)
        self._changes.append(PositionGone(closed))
        return realized

    def _can_pay(self, order: BookOrder, held: Position | None, price: Price) -> bool:
        """Tell whether the free margin bears what the order opens. Turning a position around frees its margin first."""
        opened = order.volume
        free = self.balance + self._holdings.floating - self._holdings.margin_used
        if held is not None and held.side is not order.side:
            opened -= held.volume
            free += self._holdings.margin_of(held.position_id)
        return margin(self.market, order.symbol, opened, price, self.currency) <= free

    def _netted(self, symbol: Symbol) -> Position | None:
        """Return the one position of `symbol` that a netting account has, if any."""
        if self.oms is OmsType.HEDGING:
            return None
        return next(iter(self._holdings.of_symbol(symbol)), None)

    def _put(self, position: Position) -> Position:
        self._holds(self, position.symbol, True)
        return self._holdings.put(position)

    def _tell(self, *changes: Change) -> None:
        """Tell the listeners of all that was gathered, then of `changes`."""
        gathered, self._changes = (*self._changes, *changes), []
        self._listeners.tell(gathered)
