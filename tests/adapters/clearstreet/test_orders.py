"""Actions into orders and orders into reports: marking, crossing zero, what copies offset, sums over two orders."""

from decimal import Decimal

import pytest

from adapters.clearstreet import orders
from adapters.clearstreet.orders import Part
from adapters.clearstreet.translate import VenueOrder
from rules.model.actions import ClosePosition, OpenPosition, ReducePosition
from rules.model.reports import Accepted, Filled, Rejected
from rules.model.values import ClOrdId, PositionId, Side, VenueOrderId
from tests.adapters.clearstreet.frames import AAPL, ALIAS

TAG = ClOrdId("cpaaaaaaaaaaaaaaaaaaaa")


def opening(side, volume="100"):
    return OpenPosition(TAG, ALIAS, AAPL, side, Decimal(volume))


def closing(side, volume="100", locked="0"):
    return ClosePosition(TAG, ALIAS, PositionId("AAPL"), AAPL, side, Decimal(volume), locked=Decimal(locked))


def venue_order(reference=TAG, filled="100", price="10", quantity="100", is_over=True, **fields):
    known = {"order_id": VenueOrderId("o" + reference[-2:]), "symbol": AAPL, "sign": 1, "said": "filled", **fields}
    average = None if price is None else Decimal(price)
    return VenueOrder(
        reference=reference,
        quantity=Decimal(quantity),
        filled=Decimal(filled),
        average_price=average,
        is_over=is_over,
        **known,
    )


@pytest.mark.parametrize("held", ["-150", "-50", "0", "70"])
def test_a_purchase_is_one_order_whatever_is_held(held):
    assert orders.parts_of_opening(opening(Side.BUY), Decimal(held)) == (Part("buy", Decimal(100), TAG),)


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ("0", [("sell-short", "100", "")]),
        ("-30", [("sell-short", "100", "")]),
        ("100", [("sell", "100", "")]),
        ("250", [("sell", "100", "")]),
        ("40", [("sell", "40", "-1"), ("sell-short", "60", "-2")]),
    ],
)
def test_a_sale_takes_what_is_held_long_and_sells_the_rest_short(held, expected):
    parts = orders.parts_of_opening(opening(Side.SELL), Decimal(held))
    assert [(part.side, str(part.quantity), part.reference.removeprefix(TAG)) for part in parts] == expected


@pytest.mark.parametrize(
    ("side", "held", "locked", "expected"),
    [
        (Side.BUY, "100", "0", [("sell", "100")]),
        (Side.BUY, "300", "0", [("sell", "100")]),
        (Side.BUY, "60", "0", [("sell", "60")]),
        (Side.BUY, "0", "0", []),
        (Side.BUY, "-20", "0", []),
        (Side.SELL, "-100", "0", [("buy", "100")]),
        (Side.SELL, "-60", "0", [("buy", "60")]),
        (Side.SELL, "5", "0", []),
        (Side.BUY, "70", "30", [("sell", "70"), ("sell-short", "30")]),
        (Side.BUY, "70", "20", [("sell", "70"), ("sell-short", "20")]),
        (Side.BUY, "-10", "110", [("sell-short", "100")]),
        (Side.BUY, "-10", "100", [("sell-short", "90")]),
        (Side.BUY, "-30", "30", []),
        (Side.SELL, "70", "30", []),
        (Side.SELL, "70", "100", [("buy", "30")]),
        (Side.SELL, "-70", "30", [("buy", "100")]),
    ],
)
def test_a_close_takes_what_is_held_and_locked_and_no_more(side, held, locked, expected):
    parts = orders.parts_of_closing(closing(side, locked=locked), Decimal(held))
    assert [(part.side, str(part.quantity)) for part in parts] == expected


def test_a_reduction_takes_its_part():
    action = ReducePosition(TAG, ALIAS, PositionId("AAPL"), AAPL, Side.BUY, Decimal(30), Decimal(70))
    assert orders.parts_of_closing(action, Decimal(100)) == (Part("sell", Decimal(30), TAG),)


def test_the_body_is_a_market_order_of_the_day_with_our_reference_and_numbers_as_text():
    part = Part("sell-short", Decimal("1E+2"), TAG)
    expected = {
        "order_type": "market",
        "side": "sell-short",
        "quantity": "100",
        "time_in_force": "day",
        "symbol": "AAPL",
        "reference_id": TAG,
    }
    assert orders.body(part, AAPL, None) == expected
    assert orders.body(part, AAPL, "ABCD") == {**expected, "locate_broker": "ABCD"}


def test_a_filled_order_is_filled_at_its_average_price():
    assert orders.report(TAG, [venue_order(price="10.25")]) == Filled(
        TAG, PositionId("AAPL"), Decimal(100), Decimal("10.25"), VenueOrderId("oaa")
    )
    assert orders.report(TAG, [venue_order(price=None)]).price is None


def test_a_canceled_order_counts_by_what_was_filled():
    partly = venue_order(filled="30", said="canceled")
    assert orders.report(TAG, [partly]).volume == Decimal(30)
    none = venue_order(filled="0", price=None, said="rejected: no locate")
    assert orders.report(TAG, [none]) == Rejected(TAG, "order oaa ended as rejected: no locate")


def test_a_working_order_is_accepted_also_when_partly_filled():
    assert orders.report(TAG, [venue_order(filled="30", is_over=False)]) == Accepted(TAG, VenueOrderId("oaa"))


def test_two_orders_are_summed_and_their_price_weighed():
    both = [venue_order(TAG + "-1", "40", "10"), venue_order(TAG + "-2", "60", "20")]
    report = orders.report(TAG, both)
    assert (report.volume, report.price) == (Decimal(100), Decimal(16))
    assert orders.report(TAG, [both[0], venue_order(TAG + "-2", "0", None, said="rejected")]).volume == Decimal(40)
    assert isinstance(orders.report(TAG, [both[0], venue_order(TAG + "-2", "0", None, is_over=False)]), Accepted)


def test_a_second_order_is_missed_only_after_a_first_that_was_filled_whole():
    first, second = venue_order(TAG + "-1", "100"), venue_order(TAG + "-2", "60")
    assert orders.lacks_second([first], TAG)
    assert not orders.lacks_second([first, second], TAG)
    assert not orders.lacks_second([venue_order(TAG + "-1", "40")], TAG)
    assert not orders.lacks_second([venue_order(TAG)], TAG)


def test_an_order_leaves_what_it_has_not_filled_while_it_works():
    assert venue_order(filled="30", is_over=False).leaves == Decimal(70)
    assert venue_order(filled="30").leaves == 0
