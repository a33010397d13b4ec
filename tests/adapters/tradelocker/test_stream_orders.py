"""Pending orders of a stream: a message is a reason to ask the books, and an end is told at once."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from attrs import evolve

from adapters.tradelocker.stream_orders import _ASKS_MAX, _ENDED_MAX, _ORDERS_MAX
from rules.model.events import OrderEnded, OrderReported, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.values import OrderStatus, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.adapters.tradelocker.frames import ALIAS, AT, Talk, live, order, stream


def waits(order_id="5", price="1.15", **fields):
    """Return a stream message about a pending order that waits."""
    return order(order_id, price, **{"orderType": "LIMIT", "positionId": None, **fields})


def ended(order_id="5", status="STATUS_CANCELLED", **fields):
    return waits(order_id, status=status, **fields)


def shown(order_id="5", price="1.15", **fields):
    """Return a pending order as the books show it."""
    kind = {"symbol": Symbol("EURUSD"), "side": Side.BUY, "order_type": OrderType.LIMIT, "volume": Decimal("0.3")}
    known = {**kind, "placed_at": datetime(2026, 11, 20, tzinfo=UTC), "tag": "cpa", "stop_loss": Decimal("1.1")}
    return WorkingOrder(VenueOrderId(order_id), price=Decimal(price), **{**known, **fields})


def test_the_snapshot_has_the_pending_orders_of_the_books():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream(waits()), stream({"type": "Property", "name": "SyncEnd"}))
    (snapshot,) = talk.learn({}, orders=[shown(), shown("6")])
    assert isinstance(snapshot, SnapshotReceived)
    assert snapshot.orders == (shown(), shown("6"))
    assert not talk.session.needs_books


def test_what_ended_before_the_snapshot_is_not_in_it():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream(waits()), stream({"type": "Property", "name": "SyncEnd"}), stream(ended()))
    (snapshot,) = talk.learn({}, orders=[shown()])
    assert snapshot.orders == ()


def test_a_new_order_is_reported_as_the_books_show_it():
    talk = live()
    assert talk.feed(stream(waits())) == []
    assert talk.session.needs_books
    assert talk.learn({}, orders=[shown()]) == [OrderReported(ALIAS, AT, shown())]
    assert not talk.session.needs_books
    assert talk.feed(stream(waits())) == []
    assert talk.learn({}, orders=[shown()]) == [], "told again without any change"


def test_books_that_lag_behind_are_asked_again_a_few_times():
    talk = live()
    talk.feed(stream(waits()))
    talk.learn({}, orders=[])
    assert talk.session.needs_books
    assert talk.learn({}, orders=[shown()]) == [OrderReported(ALIAS, AT, shown())]
    talk.feed(stream(waits(price="1.14")))
    talk.learn({}, orders=[shown()])
    assert talk.session.needs_books, "they still show the old price"
    changed = shown(price="1.14")
    assert talk.learn({}, orders=[changed]) == [OrderReported(ALIAS, AT, changed)]
    talk.feed(stream(waits("8")))
    for _ in range(_ASKS_MAX):
        assert talk.session.needs_books
        assert talk.learn({}, orders=[changed]) == []
    assert not talk.session.needs_books, "they will not ever show it"


def test_books_that_were_asked_for_before_a_message_do_not_answer_it():
    talk = live()
    mark = talk.session.mark
    talk.feed(stream(waits()))
    talk.learn({}, mark, orders=[])
    assert talk.learn({}, orders=[shown()]) == [OrderReported(ALIAS, AT, shown())]


@pytest.mark.parametrize("price", [None, "", "x", "0"])
def test_a_message_without_a_price_is_answered_by_whatever_the_books_show(price):
    talk = live()
    talk.feed(stream(waits(price=price)))
    assert talk.learn({}, orders=[shown()]) == [OrderReported(ALIAS, AT, shown())]
    assert not talk.session.needs_books


def test_an_order_that_somebody_else_placed_is_reported_when_the_books_show_it():
    talk = live()
    talk.feed(stream(waits()))
    assert talk.learn({}, orders=[shown(), shown("6")]) == [
        OrderReported(ALIAS, AT, shown()),
        OrderReported(ALIAS, AT, shown("6")),
    ]


@pytest.mark.parametrize(
    ("status", "end"),
    [
        ("STATUS_CANCELLED", OrderStatus.CANCELED),
        ("Canceled", OrderStatus.CANCELED),
        ("STATUS_EXPIRED", OrderStatus.EXPIRED),
        ("STATUS_REJECTED", OrderStatus.REJECTED),
        ("Refused", OrderStatus.REJECTED),
        ("Unplaced", OrderStatus.REJECTED),
        ("Removed", None),
    ],
)
@pytest.mark.parametrize("learned", [True, False])
def test_its_end_is_told_at_once_and_for_good(status, end, learned):
    talk = live()
    talk.feed(stream(waits()))
    if learned:
        talk.learn({}, orders=[shown()])
    assert talk.feed(stream(ended(status=status))) == [OrderEnded(ALIAS, AT, VenueOrderId("5"), end)]
    assert not talk.session.needs_books
    assert talk.feed(stream(ended(status=status))) == [], "told again"
    assert talk.feed(stream(waits())) == [], "a late message"
    assert not talk.session.needs_books
    assert talk.learn({}, orders=[shown()]) == [], "books that lag behind"


def test_a_fill_names_the_position():
    talk = live()
    talk.feed(stream(waits()))
    talk.learn({}, orders=[shown()])
    filled = ended(status="STATUS_FILLED", positionId="9")
    assert talk.feed(stream(filled)) == [
        OrderEnded(ALIAS, AT, VenueOrderId("5"), OrderStatus.FILLED, PositionId("9")),
    ]


@pytest.mark.parametrize("position_id", [None, "", "0", 9, ["9"]])
def test_a_position_that_cannot_be_read_is_none(position_id):
    talk = live()
    talk.feed(stream(waits()))
    (event,) = talk.feed(stream(ended(status="STATUS_FILLED", positionId=position_id)))
    assert event == OrderEnded(ALIAS, AT, VenueOrderId("5"), OrderStatus.FILLED)


@pytest.mark.parametrize(
    "fields",
    [{"orderType": "MARKET"}, {"positionId": "9"}, {"orderType": None}, {"orderType": 5}, {"orderType": "TRAILING"}],
)
def test_orders_of_positions_and_of_other_kinds_are_none_of_them(fields):
    talk = live()
    assert talk.feed(stream(waits(**fields))) == []
    assert not talk.session.needs_books
    assert talk.feed(stream(ended(**fields))) == []


def test_books_that_do_not_show_an_order_any_more_end_nothing():
    talk = live()
    talk.feed(stream(waits()))
    talk.learn({}, orders=[shown()])
    talk.feed(stream(waits("6")))
    assert talk.learn({}, orders=[shown("6")]) == [OrderReported(ALIAS, AT, shown("6"))]
    assert talk.feed(stream(ended())) == [OrderEnded(ALIAS, AT, VenueOrderId("5"), OrderStatus.CANCELED)]


@pytest.mark.slow  # ten thousand messages, to reach the bound
def test_what_a_stream_can_make_us_remember_is_bounded():
    talk = live()
    orders = talk.session._orders
    for number in range(_ORDERS_MAX + 10):
        talk.feed(stream(waits(str(number))))
    assert len(orders._awaited) == _ORDERS_MAX
    talk.learn({}, orders=[evolve(shown(), order_id=VenueOrderId(str(n))) for n in range(_ORDERS_MAX + 10)])
    assert len(orders.working) == _ORDERS_MAX
    for number in range(_ENDED_MAX + 20):
        talk.feed(stream(ended(str(number))))
    assert len(orders._ended) == _ENDED_MAX
