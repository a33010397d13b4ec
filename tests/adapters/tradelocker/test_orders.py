"""What the venue's books say became of an order."""

from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker import orders
from adapters.tradelocker.wire_rest import InstrumentRow
from rules.model.actions import OpenPosition, PlaceOrder, ReplaceOrder
from rules.model.reports import Accepted, Canceled, Filled, Placed, Rejected
from rules.model.values import AccountId, ClOrdId, OrderType, Side, Symbol, VenueOrderId

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


def test_oldest_order_with_our_tag_is_ours():
    rows = [
        row(id="8", createdDate="200"),
        row(id="4", createdDate="100", type="stop"),
        row(id="3", createdDate="10", strategyId="other"),
        row(id="7", createdDate="100"),
        row(id="6", createdDate="100"),
    ]
    ours = orders.opening_row(rows, TAG)
    assert ours is not None
    assert ours["id"] == "6"
    pending = [row(id="2", createdDate="50", type="limit"), row(id="1", createdDate="60")]  # and its close
    assert orders.opening_row(pending, TAG) == pending[0]
    assert orders.opening_row(rows[2:3], TAG) is None


def test_order_that_works_for_a_position_is_not_the_one_that_opened_it():
    protects = row(type="stop", status="New", filledQty="0")
    assert orders.opening_row([protects], TAG) is None
    waits = row(type="stop", status="New", filledQty="0", positionId=None)
    assert orders.opening_row([protects, waits], TAG) == waits


def test_pending_order_that_waits_is_placed_also_when_a_part_is_filled():
    waits = row(type="limit", status="New", filledQty="0", positionId=None)
    assert orders.report_of(waits, TAG, final=False) == Placed(TAG, "5")
    assert orders.report_of({**waits, "filledQty": "0.04"}, TAG, final=False) == Placed(TAG, "5")
    assert orders.report_of(waits, TAG, final=True) == Accepted(TAG, "5")


@pytest.mark.parametrize("kind", ["limit", "STOP"])
@pytest.mark.parametrize(
    ("status", "report"),
    [
        ("Filled", Filled(TAG, "9", Decimal("0.10"), Decimal("1.5"), "5")),
        ("Cancelled", Canceled(TAG)),
        ("STATUS_EXPIRED", Canceled(TAG)),
        ("Removed", Canceled(TAG)),
        ("Rejected", Rejected(TAG, "order 5 ended as Rejected")),
        ("Unplaced", Rejected(TAG, "order 5 ended as Unplaced")),
    ],
)
def test_pending_order_that_ended_says_how(kind, status, report):
    filled = "0.10" if status == "Filled" else "0"
    assert orders.report_of(row(type=kind, status=status, filledQty=filled), TAG, final=True) == report


def test_canceled_pending_order_that_filled_in_part_is_filled_with_that_part():
    report = orders.report_of(row(type="limit", status="Cancelled", filledQty="0.04"), TAG, final=True)
    assert report == Filled(TAG, "9", Decimal("0.04"), Decimal("1.5"), "5")


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


@pytest.mark.parametrize(
    ("order_type", "prices"),
    [
        (OrderType.LIMIT, {"type": "limit", "price": Decimal("1.5"), "stopPrice": None}),
        (OrderType.STOP, {"type": "stop", "price": None, "stopPrice": Decimal("1.5")}),
    ],
)
def test_body_of_a_pending_order_has_its_price_under_the_name_of_its_kind(order_type, prices):
    order = (Symbol("X"), Side.BUY, order_type, Decimal("0.10"), Decimal("1.5"))
    action = PlaceOrder(TAG, AccountId("a"), *order, take_profit=Decimal(2))
    assert orders.pending_body(action, InstrumentRow(tradable_instrument_id=278, name="X"), "99") == {
        "tradableInstrumentId": "278",
        "routeId": "99",
        "qty": "0.1",
        "side": "buy",
        "validity": "GTC",
        **prices,
        "stopLoss": None,
        "stopLossType": None,
        "takeProfit": Decimal(2),
        "takeProfitType": "absolute",
        "strategyId": TAG,
    }


@pytest.mark.parametrize(("order_type", "column"), [(OrderType.LIMIT, "price"), (OrderType.STOP, "stopPrice")])
def test_body_of_a_replacement_has_the_price_and_both_stops(order_type, column):
    order = (VenueOrderId("5"), Symbol("X"), Side.BUY, order_type)
    action = ReplaceOrder(TAG, AccountId("a"), *order, Decimal("1.5"), None, Decimal(1), None)
    assert orders.replace_body(action) == {
        column: Decimal("1.5"),
        "stopLoss": Decimal(1),
        "stopLossType": "absolute",
        "takeProfit": None,
        "takeProfitType": None,
    }
