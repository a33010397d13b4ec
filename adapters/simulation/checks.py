"""What a simulated venue refuses, and the words in which it does: volume grid, tradability, prices, stops."""

from decimal import Decimal

from rules.model.instruments import Instrument
from rules.model.observed import Position, Quote, WorkingOrder
from rules.model.values import OrderType, Price, Side, Volume

INVALID_VOLUME = "Invalid volume"
INVALID_STOPS = "Invalid stops"
INVALID_PRICE = "Invalid price"
TRADE_DISABLED = "Trade is disabled"
UNKNOWN_SYMBOL = "Unknown symbol"
OFF_QUOTES = "Off quotes"
NO_MONEY = "Not enough money"
POSITION_NOT_FOUND = "Position not found"
ORDER_NOT_FOUND = "Order not found"
INVALID_EXPIRATION = "Invalid expiration"
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
        if not _is_on_grid(instrument, stop):
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


def reached(order: WorkingOrder, quote: Quote) -> bool:
    """Tell whether the quote reaches a pending order's price: a limit from its good side, a stop from the other."""
    entry = quote.entry(order.side)
    from_above = (order.order_type is OrderType.LIMIT) is (order.side is Side.BUY)
    return entry <= order.price if from_above else entry >= order.price


def refusal_of_order(instrument: Instrument, quote: Quote | None, order: WorkingOrder) -> str | None:
    """Return why a pending order is refused at the present quote, or None when it may work.

    Its price must not be reached yet, and lie away from the quote by `stop_distance_min` at least; its stops are those
    of a position that opens at its price, or at its limit where it has one.
    """
    text = refusal_of_opening(instrument, order.volume)
    if text is not None:
        return text
    if (order.limit_price is None) is (order.order_type is OrderType.STOP_LIMIT):
        return INVALID_PRICE
    entry_price = order.price if order.limit_price is None else order.limit_price
    if not all(is_price(price) and _is_on_grid(instrument, price) for price in (order.price, entry_price)):
        return INVALID_PRICE
    if quote is None:
        return OFF_QUOTES
    if reached(order, quote) or abs(quote.entry(order.side) - order.price) < (instrument.stop_distance_min or 0):
        return INVALID_PRICE
    return refusal_of_stops(instrument, order.side, entry_price, order.stop_loss, order.take_profit)


def _is_on_grid(instrument: Instrument, price: Price) -> bool:
    return not instrument.tick_size or price % instrument.tick_size == 0
