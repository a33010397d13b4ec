"""The engine: the single writer of everything that is known. It decides synchronously and waits only for the disk.

Each round takes what has come, decides, makes all of it durable in one commit, and only then lets orders leave.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import itemgetter

import trio

from adapters.base import UtcNow
from copier.collector import undisturbed
from copier.engine.book import CopyBook
from copier.engine.closings import Closings
from copier.engine.desk import Desk, Outgoing
from copier.engine.enforcement import Enforcement
from copier.engine.equity_samples import EquitySamples
from copier.engine.inputs import (
    CalendarRead,
    CalendarUnread,
    Input,
    Intent,
    Outside,
    Polled,
    Pulled,
    Remembered,
    Reported,
)
from copier.engine.keep_alive import KeepAlives
from copier.engine.limit_watch import LimitWatch
from copier.engine.looks import Looks
from copier.engine.mismatches import MismatchWatch
from copier.engine.net_stops import NetStopWatch
from copier.engine.operator import Operator
from copier.engine.order_watch import OrderWatch
from copier.engine.sessions import Eye, SessionWatch
from copier.engine.stop_watch import StopWatch
from copier.engine.targets import TargetWatch
from copier.ledger.journal import Journal
from copier.ledger.records import CheckpointRecord, LeverRecord
from copier.telling.latency import Latency
from rules.books.mismatch import Mismatch
from rules.model.actions import Action
from rules.model.copies import CopyStatus
from rules.model.events import (
    AccountReported,
    InstrumentReported,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SessionEnded,
    SessionOpened,
    SnapshotReceived,
)
from rules.model.memory import LinkMemory
from rules.model.observed import AccountStatus
from rules.model.state import AccountView, Change, Doubt
from rules.model.values import AccountId
from rules.policy.links import CopyLink

BATCH_MAX = 256
"""Inputs of one round: bounds how long the first of them waits for its commit."""

CHECKPOINT_ROWS = 10_000
CHECKPOINT_ROWS_A_COPY = 20
"""Rows after which the living state is written down whole: a start then folds no more than these, however long the
service ran, and writing it costs a small part of what the rows cost."""


class Engine:
    """State, decisions, and the order in which they become true."""

    def __init__(
        self,
        *,
        links: Iterable[CopyLink],
        views: Mapping[AccountId, AccountView],
        book: CopyBook,
        journal: Journal,
        limits: LimitWatch,
        utc_now: UtcNow,
        latency: Latency,
        outside: Outside,
        mismatches: Iterable[Mismatch] = (),
        memories: Iterable[LinkMemory] = (),
        levers: Iterable[LeverRecord] = (),
        close_orphans: bool = False,
        observe_targets: bool = True,
        touched: Callable[[Iterable[AccountId]], None] = lambda _: None,
    ) -> None:
        """`touched` is told after each round which accounts were heard of in it."""
        self.views = views
        self.latency = latency
        self._links = {link.link_id: link for link in links}
        self._targets = frozenset(link.target for link in self._links.values())
        self._journal = journal
        self._limits = limits
        self._utc_now = utc_now
        self._outside = outside
        self._desk = Desk(
            links=self._links.values(),
            views=views,
            book=book,
            journal=journal,
            outside=outside,
            now=utc_now(),
            memories=memories,
            ordered=self._ordered,
        )
        self._watch = (
            TargetWatch(self._desk, closes=limits.closes, close_orphans=close_orphans) if observe_targets else None
        )
        self._enforcement = Enforcement(self._desk, limits, outside, closes_foreign=self._watch is not None)
        self._operator = Operator(self._desk, limits, levers, self._enforcement.enforce)
        self.sessions = SessionWatch(journal)
        self._touched = touched
        self.busy_since: datetime | None = None
        """When the round began that is not finished yet."""
        self.samples = EquitySamples(self._desk)
        self._mismatches = MismatchWatch(self._desk, mismatches)
        self._stops = StopWatch(self._desk)
        self._looks = Looks(self._desk, limits, self._enforcement, outside, self._compare_books())
        self._closings = Closings(self._desk, self._links)
        results = limits.results
        self._keep_alives = KeepAlives(self._desk, results.inactivity, ask=results.ask, told=results.told)
        self._heard_of: set[AccountId] = set()
        self._rounded = trio.Event()
        for link in self._links.values():
            if link.target in self.views and link.policy.counts_foreign:
                self.views[link.target].counts_foreign = True

    def _compare_books(self) -> Sequence[Callable[[SnapshotReceived], None]]:
        """Return those who hold a target's books against our records, in their order; none in a dry run."""
        if self._watch is None:
            return ()
        net_stops, orders = NetStopWatch(self._desk), OrderWatch(self._desk, self._limits.flattens_all)
        return (self._watch.compare, self._mismatches.look, self._stops.compare, net_stops.compare, orders.compare)

    # One round

    async def run(self, inputs: trio.MemoryReceiveChannel[Input]) -> None:
        """Decide until the inputs end."""
        while True:
            batch = await self._next(inputs)
            if batch is None:
                return
            await self.round(batch, busy=inputs.statistics().current_buffer_used > 0)

    async def round(self, batch: Iterable[Input], *, busy: bool = False) -> None:
        """Take a batch in, make what follows durable, let the orders go."""
        self._desk.now = self.busy_since = self._utc_now()
        with undisturbed():
            for each in batch:
                self._take(each)
            self._desk.cause_at = None
            self._fire()
            self._write_down()
            await self._let_go(self._desk.take_outgoing(), busy=busy)
            self._journal.announce()
        self._operator.say()
        self._touched(self._heard_of)
        self._heard_of.clear()
        self.busy_since = None
        self._rounded.set()
        self._rounded = trio.Event()

    def _write_down(self) -> None:
        """Write down whole what is alive, where a start would otherwise fold too many rows."""
        book = self._desk.book
        if self._journal.rows_since_checkpoint > max(CHECKPOINT_ROWS, CHECKPOINT_ROWS_A_COPY * len(book)):
            self._journal.checkpoint(
                CheckpointRecord(
                    tuple(book.all()),
                    tuple(self._limits.states),
                    self._desk.now,
                    tuple(self._mismatches.open),
                    tuple(self._desk.memories.values()),
                    self._operator.in_force,
                    book.forgotten_until,
                )
            )

    async def _let_go(self, outgoing: Sequence[Outgoing], *, busy: bool) -> None:
        """Make the round durable, then let its orders go."""
        decided_at = self._utc_now()
        await self._journal.commit(self._desk.now, busy=busy)
        durable_at = self._utc_now()
        for action, resend, _ in outgoing:
            self._outside.send(action.account, Intent(action, durable_at, resend))
        for cause_at, orders in Counter(map(itemgetter(2), outgoing)).items():
            if cause_at is not None:
                self.latency.record("frame_to_intent", cause_at, decided_at, orders)
                self.latency.record("intent_to_durable", decided_at, durable_at, orders)

    @property
    def desk(self) -> Desk:
        """Where copies are decided."""
        return self._desk

    @property
    def suspicious(self) -> bool:
        """Tell whether a target's books contradicted the records at the last look, and the next one must decide."""
        return self._stops.suspicious or (self._watch is not None and self._watch.suspicious)

    @property
    def mismatches(self) -> Iterable[Mismatch]:
        """What lasts."""
        return self._mismatches.open

    async def next_round(self) -> None:
        """Return when a round has been finished."""
        await self._rounded.wait()

    async def _next(self, inputs: trio.MemoryReceiveChannel[Input]) -> list[Input] | None:
        """Return what has come, nothing when a timer is due, None at the end."""
        due = self.due_at()
        wait_s = float("inf") if due is None else max((due - self._utc_now()).total_seconds(), 0.0)
        batch: list[Input] = []
        with trio.move_on_after(wait_s):
            try:
                batch.append(await inputs.receive())
            except trio.EndOfChannel:
                return None
        while batch and len(batch) < BATCH_MAX:
            try:
                batch.append(inputs.receive_nowait())
            except (trio.WouldBlock, trio.EndOfChannel):
                break
        return batch

    def due_at(self) -> datetime | None:
        """Return when the next timer fires, None when there is none."""
        times = [
            self._desk.timers.first(),
            self._closings.timers.first(),
            self._keep_alives.timers.first(),
            self._limits.next_due(),
            self._mismatches.next_due(),
        ]
        return min((at for at in times if at is not None), default=None)

    def _fire(self) -> None:
        for key in self._desk.timers.due(self._desk.now):
            copy = self._desk.book.get(key)
            if copy is not None:
                self._desk.reconsider(copy, "timer")
        for account in self._limits.clock_due(self._desk.now):
            self._enforcement.police(account, self.views[account].positions.values())
            self._enforcement.enforce(account)
        self._mismatches.ask_due(self._desk.now)
        self._closings.fire()
        self._keep_alives.fire()

    # What comes in

    def _take(self, given: Input) -> None:
        self._desk.cause_at = None
        if not isinstance(given, CalendarRead | CalendarUnread | Pulled):
            self._heard_of.add(given.account)
        match given:
            case Reported():
                self._desk.settle(given.report)
            case Polled():
                self.sessions.lose(given.account, Eye.BOOKS, given.reason, self._desk.now, refused=given.refused)
                self.views[given.account].ready = False
                self._limits.lose_sight(given.account, self._desk.now)
                self._enforcement.enforce(given.account)
            case Pulled():
                self._operator.pull(given.record, given.answer)
            case Remembered():
                self._desk.observations.history(given.account, given.past)
                self._limits.remember(given.account, given.past, self._desk.now)
                self._enforcement.enforce(given.account)
                self._outside.poll(given.account)
            case PositionReported():
                self._desk.cause_at = given.received_at
                self._stream(given.account, self.views[given.account].report(given))
                self._enforcement.police(given.account, [given.position])
            case PositionClosed():
                self._desk.cause_at = given.received_at
                self._stream(given.account, self.views[given.account].close(given))
            case SnapshotReceived():
                self._desk.cause_at = given.received_at if given.origin is Origin.LIVE else None
                if given.requested_at is not None:
                    self.sessions.regain(given.account, Eye.BOOKS, self._desk.now)
                self._looks.take(given)
            case OrderReported():
                if self.views[given.account].waiting.report(given):
                    self._desk.note_order(given.account, given.order.order_id)
                    self._desk.order_changed(given.account, given.order.order_id)
            case OrderEnded():
                if self.views[given.account].waiting.end(given):
                    self._desk.note_order(given.account, given.order_id)
                    self._desk.order_changed(given.account, given.order_id)
                self._desk.mirroring.ended_at_target(given.account, given.order_id)
            case AccountReported():
                self._figures(given.account, given.status)
            case InstrumentReported():
                self.views[given.account].instruments[given.symbol] = given.instrument
                self._desk.observations.instrument(given)
                self._desk.answer(given.account, given.symbol)
            case QuoteReported():
                self.views[given.account].quotes[given.quote.symbol] = given.quote
                self._desk.observations.quote(given)
                self._desk.answer(given.account, given.quote.symbol)
            case CalendarRead():
                self._closings.read(given)
            case CalendarUnread():
                self._closings.unread(given)
            case SessionOpened():
                self.sessions.regain(given.account, Eye.STREAM, self._desk.now)
            case SessionEnded():
                self.sessions.lose(given.account, Eye.STREAM, given.reason, self._desk.now, refused=given.refused)
                self._limits.lose_sight(given.account, self._desk.now)
                self._enforcement.enforce(given.account)

    def _stream(self, account: AccountId, change: Change | Doubt | None) -> None:
        if isinstance(change, Doubt):
            self._outside.poll(account)
        elif change is not None:
            self._desk.changed(account, change, Origin.LIVE)
            if account in self._targets:
                self._outside.poll(account)

    def _figures(self, account: AccountId, status: AccountStatus) -> None:
        """Take an account's figures; what waited for them, or for a limit to be judged by them, is decided now."""
        view = self.views[account]
        first = view.status is None
        view.status = status
        self._limits.sample(account, status, self._desk.now)
        self.samples.take(account, status.equity)
        self._enforcement.enforce(account)
        if first:
            of_source = self._desk.book.of_source(account)
            waiting = [copy for copy in of_source if copy.status is CopyStatus.WAITING]
            for copy in (*self._desk.book.waiting_at(account), *waiting):
                self._desk.reconsider(copy, "figures")

    def wanted(self, action: Action) -> bool:
        """Tell whether an opening that is about to leave is still wanted."""
        return self._desk.wanted(action)

    def _ordered(self, action: Action) -> None:
        """Count an order against its account's budgets: the next decision of this round sees it."""
        conduct = self._limits.conduct
        if conduct.ordered(action, self._desk.now):
            self.views[action.account].spent = conduct.spent(action.account)
