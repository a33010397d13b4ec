"""The trades of a day as executions."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.clearstreet import wire
from adapters.clearstreet.history import fills
from rules.model.observed import Fill
from rules.model.values import PositionId, Side, VenueOrderId
from tests.adapters.clearstreet.frames import AAPL, AT, trade_data

TAG = "cpabcdefghijklmnopqrst"


def trade(running, quantity, side="buy", second=0, **fields):
    data = trade_data(running, quantity, side, at=AT + timedelta(seconds=second), **fields)
    return wire.decoded(json.dumps(data), wire.Trade, "a trade")


def order(reference, **fields):
    data = {"order_id": "o", "state": "closed", "quantity": "10", "symbol": "AAPL", "reference_id": reference}
    return wire.decoded(json.dumps({**data, **fields}), wire.Order, "an order")


def held(quantity):
    return wire.decoded(json.dumps({"symbol": "AAPL", "quantity": str(quantity)}), wire.Position, "a position")


def opens(*trades, end=0):
    return [fill.opens for fill in fills(trades, [held(end)] if end else [], [])]


def test_a_trade_is_an_execution_with_the_tag_of_its_order():
    [fill] = fills([trade(-10, 10, "sell-short")], [held(-10)], [order(TAG)])
    assert fill == Fill(
        exec_id="t",
        at=AT,
        symbol=AAPL,
        side=Side.SELL,
        volume=Decimal(10),
        price=Decimal(100),
        position_id=PositionId("AAPL"),
        venue_order_id=VenueOrderId("o"),
        opens=True,
        tag=TAG,
    )


@pytest.mark.parametrize(
    ("reference", "tag"),
    [(TAG, TAG), (f"{TAG}-1", TAG), (f"{TAG}-2", TAG), (None, None), ("mine-1", "mine-1"), ("x" * 100, "x" * 64)],
)
def test_both_orders_of_an_action_carry_its_tag(reference, tag):
    assert [fill.tag for fill in fills([trade(10, 10)], [held(10)], [order(reference)])] == [tag]


def test_a_trade_without_its_order_has_no_tag():
    assert [fill.tag for fill in fills([trade(10, 10)], [held(10)], [order(TAG, order_id="p")])] == [None]


def test_the_position_tells_what_opened_and_what_closed():
    day = [
        trade(10, 10),
        trade(4, 6, "sell", 1),
        trade(9, 5, "buy", 2),
        trade(0, 9, "sell", 3),
        trade(-3, 3, "sell-short", 4),
        trade(2, 5, "buy", 5),
    ]
    assert opens(*day, end=2) == [True, False, True, False, True, None]


def test_a_short_position_that_is_written_without_its_minus_is_short():
    assert opens(trade(10, 10, "sell-short"), trade(4, 6, "buy", 1), end=4) == [True, False]


def test_trades_of_one_instant_are_told_as_they_happened_whatever_the_order_of_the_list():
    first, second = trade(10, 10, trade_id="t1"), trade(4, 6, "sell", trade_id="t2")
    for day in ([first, second], [second, first]):
        assert [fill.exec_id for fill in fills(day, [held(4)], [])] == ["t1", "t2"]


def test_a_trade_without_a_symbol_has_its_orders():
    assert [fill.symbol for fill in fills([trade(10, 10, symbol=None)], [], [order(TAG)])] == [AAPL]
    with pytest.raises(RemoteProtocolError, match="symbol of trade t"):
        list(fills([trade(10, 10, symbol=None)], [], []))


@pytest.mark.parametrize(
    ("field", "value"),
    [("quantity", "0"), ("price", "NaN"), ("side", "both"), ("created_at", "soon"), ("running_position", "1e400")],
)
def test_what_cannot_be_read_is_refused_by_name(field, value):
    data = {**trade_data(10, 10), field: value}
    row = wire.decoded(json.dumps(data), wire.Trade, "a trade")
    with pytest.raises(RemoteProtocolError, match=f"{field} of trade t"):
        list(fills([row], [], []))
