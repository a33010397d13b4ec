"""Firings against an oracle of our own (every second of the zone's clock that matters) and against cronsim."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.times.cron import Cron, resolve

MINUTE = timedelta(minutes=1)
ZONES = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",  # half an hour of summer time
    "America/Sao_Paulo",  # changed at midnight
    "Pacific/Apia",  # skipped 30 December 2011 whole
    "Asia/Kathmandu",  # +05:45
    "UTC",
)
# Days around changes of the clock in some of the zones.
DAYS = (
    datetime(2026, 3, 7, tzinfo=UTC),
    datetime(2026, 3, 28, tzinfo=UTC),
    datetime(2026, 4, 4, tzinfo=UTC),
    datetime(2026, 10, 3, tzinfo=UTC),
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2018, 11, 3, tzinfo=UTC),
    datetime(2018, 2, 17, tzinfo=UTC),
    datetime(2011, 12, 29, tzinfo=UTC),
)
LOCAL = ("30 2 * * *", "30 1 * * *", "0 0 * * *", "15 0 * * *", "59 23 * * 5", "0 9 * * mon-fri", "0,30 1,2 * * *")
EVERY_HOUR = ("*/20 * * * *", "5 * * * *", "0 * * * 0")

zones = st.sampled_from(ZONES)
moments = st.builds(
    lambda day, seconds: day + timedelta(seconds=seconds),
    st.sampled_from(DAYS),
    st.one_of(st.integers(-86_400, 3 * 86_400), st.integers(-24, 72).map(lambda hour: hour * 3600)),
)


def firings(cron: Cron, after: datetime, until: datetime) -> list[datetime]:
    found = []
    while (after := cron.next_after(after)) <= until:
        found.append(after)
    return found


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_skipped_local_time_happens_when_the_gap_ends():
    cron = Cron("30 2 * * *", ZoneInfo("America/New_York"))
    assert firings(cron, utc(2026, 3, 7, 12), utc(2026, 3, 9, 12)) == [utc(2026, 3, 8, 7), utc(2026, 3, 9, 6, 30)]
    assert cron.last_until(utc(2026, 3, 8, 7)) == utc(2026, 3, 8, 7)


def test_repeated_local_time_happens_at_its_first():
    cron = Cron("30 1 * * *", ZoneInfo("America/New_York"))
    assert firings(cron, utc(2026, 10, 31, 12), utc(2026, 11, 2, 12)) == [
        utc(2026, 11, 1, 5, 30),
        utc(2026, 11, 2, 6, 30),
    ]
    assert cron.last_until(utc(2026, 11, 1, 6, 30)) == utc(2026, 11, 1, 5, 30)
    # In the second pass, while the clock shows less than half past one.
    assert cron.last_until(utc(2026, 11, 1, 6, 10)) == utc(2026, 11, 1, 5, 30)


def test_expression_for_every_hour_fires_in_a_repeated_hour_again():
    cron = Cron("30 * * * *", ZoneInfo("America/New_York"))
    assert firings(cron, utc(2026, 11, 1, 5), utc(2026, 11, 1, 8)) == [utc(2026, 11, 1, hour, 30) for hour in (5, 6, 7)]


def test_expression_for_every_hour_fires_at_the_very_change_of_the_clock():
    cron = Cron("0 * * * *", ZoneInfo("America/New_York"))
    assert cron.next_after(utc(2026, 3, 8, 6, 30)) == utc(2026, 3, 8, 7)  # 01:30, then 03:00
    assert cron.next_after(utc(2026, 11, 1, 5, 30)) == utc(2026, 11, 1, 6)  # 01:30, then 01:00
    assert cron.last_until(utc(2026, 11, 1, 6, 10)) == utc(2026, 11, 1, 6)


def test_midnight_that_does_not_exist_is_when_the_day_begins():
    cron = Cron("0 0 * * *", ZoneInfo("America/Sao_Paulo"))
    assert cron.next_after(utc(2018, 11, 4, 2)) == utc(2018, 11, 4, 3)


def test_day_that_does_not_exist_fires_when_the_next_begins():
    cron = Cron("0 9 * * *", ZoneInfo("Pacific/Apia"))
    assert firings(cron, utc(2011, 12, 29), utc(2011, 12, 31)) == [
        utc(2011, 12, 29, 19),
        utc(2011, 12, 30, 10),
        utc(2011, 12, 30, 19),
    ]


def test_odd_offset_of_lord_howe_is_found_to_the_second():
    # On 4 October 2026 the clock goes from 02:00 to 02:30, which is 15:30 UTC of the day before.
    assert resolve(datetime(2026, 10, 4, 2, 15), ZoneInfo("Australia/Lord_Howe")) == utc(2026, 10, 3, 15, 30)


@given(zones, st.sampled_from(LOCAL), moments)
@settings(max_examples=300)
@pytest.mark.slow  # 300 examples of croniter's 0.1 ms steps
def test_local_times_fire_as_the_dates_and_clock_say(zone, expression, at):
    cron = Cron(expression, ZoneInfo(zone))
    expected = sorted({resolve(wall, cron.zone) for wall in walls(expression, at)})
    assert cron.next_after(at) == min(instant for instant in expected if instant > at)
    assert cron.last_until(at) == max(instant for instant in expected if instant <= at)


def walls(expression: str, around: datetime) -> list[datetime]:
    """Every naive local time of ten days on either side, by the fields' plain meaning."""
    minutes, hours, _, _, days = expression.split()
    weekdays = {"*": range(7), "5": (4,), "mon-fri": range(5)}[days]
    midnight = around.replace(hour=0, minute=0, second=0, tzinfo=None)
    return [
        midnight + timedelta(days=day, hours=int(hour), minutes=int(minute))
        for day in range(-10, 11)
        for hour in hours.split(",")
        for minute in minutes.split(",")
        if (midnight + timedelta(days=day)).weekday() in weekdays
    ]


