"""Our actions in MetaApi's words, and its books in ours."""

from decimal import Decimal

import pytest
from msgspec import structs

from adapters.base import RemoteProtocolError
from adapters.metaapi import orders
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.translate import client_id
from adapters.metaapi.wire import Deal, Order
from rules.actions import ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.reports import Accepted, Filled, Rejected
from rules.values import ClOrdId, PositionId, Side, Symbol
from tests.adapters.metaapi.frames import ALIAS

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
