"""What the venue's books say became of an order."""

from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker import orders
from adapters.tradelocker.wire_rest import InstrumentRow
from rules.actions import OpenPosition
from rules.reports import Accepted, Filled, Rejected
from rules.values import AccountId, ClOrdId, Side, Symbol

TAG = ClOrdId("cpa")


def row(**cells):
    known = {"id": "5", "strategyId": TAG, "type": "market", "status": "Filled", "qty": "0.10", "filledQty": "0.10"}
    return {**known, "avgPrice": "1.5", "positionId": "9", "createdDate": "100", **cells}


def test_filled_order_names_its_position():
    assert orders.report_of(row(), TAG, final=True) == Filled(TAG, "9", Decimal("0.10"), Decimal("1.5"), "5")


def test_filled_order_without_a_position_yet_is_accepted():
    assert orders.report_of(row(positionId=None), TAG, final=True) == Accepted(TAG, "5")
    assert orders.report_of(row(positionId="0"), TAG, final=True) == Accepted(TAG, "5")


def test_canceled_order_that_filled_in_part_is_filled_with_that_part():
    report = orders.report_of(row(status="Cancelled", filledQty="0.04"), TAG, final=True)
    assert report == Filled(TAG, "9", Decimal("0.04"), Decimal("1.5"), "5")


def test_dead_order_without_a_fill_is_rejected():
    report = orders.report_of(row(status="Refused", filledQty="0", positionId=None), TAG, final=True)
    assert isinstance(report, Rejected)
    assert "Refused" in report.text


def test_partial_fill_of_a_working_order_is_not_the_end_but_in_the_history_it_is():
    partial = row(status="None", filledQty="0.04")
    assert orders.report_of(partial, TAG, final=False) == Accepted(TAG, "5")
    assert orders.report_of(partial, TAG, final=True) == Filled(TAG, "9", Decimal("0.04"), Decimal("1.5"), "5")


def test_fill_without_a_price_has_none():
    assert orders.report_of(row(avgPrice="0"), TAG, final=True) == Filled(TAG, "9", Decimal("0.10"), None, "5")


@pytest.mark.parametrize(
    "cells", [{"filledQty": "x"}, {"filledQty": None, "qty": "-1"}, {"filledQty": "-1"}, {"id": None}]
)
def test_row_that_cannot_be_read_exactly_is_refused(cells):
    with pytest.raises(RemoteProtocolError):
        orders.report_of(row(**cells), TAG, final=True)


def test_oldest_market_order_with_our_tag_is_ours():
    rows = [
        row(id="8", createdDate="200"),
        row(id="4", createdDate="50", type="stop"),
        row(id="3", createdDate="10", strategyId="other"),
        row(id="7", createdDate="100"),
        row(id="6", createdDate="100"),
    ]
    ours = orders.opening_row(rows, TAG)
    assert ours is not None
    assert ours["id"] == "6"
    assert orders.opening_row(rows[1:3], TAG) is None


def test_body_of_an_order_has_every_key_and_absolute_stops():
    action = OpenPosition(TAG, AccountId("a"), Symbol("X"), Side.SELL, Decimal("0.10"), stop_loss=Decimal("1.50"))
    assert orders.open_body(action, InstrumentRow(tradable_instrument_id=278, name="X"), "99") == {
        "tradableInstrumentId": "278",
        "routeId": "99",
        "qty": "0.1",
        "side": "sell",
        "type": "market",
        "validity": "IOC",
        "price": None,
        "stopPrice": None,
        "stopLoss": Decimal("1.50"),
        "stopLossType": "absolute",
        "takeProfit": None,
        "takeProfitType": None,
        "strategyId": TAG,
    }
