"""The engine's pen: collects a round's records, makes them durable in one commit, then tells who listens.

Idle, it commits in place, since a thread hop costs more than the disk; busy, in a thread, so that the next round's
inputs gather meanwhile and share one commit.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from time import perf_counter

import structlog
import trio

from copier.ledger.codec import decode, encode
from copier.ledger.kept_alerts import KeptAlert, raised
from copier.ledger.ledger import Entry, Ledger, LedgerFailed
from copier.ledger.records import (
    KINDS,
    AcknowledgedRecord,
    AlertRecord,
    CalendarRecord,
    CheckpointRecord,
    DecisionRecord,
    ForgetRecord,
    HistoryRecord,
    IntentRecord,
    Known,
    LeverRecord,
    LimitRecord,
    MemoryRecord,
    MismatchRecord,
    ObservedRecord,
    Record,
    ReportRecord,
    ResendRecord,
)
from copier.telling.histogram import Histogram
from rules.alerts.kinds import AlertKind
from rules.books.mismatch import Mismatch
from rules.limits.state import LimitState
from rules.model.actions import Action
from rules.model.copies import Copy
from rules.model.memory import LinkMemory
from rules.model.reports import Report
from rules.model.trace import Trace
from rules.model.values import AccountId, ClOrdId

FULL_DISK_PAUSE_S = 1.0
"""Nothing leaves while the disk is full; it is tried this often whether there is room again."""

WAITING_MAX = 64
"""Observations that wait for a commit: what a crash can take, and what a commit in place can write in a millisecond."""

Listener = Callable[[Record, datetime], None]

_log = structlog.get_logger("ledger")


class Journal:
    """Writes records; `listeners` see each of them once it is durable."""

    def __init__(
        self,
        ledger: Ledger,
        *,
        threads: bool = True,
        listeners: Iterable[Listener] = (),
        stuck: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        """`stuck` is told why the ledger cannot be written, and None when it can again."""
        self._ledger = ledger
        self._stuck = stuck
        self._threads = threads
        self._listeners = tuple(listeners)
        self._durable: list[tuple[list[Record], datetime]] = []
        self._records: list[Record] = []
        self._entries: list[Entry] = []
        self._urgent = False
        """Whether something was written that must be durable before anything leaves."""
        self.stuck_by: str | None = None
        """Why the ledger cannot be written now."""
        self.commits = Histogram()
        """How long commits took, waits for room on the disk included."""
        self.rows_since_checkpoint = ledger.last_seq - ledger.last_of_kind("checkpoint")

    def decision(
        self,
        copy: Copy,
        because: str,
        trace: Trace = (),
        actions: tuple[Action, ...] = (),
        known: Known | None = None,
    ) -> None:
        orders = tuple([action.cl_ord_id for action in actions])
        self._write(DecisionRecord(copy, because, trace, orders, known), copy.target)

    def observed(self, record: ObservedRecord | CalendarRecord | HistoryRecord) -> None:
        """Write what decisions are made on. It waits for the next commit, and makes none by itself."""
        urgent = self._urgent
        account = record.event.account if isinstance(record, ObservedRecord) else ""
        self._write(record, record.account if isinstance(record, HistoryRecord) else account)
        self._urgent = urgent or len(self._entries) >= WAITING_MAX

    def intent(self, action: Action, *, resend: bool) -> None:
        """Write that an order may leave. A first sending owns its id: the ledger refuses a second one."""
        if resend:
            self._write(ResendRecord(action), action.account)
        else:
            self._write(IntentRecord(action), action.account, action.cl_ord_id)

    def report(self, report: Report, copy: Copy) -> None:
        self._write(ReportRecord(report, copy), copy.target)

    def forget(self, copy: Copy) -> None:
        """Write that a copy is over for good, unless its last record says so by itself."""
        if not copy.ends_with_source:
            self._write(ForgetRecord(copy.link_id, copy.source_position_id), copy.target)

    def limit(self, account: AccountId, state: LimitState, stage: str) -> None:
        self._write(LimitRecord(account, state, stage), account)

    def alert(self, kind: AlertKind, account: AccountId, text: str, *, over: bool = False) -> None:
        self._write(AlertRecord(kind.value, text, account, over), account)

    def acknowledged(self, record: AcknowledgedRecord) -> None:
        """Write who has seen an alert, unless somebody was faster in this very round: the ledger takes no second."""
        if all(entry.key != record.key for entry in self._entries):
            self._write(record, record.account, record.key)

    def mismatch(self, mismatch: Mismatch, *, ended: bool) -> None:
        self._write(MismatchRecord(mismatch, ended), mismatch.target)

    def memory(self, memory: LinkMemory) -> None:
        self._write(MemoryRecord(memory), "")

    def lever(self, record: LeverRecord) -> None:
        self._write(record, "")

    def checkpoint(self, record: CheckpointRecord) -> None:
        """Write down whole what is alive: folding begins here."""
        self._write(record, "")
        self.rows_since_checkpoint = 0

    @property
    def last_seq(self) -> int:
        """The last entry that is durable."""
        return self._ledger.last_seq

    def knows(self, cl_ord_id: ClOrdId) -> bool:
        """Tell whether this ledger ever held an intent of that id."""
        return self._ledger.holds(cl_ord_id)

    def raised(self, seq: int) -> KeptAlert | None:
        """Return the alert at a place in the ledger; None where there is none that anybody could acknowledge."""
        return raised(self._ledger, seq)

    def intended(self, cl_ord_id: ClOrdId) -> Action | None:
        """Return what an order of that id was to do; None when this ledger never held its intent."""
        entry = self._ledger.by_key(cl_ord_id)
        return None if entry is None else decode(IntentRecord, entry.body).action

    async def commit(self, at: datetime, *, busy: bool = False, all_: bool = False) -> None:
        """Make everything written since the last commit durable. On a full disk it waits for room.

        Args:
            all_: also when only observations were written, which can wait.
        Raises:
            LedgerFailed: the ledger cannot be trusted any more.
        """
        if not self._entries or not (self._urgent or all_):
            return
        self._urgent = False
        begun_s = perf_counter()
        entries, self._entries = self._entries, []
        records, self._records = self._records, []
        while True:
            try:
                if busy and self._threads:
                    await trio.to_thread.run_sync(self._ledger.append, entries, at)
                else:
                    self._ledger.append(entries, at)
                break
            except LedgerFailed as error:
                if self._ledger.broken:
                    raise
                _log.error("no order leaves until the ledger can be written", error=str(error))
                self.stuck_by = str(error)
                self._stuck(self.stuck_by)
                await trio.sleep(FULL_DISK_PAUSE_S)
        if self.stuck_by is not None:
            self.stuck_by = None
            self._stuck(None)
        self.commits.count((perf_counter() - begun_s) * 1000)
        self._durable.append((records, at))

    def announce(self) -> None:
        """Tell the listeners what has become durable; the engine lets its orders go first."""
        durable, self._durable = self._durable, []
        for records, at in durable:
            for record in records:
                for listener in self._listeners:
                    listener(record, at)

    def _write(self, record: Record, account: AccountId | str, key: str | None = None) -> None:
        self._urgent = True
        self.rows_since_checkpoint += 1
        self._records.append(record)
        self._entries.append(Entry(KINDS[type(record)], account, encode(record), key))
