"""Orders to one target: a bounded queue, closes first, its pace, its deadline, and what became of each order.

It never sends a request twice. An answer that does not come makes the outcome unknown, and only the venue's books
resolve it.
"""

import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias, TypeGuard

import trio

from adapters.base import Account, RequestNotSent, SessionLost, SignInRefused, Throttled, UtcNow
from copier.engine.inputs import Intent
from copier.service.pace import Pace
from copier.service.weather import REFUSED_S_MIN
from copier.telling.latency import Latency
from rules.model.actions import (
    Action,
    CancelOrder,
    ClosePosition,
    OpenPosition,
    PlaceOrder,
    ReducePosition,
    ReplaceOrder,
    ReplaceStops,
    raises_exposure,
)
from rules.model.events import SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.reports import (
    Accepted,
    Canceled,
    Filled,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Placed,
    Rejected,
    Replaced,
    Report,
    StopsReplaced,
)
from rules.model.values import AccountId, OmsType

QUEUE_MAX = 500
"""Openings that wait for one target. At ten orders a second the last would leave after almost a minute, which no
trader wants; closes and changes are always taken, since they lower risk and are bounded by what is held."""

DEADLINE_S = 10.0
"""How long an answer is waited for before the venue's books are asked. It never cuts off a request being sent."""

RESOLVE_PAUSE_S_MAX = 5.0
ACCEPTED_PATIENCE = timedelta(seconds=60)
"""An order that the venue said it took is looked for this long before it is called lost."""


_Shown: TypeAlias = ClosePosition | ReducePosition | ReplaceStops | ReplaceOrder | CancelOrder


class Dispatcher:
    """Sends one target's orders and reports what became of them.

    `report` hands a report to the engine; `wanted` asks it, just before an opening leaves, whether it still stands.
    """

    def __init__(
        self,
        name: AccountId,
        account: Account,
        *,
        now: UtcNow,
        report: Callable[[AccountId, Report], Awaitable[None]],
        wanted: Callable[[Action], bool],
        latency: Latency,
    ) -> None:
        self._name = name
        self._account = account
        self._now = now
        self._report = report
        self._wanted = wanted
        self._latency = latency
        self._urgent: deque[Intent] = deque()
        self._opens: deque[Intent] = deque()
        self._unresolved: deque[tuple[Action, datetime, bool]] = deque()
        self._wake = trio.Event()
        self._slots = trio.Semaphore(account.capabilities.parallel_requests)
        self._pace = Pace(account.capabilities.requests_per_s)

    @property
    def full(self) -> bool:
        return len(self._opens) >= QUEUE_MAX

    @property
    def queued(self) -> int:
        return len(self._urgent) + len(self._opens)

    def put(self, intent: Intent) -> None:
        """Take an order; never waits. The engine asks `full` before it decides to open."""
        (self._opens if raises_exposure(intent.action) else self._urgent).append(intent)
        self._wake.set()

    def resolve(self, action: Action, submitted_at: datetime, *, accepted: bool = False) -> None:
        """Find out what became of an order of an earlier run; `accepted`: the venue had said that it took it."""
        self._unresolved.append((action, submitted_at, accepted))
        self._wake.set()

    async def run(self) -> None:
        """Send until cancelled. Orders whose answer is awaited are then left to the next run's recovery."""
        async with trio.open_nursery() as nursery:
            while True:
                while self._unresolved:
                    nursery.start_soon(self._resolve, *self._unresolved.popleft())
                if not self._urgent and not self._opens:
                    self._wake = trio.Event()
                    await self._wake.wait()
                    continue
                await self._take_slot()
                await self._pace.wait()
                intent = self._urgent.popleft() if self._urgent else self._opens.popleft()
                nursery.start_soon(self._send, intent)

    async def _take_slot(self) -> None:
        """Wait for a free request; a turn of the scheduler unless all are free, since those of one turn start shuffled.

        A close that became durable with an opening must not be overtaken by it.
        """
        if self.queued == 1 and self._slots.value == self._account.capabilities.parallel_requests:
            with contextlib.suppress(trio.WouldBlock):
                self._slots.acquire_nowait()
                return
        await self._slots.acquire()

    async def _send(self, intent: Intent) -> None:
        action = intent.action
        try:
            if raises_exposure(action) and not self._wanted(action):
                await self._report(self._name, NotSent(action.cl_ord_id, "no longer wanted"))
                return
            sent_at = self._now()
            self._latency.record("durable_to_sent", intent.durable_at, sent_at)
            report = await self._submit(action)
        finally:
            self._slots.release()
        self._latency.record("sent_to_report", sent_at, self._now())
        await self._report(self._name, report)
        if isinstance(report, Accepted | OutcomeUnknown):
            await self._resolve(action, sent_at, isinstance(report, Accepted))

    async def _submit(self, action: Action) -> Report:
        try:
            with trio.move_on_after(DEADLINE_S):
                return await self._account.submit(action)
        except RequestNotSent as error:
            return NotSent(action.cl_ord_id, str(error))
        except Throttled as error:
            self._pace.pause(error.retry_after_s)
            return NotSent(action.cl_ord_id, str(error), self._now() + timedelta(seconds=error.retry_after_s))
        except SignInRefused as error:
            return NotSent(action.cl_ord_id, str(error), self._now() + timedelta(seconds=REFUSED_S_MIN))
        except SessionLost as error:
            return OutcomeUnknown(action.cl_ord_id, str(error))
        return OutcomeUnknown(action.cl_ord_id, f"no answer within {DEADLINE_S:.0f} s")

    async def _resolve(self, action: Action, submitted_at: datetime, accepted: bool) -> None:
        """Ask the venue's books until they show what became of it, or, after the settle time, that nothing did."""
        settled_at = self._now() + timedelta(seconds=self._settle_s(action))
        if accepted:
            settled_at = self._now() + ACCEPTED_PATIENCE
        pause_s = 0.1
        while True:
            asked_at = self._now()
            try:
                report = await self._look(action, submitted_at)
            except SignInRefused:
                await trio.sleep(REFUSED_S_MIN)
                continue
            if isinstance(report, Accepted) and not accepted:
                accepted, settled_at = True, self._now() + ACCEPTED_PATIENCE
                await self._report(self._name, report)  # so that a next run knows it too
            if isinstance(report, Filled | Rejected | StopsReplaced | Placed | Replaced | Canceled):
                await self._report(self._name, report)
                return
            if isinstance(report, NotFound) and asked_at > settled_at:
                # What the venue said it took must never go out again, wherever it went.
                lost = Rejected(action.cl_ord_id, "the venue took the order and its books show nothing of it")
                await self._report(self._name, lost if accepted else report)
                return
            await trio.sleep(pause_s)
            pause_s = min(pause_s * 2, RESOLVE_PAUSE_S_MAX)

    def _shows_in_snapshot(self, action: Action) -> TypeGuard[_Shown]:
        """Tell whether the open positions, or the pending orders, alone say what became of an order."""
        if isinstance(action, ReplaceOrder | CancelOrder):
            return True
        can = self._account.capabilities
        if isinstance(action, ReplaceStops) and not can.stop_loss_lasts:
            return True  # the position shows it by its orders, of which an older one may have been changed
        opens = isinstance(action, OpenPosition | PlaceOrder)
        return not opens and can.oms is OmsType.HEDGING

    def _settle_s(self, action: Action) -> float:
        """Return how long the books may not show the order; a close must not wait for the slowest of them."""
        can = self._account.capabilities
        if can.positions_settle_s is not None and self._shows_in_snapshot(action):
            return can.positions_settle_s
        return can.settle_s

    async def _look(self, action: Action, submitted_at: datetime) -> Report | None:
        """Ask once; None when the venue could not be asked."""
        try:
            with trio.move_on_after(DEADLINE_S):
                if not self._shows_in_snapshot(action):
                    return await self._account.find(action.cl_ord_id, submitted_at)
                snapshot, _ = await self._account.snapshot()
                return judge_by_books(action, snapshot)
        except (SessionLost, Throttled):
            return None
        return None


