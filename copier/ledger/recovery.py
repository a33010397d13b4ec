"""What the last run left in the ledger: what is still alive, and the orders that nobody answered."""

from datetime import datetime, timedelta

from attrs import define, field

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import (
    KINDS,
    CheckpointRecord,
    DecisionRecord,
    ForgetRecord,
    IntentRecord,
    LeverRecord,
    LimitRecord,
    MemoryRecord,
    MismatchRecord,
    Record,
    ReportRecord,
)
from rules.books.mismatch import Mismatch, MismatchKey
from rules.books.reconcile import CopyKey
from rules.limits.state import LimitState
from rules.model.actions import Action
from rules.model.copies import NO_TIME, Copy
from rules.model.frozen import frozen
from rules.model.levers import lasts
from rules.model.memory import LinkMemory
from rules.model.values import LinkId

TYPES: dict[str, type[Record]] = {kind: type_ for type_, kind in KINDS.items()}

_FOLDED = ("decision", "report", "forget", "limit", "mismatch", "memory", "lever", "checkpoint")

_CLOCK_AHEAD_MAX = timedelta(days=1)
"""No venue's clock is so far ahead of ours: what an older checkpoint has forgotten was opened no later than this after
it. A wrong guess would be refused by the ledger, which takes no order's id twice."""


@define
class Recovered:
    """The state that the ledger's rows add up to."""

    copies: dict[CopyKey, Copy] = field(factory=dict)
    limits: dict[str, LimitState] = field(factory=dict)
    mismatches: dict[MismatchKey, Mismatch] = field(factory=dict)
    memories: dict[LinkId, LinkMemory] = field(factory=dict)
    levers: dict[str, LeverRecord] = field(factory=dict)
    forgotten_until: datetime = NO_TIME
    """When the youngest position was opened whose copy is forgotten, or gave way to another life of its id."""

    def fold(self, record: Record) -> None:
        """Take one row; the last record of a copy, a limit or a mismatch is the truth about it."""
        match record:
            case CheckpointRecord():
                self.copies = {copy.key: copy for copy in record.copies}
                self.limits = {state.limit_id: state for state in record.limits}
                self.mismatches = {each.key: each for each in record.mismatches}
                self.memories = {memory.link_id: memory for memory in record.memories}
                self.levers = {each.lever.key: each for each in record.levers}
                known_until = record.forgotten_until
                self.forgotten_until = record.at + _CLOCK_AHEAD_MAX if known_until is None else known_until
            case DecisionRecord() | ReportRecord():
                old = self.copies.get(record.copy.key)
                if old is not None and old.opened_at != record.copy.opened_at:
                    self._forget(old.key)  # it gave way to another life
                self.copies[record.copy.key] = record.copy
                if record.copy.ends_with_source:
                    self._forget(record.copy.key)
            case ForgetRecord():
                self._forget((record.link_id, record.source_position_id))
            case LimitRecord():
                self.limits[record.state.limit_id] = record.state
            case LeverRecord():
                self.levers.pop(record.lever.key, None)
                if lasts(record.lever):
                    self.levers[record.lever.key] = record
            case MemoryRecord():
                self.memories[record.memory.link_id] = record.memory
            case MismatchRecord(ended=True):
                self.mismatches.pop(record.mismatch.key, None)
            case MismatchRecord():
                self.mismatches[record.mismatch.key] = record.mismatch
            case _:
                pass

    def _forget(self, key: CopyKey) -> None:
        copy = self.copies.pop(key, None)
        if copy is not None:
            self.forgotten_until = max(self.forgotten_until, copy.opened_at)


def recover(ledger: Ledger) -> Recovered:
    """Fold the ledger from its last checkpoint on."""
    recovered = Recovered()
    for entry in ledger.entries(after=ledger.last_of_kind("checkpoint") - 1, kinds=_FOLDED):
        recovered.fold(decode(TYPES[entry.kind], entry.body))
    return recovered


@frozen
class Unanswered:
    """An order that was under way: `submitted_at` is the earliest moment at which it can have left."""

    action: Action
    submitted_at: datetime
    accepted: bool


def unanswered(ledger: Ledger, recovered: Recovered) -> list[Unanswered]:
    """Return the orders that were under way when the last run ended."""
    orders: list[Unanswered] = []
    for copy in recovered.copies.values():
        for leg in copy.legs:
            if leg.pending is None:
                continue
            entry = ledger.by_key(leg.pending.cl_ord_id)
            if entry is None:
                raise LookupError(f"the ledger has no intent for order {leg.pending.cl_ord_id} of {copy.link_id}")
            action = decode(IntentRecord, entry.body).action
            orders.append(Unanswered(action, entry.at, leg.pending.accepted))
    return orders
