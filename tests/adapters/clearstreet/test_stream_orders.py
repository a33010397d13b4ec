"""Orders of a stream: in the snapshot, told when they begin, change and end, and what books add to them."""

from attrs import evolve

from adapters.clearstreet import translate
from adapters.clearstreet.stream_orders import StreamOrders
from rules.model.events import OrderEnded, OrderReported, SnapshotReceived
from rules.model.values import OrderStatus
from tests.adapters.clearstreet.frames import Talk, ack, books, decoded, frame, live, order

LIMIT = {"order_type": "limit", "price": "5"}


def shown(order_id="o", **fields):
    return translate.order(decoded(order(1, order_id, **LIMIT, **fields)).message)


def told(events):
    return [(type(event), getattr(event, "order_id", None) or event.order.order_id) for event in events]


def test_orders_that_the_replay_leaves_at_work_are_in_the_snapshot_and_no_others():
    talk = live(
        order(1, "a", **LIMIT),
        order(2, "b", **LIMIT),
        order(3, "a", "closed", **LIMIT, status="canceled"),
        order(4, "m", order_type="market"),
    )
    (snapshot,) = [event for event in talk.events if isinstance(event, SnapshotReceived)]
    assert [each.order_id for each in snapshot.orders or ()] == ["b"]
    assert not [event for event in talk.events if isinstance(event, OrderReported | OrderEnded)]


def test_an_order_is_told_when_it_begins_changes_and_ends_and_then_no_more():
    talk = live(order(1, "x", "closed"))
    assert told(talk.feed(order(2, **LIMIT))) == [(OrderReported, "o")]
    assert told(talk.feed(order(3, **LIMIT))) == []
    (event,) = talk.feed(order(4, order_type="limit", price="6"))
    assert event.order.price == 6
    (event,) = talk.feed(order(5, state="closed", **LIMIT, status="filled", filled_quantity="10"))
    assert (event.order_id, event.status, event.position_id) == ("o", OrderStatus.FILLED, "AAPL")
    assert talk.feed(order(6, state="closed", **LIMIT, status="filled", filled_quantity="10")) == []
    assert talk.feed(order(7, **LIMIT)) == []  # what ended does not come back


def test_an_order_that_has_filled_all_is_over_whatever_its_state_says():
    talk = live(order(1, **LIMIT))
    assert told(talk.feed(order(2, **LIMIT, filled_quantity="10"))) == [(OrderEnded, "o")]
    assert talk.feed(order(3, state="closed", **LIMIT, filled_quantity="10")) == []


def test_a_market_order_is_no_news_of_a_pending_one():
    talk = live(order(1, "x", "closed"))
    assert talk.feed(order(2, order_type="market"), order(3, state="closed", order_type="market")) == []


def test_books_add_what_the_stream_did_not_tell_and_only_later_words():
    orders = StreamOrders()
    orders.take(shown("a", version=3))
    orders.take(shown("b", state="closed"))
    orders.learn([shown("a", version=2, quantity="99"), shown("b"), shown("c")])
    assert {each.order_id: each.quantity for each in orders.working} == {"a": 10, "c": 10}
    orders.learn([shown("a", version=4, quantity="99")])
    assert {each.order_id: each.quantity for each in orders.working} == {"a": 99, "c": 10}


def test_after_messages_that_are_missing_for_good_the_books_say_what_works():
    talk = Talk()
    talk.feed(ack(), order(1, "a", **LIMIT), order(2, "b", **LIMIT), frame("replay-complete"))
    talk.learn(books())
    talk.gaps.met_before(talk.now.date(), 2, 9)
    talk.feed(order(9, "c", **LIMIT))
    (snapshot,) = talk.learn(evolve(books(), orders=(shown("b"),)))
    assert [each.order_id for each in snapshot.orders] == ["c", "b"]
