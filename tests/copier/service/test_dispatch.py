"""Orders to one target: closes first, at most once, and an unknown outcome is resolved by the venue's books alone."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import trio
import trio.testing
from attrs import evolve
from trio.testing import MockClock

from adapters.base import Capabilities, RequestNotSent, SessionLost, SignInRefused, Throttled
from copier.clock import VirtualClock
from copier.engine.inputs import Intent
from copier.service.dispatch import DEADLINE_S, QUEUE_MAX, Dispatcher, judge_by_books
from copier.service.weather import REFUSED_S_MIN
from copier.telling.latency import Latency
from rules.model.actions import Action, ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.model.events import Origin, SnapshotReceived
from rules.model.reports import Accepted, Filled, NotFound, NotSent, OutcomeUnknown, Rejected, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, OmsType, PositionId, Side, Symbol
from tests.copier.fakes import HEDGING, FakeAccount, as_account, executed_but_lost, never, source_position
from tests.rules.playbook import T0

TARGET, EURUSD = AccountId("target"), Symbol("EURUSD")


def opening(number: int = 1) -> OpenPosition:
    return OpenPosition(ClOrdId(f"open{number}"), TARGET, EURUSD, Side.BUY, Decimal(1))


def closing(number: int = 1, position_id: str = "t-open1") -> ClosePosition:
    return ClosePosition(ClOrdId(f"close{number}"), TARGET, PositionId(position_id), EURUSD, Side.BUY, Decimal(1))


class Desk:
    """A dispatcher, its account, and what it reported."""

    def __init__(self, capabilities: Capabilities, wanted: Callable[[Action], bool]) -> None:
        self.clock = VirtualClock.starting(T0)
        self.account = FakeAccount("target", self.clock.utc_now, capabilities)
        self.reports: list[Report] = []
        self._news = trio.Event()
        self.dispatcher = Dispatcher(
            TARGET,
            as_account(self.account),
            now=self.clock.utc_now,
            report=self._report,
            wanted=wanted,
            latency=Latency(),
        )

    async def _report(self, name: AccountId, report: Report) -> None:
        assert name == TARGET
        await trio.lowlevel.checkpoint()
        self.reports.append(report)
        self._news.set()
        self._news = trio.Event()

    def put(self, *actions: Action) -> None:
        for action in actions:
            self.dispatcher.put(Intent(action, self.clock.utc_now()))

    async def until(self, count: int) -> list[Report]:
        """Return the reports once there are `count` of them."""
        with trio.fail_after(3600):
            while len(self.reports) < count:
                await self._news.wait()
        return self.reports

    @property
    def sent(self) -> list[ClOrdId]:
        return [action.cl_ord_id for action in self.account.sent]

    @property
    def waited_s(self) -> float:
        return (self.clock.utc_now() - T0).total_seconds()


@asynccontextmanager
async def running(
    capabilities: Capabilities = HEDGING, wanted: Callable[[Action], bool] = lambda _: True, *put: Action
) -> AsyncIterator[Desk]:
    """Run a dispatcher that already has `put` in its queue."""
    desk = Desk(capabilities, wanted)
    desk.put(*put)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.dispatcher.run)
        yield desk
        nursery.cancel_scope.cancel()


async def test_an_order_is_sent_once_and_its_report_is_handed_on(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.put(opening())
        [report] = await desk.until(1)
        assert isinstance(report, Filled)
        await trio.sleep(600)
        assert desk.sent == ["open1"]
        assert desk.reports == [report]
        assert desk.account.asked == [], "an answered order needs no asking"


# Closes first


async def test_closes_leave_before_openings_that_came_earlier(autojump_clock: MockClock) -> None:
    slow = evolve(HEDGING, parallel_requests=1, requests_per_s=1.0)
    stops = ReplaceStops(ClOrdId("stops1"), TARGET, PositionId("x"), EURUSD, None, None)
    async with running(slow, lambda _: True, opening(1), opening(2), closing(1), stops) as desk:
        await desk.until(4)
        assert desk.sent == ["close1", "stops1", "open1", "open2"]


async def test_an_opening_never_overtakes_a_close_that_was_ordered_with_it(autojump_clock: MockClock) -> None:
    for number in range(40):  # the scheduler shuffles those that it wakes together
        async with running() as desk:
            await trio.testing.wait_all_tasks_blocked()
            desk.put(opening(number), closing(number))
            await desk.until(2)
            assert desk.sent == [f"close{number}", f"open{number}"]


async def test_a_close_that_comes_while_openings_wait_is_the_next_to_leave(autojump_clock: MockClock) -> None:
    slow = evolve(HEDGING, parallel_requests=1, requests_per_s=1.0)
    async with running(slow, lambda _: True, *(opening(number) for number in range(5))) as desk:
        await desk.until(2)
        desk.put(closing())
        await desk.until(6)
        assert desk.sent.index(ClOrdId("close1")) == 2


async def test_the_pace_of_the_venue_is_kept(autojump_clock: MockClock) -> None:
    slow = evolve(HEDGING, requests_per_s=2.0)
    async with running(slow, lambda _: True, *(opening(number) for number in range(12))) as desk:
        await desk.until(12)
        assert 4.9 <= desk.waited_s <= 5.2, "a burst of two, then two a second"


async def test_no_more_requests_are_under_way_than_the_venue_takes(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, parallel_requests=2)) as desk:
        desk.account.answers.extend([never] * 5)
        desk.put(*(opening(number) for number in range(5)))
        await trio.sleep(5)
        assert desk.sent == ["open0", "open1"]


async def test_closes_find_room_in_a_full_queue(autojump_clock: MockClock) -> None:
    async with running(HEDGING, lambda _: True, *(opening(number) for number in range(QUEUE_MAX))) as desk:
        assert desk.dispatcher.full
        desk.put(closing())
        assert desk.dispatcher.queued == QUEUE_MAX + 1
        await desk.until(1)
        assert desk.sent[0] == "close1"


async def test_an_opening_that_is_not_wanted_any_more_does_not_leave(autojump_clock: MockClock) -> None:
    async with running(HEDGING, lambda _: False) as desk:
        desk.put(opening(), closing())
        await desk.until(2)
        assert desk.sent == ["close1"], "a close is always wanted"
        assert NotSent(ClOrdId("open1"), "no longer wanted") in desk.reports


# No answer is not a rejection


async def test_a_lost_answer_is_looked_up_and_adopted_not_sent_again(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(executed_but_lost(desk.account))
        desk.put(opening())
        reports = await desk.until(2)
        assert [type(report) for report in reports] == [OutcomeUnknown, Filled]
        assert desk.sent == ["open1"]


async def test_an_answer_that_never_comes_is_unknown_after_the_deadline(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(never)
        desk.put(opening())
        [report] = await desk.until(1)
        assert isinstance(report, OutcomeUnknown)
        assert DEADLINE_S <= desk.waited_s < DEADLINE_S + 1


async def test_not_found_counts_only_after_the_settle_time(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, settle_s=30.0)) as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.put(opening())
        await desk.until(1)
        await trio.sleep(29)
        assert len(desk.reports) == 1
        assert len(desk.account.asked) > 3
        reports = await desk.until(2)
        assert reports[1] == NotFound(ClOrdId("open1"))
        assert desk.sent == ["open1"], "whether it goes out again is not the dispatcher's to decide"


async def test_an_order_that_shows_late_within_the_settle_time_is_adopted(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, settle_s=10.0)) as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.put(opening())
        await trio.sleep(8)
        desk.account.execute(opening())
        reports = await desk.until(2)
        assert isinstance(reports[1], Filled)


async def test_books_that_cannot_be_asked_prove_nothing_however_long(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.account.finds.extend([SessionLost("down"), Throttled("slow", 1.0)] * 50)
        desk.put(opening())
        await trio.sleep(300)
        assert len(desk.reports) == 1
        reports = await desk.until(2)
        assert reports[1] == NotFound(ClOrdId("open1"))


async def test_an_accepted_order_is_never_called_not_found(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(Accepted(ClOrdId("open1")))
        desk.put(opening())
        reports = await desk.until(2)
        assert isinstance(reports[0], Accepted)
        assert isinstance(reports[1], Rejected), "lost, and terminal: it must not go out again"
        assert desk.waited_s >= 60
        assert desk.sent == ["open1"]


async def test_an_order_that_the_books_show_as_working_is_never_called_not_found(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.account.finds.append(Accepted(ClOrdId("open1")))
        desk.put(opening())
        reports = await desk.until(3)
        assert [type(each) for each in reports] == [OutcomeUnknown, Accepted, Rejected]
        assert desk.waited_s >= 60, "what works may take its time"


async def test_an_accepted_order_that_fills_later_is_filled(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(Accepted(ClOrdId("open1")))
        desk.account.finds.extend([Accepted(ClOrdId("open1"))] * 5)
        desk.account.execute(opening())
        desk.put(opening())
        reports = await desk.until(2)
        assert [type(each) for each in reports] == [Accepted, Filled]


async def test_the_end_of_the_service_leaves_an_awaited_order_unreported(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(never)
        desk.put(opening())
        await trio.sleep(1)
    assert desk.sent == ["open1"]
    assert desk.reports == []


# Not sent


async def test_a_connection_that_cannot_be_made_sent_nothing(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(RequestNotSent("refused"))
        desk.put(opening())
        assert await desk.until(1) == [NotSent(ClOrdId("open1"), "refused")]
        assert desk.account.asked == []


async def test_a_throttled_order_may_go_again_when_the_venue_said_and_all_others_wait(
    autojump_clock: MockClock,
) -> None:
    async with running(evolve(HEDGING, parallel_requests=1)) as desk:
        desk.account.answers.append(Throttled("too many", 7.0))
        desk.put(opening(1), opening(2))
        reports = await desk.until(1)
        assert isinstance(reports[0], NotSent)
        assert reports[0].retry_at is not None
        assert reports[0].retry_at - T0 >= timedelta(seconds=7)
        await desk.until(2)
        assert desk.waited_s >= 7


async def test_a_refused_sign_in_is_not_hammered(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.answers.append(SignInRefused("wrong password"))
        desk.put(opening())
        [report] = await desk.until(1)
        assert isinstance(report, NotSent)
        assert report.retry_at is not None
        assert report.retry_at >= T0 + timedelta(seconds=REFUSED_S_MIN)


async def test_a_sign_in_that_is_refused_while_an_outcome_is_unknown_is_not_hammered(
    autojump_clock: MockClock,
) -> None:
    async with running() as desk:
        desk.account.answers.append(executed_but_lost(desk.account))
        desk.account.finds.extend([SignInRefused("wrong password")] * 2)
        desk.put(opening())
        reports = await desk.until(2)
        assert isinstance(reports[1], Filled)
        assert desk.waited_s >= 2 * REFUSED_S_MIN


async def test_a_bug_of_ours_is_not_swallowed(autojump_clock: MockClock) -> None:
    caught: list[BaseException] = []
    try:
        async with running() as desk:
            desk.account.answers.append(KeyError("bug"))
            desk.put(opening())
            await trio.sleep(1)
    except* KeyError as group:
        caught.append(group)
    assert caught


# Orders of an earlier run


async def test_an_order_of_an_earlier_run_is_asked_about_and_never_sent(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.execute(opening())
        desk.dispatcher.resolve(opening(), T0 - timedelta(minutes=1))
        [report] = await desk.until(1)
        assert isinstance(report, Filled)
        assert desk.sent == []


async def test_an_order_that_was_accepted_in_an_earlier_run_is_never_called_not_found(
    autojump_clock: MockClock,
) -> None:
    async with running() as desk:
        desk.dispatcher.resolve(opening(), T0 - timedelta(minutes=1), accepted=True)
        [report] = await desk.until(1)
        assert isinstance(report, Rejected)


# Closes, reductions and stops: hedging books show their outcome themselves


def books(*positions: object) -> SnapshotReceived:
    return SnapshotReceived(TARGET, T0, positions, Origin.RECONCILED, T0)  # type: ignore[arg-type]


def test_a_closed_position_proves_the_close() -> None:
    assert isinstance(judge_by_books(closing(), books()), Filled)
    assert judge_by_books(closing(), books(source_position("t-open1"))) == NotFound(ClOrdId("close1"))


def test_a_smaller_position_proves_the_reduction() -> None:
    order = ReducePosition(ClOrdId("r1"), TARGET, PositionId("t1"), EURUSD, Side.BUY, Decimal("0.4"), Decimal("0.6"))
    assert judge_by_books(order, books(source_position("t1", "1"))) == NotFound(ClOrdId("r1"))
    filled = judge_by_books(order, books(source_position("t1", "0.6")))
    assert isinstance(filled, Filled)
    assert filled.volume == Decimal("0.4")


def test_stops_as_asked_prove_their_change() -> None:
    order = ReplaceStops(ClOrdId("s1"), TARGET, PositionId("t1"), EURUSD, Decimal("1.05"), None)
    assert judge_by_books(order, books(source_position("t1"))) == NotFound(ClOrdId("s1"))
    changed = source_position("t1", stop_loss=Decimal("1.05"))
    assert judge_by_books(order, books(changed)) == StopsReplaced(ClOrdId("s1"))
    assert isinstance(judge_by_books(order, books()), Rejected)


async def test_a_lost_answer_to_a_close_is_resolved_by_the_open_positions(autojump_clock: MockClock) -> None:
    async with running() as desk:
        desk.account.execute(opening())
        desk.account.answers.append(executed_but_lost(desk.account))
        desk.account.finds.extend([NotFound(ClOrdId("close1"))] * 99)
        desk.put(closing())
        reports = await desk.until(2)
        assert isinstance(reports[1], Filled)


async def test_a_netted_position_proves_nothing_about_a_close(autojump_clock: MockClock) -> None:
    netting = evolve(HEDGING, oms=OmsType.NETTING)
    async with running(netting) as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.put(closing())
        reports = await desk.until(2)
        assert reports[1] == NotFound(ClOrdId("close1")), "somebody else may have emptied it"


async def test_a_stop_loss_that_is_an_order_is_looked_for_in_the_positions_also_where_they_are_netted(
    autojump_clock: MockClock,
) -> None:
    async with running(evolve(HEDGING, oms=OmsType.NETTING, stop_loss_lasts=False)) as desk:
        desk.account.execute(opening())
        desk.account.answers.append(executed_but_lost(desk.account))
        desk.put(ReplaceStops(ClOrdId("s1"), TARGET, PositionId("t-open1"), EURUSD, Decimal("1.05"), None))
        reports = await desk.until(2)
        assert reports[1] == StopsReplaced(ClOrdId("s1"))
        assert desk.account.asked == []


async def test_a_close_does_not_wait_for_a_history_that_is_late(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, settle_s=190.0, positions_settle_s=10.0)) as desk:
        desk.account.execute(opening())
        desk.account.answers.append(SessionLost("reset"))
        desk.put(closing())
        reports = await desk.until(2)
        assert reports[1] == NotFound(ClOrdId("close1"))
        assert 10 < desk.waited_s < 20


async def test_an_opening_waits_for_the_slowest_of_the_books(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, settle_s=190.0, positions_settle_s=10.0)) as desk:
        desk.account.answers.append(SessionLost("reset"))
        desk.put(opening())
        await desk.until(2)
        assert desk.waited_s > 190
