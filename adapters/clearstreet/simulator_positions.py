"""The net positions of one simulated account as the venue shows them: signed quantities and average costs."""

from decimal import Decimal

from adapters.clearstreet.simulator_words import Json, numeral
from adapters.simulation.broker import Book, Change, PositionChanged, PositionGone
from rules.model.observed import Position
from rules.model.values import Symbol, Volume, plain


class Positions:
    """Quantities move with the trades that are told, one by one; average costs are the books'."""

    def __init__(self, book: Book, account: Json) -> None:
        self._account = account
        self._held: dict[Symbol, Position] = {position.symbol: position for position in book.positions.values()}
        self._quantities = {symbol: held.volume * held.side.sign for symbol, held in self._held.items()}
        self._sod_quantities: dict[Symbol, Volume] = {}
        self.begin_day()

    def begin_day(self) -> None:
        """Note the quantities at the start of a day."""
        self._sod_quantities = dict(self._quantities)

    def follow(self, change: Change) -> None:
        """Learn of a position's new average cost."""
        match change:
            case PositionChanged(position):
                self._held[position.symbol] = position
            case PositionGone(closed):
                self._held.pop(closed.position.symbol, None)

    def add(self, symbol: Symbol, quantity: Volume) -> Volume:
        """Add a signed quantity; returns the new one."""
        added = self.quantity(symbol) + quantity
        self._quantities[symbol] = added
        if not added:
            del self._quantities[symbol]
        return added

    def quantity(self, symbol: Symbol) -> Volume:
        """Return the signed quantity, zero for a flat symbol."""
        return self._quantities.get(symbol, Decimal(0))

    def sod_quantity(self, symbol: Symbol) -> Volume:
        """Return the signed quantity at the start of the day."""
        return self._sod_quantities.get(symbol, Decimal(0))

    def symbols(self, *, of_today: bool = False) -> list[Symbol]:
        """Return the symbols that are not flat, in order; with `of_today` also those that were not at its start."""
        return sorted({*self._quantities, *(self._sod_quantities if of_today else ())})

    def show(self, symbol: Symbol) -> Json:
        """Return the Position in a symbol; a short one is below zero, a flat one has no cost."""
        quantity, held = self.quantity(symbol), self._held.get(symbol)
        cost = Decimal(0) if held is None or not quantity else held.open_price
        return {**self._account, "symbol": symbol, "quantity": plain(quantity), "average_cost": numeral(cost)}