@given(zones, st.sampled_from(EVERY_HOUR), moments)
@settings(max_examples=200)
@pytest.mark.slow  # 200 examples of up to eight days of minutes
def test_every_hour_fires_whenever_the_clock_shows_it(zone, expression, at):
    cron = Cron(expression, ZoneInfo(zone))
    minutes = {"*/20": (0, 20, 40), "5": (5,), "0": (0,)}[expression.split()[0]]
    sundays = expression.endswith(" 0")

    def shows(instant: datetime) -> bool:
        local = instant.astimezone(cron.zone)
        return local.minute in minutes and (not sundays or local.weekday() == 6)

    later = at.replace(second=0) + MINUTE
    while not shows(later):
        later += MINUTE
    earlier = at.replace(second=0)
    while not shows(earlier):
        earlier -= MINUTE
    assert cron.next_after(at) == later
    assert cron.last_until(at) == earlier


@given(st.sampled_from(ZONES[:2] + ZONES[-2:]), st.sampled_from((*LOCAL[:6], "5 * * * *")), moments)
@settings(max_examples=300)
@pytest.mark.slow  # 300 examples of several steps
def test_cronsim_agrees(zone, expression, at):
    cron = Cron(expression, ZoneInfo(zone))
    # cronsim begins anew inside a repeated hour: start it a day before, where nothing is repeated.
    peer = CronSim(expression, (at - timedelta(days=2)).astimezone(cron.zone))
    expected = next(instant for instant in (next(peer).astimezone(UTC) for _ in range(300)) if instant > at)
    assert cron.next_after(at) == expected


@given(zones, st.sampled_from(LOCAL + EVERY_HOUR), moments)
@settings(max_examples=300)
@pytest.mark.slow  # 300 examples of croniter's 0.1 ms steps
def test_last_and_next_are_neighbours(zone, expression, at):
    cron = Cron(expression, ZoneInfo(zone))
    last, following = cron.last_until(at), cron.next_after(at)
    assert last <= at < following
    assert cron.next_after(last) == following
    assert cron.last_until(following - timedelta(microseconds=1)) == last
    assert cron.last_until(following) == following


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * *",
        "0 0 * * * *",
        "@daily",
        "R * * * *",
        "H 0 * * *",
        "60 * * * *",
        "*/0 * * * *",
        "0 24 * * *",
        "0 0 31 2 *",
        "0 0 * foo *",
        "jan * * * *",
        "0 0 0 * *",
        "0 0 * * 8",
        "* * * * *" + " " * 300,
    ],
)
def test_unusable_expression_is_refused_in_clear_words(expression):
    with pytest.raises(ValueError, match="cron expression"):
        Cron(expression, ZoneInfo("UTC"))


@pytest.mark.parametrize(
    ("expression", "first"),
    [
        ("0 0 L * *", utc(2026, 1, 31)),
        ("0 0 * * L5", utc(2026, 1, 30)),
        ("0 0 * * 5#2", utc(2026, 1, 9)),
        ("0 0 29 2 *", utc(2028, 2, 29)),
        ("0 22-2/2 * * SUN", utc(2026, 1, 4)),
        ("0 0 * * 7", utc(2026, 1, 4)),
    ],
)
def test_less_common_fields_are_taken(expression, first):
    assert Cron(expression, ZoneInfo("UTC")).next_after(utc(2026, 1, 1)) == first
