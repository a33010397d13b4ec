"""Lives of net positions: the same id and opening time from stream, books, replay and restart, whatever was traded."""

from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.clearstreet.net import UNKNOWN, Books, Lives, Trail, follow, trails
from adapters.clearstreet.translate import Holding, Trade
from rules.model.state import SAME_LIFE
from rules.model.values import Symbol
from tests.adapters.clearstreet.frames import AAPL, AT, MSFT, NEXT_DAY, Talk, ack, books, frame, position, trade

STEP = timedelta(seconds=7)

quantities = st.lists(st.integers(-5, 5).filter(bool), min_size=1, max_size=25)


def trades_of(deltas, symbol=AAPL, start=0, at=AT, step=STEP):
    """Return executions that change a position by these quantities, one after the other."""
    running = Decimal(start)
    made = []
    for number, delta in enumerate(deltas):
        running += delta
        made.append(Trade(f"{symbol}{number}", "o", symbol, Decimal(delta), Decimal(100), running, at + number * step))
    return made


def beginning(deltas, start=0, at=AT, step=STEP):
    """Return when the present life began by plain reckoning: None when flat or carried over."""
    running, opened_at = start, None
    for number, delta in enumerate(deltas):
        before, running = running, running + delta
        if running == 0:
            opened_at = None
        elif before == 0 or before * running < 0:
            opened_at = at + number * step
    return running, opened_at


def frames_of(trades):
    """Return the frames of a day: each execution and its position-update."""
    found = []
    for each in trades:
        side = "buy" if each.quantity > 0 else "sell"
        found.append(trade(len(found) + 1, each.running, abs(each.quantity), side, at=each.at, trade_id=each.trade_id))
        found.append(position(len(found) + 1, each.running))
    return found


def books_of(trades, asked_at=AT):
    return _books(asked_at, trades, trades[-1].running if trades else Decimal(0))


def _books(asked_at, trades, held):
    quantities = {"AAPL": held} if held else {}
    return Books(asked_at, books(**quantities).holdings, trails(trades, {AAPL: Decimal(held)}))


def shown(positions):
    return {each.position_id: (each.side, each.volume, each.opened_at) for each in positions}


@pytest.mark.slow  # a hundred made-up days
@given(quantities, st.integers(-3, 3))
def test_a_life_begins_with_the_execution_that_came_from_flat_or_through_zero(deltas, start):
    running, opened_at = beginning(deltas, start)
    trail = trails(trades_of(deltas, start=start), {AAPL: Decimal(running)})[AAPL]
    assert (trail.running, trail.opened_at) == (running, opened_at)


@pytest.mark.slow  # a hundred made-up days
@given(quantities, st.booleans())
def test_the_order_of_the_list_does_not_matter_also_within_one_millisecond(deltas, at_once):
    step = timedelta(0) if at_once else STEP
    made = trades_of(deltas, step=step) + trades_of(deltas, symbol=MSFT, step=step)
    ends = {symbol: held for symbol in (AAPL, MSFT) if (held := Decimal(sum(deltas)))}
    assert trails(made, ends) == trails(made[::-1], ends)


