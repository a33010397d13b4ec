"""When a cron expression fires in a time zone: exact across changes of the clock.

There croniter is not to be trusted. It only enumerates the matching wall-clock times, as if there were no zones; what
instant each of them is, is settled here:

- A local time that a change of the clock skips happens at the instant the gap ends; one that occurs twice happens at
  its first. So a daily expression fires once for every local date, always.
- An expression for every hour (its hour field is `*`) means "again and again" and not a time of day: it fires at every
  instant whose wall clock matches, in a repeated hour again, and at none that does not exist.
"""

import copy
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field
from croniter import CroniterError, croniter

from rules.model.frozen import frozen

_NAMES = r"jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
_VALUE = rf"(?:\d{{1,2}}|{_NAMES})"
_ITEM = rf"(?:\*|{_VALUE}(?:-{_VALUE})?)(?:/\d{{1,2}})?|{_VALUE}#[1-5]|L[0-7]?"
# croniter knows more: seconds, years, a random `R`, a hashed `H`, and words such as `@daily`. Each is a trap here.
_FIELD = re.compile(rf"(?:{_ITEM})(?:,(?:{_ITEM}))*", re.IGNORECASE)
_CHARACTERS_MAX = 200

# Any day: an expression that has no firing around this one within croniter's 50 years has none at all.
_PROBE = datetime(2026, 1, 1, tzinfo=UTC)

# No zone changed its clock twice within this time, so that comparing offsets this far apart misses no change.
_OFFSET_STEP = timedelta(hours=6)
_SECOND = timedelta(seconds=1)


@frozen
class Cron:
    """A cron expression of five fields in a zone.

    Raises:
        ValueError: the expression is not of five fields, is out of range, or names a day that never comes.
    """

    expression: str
    zone: ZoneInfo
    _every_hour: bool = field(init=False, eq=False, repr=False)
    _times: Any = field(init=False, eq=False, repr=False)
    """The expression as croniter has read it, which takes longer than the steps; copied for each question."""

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_every_hour", _check_expression(self.expression))
        object.__setattr__(self, "_times", croniter(self.expression, _PROBE))

    def next_after(self, at: datetime) -> datetime:
        """Return the first firing after the aware instant `at`, in UTC."""
        at = at.astimezone(UTC)
        return self._next_elapsed(at) if self._every_hour else self._next_local(at)

    def last_until(self, at: datetime) -> datetime:
        """Return the last firing at or before the aware instant `at`, in UTC."""
        at = at.astimezone(UTC)
        return self._last_elapsed(at) if self._every_hour else self._last_local(at)

    def _next_local(self, at: datetime) -> datetime:
        # Several local times may happen at one instant (the end of a gap), or have happened already (a repeated hour).
        walls = _walls_after(self._times, _wall(at, self.zone))
        return next(instant for instant in (resolve(wall, self.zone) for wall in walls) if instant > at)

    def _last_local(self, at: datetime) -> datetime:
        # In the second pass of a repeated hour the clock shows less than has already happened: begin at its end.
        local = at.astimezone(self.zone)
        ahead = max(_offset(local.replace(fold=0)), _offset(local.replace(fold=1)))
        walls = _walls_until(self._times, at.replace(tzinfo=None) + ahead)
        return next(instant for instant in (resolve(wall, self.zone) for wall in walls) if instant <= at)

    def _next_elapsed(self, at: datetime) -> datetime:
        while True:
            offset = _offset(at.astimezone(self.zone))
            found = (next(_walls_after(self._times, _wall(at, self.zone))) - offset).replace(tzinfo=UTC)
            change = _first_change(at, found, self.zone)
            if change is None:
                return found
            # The clock is set before it shows that time: go on from the change, which may itself be a firing.
            wall = _wall(change, self.zone)
            if next(_walls_until(self._times, wall)) == wall:
                return change
            at = change

    def _last_elapsed(self, at: datetime) -> datetime:
        while True:
            offset = _offset(at.astimezone(self.zone))
            found = (next(_walls_until(self._times, _wall(at, self.zone))) - offset).replace(tzinfo=UTC)
            change = _last_change(found, at, self.zone)
            if change is None:
                return found
            # The clock was set after it showed that time, by other reckoning: go on from before the change.
            at = change - timedelta.resolution


def resolve(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which a local time happens.

    Args:
        wall: a naive local time. Skipped by a change of the clock: the instant the gap ends. Twice: the first.
    """
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if _wall(instant, zone) == wall:
        return instant
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    change = _first_change(before, instant, zone)
    return instant if change is None else change


def _first_change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the first instant in (after, until] from which the zone's offset is another, or None."""
    low = after
    while low < until:
        high = min(low + _OFFSET_STEP, until)
        if _offset(low.astimezone(zone)) != _offset(high.astimezone(zone)):
            return _change(low, high, zone)
        low = high
    return None


def _last_change(after: datetime, until: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the last instant in (after, until] from which the zone's offset is another, or None."""
    high = until
    while high > after:
        low = max(high - _OFFSET_STEP, after)
        if _offset(low.astimezone(zone)) != _offset(high.astimezone(zone)):
            return _change(low, high, zone)
        high = low
    return None


def _change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant of the one change in (low, high]; clocks are set at whole seconds."""
    later = _offset(high.astimezone(zone))
    while high - low > _SECOND:
        middle = low + (high - low) / 2
        if _offset(middle.astimezone(zone)) == later:
            high = middle
        else:
            low = middle
    return high.replace(microsecond=0)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    """Return what the zone's clocks show at an instant, naive."""
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(local: datetime) -> timedelta:
    offset = local.utcoffset()
    assert offset is not None, "a zone of the IANA database always has an offset"
    return offset


def _walls_after(read: Any, wall: datetime) -> Iterator[datetime]:
    """Yield the matching local times after `wall`, in order: naive, and in the zone-less calendar."""
    times = copy.copy(read)
    times.set_current(wall.replace(microsecond=0, tzinfo=UTC), force=True)
    while True:
        yield _step(times.get_next)


def _walls_until(read: Any, wall: datetime) -> Iterator[datetime]:
    """Yield the matching local times at or before `wall`, the latest first."""
    # croniter looks strictly before its start, at whole seconds only.
    times = copy.copy(read)
    times.set_current(wall.replace(microsecond=0, tzinfo=UTC) + _SECOND, force=True)
    while True:
        yield _step(times.get_prev)


def _step(step: Any) -> datetime:
    """Return what croniter (untyped) finds by one step, naive."""
    found: datetime = step(datetime)
    return found.replace(tzinfo=None)


def _check_expression(expression: str) -> bool:
    """Return whether the expression is for every hour.

    Raises:
        ValueError: see `Cron`.
    """
    fields = expression.split()
    if len(fields) != 5 or len(expression) > _CHARACTERS_MAX:
        raise ValueError(
            "a cron expression must have five fields (minute, hour, day of month, month, day of week), "
            f"found {len(fields)} in '{expression[:_CHARACTERS_MAX]}'"
        )
    for text in fields:
        if _FIELD.fullmatch(text) is None:
            raise ValueError(f"cron expression '{expression}': '{text}' is not a value, a range, a list or a step")
    try:
        _step(croniter(expression, _PROBE).get_prev)
        _step(croniter(expression, _PROBE).get_next)
        return bool(croniter.expand(expression)[0][1] == ["*"])
    except CroniterError as error:
        raise ValueError(f"cron expression '{expression}' cannot be used: {error}") from error
