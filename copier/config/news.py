"""Reads [news.*]: calendars, and around which of their events no new risk is taken."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from attrs import field

from adapters.calendars import CalendarError, CalendarFormat, parse_calendar
from copier.config.checks import TEXT_READINGS, Pattern, duration_within
from copier.config.errors import Fault, shown_value
from copier.config.positions import KeyPath
from copier.config.reader import Reader
from copier.config.secrets import Outside
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.times.news import Impact, NewsPolicy, OnMissing, SymbolCurrencies
from rules.times.schedule import Outside as OutsideTimes

CALENDAR_BYTES_MAX = 4 * 1024 * 1024
"""A year of every event that calendars list needs a quarter of this."""

_MINUTE = timedelta(minutes=1)
_AROUND = duration_within(timedelta(0), timedelta(days=1))
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_EXPECTED_PLACE = '"file:NAME" or "https://HOST/PATH"'


@frozen
class CalendarSource:
    """Where a calendar is and how it is written. `url` may hold a key and is never shown."""

    written: CalendarFormat
    zone: ZoneInfo
    refresh: timedelta
    file: Path | None = None
    url: str | None = field(default=None, repr=False)


def _read_currencies(value: object) -> frozenset[str]:
    codes = value if isinstance(value, list) else [None]
    if not all(isinstance(code, str) and re.fullmatch("[A-Z]{3}", code) for code in codes):
        raise Fault('an array of currencies such as ["USD", "EUR"]', shown_value(value))
    return frozenset(codes)


def _read_impact(value: object) -> frozenset[Impact]:
    known = [impact.value for impact in Impact]
    if not isinstance(value, list) or not value or any(item not in known for item in value):
        raise Fault(f"an array of {', '.join(known)}", shown_value(value))
    return frozenset(Impact(item) for item in value)


@frozen
class NewsSymbolKeys:
    """Which news concern the target symbols of a pattern, in place of what their names and instruments tell."""

    match: Pattern = field(metadata={"doc": "Pattern of the whole target name."})
    currencies: frozenset[str] = field(
        metadata={"doc": 'Such as `["USD"]`; an empty array: only events for all.', "read": _read_currencies}
    )


@frozen
class NewsKeys:
    """A calendar, and the events around which a policy that names it takes no new risk. Closing is never gated.

    An event concerns a symbol whose currencies include its own: those of a pair's name, the instrument's profit
    currency, or what `symbols` says. Where none is known every event concerns it; so does one without a currency.
    """

    calendar: str = field(metadata={"doc": '`"file:NAME"` or `"https://HOST/PATH"`; `${env:NAME}` works in it.'})
    before: timedelta = field(
        default=5 * _MINUTE, metadata={"doc": "How long before an event; up to 1 day.", "read": _AROUND}
    )
    after: timedelta = field(default=5 * _MINUTE, metadata={"doc": "How long after it; up to 1 day.", "read": _AROUND})
    close_before: timedelta | None = field(
        default=None,
        metadata={
            "doc": "Close what was copied this long before an event that concerns it; at most `before`.",
            "read": duration_within(timedelta(seconds=1), timedelta(days=1)),
        },
    )
    impact: frozenset[Impact] = field(
        default=frozenset({Impact.HIGH}),
        metadata={
            "doc": '`"low"`, `"medium"`, `"high"`, `"holiday"`: those that count. One of unknown impact always does.',
            "read": _read_impact,
        },
    )
    currencies: frozenset[str] = field(
        default=frozenset(), metadata={"doc": "Only events of these; none: of any.", "read": _read_currencies}
    )
    titles: tuple[Pattern, ...] = field(default=(), metadata={"doc": "Only events whose title any of these matches."})
    not_titles: tuple[Pattern, ...] = field(default=(), metadata={"doc": "No events whose title any of these matches."})
    symbols: tuple[NewsSymbolKeys, ...] = field(
        default=(), metadata={"doc": "What concerns which symbols; the first row that matches."}
    )
    outside: OutsideTimes = field(
        default=OutsideTimes.DENY,
        metadata={"doc": "A copy that arrives in a window is denied, or waits for its end within the guard's age."},
    )
    on_missing: OnMissing = field(
        default=OnMissing.DENY,
        metadata={"doc": "What becomes of new risk while the calendar is missing or stale."},
    )
    stale_after: timedelta = field(
        default=timedelta(days=3),
        metadata={
            "doc": "A calendar read longer ago, or whose last event is over for longer, is stale; 1 h to 60 days.",
            "read": duration_within(timedelta(hours=1), timedelta(days=60)),
        },
    )
    refresh: timedelta = field(
        default=15 * _MINUTE,
        metadata={
            "doc": "How often it is read again; 1 min to 1 day. What cannot be read leaves the last good copy.",
            "read": duration_within(_MINUTE, timedelta(days=1)),
        },
    )
    format: CalendarFormat | None = field(
        default=None, metadata={"doc": "How it is written; by its ending if it has one."}
    )
    timezone: ZoneInfo | None = field(
        default=None, metadata={"doc": "IANA zone of its times that carry none; the service's where none is given."}
    )


def read_news(
    reader: Reader, tables: Mapping[str, Mapping[str, Any]], outside: Outside, timezone: ZoneInfo
) -> dict[str, tuple[NewsPolicy, CalendarSource] | None]:
    """Return the news policies by name, each with its calendar; None stands for one with faults.

    Args:
        timezone: of calendars that name none.
    """
    return {name: _news(reader, name, raw, outside, timezone) for name, raw in tables.items()}


def _news(
    reader: Reader, name: str, raw: Mapping[str, Any], outside: Outside, timezone: ZoneInfo
) -> tuple[NewsPolicy, CalendarSource] | None:
    path: KeyPath = ("news", name)
    keys = reader.structure(make_converter(outside, texts=TEXT_READINGS), NewsKeys, raw, path)
    if keys is None:
        return None
    if keys.close_before is not None and keys.close_before > keys.before:
        fault = Fault("at most `before`, as what is closed could be opened again", "a longer time")
        reader.fault((*path, "close_before"), fault)
        return None
    try:
        source = _source(keys, outside.folder, keys.timezone or timezone)
    except Fault as fault:
        reader.fault((*path, "calendar"), fault)
        return None
    _warn(reader, path, source)
    policy = NewsPolicy(
        name=name,
        before=keys.before,
        after=keys.after,
        close_before=keys.close_before,
        impact=keys.impact,
        currencies=keys.currencies,
        titles=keys.titles,
        not_titles=keys.not_titles,
        symbols=tuple(SymbolCurrencies(row.match, row.currencies) for row in keys.symbols),
        outside=keys.outside,
        on_missing=keys.on_missing,
        stale_after=keys.stale_after,
    )
    return policy, source


def _source(keys: NewsKeys, folder: Path, zone: ZoneInfo) -> CalendarSource:
    """Return where the calendar is.

    Raises:
        Fault: no such place, or no telling how it is written.
    """
    place = keys.calendar
    if place.startswith("file:") and place.removeprefix("file:").strip() and "\0" not in place:
        file = folder / place.removeprefix("file:")
        return CalendarSource(_format(keys, file.suffix), zone, keys.refresh, file=file)
    try:
        url = urlsplit(place)
        good = url.scheme in {"http", "https"} and url.hostname and url.username is None and (url.port or 1) > 0
    except ValueError:
        good = False
    if not good or not place.isascii() or any(ch.isspace() for ch in place):
        raise Fault(_EXPECTED_PLACE, "another place")  # which may hold a key
    return CalendarSource(_format(keys, Path(url.path).suffix), zone, keys.refresh, url=place)


def _format(keys: NewsKeys, suffix: str) -> CalendarFormat:
    known = {f".{each.value}": each for each in CalendarFormat}
    found = keys.format or known.get(suffix.lower())
    if found is None:
        raise Fault("a name that ends in .csv or .ics, or the key `format`", "neither")
    return found


def _warn(reader: Reader, path: KeyPath, source: CalendarSource) -> None:
    """Warn of a calendar that cannot be read now, or that anybody on the way could change."""
    at = (*path, "calendar")
    if source.file is not None:
        try:
            with source.file.open("rb") as opened:
                data = opened.read(CALENDAR_BYTES_MAX + 1)
            parse_calendar(decoded(data), source.written, source.zone)
        except (OSError, CalendarError) as error:
            why = error.strerror or "no file" if isinstance(error, OSError) else str(error)
            reader.warn(at, "a calendar that can be read", why[:200])
    elif source.url is not None and source.url.startswith("http:") and urlsplit(source.url).hostname not in _LOOPBACK:
        reader.warn(at, "https", "http: whoever is on the way can take events out")


def decoded(data: bytes) -> str:
    """Return a calendar's text.

    Raises:
        CalendarError: too long, or no UTF-8.
    """
    if len(data) > CALENDAR_BYTES_MAX:
        raise CalendarError(f"expected at most {CALENDAR_BYTES_MAX} bytes, found more")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise CalendarError(f"expected UTF-8, found the byte 0x{data[error.start]:02x} at {error.start}") from None
