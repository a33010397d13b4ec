"""MetaApi's words into ours: each field, each way of being wrong."""

from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError, SignInRefused
from adapters.metaapi import translate
from adapters.metaapi.tickets import Tickets
from adapters.metaapi.wire import AccountInformation, Deal, Order, Position, SymbolPrice, SymbolSpecification, converted
from rules.model.instruments import Instrument
from rules.model.observed import Quote
from rules.model.values import ClOrdId, OmsType, OrderType, Side, Symbol
from tests.adapters.metaapi.frames import AT, INFORMATION, held, row, waiting, waits

TAG = ClOrdId("cpabcdefghijklmnopqrst")

SPECIFICATION = {
    "symbol": "EURUSD",
    "tickSize": Decimal("0.00001"),
    "minVolume": Decimal("0.01"),
    "maxVolume": 200,
    "volumeStep": Decimal("0.01"),
    "contractSize": 100000,
    "digits": 5,
    "point": Decimal("0.00001"),
    "stopsLevel": 10,
    "tradeMode": "SYMBOL_TRADE_MODE_FULL",
    "profitCurrency": "USD",
    "fillingModes": ["SYMBOL_FILLING_FOK"],
}


def position(**fields):
    return translate.position(converted(row(**fields), Position, "row"), Tickets())


def specification(**fields):
    return translate.instrument(converted({**SPECIFICATION, **fields}, SymbolSpecification, "specification"))


def test_a_position_is_read_field_by_field():
    assert position(stopLoss=Decimal("1.2"), takeProfit=0, comment="mine") == held(
        stop_loss=Decimal("1.2"), comment="mine"
    )
    sell = position(type="POSITION_TYPE_SELL", id=18446744073709551615, magic=0)
    assert (sell.side, sell.position_id, sell.magic) == (Side.SELL, "18446744073709551615", None)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("type", "ORDER_TYPE_BUY", "POSITION_TYPE_BUY"),
        ("volume", 0, "volume"),
        ("volume", Decimal("-0.1"), "volume"),
        ("openPrice", 0, "openPrice"),
        ("openPrice", "NaN", "openPrice"),
        ("time", "yesterday", "time"),
        ("stopLoss", -1, "stopLoss"),
        ("symbol", "", "symbol"),
        ("id", "", "id"),
    ],
)
def test_a_position_that_cannot_be_is_refused_and_named(field, value, named):
    with pytest.raises(RemoteProtocolError, match=named):
        position(**{field: value})


@pytest.mark.parametrize("field", ["volume", "openPrice", "time", "type", "symbol", "id"])
def test_a_position_without_what_it_must_have_is_refused(field):
    made = row()
    del made[field]
    with pytest.raises(RemoteProtocolError, match=field):
        converted(made, Position, "row")


def working(**fields):
    return translate.working_order(converted(waiting(**fields), Order, "order"))


def test_a_pending_order_is_read_field_by_field():
    stops = {"stopLoss": Decimal("1.1"), "takeProfit": Decimal("1.2"), "comment": "mine", "clientId": f"c_{TAG}_0"}
    assert working(**stops) == waits(stop_loss=Decimal("1.1"), take_profit=Decimal("1.2"), comment="mine", tag=TAG)
    stop_limit = working(
        type="ORDER_TYPE_SELL_STOP_LIMIT", stopLimitPrice=Decimal("1.16"), currentVolume=Decimal("0.1")
    )
    assert (stop_limit.side, stop_limit.order_type) == (Side.SELL, OrderType.STOP_LIMIT)
    assert (stop_limit.limit_price, stop_limit.volume) == (Decimal("1.16"), Decimal("0.1"))


def test_a_pending_order_may_end_at_a_time_or_never():
    assert working(expirationTime="2026-11-20T12:00:00.000Z").expires_at == AT
    assert working(expirationTime="+053269-01-01T00:00:00.000Z").expires_at is None
    assert working().expires_at is None


def test_an_order_of_an_unknown_type_is_refused():
    with pytest.raises(RemoteProtocolError, match="ORDER_TYPE_NEW"):
        translate.working_orders([converted(waiting(type="ORDER_TYPE_NEW"), Order, "order")])


def test_an_order_twice_in_one_list_is_refused():
    with pytest.raises(RemoteProtocolError, match="twice"):
        translate.working_orders([converted(waiting(), Order, "order")] * 2)


def test_an_id_twice_in_one_list_is_refused():
    rows = (converted(row(), Position, "row"),) * 2
    with pytest.raises(RemoteProtocolError, match="twice"):
        translate.positions(rows, Tickets(), "mt5")


