import contextlib
import time
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.calendars import EVENTS_MAX, CalendarError, CalendarFormat, parse_calendar
from rules.times.news import Impact, NewsEvent

GREENWICH = ZoneInfo("UTC")
DATA = Path("tests/data/calendars")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def csv(text: str, zone: ZoneInfo = GREENWICH) -> tuple[NewsEvent, ...]:
    return parse_calendar(text, CalendarFormat.CSV, zone)


def ics(*lines: str, zone: ZoneInfo = GREENWICH) -> tuple[NewsEvent, ...]:
    text = "\r\n".join(("BEGIN:VCALENDAR", *lines, "END:VCALENDAR"))
    return parse_calendar(text, CalendarFormat.ICS, zone)


def entry(*lines: str) -> tuple[str, ...]:
    return ("BEGIN:VEVENT", *lines, "END:VEVENT")


def test_a_week_as_csv():
    cpi, opec, orders, holiday, jobs = csv((DATA / "week.csv").read_text())
    assert cpi == NewsEvent(utc(2026, 1, 7, 13, 30), utc(2026, 1, 7, 13, 30), "Core CPI m/m", "USD", Impact.HIGH)
    assert (orders.at, orders.currency, orders.impact) == (utc(2026, 1, 8, 7), "EUR", Impact.LOW)
    # Nobody knows when: it lasts all day.
    assert (opec.at, opec.until, opec.currency) == (utc(2026, 1, 8), utc(2026, 1, 9), None)
    assert (holiday.at, holiday.until, holiday.impact) == (utc(2026, 1, 9), utc(2026, 1, 10), Impact.HOLIDAY)
    assert jobs.title == "Non-Farm Employment Change"


def test_a_week_as_icalendar():
    cpi, holiday, jobs = parse_calendar((DATA / "week.ics").read_text(), CalendarFormat.ICS, GREENWICH)
    assert cpi == NewsEvent(utc(2026, 1, 7, 13, 30), utc(2026, 1, 7, 13, 30), "Core CPI m/m", "USD", Impact.HIGH)
    assert (holiday.at, holiday.until, holiday.currency) == (utc(2026, 1, 9), utc(2026, 1, 10), "JPY")
    at = utc(2026, 1, 9, 13, 30)
    assert jobs == NewsEvent(at, at, "USD: Non-Farm Employment Change, revised", "USD", None)


def test_times_without_a_zone_are_of_the_calendar_s():
    newyork = ZoneInfo("America/New_York")
    (summer,) = csv("date,time,currency,title\n2026-07-01,08:30,USD,x\n", newyork)
    assert summer.at == utc(2026, 7, 1, 12, 30)
    (day,) = csv("date,time,currency,title\n2026-11-01,All Day,USD,x\n", newyork)
    assert (day.at, day.until) == (utc(2026, 11, 1, 4), utc(2026, 11, 2, 5))  # 25 hours long
    (given_zone,) = csv("datetime,currency,title\n2026-07-01T08:30:00+02:00,USD,x\n", newyork)
    assert given_zone.at == utc(2026, 7, 1, 6, 30)
    (floating,) = ics(*entry("DTSTART:20260701T083000", "SUMMARY:x"), zone=newyork)
    assert floating.at == utc(2026, 7, 1, 12, 30)


@pytest.mark.parametrize(
    ("text", "hour"), [("13:30", 13), ("1:30pm", 13), ("12:30am", 0), ("12:30PM", 12), ("8.30 am", 8)]
)
def test_times_of_day_as_calendars_write_them(text: str, hour: int):
    (event,) = csv(f"date,time,title\n2026-01-07,{text},x\n")
    assert event.at == utc(2026, 1, 7, hour, 30)


