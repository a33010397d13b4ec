"""Request numbers and the memory of sent orders."""

from datetime import UTC, datetime
from decimal import Decimal

from adapters.metacopier.orders import SentOrders
from adapters.metacopier.wire import PositionDTO
from rules.actions import OpenPosition
from rules.values import AccountId, ClOrdId, Side, Symbol

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
