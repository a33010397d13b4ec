"""The days of a limit: half-open from one reset to the next, one reset for each local date, whatever the clocks do.

A limit may count by weeks, months, quarters or years instead: these begin at the reset of their first local date.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import lru_cache
from zoneinfo import ZoneInfo

from rules.model.frozen import frozen

_DAY = timedelta(days=1)

# Between them the days around the local date of an instant hold its last and its next reset: a reset lies at most one
# gap after its own local time, and the longest gap that a zone ever had was one day.
_DAYS_AROUND = (-2, -1, 0, 1, 2)

# The same for weeks: two of them and the days around. A date that a zone left out may have been a week's first, which
# makes that week one of fourteen days; so it is with what counts by months, of which two on either side are enough too.
_WEEKS_AROUND = range(-16, 17)
_PERIODS_AROUND = (-2, -1, 0, 1, 2)


class Period(Enum):
    """From one reset to the next."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    """From the first of a calendar month."""
    QUARTER = "quarter"
    """From the first of January, April, July or October."""
    YEAR = "year"
    """From the first of January."""


@frozen
class ResetTime:
    """When a limit's day (or week, month, quarter, year) ends and the next begins: a local time of day in a zone.

    A local time that the clocks skip happens at the instant the gap ends; one that occurs twice happens at its first.
    A date that a zone left out altogether has no reset. "EST" in a firm's text means America/New_York.
    """

    at: time
    """Without a zone of its own, in whole seconds."""
    zone: ZoneInfo
    period: Period = Period.DAY
    weekday: int = 0
    """The first day of a week: 0 is Monday, 6 Sunday."""

    def __attrs_post_init__(self) -> None:
        if self.at.tzinfo is not None or self.at.microsecond:
            raise ValueError(f"a reset must be a local time of day in whole seconds, was {self.at.isoformat()}")
        if not 0 <= self.weekday <= 6:
            raise ValueError(f"a weekday must be 0 (Monday) to 6, was {self.weekday}")


def last_reset(reset: ResetTime, at: datetime) -> datetime:
    """Return the reset that opened the day of `at` (aware): the latest that is not after it, in UTC."""
    return max(instant for instant in _around(reset, at) if instant <= at)


def following_reset(reset: ResetTime, at: datetime) -> datetime:
    """Return the reset that ends the day of `at` (aware): the earliest that is after it, in UTC."""
    return min(instant for instant in _around(reset, at) if instant > at)


def resets_between(reset: ResetTime, after: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the resets in (after, until], in order, in UTC."""
    instant = following_reset(reset, after)
    while instant <= until:
        yield instant
        instant = following_reset(reset, instant)


def _around(reset: ResetTime, at: datetime) -> list[datetime]:
    firsts = _firsts(reset, at.astimezone(reset.zone).date())
    return [instant for day in firsts if (instant := reset_on(reset, day)) is not None]


_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}


def _firsts(reset: ResetTime, today: date) -> Iterator[date]:
    """Yield the local dates around `today` on which periods begin."""
    if reset.period is Period.DAY:
        yield from (today + _DAY * number for number in _DAYS_AROUND)
    elif reset.period is Period.WEEK:
        days = (today + _DAY * number for number in _WEEKS_AROUND)
        yield from (day for day in days if day.weekday() == reset.weekday)
    else:
        length = _MONTHS[reset.period]
        current = (today.year * 12 + today.month - 1) // length
        for number in _PERIODS_AROUND:
            year, month = divmod((current + number) * length, 12)
            yield date(year, month + 1, 1)


@lru_cache(maxsize=1024)  # some days of some zones: asked for with every sample of every account
def reset_on(reset: ResetTime, day: date) -> datetime | None:
    """Return the instant (UTC) of the reset that belongs to local date `day`; None for a date that never was."""
    begins = _instant(datetime.combine(day, time()), reset.zone)
    ends = _instant(datetime.combine(day + _DAY, time()), reset.zone)
    return _instant(datetime.combine(day, reset.at), reset.zone) if begins < ends else None


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the UTC instant at which the zone's clocks show `local` first, or at which the gap that skips it ends."""
    instant = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local:
        return instant
    # In a gap, fold 1 reckons with the offset after it and so lands before it, fold 0 the other way round. The change
    # of offset between the two is its end, in whole seconds as all of tzdata.
    before, after = local.replace(tzinfo=zone, fold=1).astimezone(UTC), instant
    offset_before = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset_before:
            before = middle
        else:
            after = middle
    return after
