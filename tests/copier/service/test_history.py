"""The reader of histories: on demand, one at a time, and quiet about bad weather."""

from datetime import datetime, timedelta

import trio
from trio.testing import MockClock

from adapters.base import SessionLost, SignInRefused
from copier.engine.inputs import Input, Remembered
from copier.service.history import DEADLINE_S, HistoryReader
from copier.service.weather import REFUSED_S_MIN
from rules.model.observed import Booked
from tests.copier.desk import TARGET
from tests.copier.fakes import FakeAccount
from tests.rules.limit_parts import flow
from tests.rules.playbook import T0


class Told(FakeAccount):
    """An account whose history answers as it is told to."""

    tellings: list[tuple[Booked, ...] | Exception | None]
    sinces: list[datetime]

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        self.sinces.append(since)
        answer = self.tellings.pop(0)
        if answer is None:
            await trio.sleep_forever()
        if isinstance(answer, Exception):
            raise answer
        assert answer is not None
        return answer


def told(*answers: tuple[Booked, ...] | Exception | None) -> Told:
    account = Told(TARGET, lambda: T0)
    account.tellings, account.sinces = list(answers), []
    return account


async def run(account: Told, *asks: tuple[float, datetime]) -> list[Input]:
    """Ask after these seconds, and return what was emitted."""
    found: list[Input] = []

    async def emit(given: Input) -> None:
        found.append(given)

    reader = HistoryReader(TARGET, account, emit=emit, now=lambda: T0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader.run)
        for wait_s, since in asks:
            await trio.sleep(wait_s)
            reader.ask(since)
        await trio.sleep(DEADLINE_S * 3)
        nursery.cancel_scope.cancel()
    return found


async def test_an_answer_is_told_with_what_it_covers(autojump_clock: MockClock) -> None:
    deposit = flow("15 12:00", "1000")
    [remembered] = await run(told((deposit,)), (0, T0))
    assert isinstance(remembered, Remembered)
    assert (remembered.past.since, remembered.past.asked_at, remembered.past.entries) == (T0, T0, (deposit,))


async def test_questions_that_wait_are_one_from_the_earliest_on(autojump_clock: MockClock) -> None:
    account = told((), (), ())
    found = await run(account, (0, T0), (0.1, T0 - timedelta(hours=1)), (0.1, T0))
    assert len(found) == 2
    assert account.sinces == [T0, T0 - timedelta(hours=1)]


async def test_weather_and_silence_end_nothing(autojump_clock: MockClock) -> None:
    account = told(SessionLost("gone"), None, ())
    found = await run(account, (0, T0), (DEADLINE_S, T0), (DEADLINE_S * 2, T0))
    assert len(account.sinces) == 3
    assert len(found) == 1


async def test_a_refused_sign_in_is_asked_again_after_five_minutes(autojump_clock: MockClock) -> None:
    account = told(SignInRefused("no"), ())
    assert await run(account, (0, T0), (5, T0)) == []
    assert len(account.sinces) == 1
    account = told(SignInRefused("no"), ())
    assert len(await run(account, (0, T0), (REFUSED_S_MIN + DEADLINE_S, T0))) == 1
