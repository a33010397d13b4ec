"""Economic calendars as files: CSV and iCalendar text to events. Whatever cannot be read whole is refused whole.

A calendar with a line left out would let trades pass that it forbids.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

from adapters.icalendar import IcalendarError, components, moment
from rules.times.news import Impact, NewsEvent

EVENTS_MAX = 20_000
"""Four times what a large calendar has in a year."""

TITLE_CHARACTERS_MAX = 120
"""Of a title; more is cut: it is shown in one line."""

_CELL_CHARACTERS_MAX = 4000

_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "at": ("datetime", "timestamp", "at", "start"),
    "date": ("date", "day"),
    "time": ("time",),
    "currency": ("currency", "country", "ccy"),
    "impact": ("impact", "importance", "volatility"),
    "title": ("title", "event", "name", "subject", "summary"),
}
"""What columns are called, in any case."""

_IMPACTS: Mapping[str, Impact] = {
    "low": Impact.LOW,
    "1": Impact.LOW,
    "medium": Impact.MEDIUM,
    "moderate": Impact.MEDIUM,
    "2": Impact.MEDIUM,
    "high": Impact.HIGH,
    "3": Impact.HIGH,
    "holiday": Impact.HOLIDAY,
    "bank holiday": Impact.HOLIDAY,
    "non-economic": Impact.HOLIDAY,
}
_EVERYBODY = {"", "all", "global", "world"}
_CURRENCY = re.compile(r"[A-Z]{3}")
_TIME = re.compile(r"(\d{1,2})[:.](\d{2})(?::(\d{2}))? ?([ap]m)?", re.IGNORECASE | re.ASCII)
_DAY = timedelta(days=1)


class CalendarFormat(Enum):
    """How a calendar is written."""

    CSV = "csv"
    """A first line that names the columns: `datetime`, or `date` and `time`; `currency`, `impact`, `title`."""
    ICS = "ics"
    """iCalendar (RFC 5545)."""


class CalendarError(ValueError):
    """A calendar that cannot be read whole; the text says where and why."""


def parse_calendar(text: str, written: CalendarFormat, zone: ZoneInfo) -> tuple[NewsEvent, ...]:
    """Return a calendar's events in the order of their times.

    An event without a time of day lasts the whole of its day in `zone`.

    Args:
        text: the whole file.
        zone: of times that carry none.
    Raises:
        CalendarError: an event that cannot be read, or more than `EVENTS_MAX`.
    """
    read = _read_csv if written is CalendarFormat.CSV else _read_ics
    events: list[NewsEvent] = []
    for event in read(text, zone):
        if len(events) == EVENTS_MAX:
            raise CalendarError(f"expected at most {EVENTS_MAX} events, found more")
        events.append(event)
    return tuple(sorted(events, key=lambda event: (event.at, event.title)))


# CSV


def _read_csv(text: str, zone: ZoneInfo) -> Iterator[NewsEvent]:
    csv.field_size_limit(_CELL_CHARACTERS_MAX)
    rows = csv.reader(text.removeprefix("\ufeff").splitlines(), strict=True)
    columns: dict[str, int] | None = None
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            raise CalendarError(f"line {rows.line_num}: {error}") from None
        if not any(cell.strip() for cell in row):
            continue
        if columns is None:
            columns = _columns(row)
            continue
        try:
            yield _event_of_row({name: row[index].strip() for name, index in columns.items()}, zone)
        except IndexError:
            raise CalendarError(f"line {rows.line_num}: expected a cell for each column, found {len(row)}") from None
        except ValueError as error:
            raise CalendarError(f"line {rows.line_num}: {error}") from None
    if columns is None:
        raise CalendarError("expected a line that names the columns, found none")


def _columns(row: list[str]) -> dict[str, int]:
    names = [cell.strip().lower() for cell in row]
    found = {
        meaning: names.index(name)
        for meaning, spellings in _COLUMNS.items()
        if (name := next((each for each in spellings if each in names), None)) is not None
    }
    if "title" not in found or not ("at" in found or "date" in found):
        shown = ", ".join(names)[:100]
        raise CalendarError(f"expected columns `title` and `datetime`, or `date` and `time`, found: {shown}")
    return found


def _event_of_row(cells: Mapping[str, str], zone: ZoneInfo) -> NewsEvent:
    if "at" in cells:
        begin = end = _instant(cells["at"], zone)
    else:
        begin, end = _of_day(_date(cells["date"]), cells.get("time", ""), zone)
    impact = cells.get("impact", "").lower().removesuffix(" impact expected").removesuffix(" impact")
    if impact and impact not in _IMPACTS:
        raise ValueError(f"expected an impact such as high, found {impact[:40]!r}")
    return NewsEvent(begin, end, _title(cells["title"]), _currency(cells.get("currency", "")), _IMPACTS.get(impact))


def _instant(text: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"expected a time such as 2026-01-07T13:30:00Z, found {text[:40]!r}") from None
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def _of_day(day: date, text: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return when an event of a day begins and ends; without a time of day it is the whole day."""
    found = _TIME.fullmatch(text)
    if found is None:
        if text.lower() not in {"", "all day", "tentative"}:
            raise ValueError(f"expected a time such as 13:30 or 8:30am, found {text[:40]!r}")
        return _midnight(day, zone), _midnight(day + _DAY, zone)
    hour, minute, second, half = int(found[1]), int(found[2]), int(found[3] or 0), (found[4] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError(f"expected an hour from 1 to 12 before {half}, found {hour}")
    hour = hour % 12 + (12 if half == "pm" else 0) if half else hour
    at = datetime.combine(day, time(hour, minute, second), zone).astimezone(UTC)
    return at, at


def _date(text: str) -> date:
    """Return a date, written as 2026-01-07 or 01-07-2026 (month first); other orders cannot be told apart."""
    american = re.fullmatch(r"(\d{2})-(\d{2})-(\d{4})", text, re.ASCII)
    try:
        return date.fromisoformat(f"{american[3]}-{american[1]}-{american[2]}" if american else text)
    except ValueError:
        raise ValueError(f"expected a date such as 2026-01-07 or 01-07-2026, found {text[:40]!r}") from None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _currency(text: str) -> str | None:
    code = text.upper()
    if code.lower() in _EVERYBODY:
        return None
    if _CURRENCY.fullmatch(code) is None:
        raise ValueError(f"expected a currency such as USD, or All, found {text[:40]!r}")
    return code


def _title(text: str) -> str:
    return "".join(ch if ch.isprintable() else " " for ch in text[:TITLE_CHARACTERS_MAX]).strip()


# iCalendar


def _read_ics(text: str, zone: ZoneInfo) -> Iterator[NewsEvent]:
    try:
        for event in components(text, "VEVENT"):
            if event.status == "CANCELLED":
                continue
            begin = moment(event.begin, zone)
            end = begin if event.end is None else moment(event.end, zone)
            if not isinstance(begin, datetime):
                until = end if not isinstance(end, datetime) and end > begin else begin + _DAY
                span = _midnight(begin, zone), _midnight(until, zone)
            else:
                span = begin, begin  # an hour's entry in a diary is no hour of news
            yield NewsEvent(*span, _title(event.summary), *_marks(event.summary, event.categories))
    except IcalendarError as error:
        raise CalendarError(str(error)) from None


def _marks(summary: str, categories: Iterable[str]) -> tuple[str | None, Impact | None]:
    """Return the currency and the impact that an entry's categories say, or its title's first word (`USD: CPI`)."""
    currency: str | None = None
    impact: Impact | None = None
    for category in (text.strip() for text in categories):
        impact = impact or _IMPACTS.get(category.lower())
        currency = currency or (category if _CURRENCY.fullmatch(category) else None)
    first = re.match(r"\[?([A-Z]{3})(?:\]|:| [-–]) ?", summary)
    return currency or (first[1] if first else None), impact
