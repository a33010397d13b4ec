"""The Streams API session: every published sample, the order of things, and everything that breaks the protocol."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.tradelocker.session import TokenRefused
from rules.model.events import (
    AccountReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import AccountStatus, Position
from rules.model.values import PositionId, Side, Symbol
from tests.adapters.tradelocker.frames import (
    ALIAS,
    AT,
    CONNECT,
    DATA,
    OPEN,
    Talk,
    ack,
    event,
    live,
    order,
    position,
    sample,
    stream,
)

SEED = Path(__file__).parents[3].parent / "shared" / "seeds" / "tradelocker-streams.txt"
DECODER = json.JSONDecoder()


def published_messages(text):
    """Yield every JSON object in the text of the venue's documentation."""
    at = text.find("{")
    while at != -1:
        message, end = DECODER.raw_decode(text, at)
        yield message
        at = text.find("{", end)


@pytest.mark.skipif(not SEED.exists(), reason="the venue's documentation text does not lie beside this project")
def test_no_published_sample_is_missing_from_the_data():
    ours = [json.loads(path.read_text()) for path in DATA.glob("*.json")]
    published = list(published_messages(SEED.read_text()))
    assert len(published) == 15
    assert [message for message in published if message not in ours] == []


# Each published sample


def test_sample_account_status_becomes_the_account_figures():
    assert live().feed(stream(sample("stream-account-status"))) == [
        AccountReported(
            ALIAS,
            AT,
            AccountStatus(
                balance=Decimal("9888.95"),
                equity=Decimal("10628.95"),
                currency="USD",
                margin_used=Decimal("6305.5"),
                margin_free=Decimal("3583.45"),
            ),
        )
    ]


def test_sample_position_becomes_a_reported_position():
    assert live(account_id="L#617509").feed(stream(sample("stream-position"))) == [
        PositionReported(
            ALIAS,
            AT,
            Position(
                position_id=PositionId("144115188076017329"),
                symbol=Symbol("ETHUSD"),
                side=Side.BUY,
                volume=Decimal("0.01"),
                open_price=Decimal("3299.71"),
                opened_at=datetime(2024, 3, 19, 20, 15, 51, 465_000, tzinfo=UTC),
                contract_size=Decimal(10),
            ),
        )
    ]


def test_sample_close_position_becomes_a_close():
    assert live(account_id="L#775077").feed(stream(sample("stream-close-position"))) == [
        PositionClosed(
            ALIAS,
            AT,
            PositionId("144115188076313663"),
            close_price=Decimal("0.62947"),
            closed_at=datetime(2025, 1, 27, 13, 43, 53, 987_000, tzinfo=UTC),
        )
    ]


def test_sample_open_order_that_is_filled_reports_nothing_by_itself():
    assert live().feed(stream(sample("stream-open-order"))) == []


def test_sample_open_order_as_a_working_protective_order_brings_the_stop_price():
    talk = live(position("9", stopLossOrderId="144115188077153593"), books={PositionId("9"): (Decimal("0.5"), None)})
    (reported,) = talk.feed(stream({**sample("stream-open-order"), "status": "STATUS_NEW", "positionId": "9"}))
    assert isinstance(reported, PositionReported)
    assert reported.position.stop_loss == Decimal("0.62956")
    assert reported.position.take_profit is None


def test_sample_sync_end_makes_the_snapshot_wanted_and_then_given():
    talk = Talk()
    talk.subscribe()
    assert not talk.session.needs_books
    assert talk.feed(stream(sample("stream-sync-end"))) == []
    assert talk.session.needs_books
    assert talk.learn({}) == [SnapshotReceived(ALIAS, AT, (), Origin.RECONCILED, orders=())]
    assert talk.session.synchronized


def test_sample_acknowledgement_opens_the_session_and_tells_the_budget():
    talk = Talk()
    assert talk.subscribe() == [SessionOpened(ALIAS, AT)]
    assert talk.session.remaining_requests == 29


def test_subscription_holds_all_that_the_sample_has():
    talk = Talk()
    talk.feed(OPEN, CONNECT)
    name, body = json.loads(talk.sent[-1][talk.sent[-1].index("[") :])
    assert name == "subscriptions"
    assert body == {"action": "SUBSCRIBE", "token": "a.b.c", "accountId": "L#706984", "brandId": "BAPIA"}
    assert sample("subscribe").keys() <= body.keys()


