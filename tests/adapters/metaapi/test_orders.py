"""Our actions in MetaApi's words, and its books in ours."""

from decimal import Decimal

import pytest
from attrs import evolve
from msgspec import structs

from adapters.base import RemoteProtocolError
from adapters.metaapi import orders
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.translate import client_id
from adapters.metaapi.wire import Deal, Order
from rules.model.actions import (
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
)
from rules.model.reports import Accepted, Canceled, Filled, Placed, Rejected
from rules.model.values import ClOrdId, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.metaapi.frames import ALIAS, AT

TAG = ClOrdId("cpabcdefghijklmnopqrst")
OTHER = ClOrdId("cpbcdefghijklmnopqrstu")
EURUSD = Symbol("EURUSD")
CLOSE = ClosePosition(TAG, ALIAS, PositionId("7"), EURUSD, Side.BUY, Decimal("0.30"))
REDUCE = ReducePosition(TAG, ALIAS, PositionId("7"), EURUSD, Side.BUY, Decimal("0.10"), Decimal("0.20"))


def deal(number, volume, price, *, tag=TAG, order_id="70", **fields):
    made = {"type": "DEAL_TYPE_BUY", "volume": Decimal(volume), "price": Decimal(price), "position_id": "7"}
    return Deal(id=number, client_id=client_id(tag), order_id=order_id, **{**made, **fields})


def order(state, volume="0.3", left="0.3", **fields):
    volumes = {"volume": Decimal(volume), "current_volume": Decimal(left)}
    return Order(id=70, type="ORDER_TYPE_BUY", state=f"ORDER_STATE_{state}", **volumes, **fields)


def test_an_opening_names_all_that_it_wants():
    action = OpenPosition(TAG, ALIAS, EURUSD, Side.SELL, Decimal("0.30"), Decimal("1.2"), Decimal("1.1"))
    assert orders.open_trade(action, 5) == {
        "actionType": "ORDER_TYPE_SELL",
        "symbol": "EURUSD",
        "volume": Decimal("0.3"),
        "stopLoss": Decimal("1.2"),
        "takeProfit": Decimal("1.1"),
        "clientId": "c_cpabcdefghijklmnopqrst_0",
        "magic": 5,
    }


def test_an_opening_names_nothing_that_it_does_not_want():
    action = OpenPosition(TAG, ALIAS, EURUSD, Side.BUY, Decimal(100))
    trade = orders.open_trade(action, None)
    assert trade.keys() == {"actionType", "symbol", "volume", "clientId"}
    assert str(trade["volume"]) == "100"


def test_closes_carry_the_tag_and_the_ticket():
    mark = {"clientId": client_id(TAG)}
    assert orders.close_trade(CLOSE, "9", None) == {"actionType": "POSITION_CLOSE_ID", "positionId": "9", **mark}
    assert orders.partial_trade(REDUCE, "9", Decimal("0.10"), 5) == {
        "actionType": "POSITION_PARTIAL",
        "positionId": "9",
        "volume": Decimal("0.1"),
        "magic": 5,
        **mark,
    }
    assert orders.offsetting_trade(CLOSE, Decimal("0.2"), None) == {
        "actionType": "ORDER_TYPE_SELL",
        "symbol": "EURUSD",
        "volume": Decimal("0.2"),
        **mark,
    }


def test_a_stop_that_is_left_out_is_removed():
    action = ReplaceStops(TAG, ALIAS, PositionId("7"), EURUSD, Decimal("1.10"), None)
    assert orders.stops_trade(action, "9") == {
        "actionType": "POSITION_MODIFY",
        "positionId": "9",
        "stopLoss": Decimal("1.1"),
    }


