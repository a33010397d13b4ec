"""The tables that can be written: what each is called, its columns, and its rows."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar

from copier.export import copies, orders
from copier.export.writing import Row
from copier.ledger.codec import decode
from copier.ledger.kept_alerts import kept_alert_of
from copier.ledger.ledger import Ledger, StoredEntry
from copier.ledger.records import DecisionRecord, LimitRecord, MismatchRecord
from copier.performance.scope import Scope
from copier.telling.wording import mismatch_words, trace_words
from copier.web.dto.decisions import decision_of
from rules.model.frozen import frozen

T = TypeVar("T")


@frozen
class Table:
    """One table."""

    name: str
    columns: tuple[str, ...]
    rows: Callable[[Ledger, Scope], Iterator[Row]]


_DECISIONS: Final = (
    "seq",
    "at",
    "link",
    "source",
    "target",
    "source_position",
    "source_symbol",
    "source_side",
    "kind",
    "code",
    "meaning",
    "because",
    "state",
    "volume",
    "orders",
    "steps",
    "known",
)


def _decisions(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    for entry, record in _within(ledger, scope, "decision", DecisionRecord):
        if not scope.has_copy(record.copy):
            continue
        shown = decision_of(entry.seq, entry.at, record)
        yield (
            entry.seq,
            entry.at,
            shown.link,
            shown.source,
            shown.target,
            shown.source_position,
            shown.symbol,
            shown.side,
            shown.kind,
            shown.code,
            shown.meaning,
            shown.because,
            shown.state,
            record.copy.expected,
            " ".join(shown.orders),
            "\n".join(trace_words(item) for item in record.trace),
            shown.known,
        )


_LIMITS: Final = (
    "seq",
    "at",
    "account",
    "limit",
    "stage",
    "balance",
    "equity",
    "currency",
    "day_started",
    "day_balance",
    "day_equity",
    "high_water_mark",
    "locked_floor",
    "initial_balance",
    "flows",
    "count",
    "estimated",
    "latched",
    "halted_at",
    "unknown",
    "says",
)


def _limits(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    for entry, record in _within(ledger, scope, "limit", LimitRecord):
        state = record.state
        if scope.has_account(record.account):
            yield (
                entry.seq,
                entry.at,
                record.account,
                state.limit_id,
                record.stage,
                state.balance,
                state.equity,
                state.currency,
                state.day_started,
                state.day_balance,
                state.day_equity,
                state.high_water_mark,
                state.locked_floor,
                state.initial_balance,
                state.flows,
                state.count,
                state.estimated,
                None if state.latched is None else state.latched.value,
                state.halted_at,
                state.unknown,
                state.said,
            )


_ALERTS: Final = ("seq", "at", "kind", "account", "text", "over", "acknowledged_at", "acknowledged_by", "note")


def _alerts(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    for entry in ledger.entries(kinds=("alert",)):
        if not scope.is_within(entry.at):
            continue
        kept = kept_alert_of(ledger, entry)
        record, seen = kept.record, kept.acknowledged
        if scope.has_account(record.account):
            who = (None, None, None) if seen is None else (seen.at, seen.record.by, seen.record.note)
            yield (entry.seq, entry.at, record.code, record.account, record.text, record.over, *who)


_MISMATCHES: Final = (
    "seq",
    "at",
    "link",
    "target",
    "symbol",
    "kind",
    "severity",
    "over",
    "desired",
    "observed",
    "lots",
    "action",
    "source_positions",
    "why",
    "says",
)


def _mismatches(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    for entry, record in _within(ledger, scope, "mismatch", MismatchRecord):
        each = record.mismatch
        if scope.has_link(each.link_id):
            yield (
                entry.seq,
                entry.at,
                each.link_id,
                each.target,
                each.symbol,
                each.kind.value,
                each.severity.value,
                record.ended,
                each.desired,
                each.observed,
                each.lots,
                each.action.value,
                " ".join(each.positions),
                each.why,
                mismatch_words(each),
            )


def _within(ledger: Ledger, scope: Scope, kind: str, type_: type[T]) -> Iterator[tuple[StoredEntry, T]]:
    for entry in ledger.entries(kinds=(kind,)):
        if scope.is_within(entry.at):
            yield entry, decode(type_, entry.body)


TABLES: Final = {
    table.name: table
    for table in (
        Table("decisions", _DECISIONS, _decisions),
        Table("copies", copies.COLUMNS, copies.rows),
        Table("orders", orders.COLUMNS, orders.rows),
        Table("limits", _LIMITS, _limits),
        Table("alerts", _ALERTS, _alerts),
        Table("mismatches", _MISMATCHES, _mismatches),
    )
}