def test_events_come_in_the_order_of_their_times_and_titles_are_cut():
    first, second = csv("at,title\n2026-01-08T10:00Z," + "x" * 500 + "\n2026-01-07T10:00Z,a\x1bb\n")
    assert (first.at, second.at) == (utc(2026, 1, 7, 10), utc(2026, 1, 8, 10))
    assert first.title == "a b"
    assert len(second.title) == 120


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "names the columns"),
        ("<html><body>not found</body></html>\n", "expected columns `title` and `datetime`"),
        ("date,time\n2026-01-07,10:00\n", "expected columns"),
        ("date,time,title\n2026-01-07,later,x\n", "line 2: expected a time such as 13:30"),
        ("date,time,title\n2026-13-07,10:00,x\n", "line 2: expected a date such as"),
        ("date,time,title\n07.01.2026,10:00,x\n", "line 2: expected a date such as"),
        ("date,time,title\n2026-01-07,25:00,x\n", "line 2"),
        ("date,time,title\n2026-01-07,13:30pm,x\n", "expected an hour from 1 to 12"),
        ("at,title\nnever,x\n", "line 2: expected a time such as"),
        ("at,currency,title\n2026-01-07T10:00Z,United States,x\n", "expected a currency"),
        ("at,impact,title\n2026-01-07T10:00Z,red,x\n", "expected an impact"),
        ("at,title\n2026-01-07T10:00Z\n", "line 2: expected a cell for each column, found 1"),
        ('at,title\n2026-01-07T10:00Z,"x\n', "line 2"),
    ],
)
def test_a_csv_that_cannot_be_read_whole_is_refused(text: str, words: str):
    with pytest.raises(CalendarError) as caught:
        csv(text)
    assert words in str(caught.value)


@pytest.mark.slow  # twenty thousand lines
def test_more_events_than_anybody_lists_are_refused():
    with pytest.raises(CalendarError, match="at most 20000 events"):
        csv("at,title\n" + "2026-01-07T10:00Z,x\n" * (EVENTS_MAX + 1))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (entry("SUMMARY:x"), "expected a DTSTART"),
        (entry("DTSTART:soon", "SUMMARY:x"), "expected a time such as"),
        (entry("DTSTART:20261301T000000Z"), "expected a time such as"),
        (entry("DTSTART;TZID=Eastern Standard Time:20260107T133000"), "expected an IANA zone"),
        (entry("DTSTART:20260107T133000Z", "RRULE:FREQ=WEEKLY"), "found RRULE"),
        (("BEGIN:VEVENT", "DTSTART:20260107T133000Z"), "expected the end of a VEVENT"),
        (("what is this",), "expected NAME:value"),
    ],
)
def test_an_icalendar_that_cannot_be_read_whole_is_refused(lines: tuple[str, ...], words: str):
    with pytest.raises(CalendarError) as caught:
        ics(*lines)
    assert words in str(caught.value)


def test_a_part_of_an_icalendar_is_refused():
    text = (DATA / "week.ics").read_text()
    for part in (text[: len(text) // 2], text[50:], "", "not found"):
        with pytest.raises(CalendarError):
            parse_calendar(part, CalendarFormat.ICS, GREENWICH)


@pytest.mark.slow  # a hundred examples of three texts
@given(st.sampled_from(CalendarFormat), st.text(max_size=200))
def test_whatever_the_text_there_is_an_answer_or_a_reason(written: CalendarFormat, text: str):
    for whole in (text, f"BEGIN:VCALENDAR\n{text}\nEND:VCALENDAR", f"date,time,currency,impact,title\n{text}"):
        try:
            events = parse_calendar(whole, written, GREENWICH)
        except CalendarError:
            continue
        assert all(event.at <= event.until for event in events)


@pytest.mark.slow  # four megabytes are four megabytes
@pytest.mark.parametrize("filling", ["x\r\n ", "DTSTART;TZID=", "BEGIN:VEVENT\r\n", 'A;B="' + "c" * 90 + '"', "\r\n"])
def test_a_hostile_icalendar_costs_no_more_than_its_length(filling: str):
    text = "BEGIN:VCALENDAR\r\nX:" + filling * (4 * 1024 * 1024 // len(filling)) + "\r\nEND:VCALENDAR"
    begun = time.thread_time()
    with contextlib.suppress(CalendarError):
        parse_calendar(text, CalendarFormat.ICS, GREENWICH)
    assert time.thread_time() - begun < 5
