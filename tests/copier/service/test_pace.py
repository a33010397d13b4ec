"""The pace of requests: a burst of one second's worth, then evenly, and a pause that nothing slips through."""

import pytest
import trio
from trio.testing import MockClock

from copier.service.pace import Pace


async def passed_at(pace: Pace, count: int) -> list[float]:
    start = trio.current_time()
    times: list[float] = []
    for _ in range(count):
        await pace.wait()
        times.append(round(trio.current_time() - start, 6))
    return times


async def test_a_burst_passes_at_once_and_the_rest_evenly(autojump_clock: MockClock) -> None:
    assert await passed_at(Pace(4.0), 8) == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1.0]


async def test_less_than_one_a_second_still_lets_the_first_pass(autojump_clock: MockClock) -> None:
    assert await passed_at(Pace(0.5), 3) == [0, 2, 4]


async def test_a_pause_earns_no_more_than_one_burst(autojump_clock: MockClock) -> None:
    pace = Pace(2.0)
    await pace.wait()
    await trio.sleep(3600)
    assert await passed_at(pace, 4) == [0, 0, 0.5, 1.0]


async def test_a_refusal_stops_everything_for_its_time(autojump_clock: MockClock) -> None:
    pace = Pace(10.0)
    pace.pause(5.0)
    pace.pause(1.0)
    assert await passed_at(pace, 1) == [5.0], "a shorter pause does not end a longer one"


async def test_a_refusal_stops_also_who_waits_for_its_turn_already(autojump_clock: MockClock) -> None:
    pace = Pace(1.0)
    await pace.wait()
    async with trio.open_nursery() as nursery:
        times: list[float] = []

        async def wait() -> None:
            times.extend(await passed_at(pace, 1))

        nursery.start_soon(wait)
        await trio.sleep(0.5)
        pace.pause(10.0)
    assert times == [10.5]


@pytest.mark.parametrize("per_s", [0.0, -1.0])
def test_a_pace_that_lets_nothing_pass_is_refused(per_s: float) -> None:
    with pytest.raises(ValueError, match="must be > 0"):
        Pace(per_s)
