from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.times.cron import Cron
from rules.times.schedule import Closed, Open, Outside, Schedule, Window

HOUR = timedelta(hours=1)
LONDON = Schedule(
    "london",
    "Europe/London",
    open=(Window("0 8 * * mon-fri", timedelta(hours=8, minutes=30)),),
    closed=(Window("55 13 * * fri", timedelta(minutes=10), "payrolls"),),
    flatten=("45 20 * * fri",),
)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_open_inside_a_window_and_closed_from_its_end():
    assert LONDON.state(utc(2026, 11, 19, 7, 59, 59)) == Closed(
        utc(2026, 11, 19, 8), "outside the open windows of schedule london"
    )
    assert LONDON.state(utc(2026, 11, 19, 8)) == Open(utc(2026, 11, 19, 16, 30))
    assert isinstance(LONDON.state(utc(2026, 11, 19, 16, 30)), Closed)


def test_closed_window_wins_and_says_why():
    assert LONDON.state(utc(2026, 11, 20, 13, 55)) == Closed(utc(2026, 11, 20, 14, 5), "payrolls")
    assert LONDON.state(utc(2026, 11, 20, 13, 54)) == Open(utc(2026, 11, 20, 13, 55))
    assert LONDON.state(utc(2026, 11, 20, 14, 5)) == Open(utc(2026, 11, 20, 16, 30))


def test_local_time_follows_the_zone():
    assert LONDON.state(utc(2026, 7, 1, 7)) == Open(utc(2026, 7, 1, 15, 30))


def test_without_open_windows_it_is_open_unless_closed():
    always = Schedule("always", "UTC")
    assert always.state(utc(2026, 1, 1)) == Open(None)
    assert always.next_flatten(utc(2026, 1, 1)) is None
    nights = Schedule("nights", "UTC", closed=(Window("0 22 * * *", timedelta(hours=8)),))
    assert nights.state(utc(2026, 1, 1, 12)) == Open(utc(2026, 1, 1, 22))
    assert nights.state(utc(2026, 1, 1, 23)) == Closed(utc(2026, 1, 2, 6), "closed window '0 22 * * *'")


def test_window_longer_than_a_day_stays_open_over_its_own_next_firing():
    week = Schedule("week", "UTC", open=(Window("0 22 * * sun", timedelta(days=5)),))
    assert week.state(utc(2026, 11, 20, 21, 59)) == Open(utc(2026, 11, 20, 22))
    assert isinstance(week.state(utc(2026, 11, 20, 22)), Closed)
    daily = Schedule("daily", "UTC", open=(Window("0 0 * * *", timedelta(hours=36)),))
    assert isinstance(daily.state(utc(2026, 11, 20, 13)), Open)


def test_length_is_elapsed_time_over_a_change_of_the_clock():
    # New York on 1 November 2026: from 00:00 to 04:00 by the clock are five hours.
    night = Schedule("night", "America/New_York", open=(Window("0 0 * * *", 4 * HOUR),))
    assert night.state(utc(2026, 11, 1, 4)) == Open(utc(2026, 11, 1, 8))


def test_flatten_firing_is_found_once_in_a_half_open_interval():
    firing = utc(2026, 11, 20, 20, 45)
    assert LONDON.flattens(firing - HOUR, firing) == firing
    assert LONDON.flattens(firing, firing + HOUR) is None
    assert LONDON.flattens(firing - timedelta(days=15), firing + HOUR) == firing
    assert Schedule("none", "UTC").flattens(utc(2020, 1, 1), firing) is None


def test_next_flatten_is_the_first_after_the_moment():
    assert LONDON.next_flatten(utc(2026, 11, 20, 17)) == utc(2026, 11, 20, 20, 45)
    assert LONDON.next_flatten(utc(2026, 11, 20, 20, 45)) == utc(2026, 11, 27, 20, 45)
    assert Schedule("never", "UTC", closed=(Window("0 22 * * *", HOUR),)).next_flatten(utc(2026, 1, 1)) is None


def test_closed_window_that_flattens_does_so_when_it_begins():
    weekend = Window("45 20 * * fri", timedelta(days=2, hours=1), "weekend", flatten=True)
    rule = Schedule("rule", "UTC", closed=(weekend, Window("0 12 * * *", HOUR)), flatten=("0 22 * * mon",))
    begins = utc(2026, 11, 20, 20, 45)
    assert rule.next_flatten(utc(2026, 11, 20)) == begins
    assert rule.flattens(begins - HOUR, begins) == begins
    assert rule.flattens(begins, begins + 2 * HOUR) is None  # what is opened inside was let in by nobody
    assert rule.next_flatten(begins) == utc(2026, 11, 23, 22)
    assert isinstance(rule.state(begins), Closed)


