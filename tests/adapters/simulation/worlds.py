"""A small market, a broker and quotes for the tests of the simulated venues."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from adapters.simulation.broker import Broker
from adapters.simulation.market import Market
from rules.model.observed import Quote
from rules.model.values import Symbol

START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
EURUSD = Symbol("EURUSD")
USDJPY = Symbol("USDJPY")
EURGBP = Symbol("EURGBP")


class Clock:
    """Stands still until told."""

    def __init__(self) -> None:
        self.at = START

    def __call__(self) -> datetime:
        return self.at

    def advance(self, seconds: int) -> None:
        self.at += timedelta(seconds=seconds)


class BusyClock(Clock):
    """Goes on by a second whenever it is read, as where others have the processor between two readings."""

    def __call__(self) -> datetime:
        self.advance(1)
        return self.at


def make_broker(clock: Clock | None = None) -> Broker:
    """A broker on the default market: EURUSD starts at 1.16000/1.16008."""
    return Broker(Market.default(START), clock or Clock())


def quote(symbol: Symbol, bid: str, ask: str) -> Quote:
    return Quote(symbol, Decimal(bid), Decimal(ask), START)
