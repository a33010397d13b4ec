from decimal import Decimal

import pytest

from adapters.simulation.instruments import DEFAULT_INSTRUMENTS
from adapters.simulation.market import Market
from adapters.simulation.money import margin, rate, result
from rules.model.observed import Position
from rules.model.values import PositionId, Side
from tests.adapters.simulation.worlds import EURGBP, EURUSD, START, USDJPY, quote


def position(symbol, side, open_price):
    return Position(PositionId("1"), symbol, side, Decimal(1), Decimal(open_price), START)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("USD", "USD", "1"),
        ("EUR", "USD", "1.25"),  # EURUSD itself, its middle
        ("USD", "EUR", "0.8"),  # the other way round
        ("CHF", "USD", "1"),  # nobody quotes it
        (None, "USD", "1"),  # nobody says what it is
    ],
)
def test_a_rate_is_the_middle_of_the_direct_quote_else_one(source, target, expected):
    market = Market(DEFAULT_INSTRUMENTS, [quote(EURUSD, "1.24", "1.26")])
    assert rate(market, source, target) == Decimal(expected)


def test_a_long_gains_and_a_short_loses_when_the_price_rises():
    market = Market.default(START)
    for side, expected in ((Side.BUY, "50.00"), (Side.SELL, "-50.00")):
        held = position(EURUSD, side, "1.10000")
        assert result(market, held, Decimal("0.5"), Decimal("1.10100"), "USD") == Decimal(expected)


def test_a_result_in_yen_becomes_dollars_to_the_cent():
    market = Market(DEFAULT_INSTRUMENTS, [quote(USDJPY, "150", "150")])
    held = position(USDJPY, Side.BUY, "149.000")
    assert result(market, held, Decimal(1), Decimal("150.000"), "USD") == Decimal("666.67")


def test_margin_is_a_hundredth_of_the_notional_in_account_currency():
    market = Market.default(START)
    gbp = market.quotes["GBPUSD"].mid()
    assert margin(market, EURUSD, Decimal(1), Decimal("1.2"), "USD") == Decimal("1200.00")
    assert margin(market, EURGBP, Decimal(1), Decimal("0.9"), "USD") == (900 * gbp).quantize(Decimal("0.01"))
