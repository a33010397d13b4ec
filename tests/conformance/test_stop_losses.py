"""A position's stop-loss by itself: entered after the opening, shown, moved, taken away, in nobody's way, and executed.

Every venue that takes orders keeps it, some with the position and one as an order of its own for the session.
"""

import contextlib
from decimal import Decimal

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import SessionLost, Throttled
from adapters.simulation.records import Purpose
from copier.service.dispatch import judge_by_books
from rules.model.actions import Action, OpenPosition, ReplaceStops
from rules.model.observed import Position
from rules.model.reports import Filled, NotFound, Rejected, Report, StopsReplaced
from rules.model.values import Side
from tests.conformance.actions import closing, opened, opening, reducing, replacing, settled, tag
from tests.conformance.mirror import same_positions, streaming
from tests.conformance.pending import quote
from tests.conformance.venues import World

STOP, OTHER = Decimal("1.10000"), Decimal("1.11000")
ABOVE = Decimal("1.20000")
SIDES = pytest.mark.parametrize(("side", "stop"), [(Side.BUY, STOP), (Side.SELL, ABOVE)])
VOLUME = Decimal("0.30")


async def enter(world: World, position: Position, stop: Decimal | None, number: int = 2) -> Position:
    """Have a position's stop-loss set, and return it as the books hold it."""
    action = replacing(position, stop, None, number)
    assert await world.account.submit(action) == StopsReplaced(tag(number))
    return world.book.positions[position.position_id]


async def protected(world: World, side: Side = Side.BUY, stop: Decimal = STOP) -> Position:
    position = await opened(world, opening(1, side=side))
    assert (position.stop_loss, position.take_profit) == (None, None)
    return await enter(world, position, stop)


async def shown(world: World) -> None:
    """Check that a look shows what the books hold, and that no stop-loss passes for a pending order."""
    snapshot, _ = await world.account.snapshot()
    assert same_positions(snapshot.positions, world)
    assert not snapshot.orders


def rests(world: World) -> int:
    return len(world.book.working)


@SIDES
async def test_a_stop_loss_is_set_after_the_opening_and_shown(
    trading: World, autojump_clock: MockClock, side: Side, stop: Decimal
) -> None:
    position = await protected(trading, side, stop)
    assert (position.stop_loss, position.volume) == (stop, VOLUME)
    await shown(trading)


async def test_a_stop_loss_is_moved_and_taken_away(trading: World, autojump_clock: MockClock) -> None:
    position = await protected(trading)
    for number, stop in enumerate((OTHER, OTHER, STOP, None, None, OTHER), start=3):
        assert await enter(trading, position, stop, number) == evolve(position, stop_loss=stop)
        await shown(trading)
    assert rests(trading) in (0, 1)


async def test_the_stream_tells_of_a_stop_loss_set_moved_and_taken_away(
    trading: World, autojump_clock: MockClock
) -> None:
    position = await opened(trading, opening(1))
    async with streaming(trading) as mirror:
        await mirror.until_true()
        for number, stop in enumerate((STOP, OTHER, None), start=2):
            await enter(trading, position, stop, number)
            await mirror.until_true()


@SIDES
async def test_a_reached_stop_loss_ends_the_position_and_nothing_is_left(
    trading: World, autojump_clock: MockClock, side: Side, stop: Decimal
) -> None:
    position = await protected(trading, side, stop)
    async with streaming(trading) as mirror:
        await mirror.until_true()
        quote(trading, str(stop))
        assert trading.book.positions == {}
        await mirror.until_true()
    assert rests(trading) == 0
    await shown(trading)
    assert isinstance(await trading.account.submit(closing(position, 3)), Rejected)
    assert (trading.book.positions, rests(trading)) == ({}, 0)


@SIDES
async def test_a_close_takes_the_stop_loss_with_it(
    trading: World, autojump_clock: MockClock, side: Side, stop: Decimal
) -> None:
    position = await protected(trading, side, stop)
    report = await closed(trading, position)
    assert (report.volume, trading.book.positions, rests(trading)) == (VOLUME, {}, 0)
    quote(trading, str(stop))
    assert trading.book.positions == {}


@SIDES
async def test_a_reduction_leaves_the_rest_protected(
    trading: World, autojump_clock: MockClock, side: Side, stop: Decimal
) -> None:
    position = await protected(trading, side, stop)
    action = reducing(position, "0.10", 3)
    report = await settled(trading, action, await trading.account.submit(action))
    assert isinstance(report, Filled)
    left = trading.book.positions[position.position_id]
    assert (left.volume, left.stop_loss) == (Decimal("0.20"), stop)
    await shown(trading)
    quote(trading, str(stop))
    assert (trading.book.positions, rests(trading)) == ({}, 0)


