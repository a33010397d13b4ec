"""When an account's history is asked: once somebody listens, after a change at growing pauses, and not for nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal

import trio
import trio.lowlevel
from attrs import define, field
from trio.testing import wait_all_tasks_blocked

from adapters.base import SessionLost, SignInRefused
from copier.web.socket_api.histories import AT_ONCE, REST_S, Histories
from rules.model.observed import Booked, Fill
from rules.model.values import AccountId, Side, Symbol
from tests.rules.playbook import T0

A = AccountId("a")
CLOSE = Fill("e1", T0, Symbol("EURUSD"), Side.SELL, Decimal(1), Decimal(1), opens=False)


@define
class Venue:
    """Answers with `booked` or raises `failure`; remembers when it was asked, in seconds, and from when on."""

    histories: Histories = field(init=False)
    booked: tuple[Booked, ...] = ()
    failure: Exception | None = None
    wanted: bool = True
    takes_s: float = 0.0
    asked: list[float] = field(factory=list)
    since: list[datetime] = field(factory=list)
    told: list[float] = field(factory=list)
    under_way: int = 0
    most: int = 0

    async def ask(self, _: AccountId, since: datetime) -> tuple[Booked, ...]:
        self.asked.append(round(trio.current_time(), 1))
        self.since.append(since)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await trio.sleep(self.takes_s)
        self.under_way -= 1
        if self.failure is not None:
            raise self.failure
        return self.booked


@asynccontextmanager
async def running() -> AsyncIterator[Venue]:
    began = trio.current_time()
    venue = Venue()
    venue.histories = Histories(
        venue.ask,
        lambda: T0 + timedelta(seconds=trio.current_time() - began),
        is_wanted=lambda _: venue.wanted,
        told=lambda _: venue.told.append(round(trio.current_time() - began, 1)),
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(venue.histories.run)
        await wait_all_tasks_blocked()
        yield venue
        venue.asked[:] = [round(at - began, 1) for at in venue.asked]
        nursery.cancel_scope.cancel()


async def test_a_history_is_asked_once_somebody_wants_it_and_told_when_it_came(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with running() as venue:
        venue.booked = (CLOSE,)
        assert venue.histories.past(A, 1) is None
        await trio.sleep(1)
        past = venue.histories.past(A, 1)
        assert past is not None
        assert past.entries == (CLOSE,)
        await trio.sleep(REST_S + 1)
        assert len(venue.told) == 1, "the second answer was the same"
    assert venue.asked == [0.0, REST_S]
    assert venue.since[0] == T0.replace(day=1, hour=0), "the month that is summed up"
    assert T0 - timedelta(hours=25) < venue.since[1] < T0, "then the day that is told"


async def test_after_a_change_it_is_asked_soon_and_again_while_the_venue_may_lag(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with running() as venue:
        venue.histories.past(A, 1)
        await trio.sleep(100)
        venue.histories.past(A, 2)
        await trio.sleep(300)
    assert venue.asked == [0.0, 101.0, 111.0, 141.0, 201.0, 321.0]


async def test_however_much_happens_a_venue_is_not_asked_more_often_than_every_ten_seconds(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with running() as venue:
        for number in range(100):
            venue.histories.past(A, number)
            await trio.sleep(1)
    pauses = [later - earlier for earlier, later in zip(venue.asked, venue.asked[1:], strict=False)]
    assert len(pauses) >= 5
    assert min(pauses) >= 10


async def test_what_cannot_be_read_is_asked_again_and_what_is_refused_after_five_minutes(
    autojump_clock: trio.abc.Clock,
) -> None:
    async with running() as venue:
        venue.failure = SessionLost("gone")
        venue.histories.past(A, 1)
        await trio.sleep(65)
        venue.failure = SignInRefused("no")
        await trio.sleep(65)
        venue.failure = None
        await trio.sleep(300)
        assert venue.histories.past(A, 1) is not None
    assert venue.asked == [0.0, 30.0, 60.0, 90.0, 390.0]


async def test_nobody_is_asked_for_an_account_that_nobody_listens_to_any_more(autojump_clock: trio.abc.Clock) -> None:
    async with running() as venue:
        venue.histories.past(A, 1)
        await trio.sleep(1)
        venue.wanted = False
        await trio.sleep(10 * REST_S)
        assert len(venue.asked) == 1
        venue.wanted = True
        assert venue.histories.past(A, 1) is None, "it may be old"
        await trio.sleep(1)
        assert len(venue.asked) == 2


async def test_few_accounts_are_asked_at_one_time(autojump_clock: trio.abc.Clock) -> None:
    async with running() as venue:
        venue.takes_s = 1.0
        for number in range(20):
            venue.histories.past(AccountId(f"a{number}"), 1)
        await trio.sleep(6)
        assert len(venue.asked) == 20
        assert venue.most == AT_ONCE
