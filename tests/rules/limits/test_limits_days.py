"""One reset for each local date: gaps, folds, and dates that a zone left out."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.limits.days import Period, ResetTime, following_reset, last_reset, reset_on


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "at", "day", "instant"),
    [
        ("UTC", "00:30", "2026-03-01", "2026-03-01T00:30"),
        ("America/New_York", "17:00", "2026-01-15", "2026-01-15T22:00"),  # "EST" in winter
        ("America/New_York", "17:00", "2026-07-15", "2026-07-15T21:00"),  # and what firms mean by it in summer
        ("Etc/GMT-3", "00:00", "2026-07-15", "2026-07-14T21:00"),
        ("Europe/Prague", "02:30", "2026-03-29", "2026-03-29T01:00"),  # skipped: 02:00 became 03:00
        ("Europe/Prague", "02:00", "2026-03-29", "2026-03-29T01:00"),
        ("Europe/Prague", "02:30", "2026-10-25", "2026-10-25T00:30"),  # twice: the first
        ("America/Sao_Paulo", "00:00", "2018-11-04", "2018-11-04T03:00"),  # midnight itself was skipped
        ("America/Nuuk", "23:30", "2025-03-29", "2025-03-30T01:00"),  # the gap ends on the next date
        ("America/Nuuk", "23:30", "2025-03-30", "2025-03-31T00:30"),
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30"),  # a gap of half an hour
    ],
)
def test_reset_of_a_local_date_happens_once_at_the_right_instant(zone: str, at: str, day: str, instant: str):
    reset = ResetTime(time.fromisoformat(at), ZoneInfo(zone))
    assert reset_on(reset, date.fromisoformat(day)) == utc(instant)


def test_date_that_a_zone_left_out_has_no_reset():
    reset = ResetTime(time(17), ZoneInfo("Pacific/Apia"))  # it went from 29 to 31 December 2011
    assert reset_on(reset, date(2011, 12, 30)) is None
    before = reset_on(reset, date(2011, 12, 29))
    assert before is not None
    assert following_reset(reset, before) == reset_on(reset, date(2011, 12, 31))


def test_instant_of_the_reset_opens_the_new_day():
    reset = ResetTime(time(0), ZoneInfo("Europe/Prague"))
    instant = utc("2026-01-14T23:00")
    assert last_reset(reset, instant) == instant
    assert last_reset(reset, instant - timedelta(microseconds=1)) == utc("2026-01-13T23:00")
    assert following_reset(reset, instant) == utc("2026-01-15T23:00")


@pytest.mark.parametrize("bad", [time(0, 0, 0, 1), time(0, tzinfo=UTC)])
def test_reset_time_with_a_zone_of_its_own_or_finer_than_a_second_is_refused(bad: time):
    with pytest.raises(ValueError, match="local time of day in whole seconds"):
        ResetTime(bad, ZoneInfo("UTC"))


@given(
    at=st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    period=st.sampled_from([Period.MONTH, Period.QUARTER, Period.YEAR]),
    zone=st.sampled_from(["America/New_York", "Europe/Prague", "America/Nuuk", "Pacific/Apia", "Asia/Gaza"]),
)
def test_long_periods_join_without_a_hole_and_begin_on_the_first_of_their_months(
    at: datetime, period: Period, zone: str
):
    reset = ResetTime(time(17), ZoneInfo(zone), period)
    begin, end = last_reset(reset, at), following_reset(reset, at)
    assert begin <= at < end
    assert following_reset(reset, begin) == end
    assert last_reset(reset, end) == end
    months = {Period.MONTH: range(1, 13), Period.QUARTER: (1, 4, 7, 10), Period.YEAR: (1,)}[period]
    days = {Period.MONTH: (28, 31), Period.QUARTER: (90, 92), Period.YEAR: (365, 366)}[period]
    local = begin.astimezone(reset.zone)
    assert (local.day, local.month in months) == (1, True)
    assert timedelta(days=days[0], hours=-25) <= end - begin <= timedelta(days=days[1], hours=25)


@given(
    at=st.datetimes(datetime(1990, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),
    minute=st.integers(0, 24 * 60 - 1),
    zone=st.sampled_from(["America/New_York", "Europe/Prague", "America/Nuuk", "Pacific/Apia", "Asia/Gaza"]),
)
def test_days_join_without_a_hole_and_number_one_for_each_local_date(at: datetime, minute: int, zone: str):
    reset = ResetTime(time(minute // 60, minute % 60), ZoneInfo(zone))
    begin, end = last_reset(reset, at), following_reset(reset, at)
    assert begin <= at < end
    assert following_reset(reset, begin) == end
    assert last_reset(reset, end) == end
    assert timedelta(hours=20) <= end - begin <= timedelta(hours=28)