def judge_by_books(action: _Shown, snapshot: SnapshotReceived) -> Report | None:
    """Tell from a hedging account's open positions whether a close, a reduction or new stops were executed.

    And from any account's pending orders whether one was replaced or canceled; None when the snapshot does not tell.
    """
    if isinstance(action, ReplaceOrder | CancelOrder):
        return _judge_by_orders(action, snapshot.orders)
    position = next((each for each in snapshot.positions if each.position_id == action.position_id), None)
    if isinstance(action, ReplaceStops):
        if position is None:
            return Rejected(action.cl_ord_id, "the position is not open any more")
        same = (position.stop_loss, position.take_profit) == (action.stop_loss, action.take_profit)
        return StopsReplaced(action.cl_ord_id) if same else NotFound(action.cl_ord_id)
    if position is None:
        return Filled(action.cl_ord_id, action.position_id, action.volume)
    if isinstance(action, ReducePosition) and position.volume <= action.remaining:
        return Filled(action.cl_ord_id, action.position_id, action.volume)
    return NotFound(action.cl_ord_id)


def _judge_by_orders(action: ReplaceOrder | CancelOrder, orders: tuple[WorkingOrder, ...] | None) -> Report | None:
    if orders is None:
        return None
    order = next((each for each in orders if each.order_id == action.order_id), None)
    if isinstance(action, CancelOrder):
        return Canceled(action.cl_ord_id) if order is None else NotFound(action.cl_ord_id)
    if order is None:
        return Rejected(action.cl_ord_id, "the pending order works no more")
    shown = (order.price, order.limit_price, order.stop_loss, order.take_profit)
    asked = (action.price, action.limit_price, action.stop_loss, action.take_profit)
    return Replaced(action.cl_ord_id) if shown == asked else NotFound(action.cl_ord_id)
