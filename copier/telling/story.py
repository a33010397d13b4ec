"""A source position's whole story out of the ledger: each decision with its numbers, each order, each answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from copier.ledger.codec import decode, written
from copier.ledger.ledger import Ledger, StoredEntry
from copier.ledger.records import (
    DecisionRecord,
    IntentRecord,
    MismatchRecord,
    ObservedRecord,
    Record,
    ReportRecord,
    ResendRecord,
)
from copier.ledger.recovery import TYPES
from copier.replay.trades import Trade, TradeBook, outcome_words
from copier.telling.wording import (
    action_words,
    because_words,
    copy_words,
    known_words,
    mismatch_words,
    money_words,
    position_words,
    printable,
    report_words,
    trace_words,
)
from rules.model.copies import Copy, CopyStatus
from rules.model.events import InstrumentReported, PositionClosed, PositionReported
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.trace import Denied
from rules.model.values import AccountId, Symbol, plain


@frozen
class Line:
    """One thing that happened: when, on which link or account, what, and the steps behind it."""

    at: datetime
    seq: int
    who: str
    what: str
    steps: tuple[str, ...] = ()


Shows = Callable[[Copy], bool]
"""Tells whether a copy may be told of."""


@frozen
class Found:
    """What the ledger holds about an id."""

    keys: Mapping[tuple[str, str], str]
    """The copies that the id points to, each with its source account."""
    rows: tuple[tuple[StoredEntry, Record], ...] = ()
    """What may tell of them, oldest first."""


PARTS_MAX = 50
"""Texts that are looked for at once."""

_MENTIONING = ("observed", "decision", "report", "mismatch", "resend")
_ALWAYS = (InstrumentReported.__name__, ResendRecord.__name__)
"""Rows that do not name the position: what its symbol is worth, and the rare orders that were sent again."""


def find(ledger: Ledger, wanted: str, shows: Shows = lambda _: True) -> Found:
    """Return what there is about a source position id, a target position id, or an order id.

    An order's or a target position's id leads to the source position behind it. The file is looked through twice.
    """
    keys: dict[tuple[str, str], str] = {}
    for _, record in _decoded(ledger.mentioning([written(wanted)], ("decision", "report"))):
        if isinstance(record, DecisionRecord | ReportRecord) and _is_about(record, wanted) and shows(record.copy):
            keys[record.copy.key] = record.copy.source
    if not keys:
        return Found(keys)
    positions = sorted({position_id for _, position_id in keys})
    parts = [written(text) for text in (*positions, *_ALWAYS)]
    # A position of a netting account stands for many copies: to look for each costs more than to read all, and SQLite
    # takes no more than a thousand.
    named = ledger.mentioning(parts, _MENTIONING) if len(parts) <= PARTS_MAX else ledger.entries(kinds=_MENTIONING)
    rows = list(_decoded(named))
    orders = {
        order: None
        for _, record in rows
        if isinstance(record, DecisionRecord) and record.copy.key in keys
        for order in record.orders
    }
    rows += _decoded(entry for order in orders if (entry := ledger.by_key(order)) is not None)
    return Found(keys, tuple(sorted(rows, key=lambda row: row[0].seq)))


def _decoded(entries: Iterable[StoredEntry]) -> Iterator[tuple[StoredEntry, Record]]:
    for entry in entries:
        yield entry, decode(TYPES[entry.kind], entry.body)


def _is_about(record: DecisionRecord | ReportRecord, wanted: str) -> bool:
    copy = record.copy
    ids = {copy.source_position_id, *(leg.position_id for leg in copy.legs), *(leg.cl_ord_id for leg in copy.legs)}
    return wanted in ids or (isinstance(record, DecisionRecord) and wanted in record.orders)


def story(found: Found) -> Iterator[Line]:
    """Yield what happened, oldest first."""
    keys = found.keys
    sources = {(account, position_id) for (_, position_id), account in keys.items()}
    orders: set[str] = set()
    for entry, record in found.rows:
        match record:
            case ObservedRecord(PositionReported(account, _, position)) if (account, position.position_id) in sources:
                yield Line(entry.at, entry.seq, account, f"the source holds {position_words(position)}")
            case ObservedRecord(PositionClosed(account, _, position_id, price)) if (account, position_id) in sources:
                at = "" if price is None else f" at {plain(price)}"
                yield Line(entry.at, entry.seq, account, f"the source closed it{at}")
            case DecisionRecord() if record.copy.key in keys:
                orders |= set(record.orders)
                what = f"{because_words(record.because)}: {copy_words(record.copy)}"
                yield Line(entry.at, entry.seq, record.copy.link_id, what, tuple(_steps(record, entry.at)))
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


def _steps(record: DecisionRecord, at: datetime) -> Iterator[str]:
    yield from (trace_words(item) for item in record.trace)
    known = None if record.known is None else known_words(record.known, at)
    if known is not None:
        yield known


def outcomes(found: Found) -> list[str]:
    """Return what became of it on each link, in a line each: what a person wants to know first."""
    book = TradeBook()
    instruments: dict[tuple[AccountId, Symbol], Instrument | None] = {}
    for entry, record in found.rows:
        match record:
            case ObservedRecord(InstrumentReported(account, _, symbol, instrument)):
                instruments[account, symbol] = instrument
            case DecisionRecord() | ReportRecord() if record.copy.key in found.keys:
                book.take(record, entry.at)
            case IntentRecord():
                book.take(record, entry.at)
            case _:
                pass
    return [_outcome(trade, instruments) for _, trade in sorted(book.trades.items())]


def _outcome(trade: Trade, instruments: Mapping[tuple[AccountId, Symbol], Instrument | None]) -> str:
    text = f"{trade.copy.link_id}: {outcome_words(trade)}"
    if trade.order is None:
        denied = next((item for item in reversed(trade.trace) if isinstance(item, Denied)), None)
        return text if denied is None else f"{text}: {denied.reason.meaning}"
    text += f" as {trade.side.value} {plain(trade.opened)} {printable(trade.order.symbol)}"
    if trade.copy.status is CopyStatus.ENDED:
        text += f", {copy_words(trade.copy)}"
    elif trade.copy.holds:
        text += f", {copy_words(trade.copy)} now"
    result = trade.result(lambda account, symbol: instruments.get((account, symbol)))
    return text if result is None else f"{text}, {money_words(*result)} before costs"


def headline(wanted: str, lines: int) -> str:
    """Return what was found about `wanted`."""
    return f"{printable(wanted)}: {lines} entries" if lines else f"the ledger holds nothing about {printable(wanted)}"
