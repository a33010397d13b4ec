"""The nursery tree: what runs, what is resolved first, how it converges, drains and ends."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from adapters.base import RequestNotSent, SessionLost, SignInRefused
from adapters.calendars import CalendarFormat
from adapters.secret import Secret
from adapters.transport.network import connect_tcp
from copier.clock import VirtualClock
from copier.config.news import CalendarSource
from copier.ledger.ledger import Ledger
from copier.ledger.records import MismatchRecord
from copier.ledger.recovery import recover
from copier.rulebook import Rulebook
from copier.service.calendars import CalendarReader
from copier.service.service import CHECKPOINT_ROWS, Options, Service
from copier.service.weather import REFUSED_S_MIN
from copier.telling.logs import keep_secrets
from rules.alerts.kinds import AlertKind
from rules.limits.policy import Limit
from rules.limits.terms import FlattenScope, LimitKind, Percent
from rules.model.actions import Action, ClosePosition, OpenPosition
from rules.model.copies import CopyStatus
from rules.model.events import PositionClosed, PositionReported
from rules.model.observed import AccountStatus, Position
from rules.model.reports import Rejected, Report
from rules.model.values import AccountId, LinkId, PositionId
from rules.policy.guard import Guard, StartOpen, StartPolicy
from rules.policy.links import CopyLink, CopyPolicy
from rules.times.news import NewsPolicy
from tests.copier.desk import LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import FakeAccount, as_account, executed_but_lost, never, source_position
from tests.rules.playbook import T0, shape

PATIENT = CopyPolicy("as is", guard=Guard(max_age=timedelta(hours=1)), on_start=StartPolicy(StartOpen.COPY))
ALWAYS = evolve(LINK, policy=PATIENT)


class World:
    """Two fake accounts, a ledger, and one service after the other on them."""

    def __init__(self, ledger: Ledger | None = None) -> None:
        self.clock = VirtualClock.starting(T0)
        self.source = FakeAccount("source", self.clock.utc_now)
        self.target = FakeAccount("target", self.clock.utc_now)
        self.ledger = Ledger.in_memory() if ledger is None else ledger
        self.stop = trio.Event()

    def service(
        self,
        *,
        links: tuple[CopyLink, ...] = (ALWAYS,),
        limits: tuple[Limit, ...] = (),
        options: Options | None = None,
        calendars: tuple[CalendarReader, ...] = (),
    ) -> Service:
        self.stop = trio.Event()
        return Service(
            rulebook=Rulebook(links, limits),
            calendars=calendars,
            accounts={SOURCE: as_account(self.source), TARGET: as_account(self.target)},
            ledger=self.ledger,
            utc_now=self.clock.utc_now,
            random=Random(1),
            options=options,
            reconcile_every_s={SOURCE: 5.0, TARGET: 5.0},
            threads=False,
        )

    @asynccontextmanager
    async def running(self, **options: object) -> AsyncIterator[Service]:
        """Run a service, and drain it at the end."""
        service = self.service(**options)  # type: ignore[arg-type]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(service.run, self.stop)
            yield service
            self.stop.set()

    def opens(self, position: Position) -> None:
        self.source.positions[position.position_id] = position
        self.source.push(PositionReported(SOURCE, self.clock.utc_now(), position))

    def closes(self, position_id: str) -> None:
        del self.source.positions[PositionId(position_id)]
        self.source.push(PositionClosed(SOURCE, self.clock.utc_now(), PositionId(position_id)))


def refused_with(text: str) -> Callable[[Action], Awaitable[Report]]:
    """Return an answer in the venue's own words."""

    async def answer(action: Action) -> Report:
        await trio.lowlevel.checkpoint()
        return Rejected(action.cl_ord_id, text)

    return answer


