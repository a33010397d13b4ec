"""The scripted trader: opens, changes, partly closes and closes positions on the source accounts."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from random import Random

import trio

from adapters.simulation.records import OrderRefused
from adapters.simulation.remote import RemoteAccount
from rules.model.frozen import frozen
from rules.model.instruments import Instrument, round_to_step
from rules.model.observed import Position, Quote
from rules.model.values import Side, Symbol

POSITIONS_MAX = 5
"""Open at once per source: two sources' worth of copies then stays just below the demo's limit of positions."""


@frozen
class Terminal:
    """An account that the trader trades by hand, and what is traded there."""

    account: RemoteAccount
    instruments: Mapping[Symbol, Instrument]


class Trader:
    """Trades at random, by a seed; counts the positions that it opened."""

    def __init__(self, terminals: Sequence[Terminal], random: Random, *, stops: bool = True) -> None:
        self._terminals = terminals
        self._stops = stops
        self._random = random
        self.opened = 0

    async def run(self, pause_s: float) -> None:
        """Trade until cancelled, with pauses of half to one and a half `pause_s`."""
        while True:
            with suppress(OrderRefused):  # the simulated venue may say no; a trader shrugs
                await self._step(self._random.choice(self._terminals))
            await trio.sleep(self._random.uniform(0.5, 1.5) * pause_s)

    async def _step(self, terminal: Terminal) -> None:
        """Do one thing on one account."""
        positions = list((await terminal.account.book()).positions.values())
        quotes = await terminal.account.quotes()
        choice = self._random.random()
        if not positions or (choice < 0.5 and len(positions) < POSITIONS_MAX):
            await self._open(terminal, quotes)
            return
        position = self._random.choice(positions)
        if choice < 0.65 and self._stops:
            await self._replace_stops(terminal, position, quotes[position.symbol])
        elif choice < 0.8:
            await self._close_part(terminal, position)
        else:
            await terminal.account.close(position.position_id)

    async def _open(self, terminal: Terminal, quotes: Mapping[Symbol, Quote]) -> None:
        symbol = self._random.choice(sorted(terminal.instruments))
        instrument, quote = terminal.instruments[symbol], quotes[symbol]
        side = self._random.choice((Side.BUY, Side.SELL))
        volume = instrument.volume_min * self._random.choice((1, 2, 6, 10, 20))
        distance = (instrument.tick_size or Decimal(1)) * self._random.choice((400, 800, 1600))
        stop_loss = quote.bid - distance if side is Side.BUY else quote.ask + distance
        await terminal.account.open(symbol, side, volume, stop_loss if self._stops else None)
        self.opened += 1

    async def _replace_stops(self, terminal: Terminal, position: Position, quote: Quote) -> None:
        instrument = terminal.instruments[position.symbol]
        distance = (instrument.tick_size or Decimal(1)) * self._random.choice((300, 500, 900))
        long = position.side is Side.BUY
        stop_loss = quote.bid - distance if long else quote.ask + distance
        take_profit = quote.ask + 3 * distance if long else quote.bid - 3 * distance
        await terminal.account.replace_stops(position.position_id, stop_loss, take_profit)

    async def _close_part(self, terminal: Terminal, position: Position) -> None:
        instrument = terminal.instruments[position.symbol]
        part = round_to_step(position.volume / 2, instrument.volume_step)
        if part >= instrument.volume_min and position.volume - part >= instrument.volume_min:
            await terminal.account.close(position.position_id, part)
