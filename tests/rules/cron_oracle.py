"""Cron firings found by walking every minute of every zone: own reading of the fields, own reckoning of the clocks.

`python -m tests.rules.cron_oracle` compares `rules.times.cron` with it: 50 expressions in 20 zones over ten years.

The clock of a zone is walked in UTC, minute by minute. A time of day fires at the first minute whose clock shows it or
has just jumped past it; so what the clock skips fires when the gap ends, and what it shows twice fires once. An
expression for all 24 hours fires at each minute whose clock shows it.
"""

import argparse
import calendar
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from rules.model.frozen import frozen
from rules.times.cron import Cron

ZONES = (
    "UTC",
    "Africa/Cairo",  # summer time came back in 2023
    "Africa/Casablanca",  # winter time in Ramadan
    "America/Asuncion",  # changed at midnight, until 2024
    "America/Chicago",
    "America/Havana",  # changes at midnight and at one
    "America/New_York",
    "America/Nuuk",  # changed on Saturday evenings, and its standard in 2023
    "America/Sao_Paulo",  # changed at midnight, until 2019
    "Asia/Gaza",  # other days each year, several times a year
    "Asia/Kathmandu",  # +05:45
    "Asia/Tehran",  # changed at midnight, until 2022
    "Asia/Tokyo",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Australia/Sydney",
    "Europe/Dublin",  # winter time is the exception
    "Europe/London",
    "Europe/Prague",
    "Pacific/Chatham",  # +12:45, changes at a quarter to
    "Pacific/Norfolk",  # summer time only since 2019
)
EXPRESSIONS = (
    # Times of day, many of them where clocks change.
    "0 8 * * mon-fri",
    "30 16 * * 1-5",
    "55 13 * * fri",
    "45 20 * * 5",
    "0 0 * * *",
    "1 0 * * *",
    "30 0 * * *",
    "59 23 * * *",
    "0 1 * * *",
    "30 1 * * *",
    "0 2 * * *",
    "15 2 * * *",
    "30 2 * * *",
    "45 2 * * *",
    "59 2 * * *",
    "0 3 * * *",
    "30 3 * * sun",
    "0 17 * * sun-thu",
    "10 15 * * MON-FRI",
    "0 22 * * 0",
    "0 22 * * 7",
    "30 2 * mar,oct sun",
    # Lists, ranges over the end, steps.
    "0,30 1,2 * * *",
    "0 0,12 * * *",
    "0 22-2 * * sat",
    "0 0 * * fri-mon",
    "50-10/5 0 * * tue",
    "0 */4 * * wed",
    "20 1-23/6 * * *",
    "*/20 2 * * *",
    "5/25 3 * * 1,3,5",
    "7 7 7 7 *",
    "0 12 * nov-feb mon",
    "0 6 * */3 *",
    # Days of the month, last days, numbered weekdays; either kind of day where both are given.
    "0 9 1 * *",
    "30 1 31 * *",
    "0 0 29 feb *",
    "0 9 L * *",
    "30 2 L 3,10 *",
    "0 18 15,L * *",
    "0 9 */2 * *",
    "0 9 13 * fri",
    "30 23 */10 * mon",
    "30 13 * * fri#1",
    "30 2 * * sun#2",
    "0 9 * * mon#1,thu#3",
    "30 1 * * L0",
    # For all hours: again and again.
    "0 * * * *",
    "*/30 0-23 * * sat,sun",
    "*/15 * 28-31 * *",
)
FIRST_YEAR = 2016
"""The years 2016 to 2025 hold what is odd in the zones above."""

_DAY = 1440
_DENSE = 5000
"""Firings beyond which looking back is tried around changes of the clock only."""
_EPOCH = date(1970, 1, 1)
_NAMES = {
    **{name.lower(): number for number, name in enumerate(calendar.month_abbr) if name},
    **{name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))},
}


@frozen
class Stretch:
    """Minutes of UTC, numbered since 1970, over which a zone's clock runs evenly: at minute m it shows m + offset."""

    begin: int
    end: int
    offset: int


def walk(zone: ZoneInfo, begin: int, end: int) -> list[Stretch]:
    """Look at the zone's clock at every minute of [begin, end)."""
    stretches: list[Stretch] = []
    since, offset = begin, _offset(zone, begin)
    for minute in range(begin, end):
        now = _offset(zone, minute)
        if now != offset:
            stretches.append(Stretch(since, minute, offset))
            since, offset = minute, now
    return [*stretches, Stretch(since, end, offset)]


def _offset(zone: ZoneInfo, minute: int) -> int:
    shown = datetime.fromtimestamp(minute * 60, zone).utcoffset()
    assert shown is not None
    assert shown.seconds % 60 == 0, "clocks of these years differ by whole minutes"
    return shown // timedelta(minutes=1)


