"""The stream against the simulated venue: changes, gaps, days, and one connection after the other as tokens end."""

from datetime import timedelta
from decimal import Decimal

import trio
from attrs import evolve

from adapters.base import SessionLost
from adapters.clearstreet.net import UNKNOWN
from adapters.clearstreet.rest import Rest
from adapters.clearstreet.sequence import Gap
from adapters.clearstreet.simulator_activity import Activity
from rules.model.events import PositionClosed, PositionReported, SessionOpened, SnapshotReceived
from rules.model.reports import Filled
from rules.model.values import Side
from tests.adapters.clearstreet.simulated import HOST, PORT, START
from tests.adapters.clearstreet.world import (
    Events,
    opening,
    streaming,
    world,
)


async def test_a_stream_opens_gives_a_snapshot_and_tells_each_change_once(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        async with streaming(account) as events:
            opened, snapshot = events.all
            assert isinstance(opened, SessionOpened)
            assert isinstance(snapshot, SnapshotReceived)
            polled, _ = await account.snapshot()
            assert polled.positions == snapshot.positions
            await trio.sleep(2)
            made.venue.by_hand(Side.BUY, "50")
            made.venue.by_hand(Side.SELL, "150")
            made.venue.by_hand(Side.SELL, "20")
            await trio.sleep(2)
            grown, closed, short = events.all[2:]
            assert grown.position.volume == Decimal(150)
            assert isinstance(closed, PositionClosed)
            assert closed.close_price == Decimal(270)
            assert (short.position.side, short.position.volume) == (Side.SELL, Decimal(20))
            polled, _ = await account.snapshot()
            assert polled.positions == (short.position,)


async def test_a_carried_position_is_shown_alike_by_stream_poll_and_after_a_restart(autojump_clock):
    async with world() as (made, account):
        made.venue.by_hand(Side.BUY, "100")
        before, _ = await account.snapshot()
        made.venue.later(days=3)
        async with streaming(account) as events:
            polled, _ = await account.snapshot()
            assert tuple(events.positions.values()) == polled.positions == before.positions
        again, _ = await made.account().snapshot()
        assert again.positions == (evolve(before.positions[0], opened_at=UNKNOWN),)


async def test_a_gap_is_weather_and_a_fresh_session_repairs_it(autojump_clock):
    async with world() as (made, account):
        async with streaming(account) as events:
            made.faults.drop_messages = 1
            made.venue.by_hand(Side.BUY, "10")
            assert isinstance(await events.until_lost(), Gap)
        async with streaming(account) as events:
            assert events.positions["AAPL"].volume == Decimal(10)


async def test_a_new_day_goes_on_without_a_new_session(autojump_clock):
    half_an_hour_before_midnight = START + timedelta(hours=13.5)
    async with world(start=half_an_hour_before_midnight) as (made, account), streaming(account) as events:
        made.venue.by_hand(Side.BUY, "10")
        await trio.sleep(3600)
        made.venue.by_hand(Side.BUY, "5")
        await trio.sleep(60)
        assert events.lost is None
        assert events.positions["AAPL"].volume == Decimal(15)
        polled, _ = await account.snapshot()
        assert polled.positions == tuple(events.positions.values())


async def test_a_second_connection_takes_over_before_the_token_ends(autojump_clock, tokens):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        for number in range(1, 20):  # 95 minutes: three tokens
            made.venue.by_hand(Side.BUY, "1")
            await trio.sleep(300)
            assert events.positions["AAPL"].volume == Decimal(number)
        assert events.lost is None
        assert len(events.of(SessionOpened)) == 1
        assert len(events.of(SnapshotReceived)) == 3
        assert len(events.of(PositionReported)) == 19
        assert len(tokens) == 3


async def test_a_renewal_that_fails_is_tried_again_while_the_token_lives(autojump_clock):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        await trio.sleep(34 * 60 + 30)
        made.network.refuse(HOST, PORT, True)
        await trio.sleep(120)
        made.network.refuse(HOST, PORT, False)
        await events.synchronized(2)
        await trio.sleep(20 * 60)
        assert events.lost is None


async def test_a_stream_whose_renewal_never_works_ends_with_its_token(autojump_clock):
    async with world(token_lifetime=timedelta(minutes=40)) as (made, account), streaming(account) as events:
        await trio.sleep(34 * 60)
        made.network.refuse(HOST, PORT, True)
        await trio.sleep(4 * 60)
        assert events.lost is None
        assert isinstance(await events.until_lost(), SessionLost)


async def test_a_silent_stream_is_lost_within_its_limit(autojump_clock):
    async with world() as (made, _):
        account = made.account(stale_after=timedelta(seconds=30))
        async with streaming(account) as events:
            made.faults.half_open = True
            started = trio.current_time()
            lost = await events.until_lost()
            assert "said nothing for 30 s" in str(lost)
            assert trio.current_time() - started < 31


async def test_a_token_that_the_stream_refuses_is_renewed_for_the_next_session(autojump_clock):
    async with world() as (made, account):
        await account.snapshot()
        made.faults.expire_tokens()
        events = Events()
        await events.run(account)
        assert "Invalid access token" in str(events.lost)
        async with streaming(account) as events:
            assert events.lost is None


async def test_an_order_is_over_as_soon_as_the_stream_says_so(autojump_clock, monkeypatch):
    async with world() as (_, account), streaming(account):

        async def slow(self, order_id):
            await trio.sleep(0.1)  # and it shows nothing yet

        monkeypatch.setattr(Rest, "order", slow)
        started = trio.current_time()
        assert isinstance(await account.submit(opening()), Filled)
        assert trio.current_time() - started < 0.2


async def test_executions_without_position_updates_are_told_after_a_moment(autojump_clock, monkeypatch):
    add = Activity.add
    monkeypatch.setattr(Activity, "add", lambda self, kind, data: kind == "position-update" or add(self, kind, data))
    async with world() as (made, account), streaming(account) as events:
        made.venue.by_hand(Side.BUY, "30")
        made.venue.by_hand(Side.BUY, "10")
        await trio.sleep(0.2)
        assert events.positions == {}
        await trio.sleep(0.1)
        (position,) = events.positions.values()
        assert (position.volume, position.open_price) == (Decimal(40), Decimal("270.02"))
        assert len(events.of(PositionReported)) == 1
