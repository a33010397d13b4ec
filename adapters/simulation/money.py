"""What positions are worth: results, margin and conversion into an account's currency, at a market's quotes."""

from decimal import Decimal

from adapters.simulation.market import Market
from rules.model.observed import Position
from rules.model.values import Price, Side, Symbol, Volume

LEVERAGE = 100
"""Margin is a hundredth of the notional: the usual retail figure, and high enough that tests rarely meet it."""

CENT = Decimal("0.01")


def close_price(market: Market, position: Position) -> Price | None:
    """Return the price at which `position` would close now (a long sells at the bid); None without a quote."""
    quote = market.quotes.get(position.symbol)
    return None if quote is None else quote.entry(position.side.opposite)


def rate(market: Market, source: str | None, target: str) -> Decimal:
    """Return how many units of currency `target` one unit of `source` is worth, at the middle of a direct quote.

    Looks for the pair in both directions, by the plain six-letter name. Where neither is quoted, or the profit
    currency is not known, the two count as equal (1:1): a simulated account stays usable, its figures are off.
    """
    if source is None or source == target:
        return Decimal(1)
    direct = market.quotes.get(Symbol(source + target))
    if direct is not None:
        return direct.mid()
    inverse = market.quotes.get(Symbol(target + source))
    if inverse is not None:
        return 1 / inverse.mid()
    return Decimal(1)


def result(market: Market, position: Position, volume: Volume, price: Price, currency: str) -> Decimal:
    """Return what closing `volume` lots of `position` at `price` books, in `currency`, to the cent."""
    instrument = market.instruments[position.symbol]
    difference = price - position.open_price if position.side is Side.BUY else position.open_price - price
    amount = difference * volume * (instrument.contract_size or Decimal(1))
    return (amount * rate(market, instrument.profit_currency, currency)).quantize(CENT)


def margin(market: Market, symbol: Symbol, volume: Volume, price: Price, currency: str) -> Decimal:
    """Return the margin that `volume` lots opened at `price` bind, in `currency`, to the cent."""
    instrument = market.instruments[symbol]
    notional = price * volume * (instrument.contract_size or Decimal(1))
    return (notional / LEVERAGE * rate(market, instrument.profit_currency, currency)).quantize(CENT)
