"""The people of a simulation: a trader on the sources, and somebody who trades by hand on the targets."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from random import Random

from attrs import define, field

from adapters.simulation.broker import Book, OrderRefused
from rules.model.identity import is_ours
from rules.model.instruments import round_to_step
from rules.model.observed import Position
from rules.model.values import AccountId, OmsType, PositionId, Price, Side, Symbol, Volume
from tests.simulation.scenario import DENIED_SYMBOL

POSITIONS_MAX = 5
"""Open at once per source."""

VOLUMES = (1, 2, 3, 6, 10, 25, 60)
"""Of the least that a person trades: below and above the minimum and the cap once multiplied."""


@define
class Trader:
    """Opens, changes, partly closes and closes, at random."""

    books: tuple[Book, ...]
    random: Random
    smallest: Callable[[Book, Symbol], Volume]
    """Returns the least that a person trades there."""
    without_stops: frozenset[str] = frozenset()
    """The books whose venue keeps no stops on positions."""

    def step(self) -> None:
        """Do one thing, or a few at the same instant, as programs do."""
        for _ in range(self.random.choice((1, 1, 1, 1, 2, 4))):
            self._act()

    def _act(self) -> None:
        """Do one thing on one account; the venue may refuse it, and a trader shrugs."""
        book = self.random.choice(self.books)
        choice = self.random.random()
        with suppress(OrderRefused):
            if not book.positions or (choice < 0.45 and len(book.positions) < POSITIONS_MAX):
                self._open(book)
            elif choice < 0.6 and book.name not in self.without_stops:
                book.replace_stops(*self._stops(book, self._one(book)))
            elif choice < 0.75:
                _close_part(book, self._one(book))
            else:
                book.close(self._one(book).position_id)

    def close_all(self) -> None:
        """Close everything at once, as a trader does on bad news."""
        for book in self.books:
            for position_id in tuple(book.positions):
                book.close(position_id)

    def _one(self, book: Book) -> Position:
        return self.random.choice(list(book.positions.values()))

    def _open(self, book: Book) -> None:
        symbol = self.random.choice(list(book.market.instruments))
        instrument, quote = book.market.instruments[symbol], book.market.quotes[symbol]
        side = self.random.choice((Side.BUY, Side.SELL))
        volume = self.smallest(book, symbol) * self.random.choice(VOLUMES)
        distance = (instrument.tick_size or Decimal(1)) * self.random.choice((60, 150, 800))
        stop_loss = self.random.choice((None, quote.bid - distance if side is Side.BUY else quote.ask + distance))
        book.open(symbol, side, volume, stop_loss=None if book.name in self.without_stops else stop_loss)

    def _stops(self, book: Book, position: Position) -> tuple[PositionId, Price | None, Price | None]:
        instrument, quote = book.market.instruments[position.symbol], book.market.quotes[position.symbol]
        distance = (instrument.tick_size or Decimal(1)) * self.random.choice((80, 300, 900))
        long = position.side is Side.BUY
        stop_loss = quote.bid - distance if long else quote.ask + distance
        take_profit = quote.ask + 3 * distance if long else quote.bid - 3 * distance
        return position.position_id, self.random.choice((None, stop_loss)), self.random.choice((None, take_profit))


@define
class Hand:
    """A person at the targets: closes and reduces copies by hand, and has positions of their own there.

    It keeps what it did, for the auditor.
    """

    books: Mapping[AccountId, Book]
    random: Random
    foreign: dict[tuple[AccountId, PositionId], Volume] = field(factory=dict)
    """The person's own positions, and the lots that they left in each."""
    touched: dict[tuple[AccountId, PositionId], datetime] = field(factory=dict)
    """Copies that the person closed or reduced."""

    def step(self, now: datetime) -> None:
        """Do one thing on one target."""
        account = self.random.choice(sorted(self.books))
        book = self.books[account]
        copies = [position for position in book.positions.values() if is_ours(position.tag)]
        if book.oms is OmsType.NETTING:
            copies = []  # whose lots a hand takes from a netted position, no book could tell
        choice = self.random.random()
        if choice < 0.5 or not copies:
            self._open(account, book)
            return
        position = self.random.choice(copies)
        self.touched[account, position.position_id] = now
        if choice < 0.8:
            book.close(position.position_id)
        else:
            _close_part(book, position)

    def _open(self, account: AccountId, book: Book) -> None:
        symbols = list(book.market.instruments)
        if book.oms is OmsType.NETTING:
            symbols = [symbol for symbol in symbols if symbol.startswith(DENIED_SYMBOL)]  # its own, beside the copies
        order = book.open(self.random.choice(symbols), self.random.choice((Side.BUY, Side.SELL)), Decimal(1))
        assert order.position_id is not None  # a filled order has one
        self.foreign[account, order.position_id] = order.volume


def _close_part(book: Book, position: Position) -> None:
    instrument = book.market.instruments[position.symbol]
    part = round_to_step(position.volume / 2, instrument.volume_step)
    if part >= instrument.volume_min and position.volume - part >= instrument.volume_min:
        book.close(position.position_id, part)


def open_positions(books: Iterable[Book]) -> int:
    """Return how many positions are open in all of `books`."""
    return sum(len(book.positions) for book in books)
