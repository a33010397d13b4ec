"""Bad weather on the stream: doubled, reordered, lost and late messages never crash and never close what is open."""

from random import Random

import pytest
import trio
from trio.testing import MockClock

from adapters.base import SessionLost
from tests.conformance.actions import by_hand, trade
from tests.conformance.mirror import same_positions, streaming
from tests.conformance.venues import World


def spoil(world: World, kind: str, count: int) -> None:
    """Let the next messages come doubled or out of order."""
    assert world.faults is not None
    setattr(world.faults, f"{kind}_messages", count)


@pytest.mark.parametrize("kind", ["duplicate", "reorder"])
@pytest.mark.parametrize("seed", range(3))
async def test_doubled_and_reordered_messages_never_tell_what_never_was(
    streamed: World, autojump_clock: MockClock, kind: str, seed: int
) -> None:
    """The mirror holds every event against the books: no position that never was, no close of an open one."""
    world, random = streamed, Random(seed)
    by_hand(world)
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        for _ in range(30):
            spoil(world, kind, random.randint(0, 4))
            for _ in range(random.randint(1, 3)):
                trade(world, random)
            await trio.sleep(random.choice((0, 0.1)))
        spoil(world, kind, 0)
        await trio.sleep(100)
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
        snapshot, _ = await world.account.snapshot()
        await mirror.emit(snapshot)
        assert same_positions(mirror.positions.values(), world)


@pytest.mark.parametrize("kind", ["duplicate", "reorder"])
async def test_doubled_messages_of_a_beginning_end_in_the_right_snapshot(
    streamed: World, autojump_clock: MockClock, kind: str
) -> None:
    world = streamed
    by_hand(world)
    by_hand(world, "0.50", "BTCUSD")
    spoil(world, kind, 3)
    async with streaming(world) as mirror:
        await trio.sleep(100)
        if mirror.lost is None:
            await mirror.until_true()
        assert mirror.lost is None or isinstance(mirror.lost, SessionLost)
    spoil(world, kind, 0)
    async with streaming(world) as mirror:
        await mirror.until_true()


@pytest.mark.parametrize("count", range(1, 6))
async def test_a_beginning_with_a_gap_gives_no_wrong_snapshot(
    streamed: World, autojump_clock: MockClock, count: int
) -> None:
    by_hand(streamed)
    by_hand(streamed, "0.50", "BTCUSD")
    assert streamed.faults is not None
    streamed.faults.drop_messages = count
    async with streaming(streamed) as mirror:
        await trio.sleep(100)
        if mirror.synchronized:
            assert same_positions(mirror.positions.values(), streamed)
        else:
            assert isinstance(await mirror.until_lost(), SessionLost)


async def test_a_stream_that_falls_silent_is_lost_in_bounded_time(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    by_hand(streamed)
    async with streaming(streamed) as mirror:
        await mirror.until_true()
        streamed.faults.half_open = True
        assert isinstance(await mirror.until_lost(), SessionLost)
        streamed.faults.half_open = False


async def test_a_venue_under_maintenance_is_weather(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    streamed.faults.maintenance = True
    async with streaming(streamed) as mirror:
        assert isinstance(await mirror.until_lost(), SessionLost)
    streamed.faults.maintenance = False
    async with streaming(streamed) as mirror:
        await mirror.until_true()


async def test_a_refused_connection_is_weather(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.network is not None
    streamed.network.refuse("venue.test", 80, True)
    async with streaming(streamed) as mirror:
        assert isinstance(await mirror.until_lost(), SessionLost)
    streamed.network.refuse("venue.test", 80, False)
    async with streaming(streamed) as mirror:
        await mirror.until_true()


async def test_expired_tokens_do_not_keep_a_session_away(streamed: World, autojump_clock: MockClock) -> None:
    assert streamed.faults is not None
    by_hand(streamed)
    async with streaming(streamed) as mirror:
        await mirror.until_true()
        streamed.faults.expire_tokens()
        await streamed.cut_streams()
        assert isinstance(await mirror.until_lost(), SessionLost)
    for _ in range(3):  # the first try may be what teaches us that the token has expired
        async with streaming(streamed) as mirror:
            with trio.move_on_after(30):
                await mirror.until(lambda: mirror.lost is not None or mirror.synchronized)
            if mirror.lost is None:
                await mirror.until_true()
                return
            assert isinstance(mirror.lost, SessionLost)
    raise AssertionError("three sessions with new tokens were lost")