async def test_a_position_goes_through_the_whole_tree_and_back(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
        assert [position.volume for position in world.target.positions.values()] == [1]
        world.closes("p1")
        await trio.sleep(1)
        assert world.target.positions == {}
    assert shape(world.target.sent) == [("open", "1.00"), ("close", "1.00")]
    assert world.source.sent == []


async def test_what_the_stream_lost_the_poll_repairs(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.source.positions[PositionId("p1")] = source_position()
        await trio.sleep(6)
        assert len(world.target.positions) == 1
        world.source.positions.clear()
        await trio.sleep(6)
        assert world.target.positions == {}


async def test_a_lost_answer_opens_once(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running() as service:
        await trio.sleep(1)
        world.target.answers.append(executed_but_lost(world.target))
        world.opens(source_position())
        await trio.sleep(30)
        assert service.convergence.reached
    assert len(world.target.sent) == 1
    assert len(world.target.positions) == 1


# Recovery: what nobody answered is asked about before anything else


async def test_an_order_of_a_killed_run_is_asked_about_first_and_adopted(autojump_clock: MockClock) -> None:
    desk = await Desk(links=[ALWAYS]).ready()
    [order] = await desk.sees(source_position())
    world = World(desk.ledger)
    world.source.positions[PositionId("p1")] = source_position()
    world.target.execute(order)
    async with world.running() as service:
        await trio.sleep(10)
        assert service.convergence.reached
    assert world.target.asked == [order.cl_ord_id]
    assert world.target.sent == []
    assert len(world.target.positions) == 1


async def test_an_order_of_a_killed_run_that_never_arrived_goes_out_once_after_the_settle_time(
    autojump_clock: MockClock,
) -> None:
    desk = await Desk(links=[ALWAYS]).ready()
    [order] = await desk.sees(source_position())
    world = World(desk.ledger)
    world.source.positions[PositionId("p1")] = source_position()
    async with world.running():
        await trio.sleep(1)
        assert world.target.sent == []
        await trio.sleep(10)
    assert world.target.sent == [order]
    assert len(world.target.positions) == 1


async def test_a_source_that_closed_while_we_were_down_is_followed_even_on_a_removed_link(
    autojump_clock: MockClock,
) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
    world.source.positions.clear()
    async with world.running(links=()):
        await trio.sleep(10)
    assert world.target.positions == {}


async def test_many_rows_make_a_checkpoint_at_the_next_start(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running() as service:
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
        for _ in range(CHECKPOINT_ROWS):
            service.journal.alert(AlertKind.ORPHAN, TARGET, "")
        await trio.sleep(10)
        service.journal.alert(AlertKind.ORPHAN, TARGET, "")
        world.opens(source_position("p2"))
        await trio.sleep(1)
    async with world.running() as service:
        await trio.sleep(10)
        assert [copy.status for copy in service.book.all()] == [CopyStatus.ACTIVE] * 2
    assert world.ledger.last_of_kind("checkpoint") > CHECKPOINT_ROWS
    async with world.running() as service:
        await trio.sleep(10)
        assert len(service.book) == 2
    assert len(world.target.sent) == 2


# Life


async def test_the_drain_waits_for_orders_under_way_and_starts_nothing_new(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)

        async def slow(action: object) -> object:
            await trio.sleep(3)
            return world.target.execute(action)  # type: ignore[arg-type]

        world.target.answers.append(slow)  # type: ignore[arg-type]
        world.opens(source_position())
        await trio.sleep(0.5)
        world.stop.set()
        await trio.sleep(0.5)
        world.opens(source_position("p2"))
    assert len(world.target.sent) == 1
    after = world.service()
    assert after.convergence.in_flight() == 0, "the answer was taken and written"


async def test_the_drain_ends_in_its_bound_and_the_next_run_asks(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running(options=Options(drain_s=4.0)):
        await trio.sleep(1)
        world.target.answers.append(never)
        world.opens(source_position())
        await trio.sleep(0.5)
        stopped_at = trio.current_time()
    assert trio.current_time() - stopped_at <= 4.1
    async with world.running() as service:
        await trio.sleep(20)
        assert service.convergence.reached
    assert len(world.target.positions) == 1


async def test_a_service_told_to_converge_ends_by_itself_once_everything_is_as_it_should_be(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.source.positions[PositionId("p1")] = source_position()
    service = world.service()
    with trio.fail_after(30):
        await service.run(world.stop, until_converged=True)
    assert len(world.target.positions) == 1


async def test_convergence_does_not_wait_for_a_silence_that_a_moving_market_never_keeps(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.source.positions[PositionId("p1")] = source_position()

    async def tick() -> None:
        price = Decimal("1.1")
        while True:
            price += Decimal("0.0001")
            world.source.push(PositionReported(SOURCE, T0, source_position(current_price=price)))
            await trio.sleep(0.2)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        with trio.fail_after(30):
            await world.service().run(world.stop, until_converged=True)
        nursery.cancel_scope.cancel()


async def test_convergence_waits_for_the_second_look_at_what_a_target_seems_to_have_closed(
    autojump_clock: MockClock,
) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
    world.target.positions.clear()
    service = world.service()
    await service.run(world.stop, until_converged=True)
    assert [copy.status for copy in service.book.all()] == [CopyStatus.ENDED]


async def test_convergence_waits_for_a_close_that_could_not_be_sent_and_is_tried_again_later(
    autojump_clock: MockClock,
) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
    world.source.positions.clear()
    refused = RequestNotSent("connection refused")
    world.target.answers.extend([refused, refused, refused, refused, refused])  # until 1 + 2 + 4 + 8 + 16 s have passed
    with trio.fail_after(60):
        await world.service().run(world.stop, until_converged=True)
    assert not world.target.positions


async def test_convergence_waits_for_an_account_that_cannot_be_asked(autojump_clock: MockClock) -> None:
    world = World()
    world.target.snapshots.extend([SessionLost("down")] * 10_000)
    with trio.move_on_after(300) as scope:
        await world.service().run(world.stop, until_converged=True)
    assert scope.cancelled_caught


async def test_a_refused_account_waits_alone_and_comes_back(autojump_clock: MockClock) -> None:
    world = World()
    world.target.snapshots.append(SignInRefused("wrong password"))
    world.target.streams.append(SignInRefused("wrong password"))
    async with world.running() as service:
        await trio.sleep(60)
        assert service.engine.views[SOURCE].ready
        assert not service.engine.views[TARGET].ready
        assert (world.target.polls, world.target.sessions) == (1, 1)
        await trio.sleep(REFUSED_S_MIN)
        assert service.engine.views[TARGET].ready


async def test_a_bug_ends_the_service_loudly(autojump_clock: MockClock) -> None:
    world = World()
    service = world.service()
    world.source.push(KeyError("bug"))
    with pytest.raises(ExceptionGroup) as caught:
        await service.run(world.stop)
    assert caught.value.split(KeyError)[0] is not None


async def test_an_account_that_no_link_names_gets_a_dispatcher_when_it_must_be_flat(
    autojump_clock: MockClock,
) -> None:
    world = World()
    world.source.positions[PositionId("hand")] = source_position("hand")
    world.source.status = AccountStatus(Decimal(100_000), Decimal(80_000), "USD")
    limit = Limit(
        "source",
        SOURCE,
        LimitKind.MAX_LOSS,
        Percent(Decimal("0.1")),
        scope=FlattenScope.ACCOUNT,
        initial_balance=Decimal(100_000),
    )
    async with world.running(links=(), limits=(limit,)):
        await trio.sleep(20)
    assert [type(action) for action in world.source.sent] == [ClosePosition]
    assert world.source.positions == {}


async def test_copies_on_an_account_that_the_config_no_longer_names_are_left_and_do_not_stop_the_rest(
    autojump_clock: MockClock,
) -> None:
    elsewhere = AccountId("gone")
    link = evolve(ALWAYS, link_id=LinkId("source->gone"), target=elsewhere)
    desk = await Desk(links=[link], accounts=(SOURCE, elsewhere)).ready()
    await desk.sees(source_position("p0"))
    world = World(desk.ledger)
    world.source.positions[PositionId("p1")] = source_position("p1")
    async with world.running():
        await trio.sleep(10)
    assert len(world.target.positions) == 1


# Dry run


async def test_a_dry_run_decides_everything_and_sends_nothing(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running(options=Options(dry_run=True)) as service:
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(20)
        [copy] = service.book.all()
        assert copy.expected == 1
        world.opens(source_position(volume="0.5"))
        await trio.sleep(20)
        assert next(iter(service.book.all())).expected == Decimal("0.5")
        world.closes("p1")
        await trio.sleep(20)
        assert len(service.book) == 0
    assert world.target.sent == []


async def test_a_dry_run_with_an_order_of_an_earlier_run_under_way_converges_without_asking(
    autojump_clock: MockClock,
) -> None:
    desk = await Desk(links=[ALWAYS]).ready()
    await desk.sees(source_position())
    world = World(desk.ledger)
    world.source.positions[PositionId("p1")] = source_position()
    with trio.fail_after(30):
        await world.service(options=Options(dry_run=True)).run(world.stop, until_converged=True)
    assert world.target.sent == []


# Latency


async def test_each_stage_of_a_copied_trade_is_measured(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running() as service:
        await trio.sleep(1)
        world.opens(source_position(opened_at=T0 + timedelta(seconds=1)))
        await trio.sleep(1)
        world.opens(source_position("p2", opened_at=T0 + timedelta(seconds=2)))
        await trio.sleep(1)
        assert {stage: each["count"] for stage, each in service.latency.summary().items()} == {
            "durable_to_sent": 2,
            "frame_to_intent": 1,  # the first one had to wait for the instrument
            "intent_to_durable": 1,
            "sent_to_report": 2,
        }
    assert isinstance(world.target.sent[0], OpenPosition)


async def test_a_clean_stop_keeps_the_last_figures_of_the_limits(autojump_clock: MockClock) -> None:
    world = World()
    limit = Limit("total", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.05")))
    async with world.running(limits=(limit,)):
        await trio.sleep(1)
        world.target.status = AccountStatus(Decimal(100_000), Decimal(99_000), "USD")
        await trio.sleep(12)
    assert recover(world.ledger).limits["total"].equity == Decimal(99_000)


async def test_a_policy_with_news_copies_once_its_calendar_was_read(autojump_clock: MockClock, tmp_path: Path) -> None:
    file = tmp_path / "week.csv"
    file.write_text("datetime,currency,impact,title\n2026-11-20T18:00Z,USD,high,CPI\n")
    world = World()
    source = CalendarSource(CalendarFormat.CSV, ZoneInfo("UTC"), timedelta(minutes=1), file=file)
    reader = CalendarReader("n", source, connect=connect_tcp, now=world.clock.utc_now, threads=False)
    news = NewsPolicy("n", before=timedelta(hours=1), after=timedelta(hours=1))
    async with world.running(links=(evolve(LINK, policy=evolve(PATIENT, news=news)),), calendars=(reader,)):
        await trio.sleep(1)
        world.opens(source_position())
        await trio.sleep(1)
        assert len(world.target.positions) == 1


async def test_what_an_earlier_run_left_lasting_is_known_at_the_start(autojump_clock: MockClock) -> None:
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.target.answers.append(_refuse)
        world.opens(source_position())
        await trio.sleep(40)
    async with world.running() as service:
        lasting = list(service.lasting())
    assert [(each.mismatch.kind.value, each.ended) for each in lasting if isinstance(each, MismatchRecord)] == [
        ("missing", False)
    ]


async def _refuse(action: Action) -> Report:
    await trio.lowlevel.checkpoint()
    return Rejected(action.cl_ord_id, "no money")


async def test_a_secret_that_a_venue_repeats_is_in_no_row_of_the_ledger(autojump_clock: MockClock) -> None:
    keep_secrets([Secret("hunter2-of-the-venue")])
    world = World()
    async with world.running():
        await trio.sleep(1)
        world.source.push(SessionLost("cannot sign in with hunter2-of-the-venue"))
        world.target.snapshots.append(SessionLost("expected books, found hunter2-of-the-venue"))
        for answer in (RequestNotSent, SessionLost):
            world.target.answers.append(answer("no connection with hunter2-of-the-venue"))
        world.target.answers.append(refused_with("hunter2-of-the-venue is no good key"))
        world.opens(source_position())
        await trio.sleep(60)
    rows = list(world.ledger.entries())
    assert not any(b"hunter2" in row.body for row in rows)
    kinds = {row.kind for row in rows if b"***" in row.body}
    assert {"alert", "report"} <= kinds, "the rest of what it said is kept"
