"""The market that all simulated venues share: instruments, their current quotes, and a random walk on the tick grid."""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from random import Random

from adapters.simulation.checks import PRICE_MAX
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.listeners import Listeners
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import Price, Symbol

TICKS_A_MOVE_MAX = 12
"""The farthest that one move takes a quote. With three moves a second EURUSD then wanders some 100 points an hour:
lively enough to meet stops within a test, tame enough to keep its order of magnitude."""


class Market:
    """Instruments and their latest quotes. The single writer is whoever calls `set_quote` or `move`."""

    def __init__(self, instruments: Iterable[Instrument], quotes: Iterable[Quote] = ()) -> None:
        """Make a market.

        Raises:
            ValueError: an instrument whose volume grid is impossible, or a quote that `set_quote` refuses.
        """
        self.instruments: dict[Symbol, Instrument] = {}
        for instrument in instruments:
            if not (0 < instrument.volume_min <= instrument.volume_max and instrument.volume_step > 0):
                raise ValueError(f"instrument must have 0 < volume_min <= volume_max and a step > 0, was {instrument}")
            self.instruments[instrument.symbol] = instrument
        self.quotes: dict[Symbol, Quote] = {}
        self._listeners: Listeners[Quote] = Listeners()
        for quote in quotes:
            self.set_quote(quote)

    @classmethod
    def default(cls, at: datetime) -> "Market":
        """Return a market of the default instruments, quoted as of `at` (UTC)."""
        return cls(DEFAULT_INSTRUMENTS, start_quotes(at))

    def listen(self, callback: Callable[[Quote], None]) -> Callable[[], None]:
        """Have `callback` called, in order and at once, with every new quote; returns what ends that."""
        return self._listeners.add(callback)

    def set_quote(self, quote: Quote) -> None:
        """Make `quote` the current one of its symbol, and tell all listeners.

        Raises:
            ValueError: the symbol is unknown, a price is not above zero or absurd, or the bid lies above the ask.
        """
        if quote.symbol not in self.instruments:
            raise ValueError(f"symbol must be one of the market's instruments, was {quote.symbol!r}")
        if not 0 < quote.bid <= quote.ask <= PRICE_MAX:
            prices = f"{quote.bid}/{quote.ask}"
            raise ValueError(f"quote must have 0 < bid <= ask <= {PRICE_MAX}, was {prices} for {quote.symbol!r}")
        self.quotes[quote.symbol] = quote
        self._listeners.tell([quote])

    def move(self, random: Random, at: datetime) -> list[Quote]:
        """Move every quoted symbol by a few ticks up or down, its spread kept; returns the new quotes.

        A price that would leave the possible range stays where it is. A symbol without a tick size moves by the last
        digit of its bid.
        """
        moved = []
        for quote in tuple(self.quotes.values()):
            tick = self.instruments[quote.symbol].tick_size or _last_digit(quote.bid)
            shift = random.randint(-TICKS_A_MOVE_MAX, TICKS_A_MOVE_MAX) * tick
            if quote.bid + shift <= 0 or quote.ask + shift > PRICE_MAX:
                shift = Decimal(0)
            new = Quote(quote.symbol, quote.bid + shift, quote.ask + shift, at)
            self.set_quote(new)
            moved.append(new)
        return moved


def _last_digit(price: Price) -> Price:
    """Return one unit of the last place in which `price` is written: 1.25 -> 0.01."""
    exponent = price.as_tuple().exponent
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(1)
