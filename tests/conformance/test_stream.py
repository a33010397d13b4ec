"""stream(): signs in, gives one whole snapshot, then tells every change exactly, and ends only by being lost."""

from decimal import Decimal
from random import Random

import pytest
import trio
import trio.lowlevel
from trio.testing import MockClock

from adapters.base import SessionLost
from rules.model.events import (
    AccountReported,
    Origin,
    PositionClosed,
    PositionReported,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.observed import Quote
from rules.model.values import Side
from tests.conformance.actions import EURUSD, STOP, TAKE, XAUUSD, by_hand, trade
from tests.conformance.mirror import same_positions, streaming
from tests.conformance.venues import ALIAS, World, has, needs


async def test_a_session_opens_and_then_gives_exactly_the_open_positions(
    world: World, autojump_clock: MockClock
) -> None:
    by_hand(world, "0.37", stop_loss=STOP, take_profit=TAKE)
    by_hand(world, "1.20", XAUUSD, Side.SELL)
    gone = by_hand(world, "0.50", "BTCUSD")
    world.book.close(gone.position_id)
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        events = [event for event in mirror.events if not isinstance(event, AccountReported)]
        assert isinstance(events[0], SessionOpened)
        assert isinstance(events[1], SnapshotReceived)
        assert events[1].origin is Origin.RECONCILED
        assert same_positions(events[1].positions, world)
        assert {event.account for event in mirror.events} == {ALIAS}


async def test_an_empty_account_gives_an_empty_snapshot_that_is_certain(
    world: World, autojump_clock: MockClock
) -> None:
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        snapshots = mirror.of(SnapshotReceived)
        assert all(snapshot.positions == () for snapshot in snapshots)
        # An empty one that nobody vouches for may come first; it is then confirmed, as still RECONCILED.
        assert [snapshot.origin for snapshot in snapshots] == [Origin.RECONCILED] * len(snapshots)
        assert isinstance(mirror.events[0], SessionOpened)


async def test_the_figures_are_those_of_the_books(world: World, autojump_clock: MockClock) -> None:
    needs(world, "figures")
    position = by_hand(world)
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.status is not None)
        world.book.close(position.position_id)
        await mirror.until(lambda: mirror.status is not None and mirror.status.balance == world.book.balance)
        figures = world.book.status()
        await mirror.until(lambda: mirror.status is not None and mirror.status.equity == figures.equity)
        assert mirror.status is not None
        assert mirror.status.currency == figures.currency
        assert mirror.status.margin_used in (None, figures.margin_used)
        assert mirror.status.margin_free in (None, figures.margin_free)


async def test_every_change_of_a_position_is_told_exactly(world: World, autojump_clock: MockClock) -> None:
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        told = len(mirror.events)
        position = by_hand(world, "0.37", stop_loss=STOP)
        await mirror.until_true()
        world.book.close(position.position_id, Decimal("0.16"))
        await mirror.until_true()
        assert mirror.positions[position.position_id].volume == Decimal("0.21")
        for stops in ((Decimal("1.10001"), TAKE), (None, TAKE), (None, None), (STOP, Decimal("1.21"))):
            if not has(world, "stops"):
                break
            world.book.replace_stops(position.position_id, *stops)
            await mirror.until_true()
            shown = mirror.positions[position.position_id]
            assert (shown.stop_loss, shown.take_profit) == stops
        world.book.close(position.position_id)
        await mirror.until_true()
        live = mirror.events[told:]
        assert all(event.origin is Origin.LIVE for event in live if isinstance(event, SnapshotReceived))
        assert any(isinstance(event, PositionReported | PositionClosed | SnapshotReceived) for event in live)


async def test_a_position_that_the_market_stops_out_is_told_as_closed(world: World, autojump_clock: MockClock) -> None:
    needs(world, "stops")
    by_hand(world, stop_loss=Decimal("1.15"))
    async with streaming(world) as mirror:
        await mirror.until_true()
        world.market.set_quote(Quote(EURUSD, Decimal("1.14"), Decimal("1.14008"), world.now()))
        await mirror.until_true()
        assert mirror.positions == {}


async def test_the_close_price_is_that_of_the_whole_and_not_of_a_part_before(
    world: World, autojump_clock: MockClock
) -> None:
    position = by_hand(world)
    async with streaming(world) as mirror:
        await mirror.until_true()
        world.book.close(position.position_id, Decimal("0.10"))
        await trio.lowlevel.checkpoint()
        world.market.set_quote(Quote(EURUSD, Decimal("1.17"), Decimal("1.17008"), world.now()))
        world.book.close(position.position_id)  # held against the books by the mirror
        await mirror.until_true()
        await trio.sleep(1)


async def test_much_trading_at_once_ends_in_what_the_books_hold(world: World, autojump_clock: MockClock) -> None:
    random = Random(7)
    async with streaming(world) as mirror:
        for _ in range(30):
            for _ in range(random.randint(1, 5)):
                trade(world, random)
            await trio.sleep(random.choice((0, 0.1, 2)))
        await mirror.until_true()


async def test_a_slow_reader_loses_nothing(world: World, autojump_clock: MockClock) -> None:
    random = Random(11)
    async with streaming(world, pause_s=0.5) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        for _ in range(40):
            trade(world, random)
        await mirror.until_true()


async def test_after_cut_streams_a_new_session_shows_what_changed_in_between(
    world: World, autojump_clock: MockClock
) -> None:
    kept, closed = by_hand(world, "0.20"), by_hand(world, "1.00", XAUUSD)
    async with streaming(world) as mirror:
        await mirror.until_true()
        await world.cut_streams()
        assert isinstance(await mirror.until_lost(), SessionLost)
    world.book.close(closed.position_id)
    world.book.close(kept.position_id, Decimal("0.05"))
    by_hand(world, "0.50", "BTCUSD")
    async with streaming(world) as mirror:
        await mirror.until(lambda: mirror.synchronized)
        assert isinstance(mirror.events[0], SessionOpened)
        first = mirror.of(SnapshotReceived)[0]
        assert first.origin is Origin.RECONCILED
        assert same_positions(first.positions, world)
        by_hand(world, "0.01", "GBPUSD")
        await mirror.until_true()


@pytest.mark.parametrize("moment_s", [0.0, 0.001, 0.1, 1.0])
async def test_streams_that_are_cut_at_any_moment_are_lost_and_come_again(
    world: World, autojump_clock: MockClock, moment_s: float
) -> None:
    by_hand(world)
    if world.faults is not None:
        world.faults.delay_s = 0.05
    async with streaming(world) as mirror:
        await trio.sleep(moment_s)
        await world.cut_streams()
        if not isinstance(mirror.lost, SessionLost):
            await trio.sleep(5)  # it was too early to be cut, and lives
    async with streaming(world) as mirror:
        await mirror.until_true()


async def test_a_cancelled_stream_ends_and_another_one_works(world: World, autojump_clock: MockClock) -> None:
    by_hand(world)
    async with streaming(world) as mirror:
        await mirror.until_true()
    async with streaming(world) as mirror:
        await mirror.until_true()


async def test_an_error_of_the_reader_comes_out_as_it_is(world: World, autojump_clock: MockClock) -> None:
    class Bug(Exception):
        pass

    async def emit(_: object) -> None:
        await trio.lowlevel.checkpoint()
        raise Bug

    with pytest.raises((Bug, ExceptionGroup)) as raised:
        await world.account.stream(emit)
    error: BaseException = raised.value
    while isinstance(error, BaseExceptionGroup):
        assert len(error.exceptions) == 1
        error = error.exceptions[0]
    assert isinstance(error, Bug)
