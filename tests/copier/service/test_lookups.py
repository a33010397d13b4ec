"""Questions to venues: each asked once at a time, answered by events, given up on in time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import trio
from trio.testing import MockClock

from adapters.base import SessionLost, SignInRefused, Throttled
from copier.clock import VirtualClock
from copier.service.lookups import DEADLINE_S, PARALLEL, PENDING_MAX, TRIES, LookUps
from rules.model.events import Event, InstrumentReported, QuoteReported
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.observed import Quote
from rules.model.values import Symbol
from tests.copier.fakes import FakeAccount, as_account
from tests.rules.playbook import EURUSD, T0


class Account(FakeAccount):
    """Fails to tell instruments as often as told, and counts what is asked."""

    asked_for: list[str]
    failures: list[Exception]
    silent: bool = False

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        self.asked_for.append(symbol)
        if self.silent:
            await trio.sleep_forever()
        if self.failures:
            raise self.failures.pop(0)
        return await super().instrument(symbol)


class Desk:
    def __init__(self) -> None:
        clock = VirtualClock.starting(T0)
        self.account = Account("target", clock.utc_now)
        self.account.asked_for, self.account.failures = [], []
        self.account.quotes[Symbol("EURUSD")] = Quote(Symbol("EURUSD"), Decimal("1.1"), Decimal("1.2"), T0)
        self.heard: list[Event] = []
        self.look_ups = LookUps({self.account.name: as_account(self.account)}, self.emit, clock.utc_now)

    async def emit(self, event: Event) -> None:
        await trio.lowlevel.checkpoint()
        self.heard.append(event)

    def ask(self, symbol: str = "EURUSD", quote: bool = False) -> None:
        self.look_ups.ask(LookUp(self.account.name, Symbol(symbol), quote))


@asynccontextmanager
async def answering() -> AsyncIterator[Desk]:
    desk = Desk()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.look_ups.run)
        yield desk
        nursery.cancel_scope.cancel()


async def test_the_quote_comes_before_the_instrument_so_that_both_decide(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.ask(quote=True)
        await trio.sleep(1)
        quote, instrument = desk.heard
        assert isinstance(quote, QuoteReported)
        assert isinstance(instrument, InstrumentReported)
        assert instrument.instrument == EURUSD


async def test_a_symbol_that_the_account_lacks_is_an_answer(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.ask("NOPE", quote=True)
        await trio.sleep(1)
        [report] = desk.heard
        assert isinstance(report, InstrumentReported)
        assert report.instrument is None


async def test_one_question_is_asked_once_at_a_time_and_again_later(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        for _ in range(50):
            desk.ask()
        await trio.sleep(1)
        assert desk.account.asked_for == ["EURUSD"]
        desk.ask()
        await trio.sleep(1)
        assert desk.account.asked_for == ["EURUSD"] * 2


async def test_a_hiccup_is_outlasted(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.account.failures = [SessionLost("reset"), Throttled("slow", 1.0), SessionLost("reset")]
        desk.ask()
        await trio.sleep(5)
        assert len(desk.heard) == 1


async def test_a_question_that_finds_no_answer_ends_and_may_be_asked_again(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.account.failures = [SessionLost("down")] * TRIES
        desk.ask()
        await trio.sleep(30)
        assert desk.heard == []
        desk.ask()
        await trio.sleep(30)
        assert len(desk.heard) == 1


async def test_a_refused_account_is_not_asked_on(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.account.failures = [SignInRefused("no")]
        desk.ask()
        await trio.sleep(30)
        assert desk.heard == []
        assert len(desk.account.asked_for) == 1


async def test_silence_is_bounded_and_blocks_nobody_else(autojump_clock: MockClock) -> None:
    async with answering() as desk:
        desk.account.silent = True
        for number in range(PARALLEL + 5):
            desk.ask(f"S{number}")
        await trio.sleep(DEADLINE_S - 1)
        assert len(desk.account.asked_for) == PARALLEL
        await trio.sleep(TRIES * (DEADLINE_S + 1))
        assert len(set(desk.account.asked_for)) == PARALLEL + 5


async def test_too_many_questions_are_dropped_and_can_be_asked_again(autojump_clock: MockClock) -> None:
    desk = Desk()
    for number in range(PENDING_MAX + 10):
        desk.ask(f"S{number}")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(desk.look_ups.run)
        await trio.sleep(1)
        assert len(desk.heard) == PENDING_MAX
        desk.ask(f"S{PENDING_MAX + 5}")
        await trio.sleep(1)
        assert len(desk.heard) == PENDING_MAX + 1
        nursery.cancel_scope.cancel()
