"""What one stream session remembers: net positions, executions of the day, and what changed while the books were asked.

A change comes as one or more trade-notices and one position-update, in no documented order. The position-update tells;
where none follows, the last execution's running position does.
"""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final, TypeAlias

from adapters.clearstreet import translate, wire
from adapters.clearstreet.net import Books, Lives, Trail, follow
from adapters.clearstreet.translate import Holding, Trade
from rules.model.frozen import frozen
from rules.model.observed import Position
from rules.model.values import Price, Symbol

# Of a price that we average ourselves, where the venue tells none: finer than any that is dealt.
_AVERAGE_GRID: Final = Decimal("0.0001")


StopOf: TypeAlias = Callable[[Symbol, Decimal], Price | None]
"""Returns the stop-loss that the orders at work are for a signed position."""


@frozen
class Closed:
    """A position is flat; the price and time are those of its last execution, where the stream told that."""

    symbol: Symbol
    price: Price | None = None
    at: datetime | None = None


class StreamBook:
    """Net positions as the stream tells them."""

    def __init__(self, lives: Lives, stop_of: StopOf) -> None:
        self._lives = lives
        self._stop_of = stop_of
        self._holdings: dict[Symbol, Holding] = {}
        self._trails: dict[Symbol, Trail] = {}
        self._told: dict[Symbol, Position] = {}
        self._touched: dict[Symbol, int] = {}
        self._waiting: dict[Symbol, None] = {}
        self.mark = 0
        """Counts what changed positions; taken before the books are asked for."""
        self.live = False
        """Whether changes are news. Nobody hears of them before the books have confirmed what is held."""

    @property
    def waits(self) -> bool:
        """Tell whether an execution waits for its position-update."""
        return bool(self._waiting)

    def take_trade(self, trade: Trade) -> Position | None:
        """Take an execution; where its position-update came before it, return the position with its opening time."""
        trail = follow(self._trails.get(trade.symbol), trade)
        self._trails[trade.symbol] = trail
        self._touch(trade.symbol)
        held = self._holdings.get(trade.symbol)
        # The second reading is for a venue that tells the position before the execution: nothing is reckoned back then.
        if (0 if held is None else held.quantity) in (trail.running, trail.running + trade.quantity):
            self._waiting.pop(trade.symbol, None)
            return None if held is None else self._tell(held, trail)
        self._waiting[trade.symbol] = None
        return None

    def take_position(self, message: wire.Position) -> Position | Closed | None:
        """Take a position-update; None when it changes nothing."""
        symbol = message.symbol
        trail = self._trails.get(symbol)
        held = translate.holding(message)
        if held is not None and trail is not None:
            held = translate.meant(held, trail.running)
        self._waiting.pop(symbol, None)
        self._touch(symbol)
        return self._close(symbol) if held is None else self._hold(held, trail)

    def settle(self) -> list[Position | Closed]:
        """Take the executions that wait no longer for their position-updates; returns what they change."""
        waiting, self._waiting = self._waiting, {}
        found: list[Position | Closed] = []
        for symbol in waiting:
            trail, held = self._trails[symbol], self._holdings.get(symbol)
            change = self._close(symbol) if trail.running == 0 else self._hold(_reckoned(symbol, held, trail), trail)
            if change is not None:
                found.append(change)
        return found

    def quantity(self, symbol: Symbol) -> Decimal:
        """Return the signed position of `symbol`."""
        held = self._holdings.get(symbol)
        return Decimal(0) if held is None else held.quantity

    def take_stops(self, symbol: Symbol) -> Position | None:
        """Take note that the stops of a symbol changed; None when its position shows the same."""
        held = self._holdings.get(symbol)
        return None if held is None else self._news(held, self._trails.get(symbol))

    def positions(self) -> list[Position]:
        """Return all open positions."""
        for symbol, held in self._holdings.items():
            opened = self._lives.opened_at(held, self._trails.get(symbol))
            self._told[symbol] = translate.position(held, opened, self._stop_of(symbol, held.quantity))
        return list(self._told.values())

    # Books

    def difference(self, books: Books, mark: int) -> str | None:
        """Say where books, asked for at `mark`, have another quantity than the stream told today; None: nowhere."""
        for symbol, touched in self._touched.items():
            if touched > mark:
                continue  # newer than the books
            held = self._holdings.get(symbol)
            ours, theirs = Decimal(0) if held is None else held.quantity, books.quantity(symbol)
            if ours != theirs:
                return f"{symbol[:40]}: {ours} in the stream, {theirs} in the books"
        return None

    def take_books(self, books: Books, mark: int) -> None:
        """Take books that were asked for at `mark` as the truth, but for what changed since."""
        newer = {symbol for symbol, at in self._touched.items() if at > mark}
        for symbol in [symbol for symbol in self._holdings if symbol not in books.holdings and symbol not in newer]:
            self._close(symbol)
        confirmed = {symbol: held for symbol, held in books.holdings.items() if symbol not in newer}
        self._holdings.update(confirmed)
        self._waiting = {symbol: None for symbol in self._waiting if symbol not in confirmed}
        for symbol, trail in books.trails.items():
            known = self._trails.get(symbol)
            if known is None or (symbol not in newer and known.at < trail.at):
                self._trails[symbol] = trail
        self._lives.close_others(self._holdings, books.asked_at)

    def _touch(self, symbol: Symbol) -> None:
        self.mark += 1
        self._touched[symbol] = self.mark

    def _hold(self, held: Holding, trail: Trail | None) -> Position | None:
        self._holdings[held.symbol] = held
        return self._tell(held, trail)

    def _tell(self, held: Holding, trail: Trail | None) -> Position | None:
        """Return what is held as news; None when a look was faster and showed the life that came after it."""
        began = trail.opened_at if trail is not None and trail.running == held.quantity else None
        if began is not None and self._lives.is_later(held.symbol, began, held.side):
            self._told.pop(held.symbol, None)
            return None
        return self._news(held, trail)

    def _news(self, held: Holding, trail: Trail | None) -> Position | None:
        """Return what is held as a position, or None when just this was told before, or nothing is told yet."""
        # Also while nothing is told: the life that begins here may be the present one.
        opened = self._lives.opened_at(held, trail)
        if not self.live:
            return None
        position = translate.position(held, opened, self._stop_of(held.symbol, held.quantity))
        if self._told.get(held.symbol) == position:
            return None
        self._told[held.symbol] = position
        return position

    def _close(self, symbol: Symbol) -> Closed | None:
        trail = self._trails.get(symbol)
        was_flat = trail is not None and trail.running == 0
        is_old = trail is not None and was_flat and self._lives.is_later(symbol, trail.at)
        if not is_old:
            self._lives.close(symbol)
        self._told.pop(symbol, None)
        if self._holdings.pop(symbol, None) is None or is_old:
            return None
        if trail is None or trail.running != 0:
            return Closed(symbol)
        return Closed(symbol, trail.price, trail.at)


def _reckoned(symbol: Symbol, held: Holding | None, trail: Trail) -> Holding:
    """Return what a position is by its executions alone; its average cost moves only when it grows."""
    if held is None or held.quantity * trail.running < 0:
        return Holding(symbol, trail.running, trail.price)
    added = trail.running - held.quantity
    if added * held.quantity <= 0:
        return Holding(symbol, trail.running, held.average_cost)
    average = (held.average_cost * held.quantity + trail.price * added) / trail.running
    return Holding(symbol, trail.running, max(average.quantize(_AVERAGE_GRID), _AVERAGE_GRID))