@pytest.mark.parametrize("name", ["connection-bare", "connection-connected"])
def test_good_news_about_the_link_change_nothing(name):
    assert live().feed(event("connection", sample(name))) == []


@pytest.mark.parametrize("name", ["connection-disconnected", "connection-shutdown", "connection-unknown"])
def test_link_that_the_venue_ends_is_weather(name):
    with pytest.raises(SessionLost) as raised:
        live().feed(event("connection", sample(name)))
    assert not isinstance(raised.value, TokenRefused)


def test_wrong_developer_key_is_final():
    talk = Talk()
    talk.feed(OPEN, CONNECT)
    with pytest.raises(SignInRefused, match="developer_api_key"):
        talk.feed(event("connection", sample("connection-unauthorized-invalid-api-key")))


# The order of things


def test_connects_the_namespace_before_it_subscribes():
    talk = Talk()
    assert talk.sent == []
    talk.feed(OPEN)
    assert [frame.rstrip(",{}") for frame in talk.sent] == ["40/streams-api"]
    talk.feed(CONNECT)
    assert talk.sent[-1].startswith("42/streams-api,")


def test_ping_is_answered_by_pong():
    talk = live()
    before = len(talk.sent)
    assert talk.feed("2") == []
    assert talk.sent[before:] == ["3"]


def test_silence_limit_is_ping_interval_and_timeout():
    talk = Talk()
    assert talk.session.silence_s_max is None
    talk.feed(OPEN)
    assert talk.session.silence_s_max == 45


def test_event_before_the_namespace_is_connected_is_taken():
    talk = Talk()
    talk.feed(OPEN)
    assert talk.feed(event("connection", sample("connection-connected"))) == []
    talk.feed(CONNECT)
    assert talk.feed(ack(talk.sent, sample("ack-connected"))) == [SessionOpened(ALIAS, AT)]


def test_answer_by_event_instead_of_acknowledgement_opens_the_session():
    talk = Talk()
    talk.feed(OPEN, CONNECT)
    assert talk.feed(event("subscriptions", sample("ack-connected"))) == [SessionOpened(ALIAS, AT)]
    assert talk.feed(ack(talk.sent, sample("ack-connected"))) == []


def test_initial_state_is_kept_back_until_it_is_complete_and_confirmed():
    talk = Talk()
    talk.subscribe()
    status = sample("stream-account-status")
    assert talk.feed(stream(status), stream(position("1")), stream(position("2", "0.50"))) == []
    assert talk.feed(stream(sample("stream-sync-end"))) == []
    reported, snapshot = talk.learn({PositionId("1"): (None, None), PositionId("2"): (None, None)})
    assert isinstance(reported, AccountReported)
    assert isinstance(snapshot, SnapshotReceived)
    assert [(held.position_id, held.volume) for held in snapshot.positions] == [("1", 1), ("2", Decimal("0.50"))]


def test_initial_state_may_come_before_the_acknowledgement():
    talk = Talk()
    talk.feed(OPEN, CONNECT)
    talk.feed(stream(position("1")), stream(sample("stream-sync-end")))
    assert not talk.session.needs_books
    assert talk.feed(ack(talk.sent, sample("ack-connected"))) == [SessionOpened(ALIAS, AT)]
    (snapshot,) = talk.learn({PositionId("1"): (None, None)})
    assert isinstance(snapshot, SnapshotReceived)
    assert len(snapshot.positions) == 1


def test_close_during_the_initial_state_takes_the_position_out_of_it():
    talk = Talk()
    talk.subscribe()
    close = {"type": "ClosePosition", "accountId": "L#706984", "brandId": "BAPIA", "positionId": "1"}
    talk.feed(stream(position("1")), stream(close), stream(sample("stream-sync-end")))
    (snapshot,) = talk.learn({})
    assert isinstance(snapshot, SnapshotReceived)
    assert snapshot.positions == ()


