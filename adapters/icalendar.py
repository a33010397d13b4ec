"""As much of iCalendar (RFC 5545) as an economic calendar has: entries with a beginning; what repeats is refused."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from rules.model.frozen import frozen

_LINE_CHARACTERS_MAX = 8000
"""Of an unfolded line. Descriptions are longer now and then, and nothing of them is needed: the rest is cut."""

_STAMP = re.compile(r"(\d{8})(?:T(\d{6})(Z)?)?", re.ASCII)
_ESCAPED = re.compile(r"\\([\\;,nN])")
_REPEATING = ("RRULE", "RDATE")


class IcalendarError(ValueError):
    """Text that is no calendar, or one that says more than is understood here."""


@frozen
class Stamp:
    """A date or a time as written, and the zone that its line names."""

    text: str
    zone: str | None


@frozen
class Entry:
    """One entry of a calendar."""

    begin: Stamp
    end: Stamp | None
    summary: str
    categories: tuple[str, ...]
    status: str


def components(text: str, kind: str) -> Iterator[Entry]:
    """Yield the entries of a kind.

    Raises:
        IcalendarError: no calendar, an entry without a beginning, or one that repeats.
    """
    lines = list(_unfolded(text))
    if not lines or lines[0].upper() != "BEGIN:VCALENDAR" or lines[-1].upper() != "END:VCALENDAR":
        raise IcalendarError("expected text from BEGIN:VCALENDAR to END:VCALENDAR, found another, or a part of it")
    inside: dict[str, tuple[str, str]] | None = None
    nested = 0  # parts of the entry, such as alarms, of which nothing is wanted
    for number, line in enumerate(lines, 1):
        name, parameters, value = _split(line, number)
        if inside is None:
            inside = {} if name == "BEGIN" and value.upper() == kind else None
        elif name == "BEGIN":
            nested += 1
        elif name == "END" and nested:
            nested -= 1
        elif name == "END":
            if value.upper() != kind:
                raise IcalendarError(f"line {number}: expected the end of a {kind}, found that of {value[:40]!r}")
            yield _entry(inside, number)
            inside = None
        elif not nested:
            if name == "CATEGORIES" and name in inside:
                value = f"{inside[name][1]},{value}"
            inside[name] = (parameters, value)


def moment(stamp: Stamp, zone: ZoneInfo) -> datetime | date:
    """Return what a stamp says: an instant in UTC, or a date.

    Args:
        zone: of times whose line names none.
    Raises:
        IcalendarError: no such date or time, or a zone that is not in the IANA data.
    """
    found = _STAMP.fullmatch(stamp.text)
    try:
        if found is None:
            raise ValueError
        if found[2] is None:
            return date.fromisoformat(found[1])
        at = datetime.fromisoformat(f"{found[1]}T{found[2]}")
    except ValueError:
        raise IcalendarError(f"expected a time such as 20260107T133000Z, found {stamp.text[:40]!r}") from None
    if found[3]:
        return at.replace(tzinfo=UTC)
    if stamp.zone is None:
        return at.replace(tzinfo=zone).astimezone(UTC)
    try:
        return at.replace(tzinfo=ZoneInfo(stamp.zone)).astimezone(UTC)
    except (ValueError, OSError, LookupError):
        raise IcalendarError(f"expected an IANA zone, found {stamp.zone[:40]!r}") from None


def _entry(lines: dict[str, tuple[str, str]], number: int) -> Entry:
    repeating = next((name for name in _REPEATING if name in lines), None)
    if repeating is not None:
        raise IcalendarError(f"line {number}: expected entries that each stand for one event, found {repeating}")
    if "DTSTART" not in lines:
        raise IcalendarError(f"line {number}: expected a DTSTART in the entry that ends here, found none")
    end = lines.get("DTEND")
    _, summary = lines.get("SUMMARY", ("", ""))
    _, categories = lines.get("CATEGORIES", ("", ""))
    _, status = lines.get("STATUS", ("", ""))
    begin, ended = _stamp(*lines["DTSTART"]), None if end is None else _stamp(*end)
    return Entry(begin, ended, _plain(summary), tuple(_plain(categories).split(",")), status.upper())


def _stamp(parameters: str, value: str) -> Stamp:
    zone = re.search(r'(?:^|;)TZID="?([^";]+)', parameters, re.IGNORECASE)
    return Stamp(value.strip(), zone[1] if zone else None)


def _unfolded(text: str) -> Iterator[str]:
    """Yield the lines with their continuations, which begin with a blank."""
    line = ""
    for raw in text.removeprefix("\ufeff").splitlines():
        if raw[:1] in {" ", "\t"}:
            if len(line) < _LINE_CHARACTERS_MAX:
                line = (line + raw[1:])[:_LINE_CHARACTERS_MAX]
            continue
        if line:
            yield line
        line = raw[:_LINE_CHARACTERS_MAX].rstrip()
    if line:
        yield line


def _split(line: str, number: int) -> tuple[str, str, str]:
    """Return a line's name, parameters and value; a colon in quotes belongs to the parameters."""
    found = re.fullmatch(r'([A-Za-z0-9-]+)((?:;(?:[^":]|"[^"]*")*)?):(.*)', line, re.DOTALL)
    if found is None:
        raise IcalendarError(f"line {number}: expected NAME:value, found {line[:40]!r}")
    return found[1].upper(), found[2], found[3]


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: " " if found[1] in "nN" else found[1], text)
