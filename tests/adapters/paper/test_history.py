"""An order log as executions."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.paper.history import fills
from adapters.simulation.records import BookOrder, Purpose, Result
from rules.model.values import OmsType, PositionId, Side, Symbol, VenueOrderId

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def order(
    side: Side, volume: str, purpose: Purpose = Purpose.OPEN, status: Result = Result.FILLED, symbol: str = "EURUSD"
) -> BookOrder:
    price = Decimal("1.1") if status is Result.FILLED else None
    what = (purpose, PositionId("7"), Symbol(symbol), side, Decimal(volume), price, status, "", AT)
    return BookOrder(VenueOrderId("70"), "tag", *what, realized_pnl=Decimal(3))


def opens(orders: list[BookOrder], oms: OmsType) -> list[bool | None]:
    return [fill.opens for fill in fills(orders, oms)]


def test_a_fill_says_all_that_the_log_knows() -> None:
    [fill] = fills([order(Side.BUY, "0.3")], OmsType.HEDGING)
    assert (fill.exec_id, fill.venue_order_id, fill.position_id, fill.tag) == ("70", "70", "7", "tag")
    assert (fill.symbol, fill.side, fill.volume, fill.price) == ("EURUSD", Side.BUY, Decimal("0.3"), Decimal("1.1"))
    assert (fill.at, fill.opens, fill.realized_pnl, fill.commission, fill.swap) == (AT, True, Decimal(3), None, None)


def test_only_what_was_filled_is_told() -> None:
    statuses = [status for status in Result if status is not Result.FILLED]
    assert opens([order(Side.BUY, "1", status=status) for status in statuses], OmsType.HEDGING) == []


def test_what_turns_a_net_position_around_both_opens_and_closes() -> None:
    log = [
        order(Side.BUY, "0.3"),
        order(Side.SELL, "9", status=Result.REJECTED),
        order(Side.SELL, "0.5", symbol="XAUUSD"),
        order(Side.SELL, "0.1", Purpose.REDUCE),
        order(Side.SELL, "0.5"),
        order(Side.SELL, "0.1"),
        order(Side.BUY, "0.4", Purpose.CLOSE),
        order(Side.SELL, "0.1"),
    ]
    assert opens(log, OmsType.NETTING) == [True, True, False, None, True, False, True]


def test_opposite_positions_of_a_hedging_account_turn_nothing_around() -> None:
    assert opens([order(Side.BUY, "0.3"), order(Side.SELL, "0.5")], OmsType.HEDGING) == [True, True]