def test_snapshot_is_not_given_while_books_and_stream_differ():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream(position("1")), stream(sample("stream-sync-end")))
    assert talk.learn({}) == []
    assert talk.session.needs_books
    assert talk.learn({PositionId("1"): (None, None), PositionId("2"): (None, None)}) == []
    talk.feed(stream(position("2")))
    (snapshot,) = talk.learn({PositionId("1"): (None, None), PositionId("2"): (None, None)})
    assert isinstance(snapshot, SnapshotReceived)
    assert len(snapshot.positions) == 2


def test_books_that_go_on_differing_end_the_session():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream(sample("stream-sync-end")))
    books = {PositionId("5"): (None, None)}
    talk.learn(books)
    talk.learn(books)
    with pytest.raises(RemoteProtocolError, match="5 is open in the books only"):
        talk.learn(books)


def test_what_the_stream_told_after_the_books_were_asked_is_no_difference():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream(position("1")), stream(sample("stream-sync-end")))
    mark = talk.session.mark
    close = {**sample("stream-close-position"), "accountId": "L#706984", "positionId": "1"}
    talk.feed(stream(position("2")), stream(close))
    (snapshot,) = talk.learn({PositionId("1"): (None, None)}, mark)
    assert isinstance(snapshot, SnapshotReceived)
    assert [held.position_id for held in snapshot.positions] == ["2"]


def test_stop_prices_of_books_older_than_the_position_message_are_not_taken():
    talk = live()
    mark = talk.session.mark
    talk.feed(stream(position("1", stopLossOrderId="11")))
    assert talk.learn({PositionId("1"): (Decimal("0.5"), None)}, mark) == []
    assert talk.session.needs_books
    (reported,) = talk.learn({PositionId("1"): (Decimal("0.6"), None)})
    assert isinstance(reported, PositionReported)
    assert reported.position.stop_loss == Decimal("0.6")


def test_second_end_of_the_initial_state_gives_no_second_snapshot():
    talk = live()
    assert talk.feed(stream(sample("stream-sync-end"))) == []
    assert not talk.session.needs_books


def test_end_of_another_accounts_initial_state_is_not_ours():
    talk = Talk()
    talk.subscribe()
    talk.feed(stream({**sample("stream-sync-end"), "accountId": "L#1"}))
    assert not talk.session.needs_books
    talk.feed(stream({**sample("stream-sync-end"), "accountId": "L#706984", "brandId": "BAPIA"}))
    assert talk.session.needs_books


@pytest.mark.parametrize("other", [{"accountId": "L#1"}, {"brandId": "OTHER"}, {"accountId": None}])
def test_messages_of_other_accounts_are_passed_over(other):
    talk = live()
    assert talk.feed(stream({**position("1"), **other})) == []
    assert talk.feed(stream({**sample("stream-account-status"), **other})) == []


# Live changes


def test_stop_prices_are_joined_whatever_comes_first():
    orders = (order("11", "0.61000"), order("12", "0.64000"))
    with_stops = position("1", stopLossOrderId="11", takeProfitOrderId="12")
    first = live()
    first.feed(*(stream(message) for message in orders))
    (reported,) = first.feed(stream(with_stops))
    last = live()
    last.feed(stream(with_stops))
    assert last.session.needs_books
    (*_, completed) = last.feed(*(stream(message) for message in orders))
    assert reported == completed
    assert isinstance(reported, PositionReported)
    assert reported.position.stop_loss == Decimal("0.61")
    assert reported.position.take_profit == Decimal("0.64")
    assert not last.session.needs_books


@pytest.mark.parametrize("price", ["NaN", "", None, "-1", "1e99", 5, []])
def test_protective_price_that_cannot_be_read_is_asked_for_and_not_guessed(price):
    talk = live()
    talk.feed(stream(order("11", price)))
    (reported,) = talk.feed(stream(position("1", stopLossOrderId="11")))
    assert isinstance(reported, PositionReported)
    assert reported.position.stop_loss == (5 if price == 5 else None)
    assert talk.session.needs_books is (price != 5)


def test_fields_that_we_do_not_use_may_hold_anything():
    talk = live()
    odd = {"fee": 0, "swaps": None, "units": [], "maintMargin": {}, "openOrderId": 7, "userId": 1}
    assert len(talk.feed(stream(position("1", **odd)))) == 1
    assert len(talk.feed(stream({**sample("stream-account-status"), "positionPnLs": "x", "credit": 1}))) == 1
    assert talk.feed(stream(order("1", "1", amount=5, isOpen="yes", tif=None))) == []


