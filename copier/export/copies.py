"""The table of copies: what became of each source position on each link, with prices, volumes and the result."""

from collections.abc import Iterator
from typing import Final

from copier.export.writing import Row
from copier.ledger.ledger import Ledger
from copier.performance.copied import Copied, CopyHistory, result_of
from copier.performance.reading import records
from copier.performance.scope import Scope
from copier.telling.wording import copy_words

COLUMNS: Final = (
    "link",
    "source",
    "target",
    "source_position",
    "source_symbol",
    "source_side",
    "source_opened_at",
    "first_seen_at",
    "status",
    "ending",
    "code",
    "meaning",
    "symbol",
    "side",
    "begun_at",
    "over_at",
    "granted",
    "opened_volume",
    "closed_volume",
    "held_volume",
    "open_price",
    "close_price",
    "result",
    "currency",
    "positions",
    "orders",
    "says",
)


def rows(ledger: Ledger, scope: Scope) -> Iterator[Row]:
    """Yield the copies that were over within the scope's time, then those that were alive at its end."""
    book = CopyHistory()
    kinds = ("observed", "decision", "report", "forget")
    for entry, record in records(ledger, kinds, scope.since, scope.until):
        for each in book.take(record, entry.at):
            if isinstance(each, Copied) and scope.has_copy(each.copy) and scope.is_within(entry.at):
                yield _row(each, book)
    for each in book.alive.values():
        if not each.is_over and scope.has_copy(each.copy):
            yield _row(each, book)


def _row(each: Copied, book: CopyHistory) -> Row:
    copy, legs = each.copy, each.legs
    result = result_of(copy, legs, book.instrument_of)
    held = result.opened - result.closed
    return (
        copy.link_id,
        copy.source,
        copy.target,
        copy.source_position_id,
        copy.source_symbol,
        copy.side.value,
        copy.opened_at,
        copy.first_seen_at,
        copy.status.value,
        None if copy.ending is None else copy.ending.value,
        None if copy.reason is None else copy.reason.value,
        None if copy.reason is None else copy.reason.meaning,
        each.target_symbol if legs or copy.target_symbol is not None else None,
        each.target_side.value if legs else None,
        each.begun_at,
        each.last_at if each.is_over else None,
        copy.granted,
        result.opened,
        result.closed,
        held,
        result.open_price,
        result.close_price,
        result.amount,
        result.currency,
        " ".join(leg.position_id for leg in legs if leg.position_id is not None),
        " ".join(leg.cl_ord_id for leg in legs),
        copy_words(copy),
    )
