"""Stop-loss and take-profit of simulated positions: when they trigger, how they are replaced."""

from decimal import Decimal

import pytest

from adapters.simulation.broker import Book, OrderRefused, Purpose
from rules.model.values import OmsType, PositionId, Side
from tests.adapters.simulation.worlds import EURUSD, make_broker, quote

LOT = Decimal("0.10")


def make_book() -> Book:
    return make_broker().add_account("a", OmsType.HEDGING, Decimal(10000))


def only(book: Book):
    [position] = book.positions.values()
    return position


@pytest.mark.parametrize(
    ("side", "stops", "bid", "ask", "text", "price"),
    [
        (Side.BUY, ("1.15000", None), "1.15000", "1.15008", "stop loss", "1.15000"),
        (Side.BUY, ("1.15000", None), "1.14000", "1.14008", "stop loss", "1.14000"),  # a gap
        (Side.BUY, (None, "1.17000"), "1.17000", "1.17008", "take profit", "1.17000"),
        (Side.SELL, ("1.17000", None), "1.16992", "1.17000", "stop loss", "1.17000"),
        (Side.SELL, (None, "1.15000"), "1.14992", "1.15000", "take profit", "1.15000"),
    ],
)
def test_a_quote_that_reaches_a_stop_closes_the_position(side, stops, bid, ask, text, price):
    book = make_book()
    stop_loss, take_profit = (None if stop is None else Decimal(stop) for stop in stops)
    book.open(EURUSD, side, LOT, stop_loss=stop_loss, take_profit=take_profit)
    book.market.set_quote(quote(EURUSD, bid, ask))
    assert book.positions == {}
    last = book.orders[-1]
    assert (last.purpose, last.text, last.price, last.tag) == (Purpose.STOP_OUT, text, Decimal(price), None)
    assert book.balance == Decimal(10000) + last.realized_pnl


def test_the_wrong_side_of_the_spread_triggers_no_stop():
    book = make_book()
    book.open(EURUSD, Side.SELL, LOT, stop_loss=Decimal("1.17000"))
    book.market.set_quote(quote(EURUSD, "1.16990", "1.16999"))
    assert len(book.positions) == 1


def test_stops_are_replaced_and_removed():
    book = make_book()
    opened = book.open(EURUSD, Side.BUY, LOT, stop_loss=Decimal("1.15"))
    book.replace_stops(opened.position_id, None, Decimal("1.17"))
    assert (only(book).stop_loss, only(book).take_profit) == (None, Decimal("1.17"))
    with pytest.raises(OrderRefused, match="Invalid stops"):
        book.replace_stops(opened.position_id, Decimal("1.2"), None)
    with pytest.raises(OrderRefused, match="Position not found"):
        book.replace_stops(PositionId("9"), None, None)
    assert only(book).take_profit == Decimal("1.17")
