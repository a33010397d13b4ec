"""A source position's whole story out of the ledger: each decision with its numbers, each order, each answer."""

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from copier.ledger import Ledger
from copier.ledger_codec import decode
from copier.records import DecisionRecord, IntentRecord, MismatchRecord, Record, ReportRecord, ResendRecord
from copier.recovery import TYPES
from copier.wording import action_words, copy_words, mismatch_words, printable, report_words, trace_words


@frozen
class Line:
    """One thing that happened: when, on which link or account, what, and the steps behind it."""

    at: datetime
    seq: int
    who: str
    what: str
    steps: tuple[str, ...] = ()


def story(ledger: Ledger, wanted: str) -> Iterator[Line]:
    """Yield everything about a source position id, a target position id, or an order id, oldest first.

    An order's or a target position's id tells the story of the source position behind it.
    """
    keys = _keys(ledger, wanted)
    orders: set[str] = set()
    for entry in ledger.entries(kinds=("decision", "intent", "resend", "report", "mismatch")):
        record: Record = decode(TYPES[entry.kind], entry.body)
        match record:
            case DecisionRecord() if record.copy.key in keys:
                orders |= set(record.orders)
                steps = tuple(trace_words(item) for item in record.trace)
                what = f"{record.because}: {copy_words(record.copy)}"
                yield Line(entry.at, entry.seq, record.copy.link_id, what, steps)
            case IntentRecord() | ResendRecord() if record.action.cl_ord_id in orders:
                what = f"order {record.action.cl_ord_id}: {action_words(record.action)}"
                yield Line(entry.at, entry.seq, record.action.account, what)
            case ReportRecord() if record.copy.key in keys:
                what = f"order {record.report.cl_ord_id}: {report_words(record.report)}"
                yield Line(entry.at, entry.seq, record.copy.target, what)
            case MismatchRecord(mismatch) if any((mismatch.link_id, each) in keys for each in mismatch.positions):
                what = f"mismatch {'over' if record.ended else mismatch.kind.value}: {mismatch_words(mismatch)}"
                yield Line(entry.at, entry.seq, mismatch.link_id, what)
            case _:
                pass


def _keys(ledger: Ledger, wanted: str) -> set[tuple[str, str]]:
    """Return the copies that an id points to."""
    keys: set[tuple[str, str]] = set()
    for entry in ledger.entries(kinds=("decision", "report")):
        record = decode(TYPES[entry.kind], entry.body)
        if not isinstance(record, DecisionRecord | ReportRecord):
            continue
        copy = record.copy
        ids = {copy.source_position_id, *(leg.position_id for leg in copy.legs), *(leg.cl_ord_id for leg in copy.legs)}
        if wanted in ids or wanted in getattr(record, "orders", ()):
            keys.add(copy.key)
    return keys


def headline(wanted: str, lines: int) -> str:
    """Return what was found about `wanted`."""
    return f"{printable(wanted)}: {lines} entries" if lines else f"the ledger holds nothing about {printable(wanted)}"
