"""A lost session is replaced, a refused one after a while; a bug is not caught."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest
import trio
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from copier.clock import VirtualClock
from copier.service.streams import run_stream
from copier.service.weather import BACKOFF_S_MAX, BACKOFF_S_MIN, Backoff
from rules.model.events import Event, PositionReported, SessionEnded, SessionOpened, SnapshotReceived
from tests.copier.fakes import FakeAccount, as_account, source_position
from tests.rules.playbook import T0


class Desk:
    def __init__(self) -> None:
        clock = VirtualClock.starting(T0)
        self.account = FakeAccount("source", clock.utc_now)
        self.heard: list[Event] = []
        self.now = clock.utc_now
        self.ended = False

    async def emit(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.heard.append(event)

    async def run(self) -> None:
        await run_stream(self.account.name, as_account(self.account), self.emit, Backoff(Random(1)), self.now)
        self.ended = True

    def kinds(self) -> list[type]:
        return [type(event) for event in self.heard]


@asynccontextmanager
async def streaming() -> AsyncIterator[Desk]:
    desk = Desk()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        yield desk
        nursery.cancel_scope.cancel()


async def test_events_pass_in_their_order(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        desk.account.push(PositionReported(desk.account.name, T0, source_position()))
        await trio.sleep(1)
        assert desk.kinds() == [SessionOpened, SnapshotReceived, PositionReported]


async def test_a_lost_session_is_said_with_its_reason_and_replaced(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        desk.account.push(RemoteProtocolError("expected a frame, found noise"))
        await trio.sleep(5)
        assert desk.kinds() == [SessionOpened, SnapshotReceived, SessionEnded, SessionOpened, SnapshotReceived]
        ended = desk.heard[2]
        assert isinstance(ended, SessionEnded)
        assert ended.reason == "expected a frame, found noise"


async def test_errors_that_a_nursery_grouped_are_weather_too(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        inner = ExceptionGroup("tasks", [SessionLost("reader"), SessionLost("heartbeat")])
        desk.account.push(ExceptionGroup("driver", [inner]))
        await trio.sleep(5)
        ended = desk.heard[2]
        assert isinstance(ended, SessionEnded)
        assert ended.reason == "reader; heartbeat"
        assert desk.account.sessions == 2


async def test_waits_grow_while_no_session_reaches_its_snapshot(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        desk.account.streams.extend([SessionLost("down")] * 1000)
        await trio.sleep(20 * BACKOFF_S_MAX)
        assert 20 < desk.account.sessions < 80


async def test_a_session_with_a_snapshot_starts_the_waits_anew(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        desk.account.streams.extend([SessionLost("down")] * 12)
        await trio.sleep(12 * BACKOFF_S_MAX)
        assert desk.account.sessions == 13
        desk.account.push(SessionLost("again"))
        await trio.sleep(BACKOFF_S_MIN + 0.1)
        assert desk.account.sessions == 14


async def test_a_refused_sign_in_is_said_and_tried_again_more_and_more_rarely(autojump_clock: MockClock) -> None:
    async with streaming() as desk:
        desk.account.streams.extend([SignInRefused("wrong password")] * 20)
        tries = []
        for _ in range(14):
            tries.append(desk.account.sessions)
            await trio.sleep(600)
        assert tries == [0, 2, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 5]
        ended = desk.heard[0]
        assert isinstance(ended, SessionEnded)
        assert (ended.reason, ended.refused) == ("refused: wrong password", True)


async def test_a_bug_is_not_swallowed(autojump_clock: MockClock) -> None:
    desk = Desk()
    desk.account.push(KeyError("bug"))
    with pytest.raises(KeyError):
        await desk.run()