async def test_a_net_position_that_grows_is_protected_whole_once_its_stop_loss_is_set_again(
    netting: World, autojump_clock: MockClock
) -> None:
    position = await protected(netting)
    grown = await opened_more(netting, opening(3))
    assert grown.stop_loss == (STOP if netting.account.capabilities.stop_loss_lasts else None)
    grown = await enter(netting, position, STOP, 4)
    assert (grown.volume, grown.stop_loss) == (Decimal("0.60"), STOP)
    await shown(netting)
    quote(netting, str(STOP))
    assert (netting.book.positions, rests(netting)) == ({}, 0)


async def test_what_turns_a_net_position_leaves_no_stop_loss_of_the_other_side(
    netting: World, autojump_clock: MockClock
) -> None:
    await protected(netting)
    action = opening(3, "0.50", side=Side.SELL)
    report = await settled(netting, action, await netting.account.submit(action))
    assert isinstance(report, Filled)
    [turned] = netting.book.positions.values()
    assert (turned.side, turned.volume, turned.stop_loss) == (Side.SELL, Decimal("0.20"), None)
    assert rests(netting) == 0


async def test_a_stop_loss_of_a_position_that_is_gone_or_was_never_there_is_rejected(
    trading: World, autojump_clock: MockClock
) -> None:
    position = await protected(trading)
    await closed(trading, position)
    report = await trading.account.submit(replacing(position, STOP, None, 5))
    assert isinstance(report, Rejected)
    assert (trading.book.positions, rests(trading)) == ({}, 0)


async def test_a_lost_answer_to_a_stop_loss_is_seen_in_the_books(wired: World, autojump_clock: MockClock) -> None:
    assert wired.faults is not None
    position = await opened(wired, opening(1))
    for number, stop in enumerate((STOP, OTHER, None), start=2):
        action = replacing(position, stop, None, number)
        wired.faults.lose_answers = 1
        await tried(wired, action)
        assert wired.book.positions[position.position_id].stop_loss == stop
        assert await judged(wired, action) == StopsReplaced(tag(number))


async def test_a_lost_stop_loss_is_not_in_the_books_and_is_set_once_by_the_next_try(
    wired: World, autojump_clock: MockClock
) -> None:
    assert wired.faults is not None
    position = await opened(wired, opening(1))
    for number, stop in enumerate((STOP, OTHER, None), start=2):
        before = wired.book.positions[position.position_id].stop_loss
        action = replacing(position, stop, None, number)
        wired.faults.lose_requests = 1
        await tried(wired, action)
        now = wired.book.positions[position.position_id].stop_loss
        assert now in (before, stop)
        expected = StopsReplaced(tag(number)) if now == stop else NotFound(tag(number))
        assert await judged(wired, action) == expected
        assert (await enter(wired, position, stop, 10 + number)).stop_loss == stop
        assert rests(wired) <= 1


@pytest.mark.parametrize("fault", ["lose_answers", "lose_requests", "throttle"])
async def test_a_close_in_bad_weather_never_sells_more_than_there_is(
    wired: World, autojump_clock: MockClock, fault: str
) -> None:
    """The first request of a close is the one that meets the weather: where a stop-loss rests, that is its cancel."""
    assert wired.faults is not None
    position = await protected(wired)
    setattr(wired.faults, fault, 1)
    await tried(wired, closing(position, 3))
    await trio.sleep(1)
    await tried(wired, closing(position, 4))
    assert (wired.book.positions, rests(wired)) == ({}, 0)
    sold = [order for order in wired.book.orders if order.purpose is not Purpose.OPEN and order.price is not None]
    assert sum((order.volume for order in sold), Decimal(0)) == VOLUME


async def test_orders_at_once_on_one_position_keep_its_stop_loss_fitting(
    netting: World, autojump_clock: MockClock
) -> None:
    position = await protected(netting)
    if netting.faults is not None:
        netting.faults.delay_s = 0.1
    actions = [reducing(position, "0.10", 3), opening(4), replacing(position, OTHER, None, 5), opening(6)]
    async with trio.open_nursery() as nursery:
        for action in actions:
            nursery.start_soon(tried, netting, action)
    [held] = netting.book.positions.values()
    assert held.volume == Decimal("0.80")
    if netting.faults is not None:
        netting.faults.delay_s = 0.0
    assert (await enter(netting, position, OTHER, 9)).stop_loss == OTHER
    quote(netting, str(OTHER))
    assert (netting.book.positions, rests(netting)) == ({}, 0)


async def closed(world: World, position: Position, number: int = 3) -> Filled:
    action = closing(position, number)
    report = await settled(world, action, await world.account.submit(action))
    assert isinstance(report, Filled), report
    return report


async def opened_more(world: World, action: OpenPosition) -> Position:
    report = await settled(world, action, await world.account.submit(action))
    assert isinstance(report, Filled), report
    return world.book.positions[report.position_id]


async def tried(world: World, action: Action) -> None:
    """Submit an action, whatever comes of it."""
    with contextlib.suppress(SessionLost, Throttled):
        await settled(world, action, await world.account.submit(action))


async def judged(world: World, action: ReplaceStops) -> Report | None:
    snapshot, _ = await world.account.snapshot()
    return judge_by_books(action, snapshot)