def test_mutated_frames_raise_nothing_but_the_venues_errors():
    random = Random(7)
    frames = [stream(sample(path.stem)) for path in sorted(DATA.glob("stream-*.json"))]
    frames += [event("connection", sample("connection-unknown")), event("subscriptions", sample("ack-connected"))]
    survived = 0
    for _ in range(500):
        frame = list(random.choice(frames))
        for _ in range(random.randint(1, 4)):
            at = random.randrange(len(frame))
            frame[at : at + random.randint(0, 3)] = random.choice(
                ['"', "{", "[", "9", "-", "e", "\\u0000", "null", ",", "\ud800"]
            )
        try:
            live().feed("".join(frame))
            survived += 1
        except (SessionLost, SignInRefused):
            continue
    assert 0 < survived < 500


def test_moved_protective_order_reports_the_position_anew_and_only_once():
    talk = live()
    talk.feed(stream(order("11", "0.61")), stream(position("1", stopLossOrderId="11")))
    (moved,) = talk.feed(stream(order("11", "0.60")))
    assert isinstance(moved, PositionReported)
    assert moved.position.stop_loss == Decimal("0.60")
    assert talk.feed(stream(order("11", "0.60"))) == []


def test_stop_that_is_not_known_yet_keeps_the_last_known_price():
    talk = live()
    talk.feed(stream(order("11", "0.61")), stream(position("1", stopLossOrderId="11")))
    (reported,) = talk.feed(stream(position("1", "0.50", stopLossOrderId="99")))
    assert isinstance(reported, PositionReported)
    assert (reported.position.volume, reported.position.stop_loss) == (Decimal("0.50"), Decimal("0.61"))
    (learnt,) = talk.learn({PositionId("1"): (Decimal("0.59"), None)})
    assert isinstance(learnt, PositionReported)
    assert learnt.position.stop_loss == Decimal("0.59")


def test_removed_stop_is_none():
    talk = live()
    talk.feed(stream(order("11", "0.61")), stream(position("1", stopLossOrderId="11")))
    talk.feed(stream(order("11", "0.61", status="STATUS_CANCELLED")))
    (reported,) = talk.feed(stream(position("1")))
    assert isinstance(reported, PositionReported)
    assert reported.position.stop_loss is None
    assert not talk.session.needs_books


def test_position_that_names_no_stops_at_all_asks_the_books_at_most_three_times():
    talk = live(account_id="L#617509")
    talk.feed(stream(sample("stream-position")))
    for _ in range(3):
        assert talk.session.needs_books
        assert talk.learn({}) == []
    assert not talk.session.needs_books


def test_position_message_that_was_overtaken_by_its_close_is_passed_over():
    talk = live(position("1"), books={PositionId("1"): (None, None)})
    close = {**sample("stream-close-position"), "accountId": "L#706984", "positionId": "1"}
    talk.feed(stream(close))
    assert talk.feed(stream(position("1"))) == []
    unseen = {**close, "positionId": "2"}
    talk.feed(stream(unseen))
    assert talk.feed(stream(position("2"))) == []


def test_smaller_rest_after_a_close_is_a_position_again():
    talk = live(position("1"), books={PositionId("1"): (None, None)})
    talk.feed(stream({**sample("stream-close-position"), "accountId": "L#706984", "positionId": "1"}))
    (reported,) = talk.feed(stream(position("1", "0.40")))
    assert isinstance(reported, PositionReported)
    assert reported.position.volume == Decimal("0.40")


def test_position_without_volume_is_closed():
    talk = live(position("1"), books={PositionId("1"): (None, None)})
    assert talk.feed(stream(position("1", "0.00"))) == [PositionClosed(ALIAS, AT, PositionId("1"))]


def test_close_without_price_or_time_is_a_close():
    close = {"type": "ClosePosition", "accountId": "L#706984", "positionId": "1", "closePrice": None}
    assert live().feed(stream(close)) == [PositionClosed(ALIAS, AT, PositionId("1"))]


