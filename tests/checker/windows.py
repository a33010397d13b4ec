"""Schedules by walking minutes: a window is open when one of its firings lies less than its length back."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from attrs import define, field, frozen

from tests.checker.text import Unchecked, duration

MINUTE = timedelta(minutes=1)
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONGEST = timedelta(days=8)
"""Windows of the simulated days are shorter; walking further back would only cost time."""


@frozen
class Window:
    """Begins whenever `cron` fires and lasts `length`."""

    cron: str
    length: timedelta


@define
class Calendar:
    """One schedule of the config."""

    name: str
    zone: ZoneInfo
    open: list[Window]
    closed: list[Window]
    flatten: list[str]
    defers: bool
    _known: dict[datetime, bool] = field(factory=dict)

    @classmethod
    def read(cls, name: str, table: dict[str, Any], zone: str) -> "Calendar":
        if table.keys() - {"timezone", "open", "closed", "flatten", "outside"}:
            raise Unchecked(f"schedules.{name}: {sorted(table)}")
        rows = [*table.get("open", ()), *table.get("closed", ())]
        if any(row.keys() - {"cron", "for", "why", "flatten"} for row in rows):
            raise Unchecked(f"schedules.{name}: {rows}")
        open_, closed = (
            [Window(row["cron"], duration(row["for"])) for row in table.get(key, ())] for key in ("open", "closed")
        )
        flatten = [*table.get("flatten", []), *(row["cron"] for row in rows if row.get("flatten"))]
        if any(window.length > LONGEST or window.length % MINUTE for window in [*open_, *closed]):
            raise Unchecked(f"schedules.{name}: a window of more than {LONGEST}, or not of whole minutes")
        zone_ = ZoneInfo(table.get("timezone", zone))
        return cls(name, zone_, open_, closed, flatten, table.get("outside", "deny") == "defer")

    def is_open(self, at: datetime) -> bool:
        """Tell whether new risk may be taken: inside an open window, if there are any, and in no closed one."""
        minute = floor(at)
        known = self._known.get(minute)
        if known is None:
            inside = not self.open or any(self._covers(window, at) for window in self.open)
            known = self._known[minute] = inside and not any(self._covers(window, at) for window in self.closed)
        return known

    def flattens(self, after: datetime, until: datetime) -> bool:
        """Tell whether everything was to be closed at a moment in (after, until]."""
        return any(fires(cron, self.zone, each) for each in minutes(after, until) for cron in self.flatten)

    def _covers(self, window: Window, at: datetime) -> bool:
        return any(fires(window.cron, self.zone, each) for each in minutes(at - window.length, at))


def floor(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)


def minutes(after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the whole minutes in (after, until], the latest first."""
    minute = floor(until)
    while minute > after:
        yield minute
        minute -= MINUTE


@lru_cache(maxsize=200_000)
def fires(cron: str, zone: ZoneInfo, minute: datetime) -> bool:
    """Tell whether an expression fires at a whole minute, by what the zone's clocks show then.

    A local time that occurs twice counts at its first; one that is skipped counts when the gap ends.
    """
    every_hour = cron.split()[1] == "*"
    if shows(cron, minute.astimezone(zone)):
        return every_hour or not shown_before(zone, minute)
    return not every_hour and any(shows(cron, wall) for wall in skipped(zone, minute))


def shown_before(zone: ZoneInfo, minute: datetime) -> bool:
    return minute.astimezone(zone).fold == 1


def skipped(zone: ZoneInfo, minute: datetime) -> Iterator[datetime]:
    """Yield the local times that a change of the clock at this minute leaves out."""
    after = minute.astimezone(zone)
    before = (minute - MINUTE).astimezone(zone)
    wall, end = before.replace(tzinfo=None) + MINUTE, after.replace(tzinfo=None)
    while wall < end:
        yield wall
        wall += MINUTE


def shows(cron: str, wall: datetime) -> bool:
    minute, hour, day, month, weekday = cron.split()
    dated = in_field(day, wall.day, 1, ()), in_field(weekday, wall.isoweekday() % 7, 0, DAYS)
    # Where both days are given, either will do.
    on_day = any(dated) if day != "*" and weekday != "*" else all(dated)
    return (
        in_field(minute, wall.minute, 0, ())
        and in_field(hour, wall.hour, 0, ())
        and in_field(month, wall.month, 1, MONTHS)
        and on_day
    )


@lru_cache(maxsize=20_000)
def in_field(text: str, value: int, first: int, names: tuple[str, ...]) -> bool:
    for item in text.lower().split(","):
        span, _, step = item.partition("/")
        low, _, high = span.partition("-")
        start = first if low == "*" else place(low, first, names)
        end = 59 if low == "*" or (step and not high) else place(high or low, first, names)
        if start <= value <= end and (value - start) % int(step or 1) == 0:
            return True
    return False


def place(text: str, first: int, names: tuple[str, ...]) -> int:
    return names.index(text) + first if text in names else int(text)
