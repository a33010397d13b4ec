"""The scripted trader: opens, changes, partly closes and closes positions on the source accounts."""

from collections.abc import Iterable
from contextlib import suppress
from decimal import Decimal
from random import Random

import trio

from adapters.simulation.broker import Book, OrderRefused
from rules.instruments import round_to_step
from rules.values import Side

POSITIONS_MAX = 5
"""Open at once per source: with twice that many sources' worth of copies the target's limit of positions is met."""


class Trader:
    """Trades at random, by a seed; counts the positions that it opened."""

    def __init__(self, books: Iterable[Book], random: Random, *, stops: bool = True) -> None:
        self._books = tuple(books)
        self._stops = stops
        self._random = random
        self.opened = 0

    async def run(self) -> None:
        """Trade until cancelled, two or three times a second."""
        while True:
            with suppress(OrderRefused):  # the simulated venue may say no; a trader shrugs
                self.step()
            await trio.sleep(self._random.uniform(0.2, 0.6))

    def step(self) -> None:
        """Do one thing on one account."""
        book = self._random.choice(self._books)
        choice = self._random.random()
        if not book.positions or (choice < 0.5 and len(book.positions) < POSITIONS_MAX):
            self._open(book)
        elif choice < 0.65 and self._stops:
            self._replace_stops(book)
        elif choice < 0.8:
            self._close_part(book)
        else:
            book.close(self._random.choice(list(book.positions)))

    def _open(self, book: Book) -> None:
        symbol = self._random.choice(list(book.market.instruments))
        instrument, quote = book.market.instruments[symbol], book.market.quotes[symbol]
        side = self._random.choice((Side.BUY, Side.SELL))
        volume = instrument.volume_min * self._random.choice((1, 2, 6, 10, 20))
        distance = (instrument.tick_size or Decimal(1)) * self._random.choice((400, 800, 1600))
        stop_loss = quote.bid - distance if side is Side.BUY else quote.ask + distance
        book.open(symbol, side, volume, stop_loss=stop_loss if self._stops else None)
        self.opened += 1

    def _replace_stops(self, book: Book) -> None:
        position = book.positions[self._random.choice(list(book.positions))]
        instrument, quote = book.market.instruments[position.symbol], book.market.quotes[position.symbol]
        distance = (instrument.tick_size or Decimal(1)) * self._random.choice((300, 500, 900))
        long = position.side is Side.BUY
        stop_loss = quote.bid - distance if long else quote.ask + distance
        take_profit = quote.ask + 3 * distance if long else quote.bid - 3 * distance
        book.replace_stops(position.position_id, stop_loss, take_profit)

    def _close_part(self, book: Book) -> None:
        position = book.positions[self._random.choice(list(book.positions))]
        instrument = book.market.instruments[position.symbol]
        part = round_to_step(position.volume / 2, instrument.volume_step)
        if part >= instrument.volume_min and position.volume - part >= instrument.volume_min:
            book.close(position.position_id, part)