def oracle(expression: str, stretches: list[Stretch]) -> list[int]:
    """Return the minutes of UTC at which an expression fires."""
    minutes, hours, *_ = fields = expression.lower().split()
    times = bytearray(_DAY)
    for hour in _values(hours, 0, 23):
        for minute in _values(minutes, 0, 59):
            times[hour * 60 + minute] = 1
    # What the clock shows, from a day before to a day after: one byte for each of its minutes.
    first = stretches[0].begin // _DAY - 2
    shows = bytearray()
    for number in range(first, stretches[-1].end // _DAY + 3):
        shows += times if _is_day(_EPOCH + timedelta(days=number), fields) else bytes(_DAY)
    at_first = first * _DAY
    again = len(_values(hours, 0, 23)) == 24
    fires: list[int] = []
    passed = stretches[0].begin + stretches[0].offset - 1  # the latest minute that the clock has shown or jumped past
    for stretch in stretches:
        shown, until = stretch.begin + stretch.offset, stretch.end + stretch.offset
        if not again:
            if any(shows[passed + 1 - at_first : shown - at_first]):
                fires.append(stretch.begin)
                shown += 1
            shown = max(shown, passed + 1)
            passed = max(passed, until - 1)
        while (found := shows.find(1, shown - at_first, until - at_first)) >= 0:
            shown = found + at_first
            fires.append(shown - stretch.offset)
            shown += 1
    return fires


def _values(field: str, least: int, most: int) -> set[int]:
    """Return the numbers that a plain field stands for."""
    found: set[int] = set()
    for item in field.split(","):
        span, _, step = item.partition("/")
        low, dash, high = span.partition("-")
        begin, end = (least, most) if low == "*" else (_number(low), _number(high) if dash else _number(low))
        if step and not dash and low != "*":
            end = most
        if end < begin:  # over the end
            end += most - least + 1
        found |= {least + (value - least) % (most - least + 1) for value in range(begin, end + 1, int(step or 1))}
    return found


def _number(text: str) -> int:
    return _NAMES[text] if text in _NAMES else int(text)


def _is_day(day: date, fields: list[str]) -> bool:
    _, _, days, months, weekdays = fields
    if day.month not in _values(months, 1, 12):
        return False
    if days == "*" or weekdays == "*":
        return _is_day_of_month(day, days) and _is_weekday(day, weekdays)
    return _is_day_of_month(day, days) or _is_weekday(day, weekdays)


def _is_day_of_month(day: date, field: str) -> bool:
    last = calendar.monthrange(day.year, day.month)[1]
    return any(day.day == last if item == "l" else day.day in _values(item, 1, 31) for item in field.split(","))


def _is_weekday(day: date, field: str) -> bool:
    weekday = day.isoweekday() % 7
    for item in field.split(","):
        name, hashed, which = item.partition("#")
        if hashed:
            hit = weekday == _number(name) % 7 and (day.day - 1) // 7 + 1 == int(which)
        elif item.startswith("l"):
            hit = weekday == int(item[1:]) % 7 and day.day + 7 > calendar.monthrange(day.year, day.month)[1]
        else:
            hit = weekday in {value % 7 for value in _values(item, 0, 7 if "7" in item else 6)}
        if hit:
            return True
    return False


def differences(expression: str, zone: ZoneInfo, stretches: list[Stretch], fires: list[int]) -> Iterator[str]:
    """Yield how `rules.times.cron` differs from the oracle: from each firing to the next, and back from around each."""
    cron = Cron(expression, zone)
    at = _instant(stretches[0].begin) - timedelta(microseconds=1)
    for minute in fires:
        found = cron.next_after(at)
        at = _instant(minute)
        if found != at:
            yield f"{expression} in {zone.key}: the next firing is {at:%F %R} UTC, found {found:%F %R}"
    beyond = cron.next_after(at)
    if beyond < _instant(stretches[-1].end):
        yield f"{expression} in {zone.key}: nothing follows before the end, found {beyond:%F %R}"
    # Backwards at every firing of a sparse expression, and around every change of the clock.
    changes = [stretch.begin for stretch in stretches[1:]]
    for minute, following in pairwise(fires):
        if len(fires) > _DENSE and not any(abs(change - minute) < 2 * _DAY for change in changes):
            continue
        for at in (_instant(minute), _instant(following) - timedelta(microseconds=1)):
            found = cron.last_until(at)
            if found != _instant(minute):
                yield f"{expression} in {zone.key}: the last firing until {at:%F %T} is {minute}, found {found:%F %R}"


def _instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)


def minute_of(year: int, month: int = 1, day: int = 1) -> int:
    """Return the number of a date's first minute in UTC."""
    return (date(year, month, day) - _EPOCH).days * _DAY


def compare(zone: str, years: int, expressions: tuple[str, ...] = EXPRESSIONS) -> tuple[str, int, list[str]]:
    """Return the zone, how many firings were compared, and the first differences."""
    stretches = walk(ZoneInfo(zone), minute_of(FIRST_YEAR), minute_of(FIRST_YEAR + years))
    firings, found = 0, []
    for expression in expressions:
        fires = oracle(expression, stretches)
        firings += len(fires)
        found += differences(expression, ZoneInfo(zone), stretches, fires)
    return zone, firings, found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.rules.cron_oracle", description=__doc__)
    parser.add_argument("--years", type=int, default=10, help=f"from {FIRST_YEAR} on")
    parser.add_argument("--jobs", type=int, default=None, help="processes at once; all cores unless given")
    given = parser.parse_args()
    begun, firings, differing = time.monotonic(), 0, 0
    with ProcessPoolExecutor(given.jobs) as pool:
        for zone, compared, found in pool.map(compare, ZONES, [given.years] * len(ZONES)):
            firings, differing = firings + compared, differing + len(found)
            print(f"{zone:22} {compared:8} firings, {len(found)} differences", flush=True)
            for difference in found[:20]:
                print(f"  {difference}", flush=True)
    print(
        f"{len(EXPRESSIONS)} expressions x {len(ZONES)} zones x {given.years} years: {firings} firings compared, "
        f"{differing} differences, {time.monotonic() - begun:.0f} s"
    )
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
