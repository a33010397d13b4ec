"""Deals as executions and cash flows."""

from decimal import Decimal

import pytest
from msgspec import structs

from adapters.base import RemoteProtocolError
from adapters.metaapi.history import booked
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.translate import client_id
from adapters.metaapi.values import iso
from adapters.metaapi.wire import Deal, Position
from rules.model.observed import CashFlow, Fill
from rules.model.values import ClOrdId, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.metaapi.frames import AT

TAG = ClOrdId("cpabcdefghijklmnopqrst")
DEAL = Deal(
    id=500,
    type="DEAL_TYPE_SELL",
    entry_type="DEAL_ENTRY_OUT",
    symbol="EURUSD",
    time=iso(AT),
    volume=Decimal("0.30"),
    price=Decimal("1.1"),
    profit=Decimal("-12.5"),
    commission=Decimal("-0.7"),
    swap=Decimal(0),
    position_id=7,
    order_id=70,
    client_id=client_id(TAG),
    reason="DEAL_REASON_EXPERT",
)
CASH = Deal(id=9, type="DEAL_TYPE_BALANCE", time=iso(AT), profit=Decimal(100), comment="why")


def found(*deals, tickets=None):
    return list(booked(deals, tickets or Tickets()))


def deal(**changes):
    return structs.replace(DEAL, **changes)


def test_a_deal_is_an_execution():
    assert found(DEAL) == [
        Fill(
            exec_id="500",
            at=AT,
            symbol=Symbol("EURUSD"),
            side=Side.SELL,
            volume=Decimal("0.30"),
            price=Decimal("1.1"),
            position_id=PositionId("7"),
            venue_order_id=VenueOrderId("70"),
            opens=False,
            realized_pnl=Decimal("-12.5"),
            commission=Decimal("-0.7"),
            swap=Decimal(0),
            tag=TAG,
        )
    ]


@pytest.mark.parametrize(
    ("entry", "opens"),
    [("IN", True), ("OUT", False), ("OUT_BY", False), ("INOUT", None), ("SOMEHOW", None)],
)
def test_whether_it_opened_is_what_the_deal_says(entry, opens):
    [fill] = found(deal(entry_type=f"DEAL_ENTRY_{entry}"))
    assert fill.opens is opens
    assert found(deal(entry_type=None))[0].opens is None


def test_what_a_deal_does_not_say_is_absent():
    [fill] = found(Deal(id=500, type="DEAL_TYPE_BUY", symbol="EURUSD", time=iso(AT), volume=1, price=1))
    absent = (fill.position_id, fill.venue_order_id, fill.realized_pnl, fill.commission, fill.swap, fill.tag)
    assert absent == (None,) * 6


def test_a_stop_of_the_venue_is_nobodys_order():
    assert [fill.tag for fill in found(deal(reason="DEAL_REASON_SL"))] == [None]


def test_a_tag_belongs_to_the_first_order_that_shows_it():
    tags = [fill.tag for fill in found(DEAL, deal(id=501), deal(id=502, order_id=71))]
    assert tags == [TAG, TAG, None]


def test_the_rest_of_a_partial_close_is_told_under_the_id_of_its_position():
    tickets = Tickets()
    opened = Position(
        id=7, type="POSITION_TYPE_BUY", symbol="EURUSD", volume=1, open_price=1, time=iso(AT), platform="mt4"
    )
    tickets.learn([opened], None)
    tickets.learn([structs.replace(opened, id=8, comment="from #7")], None)
    assert [fill.position_id for fill in found(deal(position_id=8), tickets=tickets)] == ["7"]


@pytest.mark.parametrize(
    ("kind", "amount", "told"),
    [
        ("DEAL_TYPE_BALANCE", "100", "deposit"),
        ("DEAL_TYPE_BALANCE", "-100", "withdrawal"),
        ("DEAL_TYPE_COMMISSION_DAILY", "-5", "commission"),
        ("DEAL_DIVIDEND", "5", "dividend"),
        ("DEAL_TYPE_GIFT", "5", "DEAL_TYPE_GIFT"),
    ],
)
def test_a_deal_of_no_position_is_a_cash_flow(kind, amount, told):
    deal = structs.replace(CASH, type=kind, profit=Decimal(amount))
    assert found(deal) == [CashFlow("9", AT, Decimal(amount), told, "why")]


def test_an_amount_may_stand_among_the_costs():
    deal = structs.replace(CASH, type="DEAL_TYPE_COMMISSION", profit=0, commission=Decimal("-1.25"), swap=Decimal(0))
    assert [flow.amount for flow in found(deal)] == [Decimal("-1.25")]


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"volume": 0}, "volume"),
        ({"volume": "many"}, "volume"),
        ({"price": None}, "price"),
        ({"price": Decimal("NaN")}, "price"),
        ({"time": None}, "time"),
        ({"time": "2026-11-20T12:00:00"}, "time"),
        ({"symbol": None}, "symbol"),
        ({"profit": "1e400"}, "profit"),
        ({"position_id": "x" * 200}, "positionId"),
        ({"type": "DEAL_TYPE_BOTH"}, "type of deal"),
        ({"type": "DEAL_TYPE_CREDIT", "profit": None, "commission": None, "swap": None}, "amount"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(changes, named):
    with pytest.raises(RemoteProtocolError, match=named) as error:
        found(deal(**changes))
    assert str(error.value).startswith("deal 500: ")
