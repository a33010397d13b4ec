"""A small market of shares for the simulated venue, with those of its demo that are easy to borrow and those not."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from adapters.simulation.market import Market
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import Symbol

# Names and the split as the demo environment has them (harvest of 2026-08-02); the prices are no more than a
# beginning, round numbers near those of late 2026.
_EASY: Final = {
    "AAPL": "270.00",
    "NVDA": "185.00",
    "MSFT": "480.00",
    "AMZN": "225.00",
    "GOOG": "295.00",
    "META": "600.00",
    "TSLA": "400.00",
    "BRK.B": "505.00",
    "TSM": "285.00",
    "AVGO": "345.00",
    "WMT": "105.00",
    "LLY": "1040.00",
    "JPM": "300.00",
    "V": "330.00",
    "UNH": "315.00",
}
_HARD: Final = {"XOM": "117.00", "ORCL": "205.00", "MA": "535.00", "NVO": "48.00", "COST": "895.00"}

HARD_TO_BORROW: Final = frozenset(_HARD)

_SPREAD = Decimal("0.02")


def _share(symbol: str) -> Instrument:
    return Instrument(
        symbol=Symbol(symbol),
        volume_min=Decimal(1),
        volume_step=Decimal(1),
        # Far above what a test trades and far below what 16 characters hold.
        volume_max=Decimal(1_000_000),
        tick_size=Decimal("0.01"),
        contract_size=Decimal(1),
        profit_currency="USD",
    )


SHARES: Final = tuple(_share(symbol) for symbol in (*_EASY, *_HARD))


def start_quotes(at: datetime) -> tuple[Quote, ...]:
    """Return a first quote for each share, as of `at` (UTC)."""
    bids = {**_EASY, **_HARD}
    return tuple(Quote(Symbol(symbol), Decimal(bid), Decimal(bid) + _SPREAD, at) for symbol, bid in bids.items())


def share_market(at: datetime) -> Market:
    """Return a market of these shares, quoted as of `at` (UTC)."""
    return Market(SHARES, start_quotes(at))


def asset_class(instrument: Instrument) -> str:
    """Return the venue's word for what an instrument is: what is dealt by the piece is a share here."""
    return "equity" if instrument.contract_size == 1 else "other"