PLACE = PlaceOrder(TAG, ALIAS, EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.30"), Decimal("1.150"))


@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("order_type", list(OrderType))
def test_a_pending_order_has_its_own_kind(side, order_type):
    trade = orders.place_trade(evolve(PLACE, side=side, order_type=order_type), None)
    assert trade["actionType"] == f"ORDER_TYPE_{side.name}_{order_type.name}"
    assert trade.keys() == {"actionType", "symbol", "volume", "openPrice", "clientId"}


def test_a_pending_order_names_all_that_it_wants():
    prices = {"limit_price": Decimal("1.14"), "stop_loss": Decimal("1.1"), "take_profit": Decimal("1.2")}
    action = evolve(PLACE, order_type=OrderType.STOP_LIMIT, expires_at=AT, **prices)
    assert orders.place_trade(action, 5) == {
        "actionType": "ORDER_TYPE_BUY_STOP_LIMIT",
        "symbol": "EURUSD",
        "volume": Decimal("0.3"),
        "openPrice": Decimal("1.15"),
        "stopLimitPrice": Decimal("1.14"),
        "stopLoss": Decimal("1.1"),
        "takeProfit": Decimal("1.2"),
        "expiration": {"type": "ORDER_TIME_SPECIFIED", "time": "2026-11-20T12:00:00.000Z"},
        "clientId": client_id(TAG),
        "magic": 5,
    }


def test_a_pending_order_is_replaced_and_canceled_by_its_number():
    what = (VenueOrderId("70"), EURUSD, Side.BUY, OrderType.STOP_LIMIT)
    replace = ReplaceOrder(TAG, ALIAS, *what, Decimal("1.17"), Decimal("1.16"), None, Decimal("1.2"))
    assert orders.replace_trade(replace) == {
        "actionType": "ORDER_MODIFY",
        "orderId": "70",
        "openPrice": Decimal("1.17"),
        "stopLimitPrice": Decimal("1.16"),
        "takeProfit": Decimal("1.2"),
    }
    cancel = CancelOrder(TAG, ALIAS, VenueOrderId("70"), EURUSD)
    assert orders.cancel_trade(cancel) == {"actionType": "ORDER_CANCEL", "orderId": "70"}


@pytest.mark.parametrize(
    ("state", "left", "report"),
    [
        ("PLACED", "0.3", Placed(TAG, VenueOrderId("70"))),
        ("PARTIAL", "0.1", Placed(TAG, VenueOrderId("70"))),
        ("CANCELED", "0.3", Canceled(TAG)),
        ("EXPIRED", "0.3", Canceled(TAG)),
        ("REJECTED", "0.3", Rejected(TAG, "order 70 ended as ORDER_STATE_REJECTED")),
        ("FILLED", "0", Filled(TAG, PositionId("7"), Decimal("0.3"), venue_order_id=VenueOrderId("70"))),
        ("CANCELED", "0.1", Filled(TAG, PositionId("7"), Decimal("0.2"), venue_order_id=VenueOrderId("70"))),
    ],
)
def test_a_pending_order_says_what_became_of_it(state, left, report):
    made = structs.replace(order(state, left=left, position_id="7"), type="ORDER_TYPE_SELL_STOP")
    assert orders.report_of_order(TAG, made, Tickets()) == report


def test_the_deals_of_an_order_are_added_up():
    deals = [deal(1, "0.1", "1.10"), deal(2, "0.2", "1.13")]
    assert orders.filled_by_deals(TAG, deals, Tickets()) == Filled(
        TAG, PositionId("7"), Decimal("0.3"), Decimal("1.12"), "70"
    )
    [one] = deals[:1]
    assert orders.filled_by_deals(TAG, [one], Tickets()) == Filled(
        TAG, PositionId("7"), Decimal("0.1"), Decimal("1.10"), "70"
    )
    assert orders.filled_by_deals(TAG, [], Tickets()) is None
    assert orders.filled_by_deals(TAG, [deal(3, "1", "1", type="DEAL_TYPE_BALANCE")], Tickets()) is None


@pytest.mark.parametrize("fields", [{"volume": 0}, {"price": None}, {"position_id": None}, {"volume": "NaN"}])
def test_a_deal_that_cannot_be_read_is_no_answer(fields):
    with pytest.raises(RemoteProtocolError):
        orders.filled_by_deals(TAG, [structs.replace(deal(1, "1", "1"), **fields)], Tickets())


def test_only_the_deals_of_our_own_order_count():
    ours = [deal(1, "0.1", "1.1"), deal(2, "0.2", "1.1")]
    stop = deal(3, "0.3", "1.0", order_id="80", reason="DEAL_REASON_SL")
    by_hand = deal(4, "0.3", "1.0", order_id="90")  # a broker that copies the comment to the closing order
    foreign = deal(5, "0.3", "1.0", tag=OTHER)
    assert orders.deals_with_tag([foreign, *ours, stop, by_hand], TAG) == ours
    assert orders.deals_with_tag([stop], TAG) == []


@pytest.mark.parametrize(
    ("made", "kind"),
    [
        (order("STARTED"), Accepted),
        (order("PLACED"), Accepted),
        (order("PARTIAL", left="0.1", position_id="7"), Accepted),
        (order("REQUEST_ADD"), Accepted),
        (order("REJECTED"), Rejected),
        (order("CANCELED"), Rejected),
        (order("EXPIRED"), Rejected),
        (order("CANCELED", left="0.1", position_id=7), Filled),
        (order("FILLED", left="0", position_id=7), Filled),
        (order("FILLED", left="0"), Accepted),
        (order("FUTURE_STATE"), Accepted),
    ],
)
def test_an_order_says_what_became_of_it(made, kind):
    report = orders.report_of_order(TAG, made, Tickets())
    assert isinstance(report, kind)
    if isinstance(report, Filled):
        assert (report.position_id, report.volume) == ("7", made.volume - made.current_volume)


def test_an_order_with_more_left_than_was_asked_for_is_refused():
    with pytest.raises(RemoteProtocolError, match="currentVolume"):
        orders.report_of_order(TAG, order("FILLED", volume="0.1"), Tickets())
