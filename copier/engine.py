"""The engine: the single writer of everything that is known. It decides synchronously and waits only for the disk.

Each round takes what has come, decides, makes all of it durable in one commit, and only then lets orders leave.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import trio
from attrs import evolve, frozen

from adapters.base import UtcNow
from copier.book import CopyBook
from copier.dispatch import Intent
from copier.journal import Journal
from copier.latency import Latency
from copier.limit_watch import LimitWatch
from copier.targets import TargetWatch, count_foreign
from copier.timers import Timers
from rules.actions import Action
from rules.copies import Copy, CopyStatus, Purpose, replace_leg, settle
from rules.decide import decide
from rules.decision import Context, Decision
from rules.events import (
    AccountReported,
    Event,
    InstrumentReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SessionEnded,
    SessionOpened,
    SnapshotReceived,
    SymbolsReported,
)
from rules.gates import LookUp
from rules.identity import cl_ord_id
from rules.observed import AccountStatus, Position
from rules.policy import CopyLink
from rules.reconcile import CopyKey
from rules.reports import Rejected, Report
from rules.state import AccountView, Change, Doubt
from rules.values import AccountId, ClOrdId, LinkId, OmsType, PositionId, Price, Symbol

BATCH_MAX = 256
"""Inputs of one round: bounds how long the first of them waits for its commit."""


@frozen
class Reported:
    """A report on an order of `account`."""

    account: AccountId
    report: Report


@frozen
class Polled:
    """The books of `account` could not be asked: it is not ready until they can."""

    account: AccountId
    reason: str


Input = Event | Reported | Polled


class Outside:
    """What the engine asks of the rest of the service. Nothing of it waits."""

    def __init__(
        self,
        *,
        send: Callable[[AccountId, Intent], None],
        full: Callable[[AccountId], bool],
        look_up: Callable[[LookUp], None],
        poll: Callable[[AccountId], None],
    ) -> None:
        self.send = send
        self.full = full
        self.look_up = look_up
        self.poll = poll


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
        close_orphans: bool = False,
        observe_targets: bool = True,
    ) -> None:
        self.views = views
        self.book = book
        self.latency = latency
        self._links = {link.link_id: link for link in links}
        self._by_source: dict[AccountId, list[CopyLink]] = {}
        for link in self._links.values():
            self._by_source.setdefault(link.source, []).append(link)
        self._unlinked: dict[AccountId, dict[LinkId, None]] = {}
        """By source account, the links that only copies still name: the config does not."""
        self._targets = frozenset(link.target for link in self._links.values())
        self._journal = journal
        self._limits = limits
        self._utc_now = utc_now
        self._outside = outside
        self._watch = TargetWatch(self, close_orphans=close_orphans) if observe_targets else None
        self._timers: Timers[CopyKey] = Timers()
        self._awaited: dict[tuple[AccountId, Symbol], dict[CopyKey, None]] = {}
        self._outgoing: list[tuple[Action, bool, datetime | None]] = []
        self._flattens: Timers[LinkId] = Timers()
        self._cause_at: datetime | None = None
        self._rounded = trio.Event()
        self.now = utc_now()
        for copy in book.all():
            self._note_unlinked(copy)
            if copy.flatten is not None and copy.holds:
                self._timers.set(copy.key, self.now)  # the last run's timers are gone, and its source may not come
        for account, view in self.views.items():
            view.denied = limits.denied(account)
        for link in self._links.values():
            self._flatten_by_schedule(link)

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
        self.now = self._utc_now()
        for each in batch:
            self._take(each)
        self._cause_at = None
        self._fire()
        outgoing, self._outgoing = self._outgoing, []
        await self._journal.commit(self.now, busy=busy)
        durable_at = self._utc_now()
        for action, resend, cause_at in outgoing:
            if cause_at is not None:
                self.latency.record("frame_to_intent", cause_at, durable_at)
            self._outside.send(action.account, Intent(action, durable_at, resend))
        self._journal.announce()
        self._rounded.set()
        self._rounded = trio.Event()

    @property
    def suspicious(self) -> bool:
        """Tell whether a target's books contradicted the records at the last look, and the next one must decide."""
        return self._watch is not None and self._watch.suspicious

    async def next_round(self) -> None:
        """Return when a round has been finished."""
        await self._rounded.wait()

    async def _next(self, inputs: trio.MemoryReceiveChannel[Input]) -> list[Input] | None:
        """Return what has come, nothing when a timer is due, None at the end."""
        due = self._due_at()
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

    def _due_at(self) -> datetime | None:
        times = [self._timers.first(), self._flattens.first(), self._limits.next_reset()]
        return min((at for at in times if at is not None), default=None)

    def _fire(self) -> None:
        for key in self._timers.due(self.now):
            copy = self.book.get(key)
            if copy is not None:
                self.reconsider(copy, "timer")
        for account in self._limits.reset_due(self.now):
            self._enforce(account)
        for link_id in self._flattens.due(self.now):
            self._flatten_by_schedule(self._links[link_id])

    def _flatten_by_schedule(self, link: CopyLink) -> None:
        """Close what was copied, or waits to be, since before the schedule's last flattening.

        Also one that was missed while we were away.
        """
        schedule = link.policy.schedule
        if schedule is None or not schedule.flatten:
            return
        held, waiting = self.book.of_target(link.target), self.book.waiting_at(link.target)
        for copy in {copy.key: copy for copy in (*waiting, *held)}.values():
            if copy.link_id == link.link_id and schedule.flattens(copy.first_seen_at, self.now) is not None:
                self.flatten(copy, f"schedule {schedule.name}")
        edge = schedule.next_edge(self.now)
        if edge is not None:
            self._flattens.set(link.link_id, edge)

    # What comes in

    def _take(self, given: Input) -> None:
        self._cause_at = None
        match given:
            case Reported():
                self._settle(given.report)
            case Polled():
                if self.views[given.account].ready:
                    self._journal.alert("session.lost", given.account, f"its books cannot be asked: {given.reason}")
                self.views[given.account].ready = False
                self._limits.lose_sight(given.account, self.now)
                self._enforce(given.account)
            case PositionReported():
                self._cause_at = given.received_at
                self._stream(given.account, self.views[given.account].report(given))
            case PositionClosed():
                self._cause_at = given.received_at
                self._stream(given.account, self.views[given.account].close(given))
            case SnapshotReceived():
                self._cause_at = given.received_at if given.origin is Origin.LIVE else None
                self._snapshot(given)
            case AccountReported():
                self._figures(given.account, given.status)
            case InstrumentReported():
                self.views[given.account].instruments[given.symbol] = given.instrument
                self._answer(given.account, given.symbol)
            case QuoteReported():
                self.views[given.account].quotes[given.quote.symbol] = given.quote
                self._answer(given.account, given.quote.symbol)
            case SymbolsReported() | SessionOpened():
                pass
            case SessionEnded():
                self._journal.alert("session.lost", given.account, given.reason)
                self._limits.lose_sight(given.account, self.now)
                self._enforce(given.account)

    def _stream(self, account: AccountId, change: Change | Doubt | None) -> None:
        if isinstance(change, Doubt):
            self._outside.poll(account)
        elif change is not None:
            self._changed(account, change, Origin.LIVE)
            if account in self._targets:
                self._outside.poll(account)

    def _snapshot(self, event: SnapshotReceived) -> None:
        view = self.views[event.account]
        was_known = view.known
        for found in view.sync(event):
            if isinstance(found, Doubt):
                self._outside.poll(event.account)
            else:
                self._changed(event.account, found, event.origin)
        view.known = view.known or event.certain or event.requested_at is not None
        if view.known and not was_known:
            for copy in self.book.of_source(event.account):
                if copy.source_position_id not in view.positions:
                    self._run(copy.link_id, copy.source_position_id, copy.origin, "gone while we were away")
        if event.requested_at is not None:
            if view.caps:
                count_foreign(view, self.book, event.positions)
            self._ready(event.account)
            if self._watch is not None:
                self._watch.compare(event)

    def _figures(self, account: AccountId, status: AccountStatus) -> None:
        """Take an account's figures; what waited for them, or for a limit to be judged by them, is decided now."""
        view = self.views[account]
        first, was_denied = view.status is None, view.denied is not None
        view.status = status
        self._limits.sample(account, status, self.now)
        self._enforce(account)
        waiting = self.book.waiting_at(account) if first or (was_denied and view.denied is None) else []
        if first:
            waiting += [copy for copy in self.book.of_source(account) if copy.status is CopyStatus.WAITING]
        for copy in waiting:
            self.reconsider(copy, "figures")

    def _ready(self, account: AccountId) -> None:
        view = self.views[account]
        if not view.ready:
            view.ready = True
            for copy in self.book.waiting_at(account):
                self.reconsider(copy, "target ready")

    def _changed(self, account: AccountId, change: Change, origin: Origin) -> None:
        because = "closed" if change.position is None else "position"
        for link in self._by_source.get(account, ()):
            self._run(link.link_id, change.position_id, origin, because, change.price)
        for link_id in self._unlinked.get(account, ()):
            self._run(link_id, change.position_id, origin, because, change.price)

    def _answer(self, account: AccountId, symbol: Symbol) -> None:
        for key in self._awaited.pop((account, symbol), ()):
            copy = self.book.get(key)
            if copy is not None:
                self.reconsider(copy, "looked up")

    def _settle(self, report: Report) -> None:
        copy = self.book.by_order(report.cl_ord_id)
        if copy is None:
            return
        settled = settle(copy, report, self.now)
        if settled == copy:
            return
        self._journal.report(report, settled)
        self.book.store(settled)
        if isinstance(report, Rejected):
            self._look_closer(copy, report)
        self.reconsider(settled, "report")
        view = self.views[settled.target]
        if view.lagging and not self._outside.full(settled.target):
            view.lagging = False
            for waiting in self.book.waiting_at(settled.target):
                self.reconsider(waiting, "target caught up")

    def _look_closer(self, copy: Copy, refused: Rejected) -> None:
        """Ask about what the target refused: the position may be gone, a stop may lie beyond today's price."""
        self._outside.poll(copy.target)
        for leg in copy.legs:
            pending = leg.pending
            if pending is not None and pending.cl_ord_id == refused.cl_ord_id and pending.purpose is Purpose.STOPS:
                self._outside.look_up(LookUp(copy.target, leg.symbol, quote=True))

    # Decisions

    def link_of(self, copy: Copy) -> CopyLink:
        """Return the copy's link; one that the config no longer names still closes with its source."""
        return self._links.get(copy.link_id) or CopyLink.orphaned(copy.link_id, copy.source, copy.target)

    def reconsider(self, copy: Copy, because: str) -> None:
        """Decide again about a copy, on the source as last seen."""
        self._run(copy.link_id, copy.source_position_id, copy.origin, because)

    def flatten(self, copy: Copy, why: str) -> None:
        """Close everything of a copy, and do not open it again."""
        if copy.flatten is None and copy.status is not CopyStatus.ENDED:
            flattened = evolve(copy, flatten=why)
            self._journal.decision(flattened, f"flatten: {why}")
            self.book.store(flattened)
            self.reconsider(flattened, f"flatten: {why}")

    def correct(self, copy: Copy, because: str) -> None:
        """Take a record that the target's books corrected, and decide what follows."""
        self._journal.decision(copy, because)
        self.book.store(copy)
        self.reconsider(copy, because)

    def adopt(self, copy: Copy, seen_at: datetime) -> None:
        """Take over a position that nobody owns, to close it; again, where books asked at `seen_at` still show it."""
        earlier, [leg] = self.book.get(copy.key), copy.legs
        if earlier is not None:
            settled_at = earlier.legs[0].settled_at
            if earlier.holds or (settled_at is not None and settled_at >= seen_at):
                return
        step = leg.step
        while self.knows(cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, step)):
            step += 1  # an earlier close used it up
        self._note_unlinked(copy)
        self.correct(replace_leg(copy, evolve(leg, step=step)), copy.flatten or "adopted")

    def _note_unlinked(self, copy: Copy) -> None:
        if copy.link_id not in self._links:
            self._unlinked.setdefault(copy.source, {})[copy.link_id] = None

    def _run(
        self, link_id: LinkId, position_id: PositionId, origin: Origin, because: str, price: Price | None = None
    ) -> None:
        copy = self.book.get((link_id, position_id))
        link = self._links.get(link_id) if copy is None else self.link_of(copy)
        if link is None or link.target not in self.views:
            return
        source = self.views.get(link.source) or AccountView(link.source)
        unseen = not source.known and position_id not in source.positions
        if unseen and (copy is None or copy.flatten is None):
            return  # nothing missing means closed before the source was seen whole; a flatten waits for no source
        position = source.positions.get(position_id)
        context = Context(self.now, link, source, self.views[link.target], position_id, position, origin, copy, price)
        decision = decide(context)
        if copy is None and position is not None and any(self.knows(each.cl_ord_id) for each in decision.actions):
            decision = decide(evolve(context, legs_before=self._legs_before(link_id, position)))
        self._apply(copy, decision, because)
        new = decision.copy
        if new is not None and position is None and not unseen and not new.holds and new.status is CopyStatus.ENDED:
            self._journal.forget(new)
            self.book.forget(new)

    def _legs_before(self, link_id: LinkId, position: Position) -> int:
        """Return how many legs a copy had that was forgotten when the source closed what it now shows again."""
        legs = 0
        while self.knows(cl_ord_id(link_id, position.position_id, position.opened_at, legs, 0)):
            legs += 1
        return legs

    def _apply(self, old: Copy | None, decision: Decision, because: str) -> None:
        copy = decision.copy
        if copy is None:
            return
        if copy != old or decision.actions:
            self._journal.decision(copy, because, decision.trace, decision.actions)
            self.book.store(copy)
            self.views[copy.target].lagging = self._outside.full(copy.target)
        for action in decision.actions:
            resend = old is not None and any(leg.cl_ord_id == action.cl_ord_id for leg in old.legs)
            self._journal.intent(action, resend=resend)
            self._outgoing.append((action, resend, self._cause_at))
        for look_up in decision.look_ups:
            self._awaited.setdefault((look_up.account, look_up.symbol), {})[copy.key] = None
            self._outside.look_up(look_up)
        if decision.look_again_at is not None:
            self._timers.set(copy.key, decision.look_again_at)

    def wanted(self, action: Action) -> bool:
        """Tell whether an opening that is about to leave is still wanted: its source open, nothing flattened."""
        copy = self.book.by_order(action.cl_ord_id)
        if copy is None or copy.flatten is not None or self.views[copy.target].denied is not None:
            return False
        position = self.views[copy.source].positions.get(copy.source_position_id)
        return position is not None and position.side is copy.side

    # What the watch of the targets asks

    def oms(self, account: AccountId) -> OmsType:
        return self.views[account].oms

    def poll(self, account: AccountId) -> None:
        self._outside.poll(account)

    def knows(self, cl_ord_id: ClOrdId) -> bool:
        return self._journal.knows(cl_ord_id)

    def flattens_all(self, account: AccountId) -> bool:
        return self._limits.flattens_all(account)

    def alert(self, code: str, account: AccountId, text: str) -> None:
        self._journal.alert(code, account, text)

    def _enforce(self, account: AccountId) -> None:
        """Put a limit's verdict in force: before the next order can leave, since nothing else runs meanwhile."""
        view = self.views[account]
        view.denied = self._limits.denied(account)
        why = self._limits.flattening(account)
        if why is not None:
            for copy in self.book.of_target(account):
                self.flatten(copy, why)
            if self._watch is not None and self._limits.flattens_all(account):
                self._outside.poll(account)