@pytest.mark.slow  # a hundred made-up days
@given(quantities, st.data())
def test_stream_books_replay_and_restart_show_the_same_lives(deltas, data):
    made = trades_of(deltas)
    frames = frames_of(made)
    cut = data.draw(st.integers(0, len(frames)), label="frames before the books are asked")
    lives = Lives()
    talk = Talk(lives=lives)
    talk.feed(ack(), *frames[:cut], frame("replay-complete"))
    talk.learn(books_of(made[: cut // 2]) if cut % 2 == 0 else books_of(made[: cut // 2 + 1]))
    while talk.session.needs_books:  # the replay was cut between an execution and its position-update
        talk.learn(books_of(made[: (cut + 1) // 2]))
    talk.feed(*frames[cut:])
    polled = books_of(made).positions(lives)
    restarted = books_of(made).positions(Lives())
    again = Talk(lives=lives)
    again.feed(ack(), *frames, frame("replay-complete"))
    again.learn(books_of(made))
    assert shown(talk.positions.values()) == shown(polled) == shown(restarted) == shown(again.positions.values())


@pytest.mark.slow  # a hundred made-up days
@given(quantities)
def test_a_second_replay_beside_the_first_moves_no_opening_time(deltas):
    made = trades_of(deltas)
    lives = Lives()
    before = shown(books_of(made).positions(lives))
    successor = Talk(lives=lives)
    successor.feed(ack())
    for text in frames_of(made):
        successor.feed(text)
    assert shown(books_of(made).positions(lives)) == before


@pytest.mark.slow  # a hundred made-up days
@given(quantities, quantities, st.booleans())
def test_an_opening_time_never_moves_forward_within_one_life(today, tomorrow, restarts):
    lives = Lives()
    told = []
    for number in range(1, len(today) + 1):
        made = trades_of(today[:number])
        told.append((made[-1].running, books_of(made, made[-1].at).positions(lives)))
    running = int(told[-1][0])
    if restarts:
        lives = Lives()
    told.append((Decimal(running), books_of_next_day([], running).positions(lives)))
    for number in range(1, len(tomorrow) + 1):
        made = tomorrow[:number]
        held = running + sum(made)
        told.append((Decimal(held), books_of_next_day(made, running).positions(lives)))
    for (_, before), (_, after) in pairwise(told):
        if before and after and before[0].side is after[0].side:
            same_life = after[0].opened_at <= before[0].opened_at + SAME_LIFE
            moved_to = [each.at for each in trades_of(tomorrow, start=running, at=NEXT_DAY) + trades_of(today)]
            assert same_life or after[0].opened_at in moved_to


def books_of_next_day(deltas, start):
    made = trades_of(deltas, start=start, at=NEXT_DAY)
    return _books(NEXT_DAY, made, start + sum(deltas))


def test_an_addition_and_a_part_closed_keep_the_life():
    lives = Lives()
    for deltas in ([10], [10, 5], [10, 5, -12]):
        ((_, _, opened_at),) = shown(books_of(trades_of(deltas)).positions(lives)).values()
        assert opened_at == AT


def test_a_carried_position_keeps_its_time_overnight_and_has_none_after_a_restart():
    lives = Lives()
    books_of(trades_of([10])).positions(lives)
    ((_, _, kept),) = shown(books_of_next_day([], 10).positions(lives)).values()
    ((_, _, restarted),) = shown(books_of_next_day([], 10).positions(Lives())).values()
    assert (kept, restarted) == (AT, UNKNOWN)


def test_a_position_that_was_seen_closed_is_another_one_when_it_is_back():
    lives = Lives()
    books_of(trades_of([10])).positions(lives)
    Books(AT + STEP).positions(lives)
    ((_, _, opened_at),) = shown(books(NEXT_DAY, AAPL="10").positions(lives)).values()
    assert opened_at == UNKNOWN


def test_books_from_before_an_opening_do_not_forget_it():
    lives, held = Lives(), Holding(AAPL, Decimal(1), Decimal(1))
    assert lives.opened_at(held, Trail(Decimal(1), Decimal(1), AT, AT)) == AT
    lives.close_others({}, AT - STEP)
    assert lives.opened_at(held, None) == AT


def test_books_agree_when_the_last_executions_led_to_the_positions():
    made = trades_of([10, -4])
    assert books_of(made).agree
    assert not Books(AT, books_of(made[:1]).holdings, books_of(made).trails).agree
    assert Books(AT, {Symbol("ZZZ"): Holding(Symbol("ZZZ"), Decimal(1), Decimal(1))}).agree


def test_an_unsigned_short_position_is_followed_by_its_sides():
    trail = None
    for quantity, running in ((-10, 10), (4, 6), (6, 0), (5, 5)):
        trail = follow(trail, Trade("t", "o", AAPL, Decimal(quantity), Decimal(1), Decimal(running), AT))
    assert trail is not None
    assert trail.running == 5