def test_our_tag_is_found_wherever_the_venue_leaves_it():
    client_id = translate.client_id(TAG)
    assert len(client_id) == 26
    assert client_id.count("_") == 2
    assert all(part.isalnum() for part in client_id.split("_"))
    assert position(clientId=client_id).tag == TAG
    assert position(clientId=client_id.rpartition("_")[0] + "_46214693").tag == TAG
    for field in ("comment", "brokerComment", "originalComment"):
        assert position(clientId=None, **{field: f"x {client_id}"}).tag == TAG
    assert position(clientId=None, comment=f"{TAG}x").tag is None
    assert position(clientId="a_b_c", comment=client_id).tag == "a_b_c"
    assert position(clientId=None).tag is None
    assert len(position(clientId="x" * 500).tag or "") == 64


def test_a_comment_of_absurd_length_is_left_out():
    assert position(comment="x" * 257).comment is None
    assert position(comment="from #1", originalComment="mine").comment == "mine"


@pytest.mark.parametrize(
    ("mode", "oms"),
    [("RETAIL_HEDGING", OmsType.HEDGING), ("RETAIL_NETTING", OmsType.NETTING), ("EXCHANGE", OmsType.NETTING)],
)
def test_an_account_of_another_kind_is_refused(mode, oms):
    info = converted({**INFORMATION, "marginMode": f"ACCOUNT_MARGIN_MODE_{mode}"}, AccountInformation, "info")
    translate.check_account(info, oms)
    other = OmsType.NETTING if oms is OmsType.HEDGING else OmsType.HEDGING
    with pytest.raises(SignInRefused, match=f"set oms = '{oms.value}'"):
        translate.check_account(info, other)


@pytest.mark.parametrize("mode", [None, "ACCOUNT_MARGIN_MODE_NEW"])
def test_an_unknown_kind_is_left_to_the_config(mode):
    translate.check_account(AccountInformation(balance=1, margin_mode=mode), OmsType.NETTING)


def test_an_instrument_is_read_field_by_field():
    assert specification() == Instrument(
        symbol=Symbol("EURUSD"),
        volume_min=Decimal("0.01"),
        volume_max=Decimal(200),
        volume_step=Decimal("0.01"),
        tick_size=Decimal("0.00001"),
        contract_size=Decimal(100000),
        profit_currency="USD",
        stop_distance_min=Decimal("0.0001"),
    )


@pytest.mark.parametrize(
    ("mode", "tradable"),
    [("FULL", True), ("LONGONLY", True), ("SHORTONLY", True), ("CLOSEONLY", False), ("DISABLED", False), ("NEW", True)],
)
def test_an_instrument_that_opens_nothing_is_not_tradable(mode, tradable):
    assert specification(tradeMode=f"SYMBOL_TRADE_MODE_{mode}").tradable is tradable


def test_a_tick_is_a_point_where_the_venue_does_not_say():
    assert specification(tickSize=None).tick_size == Decimal("0.00001")
    assert specification(tickSize=0, point=None).tick_size == Decimal("0.00001")
    assert specification(tickSize=None, point=None, digits=None, stopsLevel=5).stop_distance_min is None


@pytest.mark.parametrize("fields", [{"minVolume": 0}, {"volumeStep": "x"}, {"minVolume": 300}, {"maxVolume": None}])
def test_an_impossible_volume_grid_is_refused(fields):
    with pytest.raises(RemoteProtocolError, match=r"(?i)volume"):
        specification(**fields)


def test_a_quote_needs_both_sides_and_a_time():
    full = {"symbol": "EURUSD", "bid": Decimal("1.1"), "ask": Decimal("1.2"), "time": "2026-11-20T12:00:00Z"}

    def read(**fields):
        return translate.quote(converted({**full, **fields}, SymbolPrice, "price"))

    assert read() == Quote(Symbol("EURUSD"), Decimal("1.1"), Decimal("1.2"), AT)
    assert read(bid=0) is None
    assert read(ask=None) is None
    assert read(time=None) is None
    with pytest.raises(RemoteProtocolError, match="bid of EURUSD"):
        read(bid="1,1")


def test_the_closing_deal_is_the_one_that_leaves_nothing():
    def deal(number, volume, entry="DEAL_ENTRY_OUT", position_id="1"):
        return Deal(id=number, type="DEAL_TYPE_SELL", entry_type=entry, volume=volume, position_id=position_id)

    part, rest = deal(1, Decimal("0.1")), deal(2, Decimal("0.2"))
    assert translate.closing_price((part, rest), "1", Decimal("0.3")) is rest
    assert translate.closing_price((part,), "1", Decimal("0.3")) is None
    assert translate.closing_price((part, rest), "1", None) is None
    assert translate.closing_price((deal(3, 1, "DEAL_ENTRY_IN"), deal(4, 1, position_id="2")), "1", Decimal(1)) is None
    assert translate.closing_price((deal(5, 1, "DEAL_ENTRY_OUT_BY"),), "1", Decimal(1)) is not None
