"""Runs what a ledger recorded through a config: the same positions, prices, figures and answers, decided anew.

What a ledger cannot tell is not made up. A position whose opening was not recorded is left out. An order that the
recorded run did not send is executed at once, at the price that the decision reckoned with. What a target closed by
itself is closed there in the replay too, and an account's figures are the recorded ones, whatever the replay trades.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

from attrs import define, evolve, field

from adapters.base import Capabilities
from copier.config.model import Configuration
from copier.engine.inputs import CalendarRead, Input, Polled, Pulled, Remembered, Reported
from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger, StoredEntry
from copier.ledger.records import (
    ORDER_GONE,
    TARGET_CHANGED_IT,
    TARGET_CLOSED_IT,
    CalendarRecord,
    DecisionRecord,
    FirstSeen,
    HistoryRecord,
    LeverRecord,
    LimitRecord,
    MemoryRecord,
    ObservedRecord,
    Record,
    ReportRecord,
)
from copier.ledger.recovery import TYPES
from copier.replay.recorded import Past, exit_price, turns, was_ready
from copier.replay.rehearsal import Rehearsal
from copier.replay.trades import TradeBook, TradeKey
from copier.service.dry_run import as_wished
from rules.books.reconcile import lose_leg
from rules.deciding.hands import after_lots
from rules.deciding.mirror import key_of
from rules.deciding.settling import in_doubt
from rules.model.actions import Action
from rules.model.copies import Copy, LegStage, replace_leg
from rules.model.events import (
    AccountReported,
    InstrumentReported,
    OrderEnded,
    OrderReported,
    Origin,
    PositionClosed,
    PositionReported,
    QuoteReported,
    SnapshotReceived,
)
from rules.model.instruments import Instrument
from rules.model.look_ups import LookUp
from rules.model.memory import LinkMemory
from rules.model.observed import AccountStatus, Booked
from rules.model.reports import Filled, Report
from rules.model.state import Change
from rules.model.values import AccountId, ClOrdId, PositionId, Symbol

_KINDS = ("observed", "calendar", "history", "lever", "decision", "intent", "report", "limit", "memory")
_JUST_BEFORE = timedelta(microseconds=1)


@define
class Replay:
    """The recorded run and the replayed one, trade by trade, after `run`."""

    ledger: Ledger
    config: Configuration
    capabilities: Mapping[AccountId, Capabilities]
    recorded: TradeBook = field(factory=TradeBook)
    replayed: TradeBook = field(factory=TradeBook)
    left_out: set[TradeKey] = field(factory=set)
    """Recorded trades whose position was not: the ledger is older than that, or its crash took the row."""
    on_row: Callable[[int], object] = field(default=lambda seq: seq)
    """Called with the number of each row that was replayed."""
    _instruments: dict[tuple[AccountId, Symbol], Instrument | None] = field(factory=dict)
    _seen: set[tuple[AccountId, PositionId]] = field(factory=set)
    _past: Past = field(factory=Past)
    _booked: dict[AccountId, dict[str, Booked]] = field(factory=dict)
    _under_way: dict[ClOrdId, Action] = field(factory=dict)

    def instrument_of(self, account: AccountId, symbol: Symbol) -> Instrument | None:
        """Return what an account said of a symbol, None where that was not recorded."""
        return self._instruments.get((account, symbol))

    async def run(self) -> None:
        """Replay the whole ledger."""
        for _, record in self._records():
            self._past.take(record)
        rehearsal: Rehearsal | None = None
        for at, group in groupby(self._records(), key=lambda entry: entry[0].at):
            rows = list(group)
            if rehearsal is None:
                histories = sorted(self._past.histories)
                rehearsal = Rehearsal(self.config, self.capabilities, self._answer, at - _JUST_BEFORE, histories)
                await self._begin(rehearsal)
            await self._moment(rehearsal, at, [record for _, record in rows])
            self.on_row(rows[-1][0].seq)
        if rehearsal is not None:
            rehearsal.close()

    def _records(self) -> Iterator[tuple[StoredEntry, Record]]:
        for entry in self.ledger.entries(kinds=_KINDS):
            yield entry, decode(TYPES[entry.kind], entry.body)

    def _answer(self, look_up: LookUp, now: datetime) -> list[Input]:
        key = (look_up.account, look_up.symbol)
        if key not in self._instruments:
            return []
        return [InstrumentReported(look_up.account, now, look_up.symbol, self._instruments[key])]

    async def _begin(self, run: Rehearsal) -> None:
        """Let every account be there, and empty."""
        for link_id, curves in self._past.curves.items():
            run.engine.samples.leave(link_id, curves)
        for name in run.views:
            await run.takes(SnapshotReceived(name, run.now, (), Origin.RECONCILED, run.now))

    async def _moment(self, run: Rehearsal, at: datetime, records: list[Record]) -> None:
        """Replay what was written at one time."""
        await run.until(at - _JUST_BEFORE)
        await self._settle(run)
        run.now = at
        for turn in turns(records):
            await self._turn(run, at, turn)
        await run.takes()
        await self._settle(run)

    async def _turn(self, run: Rehearsal, at: datetime, records: list[Record]) -> None:
        """Replay one thing that happened, once what was known of the market then is known."""
        for record in records:
            self.recorded.take(record, at)
            if isinstance(record, MemoryRecord):
                self._sampled(run, record.memory)
        known = [each for record in records for each in self._known(run, record, at)]
        if known:
            await run.takes(*known)
            await self._settle(run)
        for record in records:
            if isinstance(record, ObservedRecord):
                await self._observe(run, record)
                await self._settle(run)
            elif isinstance(record, LeverRecord):
                # One whose subject the config does not name, or that nothing waits for, does nothing.
                await run.takes(Pulled(record, lambda _: None))
                await self._settle(run)
            elif isinstance(record, HistoryRecord):
                await self._remember(run, record)
            elif isinstance(record, ReportRecord):
                await self._report(run, record.report)
            elif isinstance(record, DecisionRecord):
                self._decide(run, record)

    def _known(self, run: Rehearsal, record: Record, at: datetime) -> Iterator[Input]:
        """Yield the prices and figures that a record tells."""
        match record:
            case ObservedRecord(event=InstrumentReported() as told):
                self._instruments[told.account, told.symbol] = told.instrument
                if told.account in run.views:
                    yield told
            case ObservedRecord(event=QuoteReported() as told) if told.account in run.views:
                yield told
            case CalendarRecord():
                yield CalendarRead(record.news, record.calendar)
            case ObservedRecord(event=FirstSeen() as told) if told.account in run.views:
                run.views[told.account].known_at = told.received_at
            case LimitRecord(account=account, state=state) if account in run.views:
                yield AccountReported(account, at, AccountStatus(state.balance, state.equity, state.currency))
            case DecisionRecord(copy=copy):
                yield from self._known_of(run, record, copy, at)
            case _:
                pass

    def _known_of(self, run: Rehearsal, record: DecisionRecord, copy: Copy, at: datetime) -> Iterator[Input]:
        target = run.views.get(copy.target)
        known = record.known
        if known is not None:
            for account, status in ((copy.source, known.source), (copy.target, known.target)):
                if status is not None and account in run.views and run.views[account].status != status:
                    yield AccountReported(account, at, status)
            if known.quote is not None and target is not None and target.quotes.get(known.symbol) != known.quote:
                yield QuoteReported(copy.target, at, known.quote)
        if target is None:
            return
        # Whether a target answered is known by what was decided because of it.
        ready = was_ready(record)
        if ready is False and target.ready:
            yield Polled(copy.target, "as recorded")
        elif ready and not target.ready:
            yield SnapshotReceived(copy.target, at, tuple(target.positions.values()), Origin.RECONCILED, at)

    async def _observe(self, run: Rehearsal, record: ObservedRecord) -> None:
        event = record.event
        if event.account not in run.views:
            return
        if isinstance(event, PositionReported):
            self._seen.add((event.account, event.position.position_id))
            change = Change(event.position.position_id, event.position)
            if run.views[event.account].positions.get(change.position_id) != event.position:
                await run.sees(event.account, change, record.origin)
        elif isinstance(event, OrderReported | OrderEnded):
            if isinstance(event, OrderReported):
                self._seen.add((event.account, key_of(event.order.order_id)))
            await run.takes(event)
        elif isinstance(event, PositionClosed):
            await run.sees(event.account, Change(event.position_id, None, event.close_price), record.origin)

    @staticmethod
    def _sampled(run: Rehearsal, recorded: LinkMemory) -> None:
        """Take the samples of equity that the recorded run took; what else a link remembers comes of the replay."""
        if recorded.curves:
            run.engine.samples.told(recorded.link_id, recorded.curves)

    async def _remember(self, run: Rehearsal, record: HistoryRecord) -> None:
        """Tell an account's history as it was told then, with what earlier answers had of it."""
        booked = self._booked.setdefault(record.account, {})
        booked.update((entry.exec_id, entry) for entry in record.past.entries)
        told = sorted(booked.values(), key=lambda entry: entry.at)
        since = record.past.since
        past = evolve(record.past, entries=tuple(entry for entry in told if entry.at >= since))
        if record.account in run.views:
            await run.takes(Remembered(record.account, past))
            await self._settle(run)

    def _decide(self, run: Rehearsal, record: DecisionRecord) -> None:
        """Take what a target did by itself; note a trade that cannot be replayed."""
        copy = record.copy
        if (copy.source, copy.source_position_id) not in self._seen:
            self.left_out.add((*copy.key, copy.opened_at))
        if record.because == ORDER_GONE:
            self._doubt(run, copy)
        if record.because not in (TARGET_CLOSED_IT, TARGET_CHANGED_IT):
            return
        for leg in copy.legs:
            ours = run.book.get(copy.key)
            mine = None if ours is None else ours.legs_by_number.get(leg.number)
            if ours is None or mine is None or not mine.held or mine.pending is not None or leg.pending is not None:
                continue
            if not leg.held:
                run.engine.desk.correct(lose_leg(ours, leg.number, exit_price(leg)), record.because)
            elif mine.volume == leg.volume and leg.held < mine.held:
                on_change = run.engine.desk.in_force.policy_of(ours).on_target_change
                shrunk, _ = after_lots(ours, leg.number, leg.held, None, on_change, exit_price(leg))
                run.engine.desk.correct(shrunk, record.because)

    @staticmethod
    def _doubt(run: Rehearsal, recorded: Copy) -> None:
        """Take a pending order of ours for ended, as it was; the recorded answer tells what became of it."""
        for leg in recorded.legs:
            ours = run.book.get(recorded.key)
            mine = None if ours is None else ours.legs_by_number.get(leg.number)
            if ours is not None and mine is not None and mine.stage is LegStage.WORKING and leg.pending is not None:
                run.engine.desk.correct(replace_leg(ours, in_doubt(mine)), ORDER_GONE)

    # Orders and their answers

    async def _settle(self, run: Rehearsal) -> None:
        """Answer the orders that left, unless the recorded answer is still to come; then take what was written."""
        while orders := run.take_orders():
            answers = []
            for order in orders:
                if self._past.awaits(order):
                    self._under_way[order.cl_ord_id] = order
                else:
                    answers.append(Reported(order.account, self._executed(order)))
            if answers:
                await run.takes(*answers)
        for record, at in run.records:
            self.replayed.take(record, at)
        run.records.clear()

    def _executed(self, order: Action) -> Report:
        """Return an order's execution: at the recorded price where there is one, else at the one reckoned with."""
        report = as_wished(order)
        fill = self._past.fills.get(order.cl_ord_id) if self._past.has(order) else None
        return evolve(report, price=fill.price) if isinstance(report, Filled) and fill is not None else report

    async def _report(self, run: Rehearsal, report: Report) -> None:
        """Give a recorded answer to the order that is under way in the replay too."""
        self._past.reports[report.cl_ord_id] -= 1
        order = self._under_way.get(report.cl_ord_id)
        if order is None:
            return
        recorded = self._past.actions[report.cl_ord_id]
        if isinstance(report, Filled) and getattr(recorded, "volume", None) != getattr(order, "volume", None):
            report = self._executed(order)
        if isinstance(report, Filled) or self._past.reports[report.cl_ord_id] <= 0:
            del self._under_way[report.cl_ord_id]
        await run.takes(Reported(order.account, report))
        await self._settle(run)
