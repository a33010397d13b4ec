"""Real time is UTC; virtual time is trio's."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
import trio
import trio.testing

from copier.clock import Clock, SystemClock, VirtualClock, utc_now

START = datetime(2026, 3, 29, 0, 59, tzinfo=UTC)


def test_real_time_is_aware_utc_and_goes_on() -> None:
    clock: Clock = SystemClock()
    before, between, after = utc_now(), clock.utc_now(), utc_now()
    assert before <= between <= after
    assert between.tzinfo is UTC


async def test_virtual_time_goes_as_trio_sleeps(autojump_clock: trio.testing.MockClock) -> None:
    await trio.sleep(1000)
    clock: Clock = VirtualClock.starting(START)
    assert clock.utc_now() == START
    await trio.sleep(80_000.25)
    assert clock.utc_now() == START + timedelta(seconds=80_000, milliseconds=250)


async def test_virtual_time_shows_utc_wherever_it_starts(autojump_clock: trio.testing.MockClock) -> None:
    clock = VirtualClock.starting(START.astimezone(timezone(timedelta(hours=2))))
    assert clock.utc_now() == START
    assert clock.utc_now().tzinfo is UTC


async def test_naive_start_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock.starting(START.replace(tzinfo=None))
