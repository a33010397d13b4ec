"""The books are asked regularly, at once on doubt, and what cannot be asked is said."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import trio
from trio.testing import MockClock

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused, Throttled
from copier.clock import VirtualClock
from copier.engine.inputs import Input, Polled
from copier.service.polls import DEADLINE_S, GAP_S_MIN, Poller
from copier.service.weather import REFUSED_S_MIN, Backoff
from rules.model.events import AccountReported, SnapshotReceived
from tests.copier.fakes import FakeAccount, as_account, source_position
from tests.rules.playbook import T0


class Desk:
    def __init__(self, every_s: float) -> None:
        clock = VirtualClock.starting(T0)
        self.account = FakeAccount("source", clock.utc_now)
        self.heard: list[Input] = []
        self.poller = Poller(
            self.account.name,
            as_account(self.account),
            every_s=every_s,
            emit=self._emit,
            backoff=Backoff(Random(1)),
            now=clock.utc_now,
        )
        self.ended = False

    async def _emit(self, given: Input) -> None:
        await trio.lowlevel.checkpoint()
        self.heard.append(given)

    async def run(self) -> None:
        await self.poller.run()
        self.ended = True


@asynccontextmanager
async def polling(every_s: float = 10.0) -> AsyncIterator[Desk]:
    desk = Desk(every_s)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.run)
        yield desk
        nursery.cancel_scope.cancel()


async def test_figures_come_before_positions_so_that_limits_judge_first(autojump_clock: MockClock) -> None:
    async with polling() as desk:
        desk.account.positions[source_position().position_id] = source_position()
        await trio.sleep(1)
        figures, snapshot = desk.heard
        assert isinstance(figures, AccountReported)
        assert isinstance(snapshot, SnapshotReceived)
        assert snapshot.positions == (source_position(),)


async def test_the_books_are_asked_at_their_interval(autojump_clock: MockClock) -> None:
    async with polling(10.0) as desk:
        await trio.sleep(95)
        assert desk.account.polls == 10


async def test_a_doubt_is_asked_about_soon_and_a_bunch_of_doubts_once(autojump_clock: MockClock) -> None:
    async with polling(3600.0) as desk:
        await trio.sleep(10)
        for _ in range(100):
            desk.poller.ask()
        await trio.sleep(2 * GAP_S_MIN)
        assert desk.account.polls == 2


async def test_a_doubt_that_arises_while_the_books_are_asked_is_not_lost(autojump_clock: MockClock) -> None:
    async with polling(3600.0) as desk:
        snapshot = desk.account.snapshot

        async def slow() -> object:
            await trio.sleep(1)
            return await snapshot()

        desk.account.snapshot = slow  # type: ignore[method-assign, assignment]
        await trio.sleep(0.5)
        desk.poller.ask()
        await trio.sleep(10)
        assert desk.account.polls == 2


async def test_books_that_cannot_be_asked_are_said_so_and_asked_again(autojump_clock: MockClock) -> None:
    async with polling() as desk:
        desk.account.snapshots.extend(
            [SessionLost("down"), Throttled("slow down", 1.0), RemoteProtocolError("expected JSON, found <html>")]
        )
        await trio.sleep(5)
        assert [type(each) for each in desk.heard[:4]] == [Polled, Polled, Polled, AccountReported]
        assert desk.heard[2] == Polled(desk.account.name, "expected JSON, found <html>")


async def test_a_venue_that_does_not_answer_is_given_up_on_in_time(autojump_clock: MockClock) -> None:
    async with polling() as desk:

        async def silent() -> object:
            await trio.sleep_forever()

        desk.account.snapshot = silent  # type: ignore[method-assign, assignment]
        await trio.sleep(DEADLINE_S + 1)
        assert isinstance(desk.heard[0], Polled)


async def test_a_refused_sign_in_is_said_and_asked_again_after_five_minutes(autojump_clock: MockClock) -> None:
    async with polling() as desk:
        desk.account.snapshots.append(SignInRefused("wrong password"))
        await trio.sleep(REFUSED_S_MIN - 1)
        assert desk.heard == [Polled(desk.account.name, "refused: wrong password", refused=True)]
        await trio.sleep(2)
        assert any(isinstance(each, SnapshotReceived) for each in desk.heard)
