"""What a simulated venue refuses, and the words in which it does: volume grid, tradability, stops."""

from decimal import Decimal

from rules.instruments import Instrument
from rules.observed import Position, Quote
from rules.values import Price, Side, Volume

INVALID_VOLUME = "Invalid volume"
INVALID_STOPS = "Invalid stops"
INVALID_PRICE = "Invalid price"
TRADE_DISABLED = "Trade is disabled"
UNKNOWN_SYMBOL = "Unknown symbol"
OFF_QUOTES = "Off quotes"
NO_MONEY = "Not enough money"
POSITION_NOT_FOUND = "Position not found"
STOP_LOSS_HIT = "stop loss"
TAKE_PROFIT_HIT = "take profit"

PRICE_MAX = Decimal(10**9)
"""No price of any venue comes near; beyond it money would no longer fit Decimal's 28 digits to the cent."""


def is_price(price: Price) -> bool:
    """Tell whether `price` can be a price at all."""
    return 0 < price <= PRICE_MAX


def refusal_of_opening(instrument: Instrument, volume: Volume) -> str | None:
    """Return why an opening order of `volume` lots is refused, or None when it may pass."""
    if not instrument.tradable:
        return TRADE_DISABLED
    if not instrument.volume_min <= volume <= instrument.volume_max or volume % instrument.volume_step:
        return INVALID_VOLUME
    return None


def refusal_of_closing(instrument: Instrument, held: Volume, volume: Volume) -> str | None:
    """Return why closing `volume` of `held` lots is refused, or None when it may pass. The whole always may."""
    if volume == held:
        return None
    if not instrument.volume_min <= volume < held or volume % instrument.volume_step:
        return INVALID_VOLUME
    return None


def refusal_of_stops(
    instrument: Instrument, side: Side, price: Price, stop_loss: Price | None, take_profit: Price | None
) -> str | None:
    """Return why the stops of a position on `side` that would close at `price` are refused, or None.

    Each must lie on its own side of the price, by `stop_distance_min` at least, and on the tick grid.
    """
    distance_min = instrument.stop_distance_min or 0
    for stop, is_below in ((stop_loss, side is Side.BUY), (take_profit, side is Side.SELL)):
        if stop is None:
            continue
        distance = price - stop if is_below else stop - price
        if stop <= 0 or distance <= 0 or distance < distance_min:
            return INVALID_STOPS
        if instrument.tick_size and stop % instrument.tick_size:
            return INVALID_STOPS
    return None


def reached_stop(position: Position, quote: Quote) -> tuple[str, Price] | None:
    """Return which stop of `position` the quote reaches and at what price it closes, or None.

    Both fill at the quote: a stop-loss may so close beyond its price (a gap), a take-profit better than its own. When
    one quote reaches both, the stop-loss wins: the worse outcome.
    """
    price = quote.entry(position.side.opposite)
    gained = 1 if position.side is Side.BUY else -1
    if position.stop_loss is not None and (price - position.stop_loss) * gained <= 0:
        return STOP_LOSS_HIT, price
    if position.take_profit is not None and (price - position.take_profit) * gained >= 0:
        return TAKE_PROFIT_HIT, price
    return None
