"""A venue in a few lines: an `adapters.base.Account` that does as told, for tests where a simulator is too heavy."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import trio
from attrs import evolve

from adapters.base import Account, Capabilities, Emit, SessionLost, UtcNow
from rules.model.actions import Action, OpenPosition, ReducePosition, ReplaceStops
from rules.model.events import Event, Origin, SessionOpened, SnapshotReceived
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Booked, Position, Quote, WorkingOrder
from rules.model.reports import Filled, NotFound, Rejected, Report, StopsReplaced
from rules.model.values import AccountId, ClOrdId, OmsType, PositionId, Symbol
from tests.rules.playbook import EURUSD, T0

HEDGING = Capabilities(OmsType.HEDGING, streams=True, trades=True, volumes_grow=False)

Answer = Report | Exception | Callable[[Action], Awaitable[Report]]
"""What a request is answered with; what is callable decides, and may hang."""


class FakeAccount:
    """Executes orders at once and finds them again, unless `answers` and `finds` say otherwise, each used up in turn.

    `sent` holds every action whose request left, in order; `asked` every order that `find` was asked about.
    """

    def __init__(self, name: str, now: UtcNow, capabilities: Capabilities = HEDGING) -> None:
        self.name = AccountId(name)
        self.positions: dict[PositionId, Position] = {}
        self.orders: tuple[WorkingOrder, ...] | None = None
        self.status = AccountStatus(Decimal(100_000), Decimal(100_000), "USD")
        self.instruments: dict[Symbol, Instrument] = {EURUSD.symbol: EURUSD}
        self.quotes: dict[Symbol, Quote] = {}
        self.booked: tuple[Booked, ...] = ()
        self.sent: list[Action] = []
        self.asked: list[ClOrdId] = []
        self.answers: deque[Answer] = deque()
        self.finds: deque[Report | Exception] = deque()
        self.snapshots: deque[Exception] = deque()
        self.histories: deque[Exception] = deque()
        self.streams: deque[Exception] = deque()
        self.polls = 0
        self.sessions = 0
        self.closed = False
        self._now = now
        self._capabilities = capabilities
        self._reports: dict[ClOrdId, Report] = {}
        self._push, self._pushed = trio.open_memory_channel[Event | Exception](1000)

    @property
    def capabilities(self) -> Capabilities:
        return self._capabilities

    def push(self, event: Event | Exception) -> None:
        """Let the stream say something, or end."""
        self._push.send_nowait(event)

    async def stream(self, emit: Emit) -> None:
        self.sessions += 1
        await trio.lowlevel.checkpoint()
        if self.streams:
            raise self.streams.popleft()
        await emit(SessionOpened(self.name, self._now()))
        await emit(SnapshotReceived(self.name, self._now(), tuple(self.positions.values()), Origin.RECONCILED))
        async for event in self._pushed:
            if isinstance(event, Exception):
                raise event
            await emit(event)

    async def symbols(self) -> Iterable[Symbol]:
        await trio.lowlevel.checkpoint()
        return tuple(self.instruments)

    async def instrument(self, symbol: Symbol) -> Instrument | None:
        await trio.lowlevel.checkpoint()
        return self.instruments.get(symbol)

    async def quote(self, symbol: Symbol) -> Quote | None:
        await trio.lowlevel.checkpoint()
        return self.quotes.get(symbol)

    async def snapshot(self) -> tuple[SnapshotReceived, AccountStatus]:
        self.polls += 1
        await trio.lowlevel.checkpoint()
        if self.snapshots:
            raise self.snapshots.popleft()
        now = self._now()
        held = tuple(self.positions.values())
        return SnapshotReceived(self.name, now, held, Origin.RECONCILED, now, orders=self.orders), self.status

    async def submit(self, action: Action) -> Report:
        self.sent.append(action)
        await trio.lowlevel.checkpoint()
        answer = self.answers.popleft() if self.answers else self.execute(action)
        if isinstance(answer, Exception):
            raise answer
        return await answer(action) if callable(answer) else answer

    def execute(self, action: Action) -> Report:
        """Do what the order says; the books tell of it afterwards."""
        self._reports[action.cl_ord_id] = report = self._execute(action)
        return report

    def _execute(self, action: Action) -> Report:
        if isinstance(action, OpenPosition):
            position_id = PositionId(f"t-{action.cl_ord_id}")
            self.positions[position_id] = Position(
                position_id,
                action.symbol,
                action.side,
                action.volume,
                Decimal("1.1"),
                self._now(),
                stop_loss=action.stop_loss,
                take_profit=action.take_profit,
                tag=action.cl_ord_id,
            )
            return Filled(action.cl_ord_id, position_id, action.volume, Decimal("1.1"))
        held = self.positions.get(action.position_id)
        if held is None:
            return Rejected(action.cl_ord_id, "no such position")
        if isinstance(action, ReplaceStops):
            changed = evolve(held, stop_loss=action.stop_loss, take_profit=action.take_profit)
            self.positions[action.position_id] = changed
            return StopsReplaced(action.cl_ord_id)
        if isinstance(action, ReducePosition) and action.volume < held.volume:
            self.positions[action.position_id] = evolve(held, volume=held.volume - action.volume)
        else:
            del self.positions[action.position_id]
        return Filled(action.cl_ord_id, action.position_id, action.volume, Decimal("1.1"))

    async def find(self, cl_ord_id: ClOrdId, submitted_at: datetime) -> Report:
        self.asked.append(cl_ord_id)
        await trio.lowlevel.checkpoint()
        found = self.finds.popleft() if self.finds else self._reports.get(cl_ord_id, NotFound(cl_ord_id))
        if isinstance(found, Exception):
            raise found
        return found

    async def history(self, since: datetime) -> tuple[Booked, ...]:
        await trio.lowlevel.checkpoint()
        if self.histories:
            raise self.histories.popleft()
        return tuple(entry for entry in self.booked if entry.at >= since)

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()
        self.closed = True


def as_account(fake: FakeAccount) -> Account:
    """Return the fake as what the service takes: a type checker proves here that it has the right shape."""
    return fake


def executed_but_lost(account: FakeAccount) -> Callable[[Action], Awaitable[Report]]:
    """Return an answer that is lost although the order was executed."""

    async def answer(action: Action) -> Report:
        account.execute(action)
        await trio.lowlevel.checkpoint()
        raise SessionLost("connection reset")

    return answer


async def never(_: Action) -> Report:
    """Do not answer."""
    await trio.sleep_forever()
    raise AssertionError("slept for ever and woke up")


def source_position(position_id: str = "p1", volume: str = "1", **changes: Any) -> Position:
    """Return a EURUSD position as a source shows it, opened at T0."""
    from tests.rules.playbook import position

    return position(volume, position_id=PositionId(position_id), opened_at=changes.pop("opened_at", T0), **changes)