def test_instant_of_any_zone_is_taken_and_a_naive_one_refused():
    # The second 01:30 of the day: compared by the wall clock it would be the first.
    zone = ZoneInfo("America/New_York")
    first = datetime(2026, 11, 1, 1, 30, tzinfo=zone)
    once = Schedule("once", "America/New_York", open=(Window("30 1 * * *", timedelta(minutes=30)),))
    assert isinstance(once.state(first), Open)
    assert isinstance(once.state(first.replace(fold=1)), Closed)
    assert isinstance(evolve_free(once).state(first.replace(fold=1)), Closed)
    assert isinstance(once.state(first), Open)
    with pytest.raises(ValueError, match="zone"):
        once.state(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"timezone": "Europe/Londno"}, "IANA name such as Europe/London, was 'Europe/Londno'"),
        ({"timezone": "Europe"}, "IANA name"),
        ({"timezone": "../etc/passwd"}, "IANA name"),
        ({"timezone": ""}, "IANA name"),
        ({"open": (Window("0 8 * *", HOUR),)}, "five fields"),
        ({"open": (Window("0 8 * * *", timedelta(0)),)}, "more than zero"),
        ({"closed": (Window("0 8 * * *", timedelta(days=400)),)}, "at most 366 days"),
        ({"flatten": ("0 0 31 2 *",)}, "cron expression"),
    ],
)
def test_unusable_schedule_is_refused_with_its_name(changes, words):
    with pytest.raises(ValueError, match="schedule x: ") as caught:
        Schedule(**{"name": "x", "timezone": "UTC", **changes})
    assert words in str(caught.value)


def test_schedules_are_equal_by_what_they_say():
    assert evolve_free(LONDON) == LONDON
    assert hash(evolve_free(LONDON)) == hash(LONDON)
    assert Schedule("a", "UTC") != Schedule("a", "UTC", outside=Outside.DEFER)


def evolve_free(schedule: Schedule) -> Schedule:
    return Schedule(schedule.name, schedule.timezone, schedule.open, schedule.closed, schedule.flatten)


windows = st.builds(
    Window,
    st.sampled_from(("0 8 * * mon-fri", "30 2 * * *", "30 1 * * *", "0 */4 * * *", "0 0 * * *", "*/20 * * * *")),
    st.sampled_from((timedelta(minutes=10), timedelta(minutes=45), timedelta(hours=8), timedelta(hours=30))),
    st.sampled_from(("a", "b")),
)
schedules = st.builds(
    Schedule,
    st.just("any"),
    st.sampled_from(("America/New_York", "Australia/Lord_Howe", "UTC")),
    st.lists(windows, max_size=2).map(tuple),
    st.lists(windows, max_size=2).map(tuple),
)
moments = st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds),
    st.sampled_from((utc(2026, 3, 7), utc(2026, 4, 4), utc(2026, 10, 3), utc(2026, 10, 31))),
    st.one_of(st.integers(0, 2 * 86_400), st.integers(0, 48).map(lambda hour: hour * 3600)),
)


def covers(window: Window, zone: str, at: datetime) -> bool:
    """Whether any firing of the last two days still holds, one by one."""
    cron = Cron(window.cron, ZoneInfo(zone))
    firing = cron.next_after(at - window.length)
    return firing <= at


@given(schedules, moments)
@settings(max_examples=150)
@pytest.mark.slow  # 150 examples of up to four windows of croniter's 0.1 ms steps
def test_state_is_what_the_windows_say_one_by_one(schedule, at):
    closed = any(covers(window, schedule.timezone, at) for window in schedule.closed)
    opened = not schedule.open or any(covers(window, schedule.timezone, at) for window in schedule.open)
    assert isinstance(schedule.state(at), Open) == (opened and not closed)


@given(schedules, st.lists(moments, min_size=2, max_size=6))
@settings(max_examples=100)
@pytest.mark.slow  # 100 examples of up to four windows of croniter's 0.1 ms steps
def test_what_was_asked_before_changes_no_answer(schedule, asked):
    for at in asked:
        assert schedule.state(at) == evolve_free(schedule).state(at)
        assert schedule.next_flatten(at) == evolve_free(schedule).next_flatten(at)


@given(schedules, moments, st.integers(0, 10**6))
@settings(max_examples=100)
@pytest.mark.slow  # 100 examples of up to four windows of croniter's 0.1 ms steps
def test_answer_holds_until_the_edge_that_it_names(schedule, at, share):
    state = schedule.state(at)
    if state.until is not None:
        assert state.until > at
        within = at + (state.until - at) * share / 1_000_001
        assert evolve_free(schedule).state(within) == state
