"""Words of TradeLocker into ours: exact, or refused."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker import translate
from adapters.tradelocker.translate import OrderState
from adapters.tradelocker.wire_rest import InstrumentDetails, Quotes, TickSize
from rules.model.observed import AccountStatus, Position, WorkingOrder
from rules.model.values import OrderType, PositionId, Side, Symbol, VenueOrderId

AT = datetime(2026, 11, 20, tzinfo=UTC)
ROW = {
    "id": "7277816997907787135",
    "tradableInstrumentId": "278",
    "side": "sell",
    "qty": "0.10",
    "avgPrice": "1.0750",
    "openDate": "1700000000123",
    "strategyId": "cpx",
}


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Filled", OrderState.FILLED),
        ("STATUS_FILLED", OrderState.FILLED),
        ("EXECUTED", OrderState.FILLED),
        ("Cancelled", OrderState.DEAD),
        ("STATUS_CANCELED", OrderState.DEAD),
        ("Refused", OrderState.DEAD),
        ("Rejected", OrderState.DEAD),
        ("Unplaced", OrderState.DEAD),
        ("Removed", OrderState.DEAD),
        ("Expired", OrderState.DEAD),
        ("New", OrderState.WORKING),
        ("PENDING", OrderState.WORKING),
        ("PARTIALLY_FILLED", OrderState.WORKING),
        ("None", OrderState.WORKING),
        ("brand new word", OrderState.WORKING),
        (None, OrderState.WORKING),
    ],
)
def test_status_text_means_its_state_and_unknown_words_mean_working(status, state):
    assert translate.order_state(status) is state


def test_row_of_a_position_is_read_exactly():
    position = translate.position_from_row(ROW, Symbol("EURUSD"), Decimal(100_000), Decimal("1.09"), None)
    assert position == Position(
        position_id=PositionId("7277816997907787135"),
        symbol=Symbol("EURUSD"),
        side=Side.SELL,
        volume=Decimal("0.10"),
        open_price=Decimal("1.0750"),
        opened_at=datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC),
        stop_loss=Decimal("1.09"),
        contract_size=Decimal(100_000),
        tag="cpx",
    )


@pytest.mark.parametrize(
    "cell",
    [
        {"id": None},
        {"side": "long"},
        {"side": None},
        {"qty": "0"},
        {"qty": "-1"},
        {"qty": "1e30"},
        {"qty": None},
        {"avgPrice": "nan"},
        {"openDate": "1.5"},
        {"openDate": "-1"},
        {"openDate": "99999999999999999"},
        {"openDate": None},
    ],
)
def test_row_of_a_position_that_cannot_be_read_exactly_is_refused(cell):
    with pytest.raises(RemoteProtocolError):
        translate.position_from_row({**ROW, **cell}, Symbol("EURUSD"), None, None, None)


def test_equity_is_balance_and_floating_result_and_unknown_without_it():
    row = {"balance": "100.5", "openNetPnL": "-0.75", "initialMarginReq": "3", "availableFunds": "96"}
    assert translate.status_from_row(row, "EUR") == AccountStatus(
        Decimal("100.5"), Decimal("99.75"), "EUR", Decimal(3), Decimal(96)
    )
    assert translate.status_from_row({"balance": "1"}, None) == AccountStatus(Decimal(1), None, None)
    with pytest.raises(RemoteProtocolError):
        translate.status_from_row({}, None)


def test_stop_price_comes_before_price_and_zero_is_none():
    rows = [
        {"id": "1", "stopPrice": "1.1", "price": "1.3"},
        {"id": "2", "stopPrice": "0", "price": "1.2"},
        {"id": "3", "stopPrice": None, "price": None},
        {"id": None, "price": "5"},
    ]
    assert translate.protective_prices(rows) == {"1": Decimal("1.1"), "2": Decimal("1.2")}


def details(**fields):
    known = {"lot_size": Decimal(100), "min_lot": Decimal("0.01"), "max_lot": Decimal(5), "lot_step": Decimal("0.01")}
    return InstrumentDetails(**{**known, **fields})


def test_coarsest_tick_is_taken_and_none_is_none():
    ticks = (TickSize(Decimal("0.01")), TickSize(Decimal("0.05"), Decimal(1000)))
    assert translate.instrument(Symbol("X"), details(tick_size=ticks), tradable=True).tick_size == Decimal("0.05")
    assert translate.instrument(Symbol("X"), details(), tradable=False).tick_size is None


@pytest.mark.parametrize("field", ["lot_size", "min_lot", "max_lot", "lot_step"])
@pytest.mark.parametrize("number", ["0", "-1", "NaN", "1e25"])
def test_impossible_specification_is_refused(field, number):
    with pytest.raises(RemoteProtocolError):
        translate.instrument(Symbol("X"), details(**{field: Decimal(number)}), tradable=True)


@pytest.mark.parametrize("quotes", [Quotes(), Quotes(ap=Decimal(1)), Quotes(ap=Decimal(0), bp=Decimal(1))])
def test_quote_with_a_missing_side_is_none(quotes):
    assert translate.quote(Symbol("X"), quotes, AT) is None


def test_quote_with_a_negative_side_is_refused():
    with pytest.raises(RemoteProtocolError):
        translate.quote(Symbol("X"), Quotes(ap=Decimal(1), bp=Decimal(-1)), AT)


PENDING = {
    "id": "7277816997907787136",
    "tradableInstrumentId": "278",
    "qty": "0.30",
    "side": "buy",
    "type": "limit",
    "status": "New",
    "filledQty": "0.10",
    "price": "1.0750",
    "stopPrice": "0",
    "createdDate": "1700000000123",
    "expireDate": "1700000060000",
    "positionId": None,
    "stopLoss": "1.05",
    "stopLossType": "absolute",
    "takeProfit": "0",
    "takeProfitType": None,
    "strategyId": "cpx",
}


def test_row_of_a_pending_order_is_read_exactly():
    assert translate.order_from_row(PENDING, Symbol("EURUSD")) == WorkingOrder(
        order_id=VenueOrderId("7277816997907787136"),
        symbol=Symbol("EURUSD"),
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        volume=Decimal("0.20"),
        price=Decimal("1.0750"),
        stop_loss=Decimal("1.05"),
        placed_at=datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC),
        expires_at=datetime(2023, 11, 14, 22, 14, 20, tzinfo=UTC),
        tag="cpx",
    )
    stop = {**PENDING, "type": "STOP", "price": None, "stopPrice": "1.2", "expireDate": "0", "strategyId": ""}
    read = translate.order_from_row(stop, Symbol("EURUSD"))
    assert (read.order_type, read.price, read.expires_at, read.tag) == (OrderType.STOP, Decimal("1.2"), None, None)


def test_stop_that_is_an_offset_is_not_taken_for_a_price():
    row = {**PENDING, "stopLoss": "50", "stopLossType": "offset", "takeProfit": "1.2", "takeProfitType": None}
    read = translate.order_from_row(row, Symbol("EURUSD"))
    assert (read.stop_loss, read.take_profit) == (None, Decimal("1.2"))


@pytest.mark.parametrize(
    "cell",
    [
        {"id": None},
        {"side": "long"},
        {"qty": "0"},
        {"qty": None},
        {"filledQty": "x"},
        {"filledQty": "0.30"},
        {"price": None},
        {"price": "0"},
        {"price": "NaN"},
        {"stopLoss": "x"},
        {"createdDate": "yesterday"},
        {"expireDate": "-1"},
    ],
)
def test_row_of_a_pending_order_that_cannot_be_read_exactly_is_refused(cell):
    with pytest.raises(RemoteProtocolError):
        translate.order_from_row({**PENDING, **cell}, Symbol("EURUSD"))


def test_only_what_waits_to_open_something_is_a_pending_order():
    rows = [
        PENDING,
        {**PENDING, "id": "2", "positionId": "0", "type": "Stop"},
        {**PENDING, "id": "3", "positionId": "9"},
        {**PENDING, "id": "4"},
        {**PENDING, "id": "5"},
        {**PENDING, "id": "6", "type": "market"},
        {**PENDING, "id": "7", "type": "trailing"},
        {**PENDING, "id": "8", "type": None},
        {**PENDING, "id": "9", "status": "Cancelled"},
    ]
    positions = [{"id": "9", "stopLossId": "4", "takeProfitId": "5"}]
    assert [row["id"] for row in translate.pending_rows(rows, positions)] == [PENDING["id"], "2"]
