"""What a link remembers of its opens and skips."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from rules.model.memory import LinkMemory, recent_opens, skipped_so_far, with_open, with_position
from rules.model.values import LinkId, Side
from rules.policy.pacing import SkipFirst, Throttle
from tests.rules.playbook import T0

EMPTY = LinkMemory(LinkId("l"))
TWO_A_MINUTE = Throttle(2, timedelta(minutes=1))
SKIP = SkipFirst(2, timedelta(hours=1))


def after(seconds: float):
    return T0 + timedelta(seconds=seconds)


def test_opens_count_within_the_window_and_are_forgotten_after_it():
    memory = with_open(with_open(EMPTY, TWO_A_MINUTE, 0, after(0)), TWO_A_MINUTE, 0, after(30))
    assert recent_opens(memory, TWO_A_MINUTE, 0, after(59)) == 2
    assert recent_opens(memory, TWO_A_MINUTE, 0, after(60)) == 1
    assert len(with_open(memory, TWO_A_MINUTE, 0, after(61)).opens) == 2


def test_rows_of_a_policy_count_apart():
    memory = with_open(EMPTY, TWO_A_MINUTE, 1, after(0))
    assert recent_opens(memory, TWO_A_MINUTE, 0, after(1)) == 0
    hour_later = with_open(memory, TWO_A_MINUTE, 0, after(3600))
    assert recent_opens(hour_later, Throttle(9, timedelta(days=1)), 1, after(3600)) == 1, "another row's is kept"


def test_skips_count_up_to_enough_and_begin_anew_after_a_quiet_time():
    memory = EMPTY
    for number in range(4):
        assert skipped_so_far(memory, SKIP, Side.BUY, 0, after(number)) == min(number, 2)
        memory = with_position(memory, SKIP, Side.SELL, 0, after(number))
    assert skipped_so_far(memory, SKIP, Side.BUY, 0, after(3 + 3600)) == 2
    assert skipped_so_far(memory, SKIP, Side.BUY, 0, after(3 + 3601)) == 0
    assert len(memory.skips) == 1


def test_sides_are_counted_apart_where_told():
    by_side = SkipFirst(2, timedelta(hours=1), by_side=True)
    memory = with_position(EMPTY, by_side, Side.BUY, 0, after(0))
    assert skipped_so_far(memory, by_side, Side.BUY, 0, after(1)) == 1
    assert skipped_so_far(memory, by_side, Side.SELL, 0, after(1)) == 0


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(1, 5), st.integers(1, 120))
def test_what_is_remembered_counts_like_the_whole_history(gaps, most, window):
    """Forgetting changes no count, and no more is remembered than the throttle let through in a window."""
    throttle = Throttle(most, timedelta(seconds=window))
    memory, opened, now = EMPTY, [], T0
    for gap in gaps:
        now += timedelta(seconds=gap)
        assert recent_opens(memory, throttle, 0, now) == sum(at > now - throttle.window for at in opened)
        if recent_opens(memory, throttle, 0, now) < most:
            memory = with_open(memory, throttle, 0, now)
            opened.append(now)
        assert len(memory.opens) <= most
