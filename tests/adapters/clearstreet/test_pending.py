"""Pending orders in the venue's words: what waits, what is asked for, how it ended."""

from datetime import timedelta
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.clearstreet import pending, translate
from rules.model.actions import PlaceOrder, ReplaceOrder
from rules.model.observed import WorkingOrder
from rules.model.values import OrderStatus, OrderType, Side, VenueOrderId
from tests.adapters.clearstreet.frames import AAPL, ALIAS, AT, NEW_YORK, decoded, ms, order
from tests.adapters.clearstreet.world import tag

TODAY = AT.astimezone(NEW_YORK).date()
LIMIT = {"order_type": "limit", "price": "270.10"}


def nothing(_):
    return Decimal(0)


def shown(**fields):
    return translate.order(decoded(order(1, **fields)).message)


def placing(side=Side.BUY, order_type=OrderType.LIMIT, price="190.10", **fields):
    return PlaceOrder(tag(), ALIAS, AAPL, side, order_type, Decimal(100), Decimal(price), **fields)


def test_a_limit_order_that_works_is_shown_by_what_is_left_of_it():
    fields = {**LIMIT, "reference_id": tag() + "-1", "created_at": ms(AT), "filled_quantity": "3"}
    assert pending.working_orders([shown(**fields)], nothing) == (
        WorkingOrder(
            VenueOrderId("o"),
            AAPL,
            Side.BUY,
            OrderType.LIMIT,
            Decimal(7),
            Decimal("270.10"),
            placed_at=AT,
            tag=tag(),
        ),
    )


@pytest.mark.parametrize(
    ("fields", "order_type", "price", "limit_price"),
    [
        ({"order_type": "stop", "stop_price": 5}, OrderType.STOP, "5", None),
        ({"order_type": "stop-limit", "stop_price": "5", "price": "6"}, OrderType.STOP_LIMIT, "5", "6"),
        ({"order_type": "limit", "price": "6", "stop_price": None}, OrderType.LIMIT, "6", None),
    ],
)
def test_a_stop_is_set_off_at_its_stop_price(fields, order_type, price, limit_price):
    (found,) = pending.working_orders([shown(side="sell", **fields)], nothing)
    assert (found.side, found.order_type, found.price) == (Side.SELL, order_type, Decimal(price))
    assert found.limit_price == (None if limit_price is None else Decimal(limit_price))


@pytest.mark.parametrize(
    "fields",
    [
        {"order_type": "market"},
        {},
        {"order_type": "trailing"},
        {"order_type": 7},
        {**LIMIT, "state": "closed"},
        {**LIMIT, "filled_quantity": "10"},
    ],
)
def test_what_waits_for_no_price_is_no_pending_order(fields):
    assert pending.working_orders([shown(**fields)], nothing) == ()


@pytest.mark.parametrize("price", [None, "", "NaN", "-1", "0", "1e999", [], {}])
@pytest.mark.parametrize("order_type", ["limit", "stop", "stop-limit"])
def test_an_order_that_works_at_no_price_cannot_be(order_type, price):
    with pytest.raises(RemoteProtocolError):
        shown(order_type=order_type, price=price, stop_price=price)
    assert shown(order_type=order_type, price=price, stop_price=price, state="closed").is_over


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"filled_quantity": "10", "status": "filled"}, OrderStatus.FILLED),
        ({"status": "canceled", "order_update_reason": "cancel"}, OrderStatus.CANCELED),
        ({"status": "canceled", "order_update_reason": "execution-report"}, None),
        ({"status": "expired"}, OrderStatus.EXPIRED),
        ({"status": "done-for-day"}, OrderStatus.EXPIRED),
        ({"status": "rejected"}, OrderStatus.REJECTED),
        ({"status": "stopped"}, None),
        ({}, None),
    ],
)
def test_how_an_order_ended_is_told_where_the_venue_says_so(fields, status):
    assert pending.end_of(shown(state="closed", **LIMIT, **fields)) is status


def test_an_order_is_placed_for_the_day_with_its_prices_as_text():
    assert pending.body(placing(), "buy", None) == {
        "order_type": "limit",
        "side": "buy",
        "quantity": "100",
        "time_in_force": "day",
        "symbol": "AAPL",
        "reference_id": tag(),
        "price": "190.1",
    }
    stop = pending.body(placing(Side.SELL, OrderType.STOP), "sell", "ABCD")
    assert (stop["order_type"], stop["stop_price"], stop["locate_broker"]) == ("stop", "190.1", "ABCD")
    assert "price" not in stop
    both = pending.body(placing(order_type=OrderType.STOP_LIMIT, limit_price=Decimal(191)), "buy", None)
    assert (both["order_type"], both["stop_price"], both["price"]) == ("stop-limit", "190.1", "191")


def test_a_change_of_prices_names_the_whole_quantity():
    works = shown(**LIMIT, filled_quantity="4")
    action = ReplaceOrder(tag(), ALIAS, works.order_id, AAPL, Side.BUY, OrderType.LIMIT, Decimal(5), None, None, None)
    assert pending.change(action, works) == {"quantity": "10", "price": "5"}
    assert not pending.has_prices(works, action)
    assert pending.has_prices(shown(order_type="limit", price="5.00"), action)


@pytest.mark.parametrize(
    ("hours", "refused"),
    [(None, False), (1, True), (13.9, True), (14, False), (72, False)],  # it is 10:00 in New York
)
def test_what_is_to_end_within_the_day_is_refused_and_what_is_to_last_is_placed_for_the_day(hours, refused):
    expires_at = None if hours is None else AT + timedelta(hours=hours)
    assert (pending.refusal(placing(expires_at=expires_at), TODAY, NEW_YORK) is not None) is refused


@pytest.mark.parametrize("stops", [{"stop_loss": Decimal(1)}, {"take_profit": Decimal(999)}])
def test_an_order_with_stops_is_refused(stops):
    assert "keeps no stops" in pending.refusal(placing(**stops), TODAY, NEW_YORK)


@pytest.mark.parametrize(
    ("side", "held", "expected"),
    [
        (Side.BUY, "-50", "buy"),
        (Side.BUY, "50", "buy"),
        (Side.SELL, "100", "sell"),
        (Side.SELL, "99", None),
        (Side.SELL, "0", "sell-short"),
        (Side.SELL, "-5", "sell-short"),
    ],
)
def test_a_pending_sale_is_marked_by_what_is_held_and_is_none_through_zero(side, held, expected):
    assert pending.side_of(placing(side), Decimal(held)) == expected
