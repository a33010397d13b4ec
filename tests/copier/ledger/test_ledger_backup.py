"""A copy of the ledger is whole, checked and of one moment, whatever the service writes meanwhile."""

import os
import stat
from pathlib import Path

import apsw
import pytest

from copier.ledger import backup as ledger_backup
from copier.ledger.backup import back_up
from copier.ledger.ledger import Entry, Ledger, LedgerFailed, LedgerRefused
from tests.rules.playbook import T0

pytestmark = pytest.mark.slow  # each test syncs some files to the disk


def written(path: Path, entries: int, size: int = 10) -> Ledger:
    ledger = Ledger.open(path)
    ledger.append([Entry("kind", "account", b"x" * size, f"key-{number}") for number in range(entries)], T0)
    return ledger


def bodies(path: Path) -> list[tuple[int, str | None, bytes]]:
    ledger = Ledger.open(path, readonly=True)
    try:
        return [(entry.seq, entry.key, entry.body) for entry in ledger.entries()]
    finally:
        ledger.close()


def test_a_copy_has_every_entry_and_is_one_file_for_its_owner(tmp_path: Path) -> None:
    ledger = written(tmp_path / "copier.db", 50)
    assert back_up(tmp_path / "copier.db", tmp_path / "copy.db") == 50
    assert bodies(tmp_path / "copy.db") == bodies(tmp_path / "copier.db")
    assert sorted(path.name for path in tmp_path.glob("copy.db*")) == ["copy.db"]
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    ledger.close()


def test_what_is_written_meanwhile_waits_for_nothing_and_is_not_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_backup, "_PAGES", 5)
    ledger = written(tmp_path / "copier.db", 200, 1000)
    told: list[float] = []

    def write_on(part: float) -> None:
        told.append(part)
        ledger.append([Entry("kind", "account", b"y" * 1000)], T0)

    assert back_up(tmp_path / "copier.db", tmp_path / "copy.db", write_on) == 200
    assert len(told) > 5
    assert told == sorted(told)
    assert told[-1] == 1
    assert ledger.last_seq == 200 + len(told)
    ledger.close()


def test_the_copy_goes_on_as_a_ledger(tmp_path: Path) -> None:
    written(tmp_path / "copier.db", 3).close()
    back_up(tmp_path / "copier.db", tmp_path / "copy.db")
    restored = Ledger.open(tmp_path / "copy.db")
    assert restored.append([Entry("kind", "account", b"z")], T0) == 4
    assert restored.verify().first_bad_seq is None
    restored.close()


def test_nothing_that_lies_there_is_ever_overwritten(tmp_path: Path) -> None:
    written(tmp_path / "copier.db", 3).close()
    (tmp_path / "copy.db").write_text("precious")
    with pytest.raises(LedgerRefused, match="exists already"):
        back_up(tmp_path / "copier.db", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "precious"
    (tmp_path / "copy.db").unlink()
    with pytest.raises(LedgerRefused, match="exists already"):
        back_up(tmp_path / "copier.db", tmp_path / "copy.db", lambda _: (tmp_path / "copy.db").touch())
    assert (tmp_path / "copy.db").read_text() == ""


def test_a_damaged_ledger_gives_no_backup_that_one_could_rely_on(tmp_path: Path) -> None:
    written(tmp_path / "copier.db", 9).close()
    connection = apsw.Connection(str(tmp_path / "copier.db"))
    for name in [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'")]:
        connection.execute(f'DROP TRIGGER "{name}"')
    connection.execute("UPDATE entries SET body = x'00' WHERE seq = 5")
    connection.close()
    with pytest.raises(LedgerFailed, match="row 5 is not what was written"):
        back_up(tmp_path / "copier.db", tmp_path / "copy.db")
    assert list(tmp_path.glob("copy.db*")) == []


def test_what_is_left_of_a_killed_backup_is_in_nobodys_way(tmp_path: Path) -> None:
    written(tmp_path / "copier.db", 3).close()
    (tmp_path / "copy.db.part").write_bytes(os.urandom(10_000))
    assert back_up(tmp_path / "copier.db", tmp_path / "copy.db") == 3


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    written(tmp_path / "copier.db", 3).close()
    with pytest.raises(LedgerFailed, match="cannot write the backup"):
        back_up(tmp_path / "copier.db", tmp_path / "nowhere" / "copy.db")
    with pytest.raises(LedgerFailed, match="cannot open the ledger"):
        back_up(tmp_path / "none.db", tmp_path / "copy.db")
    assert list(tmp_path.glob("copy.db*")) == []