# What ends the session


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        ("invalidJwt", "Token expired", TokenRefused),
        ("invalidJwt", "Host: h1 not recognized", SignInRefused),
        ("accountNotFound", "No such account", SignInRefused),
        ("unauthorized", "No", SignInRefused),
        ("rateLimit", "Slow down", SessionLost),
        ("alreadyConnectedError", "Twice", SessionLost),
        ("neverSeenBefore", "?", SessionLost),
    ],
)
def test_refused_subscription_means_what_its_code_says(code, message, error):
    talk = Talk()
    talk.feed(OPEN, CONNECT)
    with pytest.raises(error) as raised:
        talk.feed(ack(talk.sent, {"status": "error", "code": code, "message": message}))
    assert type(raised.value) is error
    assert "a.b.c" not in str(raised.value)


def test_refused_namespace_is_weather_unless_it_is_the_key():
    talk = Talk()
    talk.feed(OPEN)
    with pytest.raises(SessionLost):
        talk.feed('44/streams-api,{"message":"Invalid namespace"}')
    with pytest.raises(SignInRefused):
        talk.feed('44/streams-api,{"message":"Invalid API key"}')


@pytest.mark.parametrize("frame", ["1", "41/streams-api,", "41/streams-api"])
def test_closed_link_is_weather(frame):
    with pytest.raises(SessionLost):
        live().feed(frame)


def test_being_dropped_is_weather():
    with pytest.raises(SessionLost, match="Disconnected"):
        live().feed(stream({"type": "Property", "name": "Disconnected"}))


def test_what_may_be_added_one_day_is_passed_over():
    talk = live()
    assert talk.feed(stream({"type": "Dividend", "accountId": "L#706984", "amount": "1"})) == []
    assert talk.feed(stream({"type": "Property", "name": "Maintenance"})) == []
    assert talk.feed(event("news", {"text": "hello"})) == []
    (reported,) = talk.feed(stream(position("1", color="green")))
    assert isinstance(reported, PositionReported)


@pytest.mark.parametrize(
    "field",
    [
        {"lots": "NaN"},
        {"lots": "-0.1"},
        {"lots": "1e999999"},
        {"lots": "1_0"},
        {"lots": 0.1},
        {"lots": None},
        {"openPrice": "0"},
        {"openPrice": "Infinity"},
        {"lotSize": "0"},
        {"side": "SHORT"},
        {"openDateTime": "yesterday"},
        {"openDateTime": "2024-03-19T20:15:51.465"},
        {"openDateTime": "9999-12-31T23:59:59-23:00"},
        {"positionId": 144115188076017329},
        {"instrument": None},
    ],
)
def test_position_that_cannot_be_read_exactly_ends_the_session(field):
    with pytest.raises(RemoteProtocolError):
        live().feed(stream({**position("1"), **field}))


@pytest.mark.parametrize("field", [{"balance": "x"}, {"equity": "1" * 30}, {"marginUsed": "0x10"}, {"balance": None}])
def test_figures_that_cannot_be_read_exactly_end_the_session(field):
    with pytest.raises(RemoteProtocolError):
        live().feed(stream({**sample("stream-account-status"), **field}))


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "x",
        "4",
        "42",
        "42/streams-api,",
        "42/streams-api,[",
        '42/streams-api,{"stream":1}',
        "42/streams-api,[]",
        "42/streams-api,[1]",
        '42/streams-api,["stream"]',
        '42/streams-api,["stream",[]]',
        '42/streams-api,["stream",{"type":7}]',
        '42/streams-api,["connection","ok"]',
        '42/streams-api,["subscriptions",null]',
        "42/streams-api," + "[" * 5000,
        "43/streams-api,77[7]",
        b"\x00\x01",
        OPEN,
    ],
)
def test_malformed_frame_ends_the_session(frame):
    with pytest.raises(RemoteProtocolError):
        live().feed(frame)


@pytest.mark.parametrize("frame", ["0", "0{}", '0{"sid":"s","pingInterval":"often","pingTimeout":1}', CONNECT, "0[]"])
def test_malformed_opening_ends_the_session(frame):
    with pytest.raises(RemoteProtocolError):
        Talk().feed(frame)
