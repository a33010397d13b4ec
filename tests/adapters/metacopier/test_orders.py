"""Request numbers and the memory of sent orders."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.metacopier.orders import SentOrders
from adapters.metacopier.wire import PositionDTO
from rules.model.actions import OpenPosition, PlaceOrder
from rules.model.values import AccountId, ClOrdId, OrderType, Side, Symbol

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def opening(number: int) -> OpenPosition:
    tag = ClOrdId(f"cp{number:020d}")
    return OpenPosition(tag, AccountId("mc"), Symbol("EURUSD"), Side.BUY, Decimal(1))


def opened(request_id: int) -> PositionDTO:
    return PositionDTO("1", "EURUSD", "Buy", open_time=AT, comment=f"API|{request_id}|")


def test_numbers_run_from_0_to_999_and_wrap() -> None:
    orders = SentOrders()
    taken = [orders.take_request_id(ClOrdId("cp")) for _ in range(1001)]
    assert sorted(taken[:1000]) == list(range(1000))
    assert taken[1000] == taken[0]


def test_a_fresh_process_starts_by_the_order_and_not_at_zero() -> None:
    first = [SentOrders().take_request_id(opening(number).cl_ord_id) for number in range(20)]
    assert len(set(first)) > 10


def test_an_order_whose_number_is_about_to_be_used_again_is_forgotten() -> None:
    orders = SentOrders()
    request_id = orders.remember(opening(0))
    assert orders.matches([opened(request_id)], opening(0).cl_ord_id, AT)
    for number in range(1, 600):
        orders.remember(opening(number))
    assert orders.matches([opened(request_id)], opening(0).cl_ord_id, AT) == []


def placing(number: int) -> PlaceOrder:
    order = (Symbol("EURUSD"), Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1"))
    return PlaceOrder(opening(number).cl_ord_id, AccountId("mc"), *order)


def test_a_pending_order_whose_comment_the_broker_dropped_is_known_by_its_number() -> None:
    orders = SentOrders()
    request_id = orders.remember(placing(0))
    waits = PositionDTO("1", "EURUSD", "BuyLimit", open_time=AT, request_id=request_id)
    assert orders.matches([waits], placing(0).cl_ord_id, AT) == [waits]
    other_side = PositionDTO("1", "EURUSD", "SellLimit", open_time=AT, request_id=request_id)
    unknown_kind = PositionDTO("1", "EURUSD", "BuyStopLimit", open_time=AT, request_id=request_id)
    assert orders.matches([other_side, unknown_kind], placing(0).cl_ord_id, AT) == []
    assert orders.matches([opened(request_id)], placing(0).cl_ord_id, AT) == [opened(request_id)], "filled since"


def test_a_market_order_is_never_taken_for_one_that_waits() -> None:
    orders = SentOrders()
    request_id = orders.remember(opening(0))
    waits = PositionDTO("1", "EURUSD", "BuyLimit", open_time=AT, request_id=request_id)
    assert orders.matches([waits], opening(0).cl_ord_id, AT) == []
