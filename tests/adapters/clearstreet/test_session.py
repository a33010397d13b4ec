"""The session: subscription, replay, numbering and its gaps, the day's change, and what becomes an event."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from adapters.base import RemoteProtocolError
from adapters.clearstreet.net import UNKNOWN, Lives
from adapters.clearstreet.sequence import Gap, Gaps
from adapters.clearstreet.session import SubscriptionRefused
from rules.model.events import Origin, PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.model.values import Side
from tests.adapters.clearstreet.frames import (
    ALIAS,
    AT,
    MSFT,
    NEXT_DAY,
    Talk,
    ack,
    books,
    frame,
    live,
    order,
    position,
    trade,
)

LATER = AT + timedelta(minutes=5)
HEARTBEAT = frame("heartbeat")


# Subscribing


@pytest.mark.parametrize("fields", [{}, {"account_id": "100000"}, {"account_id": ""}])
def test_an_acknowledgement_with_and_without_the_account_opens_the_session(fields):
    assert Talk().feed(ack(**fields)) == [SessionOpened(ALIAS, AT)]


def test_an_acknowledgement_of_another_account_breaks_the_protocol():
    with pytest.raises(RemoteProtocolError, match="expected a subscription to 100000"):
        Talk().feed(ack(account_id="999"))


def test_a_second_acknowledgement_opens_nothing_again():
    assert len(Talk().feed(ack(), ack())) == 1


def test_a_refused_subscription_is_told_with_the_venues_words_bounded():
    with pytest.raises(SubscriptionRefused, match="not yours") as refused:
        Talk().feed(frame("subscribe-activity-ack", success=False, details="not yours " + "x" * 10_000))
    assert len(str(refused.value)) < 300


def test_an_error_notice_before_the_acknowledgement_is_a_refusal_and_later_news_of_no_weight():
    with pytest.raises(SubscriptionRefused, match="bad json"):
        Talk().feed(frame("error-notice", details="bad json"))
    talk = live()
    assert talk.feed(frame("error-notice", details="soon closing")) == []
    assert talk.session.take_notices() == ["soon closing"]
    assert talk.session.take_notices() == talk.session.take_notes() == []


def test_unknown_types_are_counted_and_passed_over_and_the_count_is_bounded():
    talk = live()
    talk.feed(*[frame(f"new-{number % 40}", sequence=9000) for number in range(80)])
    assert talk.session.unknown["new-0"] == 2
    assert len(talk.session.unknown) == 32
    assert talk.session.sequence is None


# Replay


def test_a_replay_tells_nothing_before_the_books_confirm_it():
    talk = Talk()
    talk.feed(ack(), trade(1, 100, 100), position(2, 100), trade(3, 60, 40, "sell"), position(4, 60))
    assert not talk.session.needs_books
    assert talk.feed(frame("replay-complete")) == []
    assert talk.session.needs_books
    (snapshot,) = talk.learn(books(AAPL="60", MSFT="-5"))
    assert isinstance(snapshot, SnapshotReceived)
    assert (snapshot.origin, snapshot.certain, snapshot.requested_at) == (Origin.RECONCILED, True, None)
    apple, microsoft = snapshot.positions
    assert (apple.position_id, apple.side, apple.volume, apple.opened_at) == ("AAPL", Side.BUY, Decimal(60), AT)
    assert (microsoft.side, microsoft.volume) == (Side.SELL, Decimal(5))
    assert microsoft.opened_at == UNKNOWN  # carried over: no execution of today opened it


def test_books_that_lag_behind_the_replay_are_asked_again():
    talk = Talk()
    talk.feed(ack(), trade(1, 100, 100), position(2, 100), frame("replay-complete"))
    assert talk.learn(books()) == []
    assert talk.learn(books()) == []
    (snapshot,) = talk.learn(books(AAPL="100"))
    assert [each.volume for each in snapshot.positions] == [Decimal(100)]
    assert talk.session.take_notes() == []


def test_books_that_contradict_the_replay_three_times_are_believed_with_a_note():
    talk = Talk()
    talk.feed(ack(), trade(1, 100, 100), position(2, 100), frame("replay-complete"))
    for _ in range(2):
        assert talk.learn(books(AAPL="70")) == []
    (snapshot,) = talk.learn(books(AAPL="70"))
    assert [each.volume for each in snapshot.positions] == [Decimal(70)]
    (note,) = talk.session.take_notes()
    assert "AAPL: 100 in the stream, 70 in the books" in note


def test_what_changed_while_the_books_were_asked_is_taken_from_the_stream():
    talk = Talk()
    talk.feed(ack(), trade(1, 100, 100), position(2, 100), frame("replay-complete"))
    mark = talk.session.mark
    talk.feed(trade(3, 0, 100, "sell"), position(4, 0))
    assert talk.session.learn(books(AAPL="100", MSFT="3"), mark)
    snapshot = talk.session.snapshot(AT)
    assert [each.symbol for each in snapshot.positions] == [MSFT]


# Numbering


def test_a_doubled_message_is_skipped():
    talk = live()
    talk.feed(trade(1, 100, 100))
    assert len(talk.feed(position(2, 100))) == 1
    assert talk.feed(position(2, 100), trade(1, 100, 100), position(2, 100)) == []
    assert len(talk.feed(position(3, 60))) == 1


def test_a_gap_ends_the_session_and_tells_nothing_after_it():
    talk = live(position(1, 100))
    with pytest.raises(Gap, match="expected message 2 of 2026-11-20, found 3"):
        talk.feed(position(3, 60))


def test_a_gap_that_the_replay_fills_is_forgotten():
    gaps = Gaps()
    with pytest.raises(Gap):
        live(position(1, 100), gaps=gaps).feed(position(3, 60))
    talk = live(position(1, 100), position(2, 80), position(3, 60), gaps=gaps)
    assert talk.positions["AAPL"].volume == Decimal(60)
    assert talk.session.take_notes() == []


def test_a_gap_at_the_same_place_of_a_fresh_replay_is_accepted_once_the_books_are_asked():
    gaps = Gaps()
    for _ in range(2):  # met live, then in the replay
        talk = Talk(gaps=gaps)
        talk.feed(ack(), position(1, 100))
        try:
            talk.feed(position(3, 60))
        except Gap:
            continue
    talk.feed(frame("replay-complete"))
    assert any("messages 2 to 2 of 2026-11-20 are missing" in note for note in talk.session.take_notes())
    talk.learn(books(AAPL="60", MSFT="7"))
    assert talk.positions["MSFT"].volume == Decimal(7)
    with pytest.raises(Gap, match="expected message 4"):
        talk.feed(position(9, 1))


def test_a_known_gap_that_comes_live_holds_events_back_until_the_books_have_spoken():
    gaps = Gaps()
    with pytest.raises(Gap):
        live(position(1, 100), gaps=gaps).feed(position(3, 60))
    talk = live(position(1, 100), gaps=gaps)
    assert talk.feed(position(3, 60)) == []
    assert talk.session.needs_books
    (snapshot,) = talk.learn(books(AAPL="60"))
    assert snapshot.origin is Origin.RECONCILED
    assert len(talk.feed(position(4, 50))) == 1


def test_numbering_that_goes_back_within_a_day_ends_the_session():
    talk = live(position(1, 100), position(2, 80))
    with pytest.raises(Gap, match="found 1, which is not what it was"):
        talk.feed(position(1, 55))


def test_a_new_day_begins_its_numbering_anew():
    talk = live(position(1, 100), position(2, 80), position(3, 60))
    assert len(talk.feed(position(1, 50, sent_at=NEXT_DAY))) == 1
    assert len(talk.feed(position(2, 40, sent_at=NEXT_DAY))) == 1
    assert talk.positions["AAPL"].volume == Decimal(40)
    with pytest.raises(Gap, match="expected message 3 of 2026-11-23"):
        talk.feed(position(4, 30, sent_at=NEXT_DAY))


def test_a_new_day_that_begins_elsewhere_is_left_to_a_fresh_replay():
    talk = live(position(500, 100), position(501, 80))
    with pytest.raises(Gap):
        talk.feed(position(77, 50, sent_at=NEXT_DAY))
    assert live(position(77, 50, sent_at=NEXT_DAY)).session.sequence == 77


def test_news_of_a_life_before_the_one_that_a_look_has_shown_are_not_told():
    first, flipped, bought = (AT + timedelta(seconds=number) for number in (1, 2, 4))
    talk = live()
    books(asked_at=flipped, opened={"AAPL": flipped}, AAPL="35").positions(talk.lives)  # the look is faster
    short = trade(1, -25, 25, "sell", at=first), position(2, -25)
    assert talk.feed(*short) == []
    (long,) = talk.feed(trade(3, 35, 60, at=flipped), position(4, 35))
    assert (long.position.side, long.position.volume, long.position.opened_at) == (Side.BUY, Decimal(35), flipped)
    books(asked_at=bought, opened={"AAPL": bought}, AAPL="10").positions(talk.lives)
    assert talk.feed(trade(5, 0, 35, "sell", at=flipped), position(6, 0)) == []
    (again,) = talk.feed(trade(7, 10, 10, at=bought), position(8, 10))
    assert (again.position.volume, again.position.opened_at) == (Decimal(10), bought)
    (closed,) = talk.feed(trade(9, 0, 10, "sell", at=bought), position(10, 0))
    assert isinstance(closed, PositionClosed)


def test_the_opening_time_survives_the_night_while_the_process_runs():
    lives = Lives()
    talk = live(trade(1, 100, 100), position(2, 100), lives=lives)
    (event,) = talk.feed(trade(1, 150, 50, at=NEXT_DAY, sent_at=NEXT_DAY), position(2, 150, sent_at=NEXT_DAY))
    assert event.position.opened_at == AT
    again = live(trade(1, 150, 50, at=NEXT_DAY), position(2, 150), lives=lives)
    assert again.positions["AAPL"].opened_at == AT
    restarted = live(trade(1, 150, 50, at=NEXT_DAY), position(2, 150))
    assert restarted.positions["AAPL"].opened_at == UNKNOWN  # earlier, never later


@pytest.mark.parametrize("sequence", [None, -1, 2**63, "1", 1.5])
def test_a_sequenced_message_without_a_possible_number_breaks_the_protocol(sequence):
    with pytest.raises(RemoteProtocolError):
        live().feed(position(sequence, 1))


def test_the_place_of_a_session_goes_on_with_the_day_also_without_messages():
    old, new = live(position(1, 5)), live()
    assert new.session.place < old.session.place
    new.feed(frame("heartbeat", at=NEXT_DAY))
    assert new.session.place > old.session.place
    old.feed(frame("heartbeat", at=NEXT_DAY))
    assert new.session.place == old.session.place


# Events


def test_a_burst_of_executions_and_one_position_update_are_one_event():
    talk = live()
    assert talk.feed(trade(1, 30, 30, trade_id="a"), trade(2, 70, 40, trade_id="b"), trade(3, 100, 30)) == []
    (event,) = talk.feed(position(4, 100, "100.25"))
    assert isinstance(event, PositionReported)
    assert (event.position.volume, event.position.open_price) == (Decimal(100), Decimal("100.25"))


def test_a_position_update_that_comes_before_its_execution_is_told_with_its_opening_time_after_it():
    talk = live()
    (first,) = talk.feed(position(1, 100))
    assert first.position.opened_at == UNKNOWN
    (second,) = talk.feed(trade(2, 100, 100))
    assert second.position.opened_at == AT


def test_an_execution_whose_position_update_never_comes_counts_by_itself_after_a_while():
    talk = live(trade(1, 100, 100), position(2, 100))
    assert talk.feed(trade(3, 150, 50, price="130.00")) == []
    assert talk.session.waits
    (event,) = talk.session.settle(LATER)
    assert (event.position.volume, event.position.open_price) == (Decimal(150), Decimal(110))
    assert not talk.session.waits
    assert talk.feed(trade(4, 120, 30, "sell", price="140.00")) == []
    (event,) = talk.feed(HEARTBEAT)
    assert (event.position.volume, event.position.open_price) == (Decimal(120), Decimal(110))
    (event,) = talk.feed(position(5, 120, "110.01"))
    assert event.position.open_price == Decimal("110.01")


def test_running_positions_from_before_the_execution_never_take_a_position_back():
    talk = live()
    (event,) = talk.feed(position(1, 100), trade(2, 0, 100))
    assert (event.position.volume, event.position.opened_at) == (Decimal(100), UNKNOWN)
    told = talk.feed(trade(3, 100, 40, "sell"), position(4, 60), HEARTBEAT)
    assert [each.position.volume for each in told] == [Decimal(60)]
    assert talk.session.settle(AT) == []


def test_executions_alone_close_and_turn_a_position():
    talk = live(trade(1, 100, 100), position(2, 100))
    talk.feed(trade(3, 0, 100, "sell", price="101.00"))
    assert talk.session.settle(AT) == [PositionClosed(ALIAS, AT, "AAPL", Decimal(101), AT)]
    talk.feed(trade(4, -20, 20, "sell-short", price="102.00", at=LATER))
    (event,) = talk.session.settle(AT)
    assert (event.position.side, event.position.volume) == (Side.SELL, Decimal(20))
    assert (event.position.open_price, event.position.opened_at) == (Decimal(102), LATER)


def test_a_closed_position_is_told_with_the_price_and_time_of_its_last_execution():
    talk = live(trade(1, 100, 100), position(2, 100))
    told = talk.feed(trade(3, 0, 100, "sell", price="104.50", at=LATER), position(4, 0, "0"))
    assert told == [PositionClosed(ALIAS, AT, "AAPL", Decimal("104.50"), LATER)]
    assert talk.feed(position(5, 0, "0")) == []


def test_a_close_without_executions_tells_no_price():
    talk = live(known=books(AAPL="100"))
    assert talk.feed(position(1, 0, "0")) == [PositionClosed(ALIAS, AT, "AAPL")]


def test_a_flip_is_the_other_side_with_a_later_opening_time():
    talk = live(trade(1, 100, 100), position(2, 100))
    told = talk.feed(
        trade(3, 0, 100, "sell", at=LATER), trade(4, -50, 50, "sell-short", at=LATER), position(5, -50, "99.00")
    )
    (event,) = told
    assert (event.position.position_id, event.position.side, event.position.volume) == ("AAPL", Side.SELL, Decimal(50))
    assert event.position.opened_at == LATER


def test_a_position_that_was_closed_and_opened_again_has_a_later_opening_time():
    talk = live(trade(1, 100, 100), position(2, 100))
    closed, opened = talk.feed(
        trade(3, 0, 100, "sell", at=LATER), position(4, 0), trade(5, 100, 100, at=LATER), position(6, 100)
    )
    assert isinstance(closed, PositionClosed)
    assert opened.position.opened_at == LATER


def test_a_short_position_that_is_written_without_its_minus_is_short():
    talk = live()
    (event,) = talk.feed(trade(1, "50", 50, "sell-short"), position(2, "50"))
    assert (event.position.side, event.position.volume) == (Side.SELL, Decimal(50))
    (event,) = talk.feed(trade(3, "30", 20, "buy", at=LATER), position(4, "30"))
    assert (event.position.side, event.position.volume) == (Side.SELL, Decimal(30))
    assert event.position.opened_at == AT


def test_an_execution_without_a_symbol_is_that_of_its_order():
    talk = live()
    talk.feed(order(1), trade(2, 100, 100, symbol=None))
    (event,) = talk.feed(position(3, 100))
    assert event.position.opened_at == AT
    talk.feed(trade(4, 150, 50, symbol=None, order_id="never heard of"))
    assert talk.session.unknown == {"trade without a symbol": 1}


def test_a_message_of_another_account_changes_nothing():
    talk = live()
    other = {"account_id": "7", "account_number": "8"}
    assert talk.feed(position(1, 100, **other)) == []
    assert len(talk.feed(position(2, 100, account_id="7", account_number="100000"))) == 1


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"quantity": "100"', '"quantity": "1_00"'),
        ('"quantity": "100"', '"quantity": "NaN"'),
        ('"quantity": "100"', '"quantity": null'),
        ('"average_cost": 100.00', '"average_cost": 1e400'),
        ('"average_cost": 100.00', '"average_cost": -1'),
        ('"average_cost": 100.00', '"average_cost": "' + "1" * 100_000 + '"'),
        ('"symbol": "AAPL"', '"symbol": ""'),
        ('"symbol": "AAPL"', '"symbol": "' + "A" * 300 + '"'),
        ('"timestamp"', '"times"'),
        ('"timestamp": 1', '"timestamp": 253402300799999, "was": 1'),
        ("{", "["),
    ],
)
def test_what_cannot_be_read_exactly_ends_the_session_and_is_named_briefly(old, new):
    with pytest.raises(RemoteProtocolError) as error:
        live().feed(position(1, 100).replace(old, new))
    assert len(str(error.value)) < 400
    assert "must" in str(error.value) or "expected" in str(error.value)


def test_a_number_keeps_every_digit():
    (event,) = live().feed(position(1, 1, "190.09500000000003"))
    assert event.position.open_price == Decimal("190.09500000000003")


def test_hostile_bytes_end_the_session_and_never_crash():
    random = Random(5)
    good = [ack(), trade(1, 100, 100), position(2, 100), order(3), frame("replay-complete"), HEARTBEAT]
    for _ in range(500):
        talk = Talk()
        for text in good:
            data = bytearray(text.encode())
            for _ in range(random.choice((0, 0, 1, 3))):
                data[random.randrange(len(data))] = random.randrange(256)
            try:
                talk.feed(bytes(data))
            except (RemoteProtocolError, SubscriptionRefused):
                break
