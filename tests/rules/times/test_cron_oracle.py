"""A sample of the comparison; `make schedules` makes it whole: 50 expressions in 20 zones over ten years."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rules.times.cron import Cron
from tests.rules.cron_oracle import EXPRESSIONS, FIRST_YEAR, ZONES, Stretch, differences, minute_of, oracle, walk

DAYS = 5


def test_there_are_fifty_expressions_and_twenty_zones():
    assert len(set(EXPRESSIONS)) == len(EXPRESSIONS) == 50
    assert len(set(ZONES)) == len(ZONES) == 20


def near_a_change(zone: ZoneInfo, year: int) -> int:
    """Return the first minute of some days in which the zone's clock changes, if it does in that year."""
    noons = [datetime(year, 1, 1, 12, tzinfo=UTC) + timedelta(days=day) for day in range(365)]
    offsets = [noon.astimezone(zone).utcoffset() for noon in noons]
    changed = next((day for day in range(1, 365) if offsets[day] != offsets[day - 1]), 100)
    return minute_of(year) + (changed - 2) * 1440


@pytest.mark.slow  # walks 20 x 5 days by the minute, and asks for some ten thousand firings
def test_every_zone_and_every_expression_agrees_with_the_walk_near_a_change():
    compared = 0
    for number, name in enumerate(ZONES):
        zone = ZoneInfo(name)
        begin = near_a_change(zone, FIRST_YEAR + number % 10)
        stretches = walk(zone, begin, begin + DAYS * 1440)
        for expression in EXPRESSIONS:
            fires = oracle(expression, stretches)
            compared += len(fires)
            assert list(differences(expression, zone, stretches, fires)) == []
    assert compared > 5_000


def utc(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) // 60


def test_the_walk_finds_the_changes_of_a_clock_to_the_minute():
    begin, spring, end = minute_of(2026, 3, 8), utc(2026, 3, 8, 7), minute_of(2026, 3, 9)
    zone = ZoneInfo("America/New_York")
    assert walk(zone, begin, end) == [Stretch(begin, spring, -300), Stretch(spring, end, -240)]


MARCH, NOVEMBER = minute_of(2026, 3, 7), minute_of(2026, 10, 30)


@pytest.mark.parametrize(
    ("expression", "begin", "fires"),
    [
        # New York goes from 02:00 to 03:00 at 07:00 UTC on 8 March, and from 02:00 to 01:00 at 06:00 on 1 November.
        ("30 2 * * *", MARCH, [utc(2026, 3, 7, 7, 30), utc(2026, 3, 8, 7), utc(2026, 3, 9, 6, 30)]),
        ("30 2,3 8 3 *", MARCH, [utc(2026, 3, 8, 7), utc(2026, 3, 8, 7, 30)]),
        ("30 1 1 11 *", NOVEMBER, [utc(2026, 11, 1, 5, 30)]),
        ("30 * 1 11 sun", NOVEMBER, [utc(2026, 11, 1, 4, 30) + 60 * hour for hour in range(20)]),
        ("0 9 L * *", NOVEMBER, [utc(2026, 10, 31, 13)]),
        ("0 9 9 3 sun#2", MARCH, [utc(2026, 3, 8, 13), utc(2026, 3, 9, 13)]),
        ("0 0 * * L5", NOVEMBER, [utc(2026, 10, 30, 4)]),
    ],
)
def test_the_oracle_knows_what_a_calendar_says(expression: str, begin: int, fires: list[int]):
    assert oracle(expression, walk(ZoneInfo("America/New_York"), begin, begin + 3 * 1440)) == fires


def test_a_wrong_clock_is_found(monkeypatch: pytest.MonkeyPatch):
    after = Cron.next_after
    late = timedelta(hours=1)

    def wrong(cron: Cron, at: datetime) -> datetime:
        found = after(cron, at)
        return found + late if found.month == 11 and found.day == 1 else found

    monkeypatch.setattr(Cron, "next_after", wrong)
    zone = ZoneInfo("America/New_York")
    stretches = walk(zone, minute_of(2026, 10, 30), minute_of(2026, 11, 4))
    fires = oracle("30 1 * * *", stretches)
    (difference,) = differences("30 1 * * *", zone, stretches, fires)
    assert (
        difference == "30 1 * * * in America/New_York: the next firing is 2026-11-01 05:30 UTC, found 2026-11-01 06:30"
    )
