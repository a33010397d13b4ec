"""The default instruments of every simulated market, and the quotes that they start from.

Grids and contract sizes are those which retail venues commonly use (FX lots of 100,000, gold lots of 100 ounces, one
index unit or one coin a lot); prices are round numbers near those of late 2026, and no more than a beginning.
"""

from datetime import datetime
from decimal import Decimal

from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import Symbol


def _instrument(symbol: str, volumes: str, tick_size: str, contract_size: str, profit_currency: str) -> Instrument:
    volume_min, volume_step, volume_max = volumes.split()
    return Instrument(
        symbol=Symbol(symbol),
        volume_min=Decimal(volume_min),
        volume_step=Decimal(volume_step),
        volume_max=Decimal(volume_max),
        tick_size=Decimal(tick_size),
        contract_size=Decimal(contract_size),
        profit_currency=profit_currency,
    )


DEFAULT_INSTRUMENTS: tuple[Instrument, ...] = (
    _instrument("EURUSD", "0.01 0.01 100", "0.00001", "100000", "USD"),
    _instrument("GBPUSD", "0.01 0.01 100", "0.00001", "100000", "USD"),
    _instrument("USDJPY", "0.01 0.01 100", "0.001", "100000", "JPY"),
    _instrument("EURGBP", "0.01 0.01 100", "0.00001", "100000", "GBP"),
    _instrument("XAUUSD", "0.01 0.01 50", "0.01", "100", "USD"),
    _instrument("US100", "0.1 0.1 50", "0.1", "1", "USD"),
    _instrument("DE40", "0.1 0.1 50", "0.1", "1", "EUR"),
    _instrument("BTCUSD", "0.01 0.01 10", "0.01", "1", "USD"),
)

_START = {
    "EURUSD": ("1.16000", "1.16008"),
    "GBPUSD": ("1.31000", "1.31012"),
    "USDJPY": ("156.000", "156.012"),
    "EURGBP": ("0.88550", "0.88564"),
    "XAUUSD": ("4080.00", "4080.25"),
    "US100": ("24500.0", "24501.5"),
    "DE40": ("23200.0", "23201.2"),
    "BTCUSD": ("86000.00", "86020.00"),
}


def start_quotes(at: datetime) -> tuple[Quote, ...]:
    """Return a first quote for each default instrument, as of `at` (UTC)."""
    return tuple(Quote(Symbol(symbol), Decimal(bid), Decimal(ask), at) for symbol, (bid, ask) in _START.items())
