"""Times that commands about the past are asked for: days of a zone, and instants."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from copier.commands.asked import Asked, Span, WrongAsked, day_of, span_of_day

PRAGUE = ZoneInfo("Europe/Prague")
NOW = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # the 21st in Prague


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "day"),
    [("today", date(2026, 11, 21)), ("yesterday", date(2026, 11, 20)), ("2026-03-29", date(2026, 3, 29))],
)
def test_a_day_is_one_of_the_zone(text: str, day: date) -> None:
    assert day_of(text, PRAGUE, NOW) == day


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-20", 24)])
def test_a_day_lasts_from_midnight_to_midnight(day: str, hours: int) -> None:
    span = span_of_day(date.fromisoformat(day), PRAGUE)
    assert span.since is not None
    assert span.until is not None
    assert span.until.astimezone(UTC) - span.since.astimezone(UTC) == timedelta(hours=hours)


def test_the_last_day_that_is_named_is_meant_whole() -> None:
    span = Asked("2026-11-20", "2026-11-21").span(PRAGUE)
    assert span == Span(utc("2026-11-19T23:00"), utc("2026-11-21T23:00"))


def test_instants_are_taken_as_they_are() -> None:
    span = Asked("2026-11-20T15:00:00Z", "2026-11-20T17:30:00+01:00").span(PRAGUE)
    assert span == Span(utc("2026-11-20T15:00"), utc("2026-11-20T16:30"))
    assert Asked().span(PRAGUE) == Span(None, None)


@pytest.mark.parametrize(
    "text", ["soon", "2026-11-20T15:00", "9999-12-31", "0001-01-01", "2026-13-01", "9999-12-31T23:59Z"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    for asked in (Asked(from_=text), Asked(to=text)):
        with pytest.raises(WrongAsked, match="expected a day such as"):
            asked.span(PRAGUE)


@pytest.mark.parametrize("day", [date.max, date.min])
def test_a_day_on_which_nobody_traded_is_refused(day: date) -> None:
    with pytest.raises(WrongAsked, match="expected a year from 1970 to 9998"):
        span_of_day(day, PRAGUE)


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(WrongAsked, match="expected --to after --from"):
        Asked("2026-11-20", "2026-11-19").span(PRAGUE)
