"""What happened, one thing after the other: decisions, alerts, mismatches, levers, limits, sessions."""

import heapq
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice, takewhile
from typing import Any, Final

import msgspec

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import (
    AcknowledgedRecord,
    AlertRecord,
    DecisionRecord,
    LeverRecord,
    LimitRecord,
    MismatchRecord,
)
from copier.ledger.recovery import TYPES
from copier.ledger.rows import StoredEntry
from copier.telling.overview import LimitAt
from copier.terminal.event_stream import SentEvent
from copier.web.dto.decisions import Decision, decision_of
from copier.web.dto.events import Acknowledged, Alert, MismatchEnded, Session, acknowledged_of, alert_of
from copier.web.dto.levers import Lever, lever_of
from copier.web.dto.mismatches import Mismatch, mismatch_of
from rules.model.frozen import frozen

KINDS: Final = ("decision", "alert", "acknowledged", "mismatch", "lever", "limit")
"""Of the ledger's rows."""

_EVENTS: Final[dict[str, type[Any]]] = {
    "decision": Decision,
    "alert": Alert,
    "acknowledged": Acknowledged,
    "mismatch": Mismatch,
    "mismatch_over": MismatchEnded,
    "lever": Lever,
    "limit": LimitAt,
    "session": Session,
}

EVENTS: Final = tuple(_EVENTS)
"""Of a service's stream."""


@frozen
class Happening:
    """One thing that happened; `what` is what the API shows of it."""

    at: datetime
    event: str
    what: Any


class Stages:
    """Lets a limit be told only when it reaches another stage: its figures change all day long."""

    def __init__(self) -> None:
        self._last: dict[str, str | None] = {}

    def news(self, happenings: Iterable[Happening]) -> Iterator[Happening]:
        """Yield what is worth a line."""
        for each in happenings:
            if isinstance(each.what, LimitAt):
                before = self._last.get(each.what.limit, "ok")
                self._last[each.what.limit] = each.what.stage
                if each.what.stage in (before, None):
                    continue
            yield each


def of_sent(sent: SentEvent, now: datetime) -> Happening | None:
    """Return an event of a service's stream; None where this version cannot read it."""
    kind = _EVENTS.get(sent.event)
    if kind is None:
        return None
    try:
        what = msgspec.json.decode(sent.data, type=kind)
    except msgspec.DecodeError:
        return None
    return Happening(getattr(what, "at", now), sent.event, what)


def of_entry(entry: StoredEntry) -> Happening | None:
    """Return a row of the ledger; None where it is of a single position or limit by hand, which its effects tell."""
    event = entry.kind
    what: Any = None
    match decode(TYPES[entry.kind], entry.body):
        case DecisionRecord() as decision:
            what = decision_of(entry.seq, entry.at, decision)
        case AlertRecord() as alert:
            what = alert_of(entry.seq, entry.at, alert)
        case AcknowledgedRecord() as seen:
            what = acknowledged_of(entry.at, seen)
        case MismatchRecord(mismatch, ended=True):
            event = "mismatch_over"
            what = MismatchEnded(mismatch.link_id, mismatch.target, mismatch.symbol, mismatch.kind.value)
        case MismatchRecord(mismatch):
            what = mismatch_of(mismatch)
        case LeverRecord() as lever:
            what = lever_of(lever)
        case LimitRecord() as limit:
            what = LimitAt(limit.state.limit_id, limit.stage)
    return None if what is None else Happening(entry.at, event, what)


def of_ledger(ledger: Ledger, after: int, stages: Stages) -> Iterator[Happening]:
    """Yield what happened after a row, up to the last one at the ledger's opening: what comes later is for later."""
    rows = takewhile(lambda entry: entry.seq <= ledger.last_seq, ledger.entries(after=after, kinds=KINDS))
    return stages.news(each for each in map(of_entry, rows) if each is not None)


def latest(ledger: Ledger, count: int, stages: Stages) -> list[Happening]:
    """Return the last things that happened, and the limits' stages in between."""
    rows = heapq.merge(*(ledger.latest(kind) for kind in KINDS if kind != "limit"), key=_place, reverse=True)
    found = list(islice(rows, count))
    after = found[-1].seq - 1 if len(found) == count else 0
    return list(of_ledger(ledger, after, stages))[-count:]


def _place(entry: StoredEntry) -> int:
    return entry.seq
