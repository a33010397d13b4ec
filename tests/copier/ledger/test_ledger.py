"""The ledger keeps what it acknowledged, whole and unchanged, and says so when it cannot."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import apsw
import pytest

from copier.ledger.ledger import (
    DuplicateKey,
    Entry,
    Ledger,
    LedgerFailed,
    StoredEntry,
    VerifyReport,
)

AT = datetime(2026, 3, 9, 14, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copier.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger.open(path)
    yield ledger
    ledger.close()


def entry(text: str = "{}", key: str | None = None, kind: str = "event", account: str = "main") -> Entry:
    return Entry(kind, account, text.encode(), key)


def tamper(path: Path, *statements: str) -> None:
    """Change a closed ledger behind its back, as someone with a database shell would."""
    connection = apsw.Connection(str(path))
    connection.execute("DROP TRIGGER entries_are_never_changed")
    connection.execute("DROP TRIGGER entries_are_never_deleted")
    for statement in statements:
        connection.execute(statement)
    connection.close()


def test_entries_come_back_as_they_were_written_in_order(ledger: Ledger) -> None:
    assert ledger.append([entry('{"a":1}', "k1"), entry("", None, "intent", "prop\x00é")], AT) == 2
    assert ledger.append([entry("x")], AT + timedelta(microseconds=1)) == 3
    assert list(ledger.entries()) == [
        StoredEntry(1, AT, "event", "main", "k1", b'{"a":1}'),
        StoredEntry(2, AT, "intent", "prop\x00é", None, b""),
        StoredEntry(3, AT + timedelta(microseconds=1), "event", "main", None, b"x"),
    ]
    assert ledger.last_seq == 3


def test_entries_of_a_kind_can_be_asked_the_latest_first(ledger: Ledger) -> None:
    ledger.append([entry(str(number), kind="ab"[number % 2]) for number in range(5000)], AT)
    found = [each.seq for each in ledger.latest("b")]
    assert found == list(range(5000, 0, -2))
    assert [each.seq for each in ledger.latest("a", before=6)] == [5, 3, 1]
    assert [each.seq for each in ledger.latest("a", before=6, at_once=1)] == [5, 3, 1]
    assert list(ledger.latest("c")) == []


def test_entries_can_be_asked_from_a_place_on_and_by_kind(ledger: Ledger) -> None:
    ledger.append([entry(kind=kind) for kind in ("event", "intent", "report", "intent")], AT)
    assert [stored.seq for stored in ledger.entries(after=2)] == [3, 4]
    assert [stored.seq for stored in ledger.entries(kinds=["intent"])] == [2, 4]
    assert [stored.seq for stored in ledger.entries(after=2, kinds=["intent", "report"])] == [3, 4]
    assert list(ledger.entries(kinds=[])) == []


def test_more_entries_than_a_page_are_all_read(ledger: Ledger) -> None:
    ledger.append([entry() for _ in range(2500)], AT)
    assert [stored.seq for stored in ledger.entries()] == list(range(1, 2501))
    assert ledger.verify() == VerifyReport(2500)


def test_entries_appended_while_one_reads_are_read_too(ledger: Ledger) -> None:
    ledger.append([entry() for _ in range(1000)], AT)
    reader = ledger.entries()
    next(reader)
    ledger.append([entry()], AT)
    assert [stored.seq for stored in reader][-1] == 1001


def test_instant_of_another_zone_is_kept_as_utc(ledger: Ledger) -> None:
    ledger.append([entry()], AT.astimezone(timezone(timedelta(hours=5, minutes=30))))
    [stored] = ledger.entries()
    assert stored.at == AT
    assert stored.at.tzinfo is UTC


def test_naive_instant_is_refused(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="aware"):
        ledger.append([entry()], AT.replace(tzinfo=None))


def test_nothing_to_append_writes_nothing(ledger: Ledger) -> None:
    assert ledger.append([], AT) == 0
    assert list(ledger.entries()) == []


def test_ledger_goes_on_where_it_ended(path: Path) -> None:
    for seq in (1, 2, 3):
        ledger = Ledger.open(path)
        assert ledger.append([entry(str(seq))], AT) == seq
        ledger.close()
    reopened = Ledger.open(path, readonly=True)
    assert [stored.body for stored in reopened.entries()] == [b"1", b"2", b"3"]
    assert reopened.verify() == VerifyReport(3)
    reopened.close()


def test_ledger_in_memory_takes_entries_and_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger.in_memory()
    ledger.append([entry(key="k")], AT)
    with pytest.raises(DuplicateKey):
        ledger.append([entry(key="k")], AT)
    assert ledger.verify() == VerifyReport(1)
    ledger.close()
    assert list(tmp_path.iterdir()) == []


def test_duplicate_key_is_named_and_nothing_of_its_batch_is_written(ledger: Ledger) -> None:
    ledger.append([entry("first", "cp1")], AT)
    with pytest.raises(DuplicateKey) as caught:
        ledger.append([entry("new", "cp2"), entry("second", "cp1"), entry("more", "cp3")], AT)
    assert caught.value.key == "cp1"
    assert [stored.body for stored in ledger.entries()] == [b"first"]
    assert ledger.append([entry("new", "cp2")], AT) == 2
    assert ledger.verify() == VerifyReport(2)


def test_entry_is_found_by_its_key(ledger: Ledger) -> None:
    ledger.append([entry("a", "cp1"), entry("b", "cp2"), entry("c")], AT)
    assert ledger.by_key("cp2") == StoredEntry(2, AT, "event", "main", "cp2", b"b")
    assert ledger.by_key("cp3") is None


def test_key_twice_in_one_batch_is_a_duplicate(ledger: Ledger) -> None:
    with pytest.raises(DuplicateKey) as caught:
        ledger.append([entry("a", "cp1"), entry("b", "cp1")], AT)
    assert caught.value.key == "cp1"
    assert list(ledger.entries()) == []


def test_text_that_is_no_unicode_is_refused_before_anything_is_written(ledger: Ledger) -> None:
    with pytest.raises(UnicodeEncodeError):
        ledger.append([entry(), entry(account="\ud800")], AT)
    assert ledger.append([entry()], AT) == 1


def test_reader_sees_what_the_writer_acknowledged_and_cannot_write(ledger: Ledger, path: Path) -> None:
    ledger.append([entry("a")], AT)
    reader = Ledger.open(path, readonly=True)
    ledger.append([entry("b")], AT)
    assert [stored.body for stored in reader.entries()] == [b"a", b"b"]
    with pytest.raises(LedgerFailed, match="reading only"):
        reader.append([entry("c")], AT)
    reader.close()


def test_every_row_is_protected_from_change_and_deletion(ledger: Ledger, path: Path) -> None:
    ledger.append([entry()], AT)
    ledger.close()
    connection = apsw.Connection(str(path))
    for statement in ("UPDATE entries SET body = x'00'", "DELETE FROM entries"):
        with pytest.raises(apsw.ConstraintError, match="append-only"):
            connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE entries SET body = CAST('{}2' AS BLOB) WHERE seq = 3",
        "UPDATE entries SET at_ns = at_ns + 1 WHERE seq = 3",
        "UPDATE entries SET kind = 'intent' WHERE seq = 3",
        "UPDATE entries SET account = 'other' WHERE seq = 3",
        "UPDATE entries SET key = NULL WHERE seq = 3",
        "UPDATE entries SET chain = zeroblob(32) WHERE seq = 3",
        "UPDATE entries SET kind = 'even', account = 'tmain' WHERE seq = 3",
        "DELETE FROM entries WHERE seq = 3",
    ],
)
def test_verify_names_the_first_row_that_was_changed(path: Path, change: str) -> None:
    ledger = Ledger.open(path)
    ledger.append([entry(key=f"k{number}") for number in range(1, 6)], AT)
    ledger.close()
    tamper(path, change)
    ledger = Ledger.open(path, readonly=True)
    report = ledger.verify()
    ledger.close()
    assert (report.entries, report.first_bad_seq) == (2, 3)
    assert "3" in report.problem


def test_row_rewritten_with_a_fresh_hash_is_found_by_the_next_row(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.append([entry("a"), entry("b")], AT)
    ledger.close()
    forged = Ledger.open(path.with_name("forged.db"))
    forged.append([entry("forged")], AT)
    forged.close()
    tamper(
        path,
        f"ATTACH '{path.with_name('forged.db')}' AS forged",
        "UPDATE entries SET (body, chain) = (SELECT body, chain FROM forged.entries) WHERE seq = 1",
    )
    ledger = Ledger.open(path, readonly=True)
    assert ledger.verify().first_bad_seq == 2
    ledger.close()


def test_verify_finds_a_torn_page(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.append([entry("x" * 1000) for _ in range(200)], AT)
    ledger.close()
    with path.open("r+b") as file:  # half of a 4 KiB page in the middle of the rows
        file.seek(4096 * 25 + 2048)
        file.write(bytes(2048))
    ledger = Ledger.open(path, readonly=True)
    report = ledger.verify()
    ledger.close()
    assert report.first_bad_seq is not None
    assert 1 < report.first_bad_seq < 200
    assert report.entries == report.first_bad_seq - 1


def test_ledger_whose_file_is_deleted_while_open_takes_no_more(ledger: Ledger, path: Path) -> None:
    ledger.append([entry()], AT)
    path.unlink()
    with pytest.raises(LedgerFailed, match="deleted"):
        ledger.append([entry()], AT)


def test_row_of_a_foreign_program_stops_the_ledger(ledger: Ledger, path: Path) -> None:
    ledger.append([entry()], AT)
    connection = apsw.Connection(str(path))
    connection.execute("INSERT INTO entries VALUES (2, 0, 'event', 'main', NULL, x'', x'')")
    connection.close()
    for _ in range(2):
        with pytest.raises(LedgerFailed, match="another program wrote"):
            ledger.append([entry()], AT)
    assert ledger.broken


@pytest.mark.slow  # SQLite waits its whole patience (1 s) for the lock.
def test_ledger_locked_by_a_foreign_program_fails_now_and_works_later(ledger: Ledger, path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerFailed, match="locks"):
        ledger.append([entry()], AT)
    connection.execute("ROLLBACK")
    connection.close()
    assert ledger.append([entry()], AT) == 1


def test_ledger_may_be_closed_twice(ledger: Ledger) -> None:
    ledger.close()
    ledger.close()


def test_clean_close_folds_everything_into_one_file(ledger: Ledger, path: Path) -> None:
    ledger.append([entry()], AT)
    ledger.close()
    assert sorted(file.name for file in path.parent.iterdir()) == ["copier.db", "copier.db.lock"]


def test_entries_are_found_by_a_part_of_their_body(ledger: Ledger) -> None:
    rows = [
        entry('{"id":"odd"}', kind="odd") if at % 2 else entry(f'{{"id":"{at}"}}', kind="even") for at in range(2500)
    ]
    ledger.append(rows, AT)

    def found(parts: list[bytes], kinds: list[str]) -> list[int]:
        return [found.seq for found in ledger.mentioning(parts, kinds)]

    assert found([b'"1000"'], ["even", "odd"]) == [1001]
    assert found([b'"1000"', b'"8"', b'"10001"'], ["even"]) == [9, 1001]
    assert found([b'"odd"'], ["odd"]) == list(range(2, 2501, 2)), "more than a page"
    assert found([b'"odd"'], ["even"]) == found([], ["odd"]) == found([b'"odd"'], []) == []
