"""Skipped positions, throttles and delays, as gates and through decisions."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.gates.pacing import draw
from rules.model.copies import CopyStatus, Ending
from rules.model.memory import LinkMemory, with_open, with_position
from rules.model.reasons import Reason
from rules.model.values import LinkId, PositionId, Side
from rules.policy.guard import Guard
from rules.policy.links import CopyPolicy
from rules.policy.pacing import Delay, SkipFirst, Span, Throttle
from tests.rules.gates.test_gates import code, granted, question
from tests.rules.playbook import T0, Playbook, position, shape

SECOND = timedelta(seconds=1)
EMPTY = LinkMemory(LinkId("l"))


def test_the_first_positions_are_skipped_and_the_next_is_copied() -> None:
    skip = SkipFirst(2)
    asked = question(CopyPolicy("late", skip_first=skip))
    memory = with_position(EMPTY, skip, Side.BUY, 0, T0)
    assert code(evolve(asked, memory=EMPTY)) == "SKIPPED_FIRST"
    assert code(evolve(asked, memory=memory)) == "SKIPPED_FIRST"
    granted(evolve(asked, memory=with_position(memory, skip, Side.BUY, 0, T0)))
    assert not Reason.SKIPPED_FIRST.waits


def test_a_throttle_lets_so_many_through_and_denies_the_rest_for_good() -> None:
    throttle = Throttle(2, timedelta(minutes=1))
    asked = question(CopyPolicy("slow", throttle=throttle))
    once = with_open(EMPTY, throttle, 0, T0)
    granted(evolve(asked, memory=once))
    assert code(evolve(asked, memory=with_open(once, throttle, 0, T0))) == "THROTTLED"
    assert not Reason.THROTTLED.waits


def test_what_a_copy_grows_by_is_neither_skipped_nor_throttled_nor_delayed() -> None:
    policy = CopyPolicy(
        "all",
        skip_first=SkipFirst(9),
        throttle=Throttle(1, SECOND),
        delay=Delay(Span(SECOND, SECOND)),
    )
    full = with_open(EMPTY, Throttle(1, SECOND), 0, T0)
    granted(evolve(question(policy), memory=full, increase_of=(Fraction(1), Decimal("0.5"))))


def test_decisions_tell_what_to_remember_once_for_each_position() -> None:
    play = Playbook(CopyPolicy("both", skip_first=SkipFirst(1), throttle=Throttle(1, SECOND)))
    assert play.sees(position()) == []
    memory = play.last.memory
    assert memory is not None
    assert [skips.count for skips in memory.skips] == [1]
    assert memory.opens == (), "a skipped position opened nothing"
    assert play.again() == []
    assert play.last.memory is None, "it is over for this position"
    second = Playbook(play.policy, memory=memory)
    opening = second.sees(position(position_id=PositionId("p2")))
    assert shape(opening) == [("open", "1.00")]
    assert second.last.memory is not None
    assert len(second.last.memory.opens) == 1


# Delays

FIVE = CopyPolicy("held back", delay=Delay(open=Span(5 * SECOND, 5 * SECOND), close=Span(3 * SECOND, 3 * SECOND)))


def test_an_opening_is_held_back_and_judged_again_when_its_time_has_come() -> None:
    play = Playbook(FIVE)
    assert play.sees(position()) == []
    assert play.codes == ["DELAYED"]
    assert play.last.look_again_at == T0 + 5 * SECOND
    assert play.waits(4.9) == []
    assert shape(play.waits(0.1)) == [("open", "1.00")]


def test_a_source_that_closes_meanwhile_is_not_copied() -> None:
    play = Playbook(FIVE)
    play.sees(position())
    assert play.sees(None) == []
    assert play.copy is not None
    assert (play.copy.ending, play.copy.reason) == (Ending.DENIED, Reason.SOURCE_GONE)


def test_the_price_is_judged_when_the_delay_is_over() -> None:
    play = Playbook(evolve(FIVE, guard=Guard(max_age=4 * SECOND)))
    play.sees(position())
    assert play.waits(5) == []
    assert play.codes == ["TOO_OLD"]


def test_a_close_is_held_back_and_then_done_whatever_happens_at_the_source() -> None:
    play = Playbook(FIVE)
    play.sees(position())
    play.fills(play.waits(5))
    assert play.sees(None) == []
    assert play.last.look_again_at == T0 + 8 * SECOND
    assert play.sees(position(opened_at=T0 + 6 * SECOND)) == [], "what opens meanwhile is another life"
    assert shape(play.waits(3)) == [("close", "1.00")]


def test_a_limit_closes_at_once_what_is_held_back() -> None:
    play = Playbook(FIVE)
    play.sees(position())
    play.fills(play.waits(5))
    play.sees(None)
    assert play.copy is not None
    play.copy = evolve(play.copy, flatten="daily loss")
    assert shape(play.again()) == [("close", "1.00")]


def test_a_partial_close_is_not_held_back() -> None:
    play = Playbook(FIVE)
    play.sees(position())
    play.fills(play.waits(5))
    assert shape(play.sees(position(volume="0.4"))) == [("reduce", "0.60")]


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.text(max_size=8))
def test_a_draw_is_within_its_span_and_the_same_again(least, width, position_id):
    span = Span(timedelta(milliseconds=least), timedelta(milliseconds=least + width))
    drawn = draw(span, "open", LinkId("l"), PositionId(position_id), T0)
    assert span.least <= drawn <= span.most
    assert drawn == draw(span, "open", LinkId("l"), PositionId(position_id), T0)


def test_draws_spread_over_their_span():
    span = Span(timedelta(0), timedelta(seconds=10))
    drawn = [draw(span, "open", LinkId("l"), PositionId(str(number)), T0) for number in range(1000)]
    for tenth in range(10):
        assert 60 < sum(tenth * SECOND <= each < (tenth + 1) * SECOND for each in drawn) < 140
    opens_and_closes = draw(span, "close", LinkId("l"), PositionId("1"), T0) != drawn[1]
    assert opens_and_closes, "an opening's draw tells nothing about the closing's"


def test_after_the_held_back_close_the_copy_ended_with_its_source() -> None:
    play = Playbook(FIVE)
    play.sees(position())
    play.fills(play.waits(5))
    play.sees(None)
    play.fills(play.waits(3))
    assert play.copy is not None
    assert (play.copy.status, play.copy.ending) == (CopyStatus.ENDED, Ending.SOURCE_CLOSED)
