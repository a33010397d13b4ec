"""An account's instruments, and which of them are easy to borrow, asked for now and then."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

import trio

from adapters.base import UtcNow
from adapters.clearstreet.config import Config
from adapters.clearstreet.rest import Rest
from rules.model.instruments import Instrument
from rules.model.values import Symbol

_KEPT: Final = timedelta(hours=6)
"""The list of instruments changes between trading days."""

_AGAIN: Final = timedelta(minutes=5)
"""A list that lacks a symbol is asked for again when it is older: listings and borrow lists change a little by day."""


class Catalog:
    """What the venue says of symbols, kept for a while."""

    def __init__(self, rest: Rest, config: Config, now: UtcNow) -> None:
        self._rest = rest
        self._zone = config.zone
        self._now = now
        self._lock = trio.Lock()
        self._instruments: Mapping[Symbol, Instrument] = {}
        self._instruments_at: datetime | None = None
        self._easy: frozenset[str] = frozenset()
        self._easy_at: datetime | None = None

    async def instruments(self) -> Mapping[Symbol, Instrument]:
        """Return all instruments by symbol."""
        async with self._lock:
            await self._look_at_instruments(_KEPT)
            return self._instruments

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        """Return one instrument; None when there is none of that name."""
        async with self._lock:
            await self._look_at_instruments(_KEPT)
            if symbol not in self._instruments:
                await self._look_at_instruments(_AGAIN)
            return self._instruments.get(symbol)

    async def is_easy_to_borrow(self, symbol: Symbol) -> bool:
        """Tell whether a symbol can be sold short today without a locate."""
        async with self._lock:
            now = self._now()
            fresh = self._easy_at is not None and self._day(self._easy_at) == self._day(now)
            if fresh and self._easy_at is not None and symbol not in self._easy:
                fresh = now - self._easy_at < _AGAIN
            if not fresh:
                self._easy = await self._rest.easy_borrows()
                self._easy_at = now
            return symbol in self._easy

    def _day(self, at: datetime) -> date:
        return at.astimezone(self._zone).date()

    async def _look_at_instruments(self, kept: timedelta) -> None:
        now = self._now()
        if self._instruments_at is None or now - self._instruments_at >= kept:
            self._instruments = await self._rest.instruments()
            self._instruments_at = now
