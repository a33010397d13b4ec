"""Closed positions and cash operations as executions and cash flows."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.metacopier.history import booked
from adapters.metacopier.wire import PositionDTO
from rules.model.observed import Booked, CashFlow, Fill
from rules.model.values import PositionId, Side, Symbol

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TAG = "cp" + "a" * 20


def held(position_id: str = "1", volume: str = "0.1", **changes: object) -> PositionDTO:
    fields: dict[str, object] = {
        "symbol": "EURUSD",
        "order_type": "Buy",
        "deal_type": "DealBuy",
        "volume": Decimal(volume),
        "open_price": Decimal("1.1"),
        "open_time": AT,
        "comment": f"API|3|{TAG}",
    }
    return PositionDTO(position_id, **(fields | changes))  # type: ignore[arg-type]


def closed(position_id: str = "1", volume: str = "0.1", minute: int = 1, **changes: object) -> PositionDTO:
    money = {"profit": Decimal("30.5"), "swap": Decimal("-0.1"), "commission": Decimal("-0.7")}
    times = {"close_time": AT + timedelta(minutes=minute), "close_price": Decimal("1.2")}
    return held(position_id, volume, **(money | times | changes))


def cash(deal_type: str, amount: str = "100", **changes: object) -> PositionDTO:
    return PositionDTO("deal-9", deal_type=deal_type, close_time=AT, profit=Decimal(amount), **changes)  # type: ignore[arg-type]


def found(*rows: PositionDTO, still: tuple[PositionDTO, ...] = ()) -> list[Booked]:
    return list(booked(rows, still))


def test_a_closed_position_is_an_opening_and_a_close() -> None:
    closing, opening = found(closed())
    assert opening == Fill(
        exec_id="1-in",
        at=AT,
        symbol=Symbol("EURUSD"),
        side=Side.BUY,
        volume=Decimal("0.1"),
        price=Decimal("1.1"),
        position_id=PositionId("1"),
        opens=True,
        tag=TAG,
    )
    assert closing == Fill(
        exec_id="1-out-1795176060000",
        at=AT + timedelta(minutes=1),
        symbol=Symbol("EURUSD"),
        side=Side.SELL,
        volume=Decimal("0.1"),
        price=Decimal("1.2"),
        position_id=PositionId("1"),
        opens=False,
        realized_pnl=Decimal("30.5"),
        commission=Decimal("-0.7"),
        swap=Decimal("-0.1"),
    )


def test_what_was_opened_is_all_that_was_closed_and_all_that_is_left() -> None:
    *_, opening = found(closed(volume="0.2"), closed(volume="0.3", minute=2), still=(held(volume="0.4"),))
    assert isinstance(opening, Fill)
    assert opening.volume == Decimal("0.9")


def test_partial_closes_of_one_instant_stay_apart() -> None:
    ids = [entry.exec_id for entry in found(closed(volume="0.2"), closed(volume="0.3"))]
    assert ids == ["1-out-1795176060000", "1-out-1795176060000-2", "1-in"]


def test_pending_orders_are_no_executions() -> None:
    assert found(closed(order_type="BuyLimit", deal_type=None), still=(held(order_type="SellStop"),)) == []


def test_the_side_may_be_told_by_the_deal_alone() -> None:
    sides = [entry.side for entry in found(closed(order_type=None, deal_type="DealSell")) if isinstance(entry, Fill)]
    assert sides == [Side.BUY, Side.SELL]


@pytest.mark.parametrize(
    ("deal_type", "amount", "kind"),
    [
        ("Balance", "100", "deposit"),
        ("Balance", "-100", "withdrawal"),
        ("MonthlyCommission", "-5", "commission"),
        ("SoCompensation", "5", "stop-out compensation"),
        ("Gift", "5", "Gift"),
    ],
)
def test_a_cash_operation_is_a_cash_flow(deal_type: str, amount: str, kind: str) -> None:
    assert found(cash(deal_type, amount, comment="why")) == [CashFlow("deal-9", AT, Decimal(amount), kind, "why")]


def test_a_cash_operation_may_name_an_order_type() -> None:
    assert [entry.exec_id for entry in found(cash("Balance", order_type="Buy", volume=Decimal(0)))] == ["deal-9"]


def test_costs_of_a_cash_operation_count() -> None:
    [flow] = found(cash("Balance", "100", commission=Decimal("-1.5"), swap=Decimal(0)))
    assert isinstance(flow, CashFlow)
    assert flow.amount == Decimal("98.5")


@pytest.mark.parametrize(
    ("row", "named"),
    [
        (closed(volume="0"), "volume"),
        (closed(close_price=None), "closePrice"),
        (closed(close_price=Decimal("1e40")), "closePrice"),
        (closed(close_time=None), "closeTime"),
        (closed(close_time=datetime(2026, 11, 20)), "closeTime"),
        (closed(open_price=Decimal("NaN")), "openPrice"),
        (closed(symbol=""), "symbol"),
        (closed(profit=Decimal("1e400")), "profit"),
        (closed(order_type=None, deal_type=None), "orderType"),
        (closed(order_type=None, deal_type="DealBoth"), "orderType"),
        (PositionDTO("1", deal_type="Balance", close_time=AT), "amount"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(row: PositionDTO, named: str) -> None:
    with pytest.raises(RemoteProtocolError, match=named) as error:
        found(row)
    assert str(error.value).startswith("history of 1: ")


def test_an_unknown_deal_that_names_a_side_and_lots_is_a_position() -> None:
    assert len(found(closed(deal_type="DealOfTomorrow"))) == 2


def test_without_an_opening_time_only_the_close_is_told() -> None:
    assert [entry.exec_id for entry in found(closed(open_time=None))] == ["1-out-1795176060000"]
