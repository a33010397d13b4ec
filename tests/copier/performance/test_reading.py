"""A ledger is read from the last checkpoint before the time that is asked about."""

from datetime import datetime, timedelta

import pytest

from copier.ledger.codec import encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import (
    KINDS,
    AlertRecord,
    CheckpointRecord,
    ForgetRecord,
    ObservedRecord,
    Record,
)
from copier.performance.reading import TooManyRows, records
from rules.model.events import InstrumentReported, PositionClosed
from rules.model.values import AccountId, LinkId, PositionId
from tests.rules.playbook import EURUSD, T0

HERE = AccountId("here")
ALERT = AlertRecord("orphan", "text", HERE)
INSTRUMENT = ObservedRecord(InstrumentReported(HERE, T0, EURUSD.symbol, EURUSD))
CLOSED = ObservedRecord(PositionClosed(HERE, T0, PositionId("1")))
CHECKPOINT = CheckpointRecord((), (), T0)
KINDS_READ = ("observed", "alert")


def ledger_of(*rows: tuple[float, Record]) -> Ledger:
    ledger = Ledger.in_memory()
    for hours, record in rows:
        account = "" if isinstance(record, CheckpointRecord) else HERE
        ledger.append([Entry(KINDS[type(record)], account, encode(record))], at(hours))
    return ledger


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


DAY = ((0, INSTRUMENT), (1, ALERT), (1, CLOSED), (2, CHECKPOINT), (3, ALERT), (4, CHECKPOINT), (5, ALERT), (6, CLOSED))


def read(ledger: Ledger, since: float | None, until: float | None, **how: object) -> list[int]:
    between = (None if since is None else at(since), None if until is None else at(until))
    return [entry.seq for entry, _ in records(ledger, KINDS_READ, *between, **how)]  # type: ignore[arg-type]  # as given


def test_without_a_beginning_all_rows_are_read_and_no_checkpoint_is_needed() -> None:
    assert read(ledger_of(*DAY), None, None) == [1, 2, 3, 5, 7, 8]


def test_it_begins_at_the_last_checkpoint_before_and_with_all_instruments() -> None:
    assert read(ledger_of(*DAY), 3.5, None) == [1, 4, 5, 7, 8]
    assert read(ledger_of(*DAY), 4.5, None) == [1, 6, 7, 8]
    assert read(ledger_of(*DAY), 4.5, None, old_instruments=False) == [6, 7, 8]
    assert read(ledger_of(*DAY), 1.5, None) == [1, 2, 3, 5, 7, 8]


def test_it_ends_before_the_end_that_was_asked_for() -> None:
    assert read(ledger_of(*DAY), None, 5) == [1, 2, 3, 5]
    assert read(ledger_of(*DAY), 4.5, 6) == [1, 6, 7]


def test_rows_about_other_accounts_are_left_out_unread() -> None:
    assert read(ledger_of(*DAY), 4.5, None, names=frozenset({AccountId("there")})) == [6]
    assert read(ledger_of(*DAY), 4.5, None, names=frozenset({HERE})) == [1, 6, 7, 8]


def test_no_more_rows_are_read_than_the_caller_wants() -> None:
    assert read(ledger_of(*DAY), None, None, rows_max=6) == [1, 2, 3, 5, 7, 8]
    with pytest.raises(TooManyRows, match="more than 5 rows"):
        read(ledger_of(*DAY), None, None, rows_max=5)


def test_other_kinds_are_not_read() -> None:
    ledger = ledger_of((0, ForgetRecord(LinkId("a->b"), PositionId("1"))), (1, ALERT))
    assert read(ledger, None, None) == [2]
