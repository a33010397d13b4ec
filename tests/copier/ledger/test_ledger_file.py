"""One writer per ledger, private files, and no foreign or newer file taken for ours."""

import os
import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from copier.ledger.file import SCHEMA_VERSION
from copier.ledger.ledger import Ledger, LedgerBusy, LedgerFailed, LedgerRefused


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copier.db"


def test_second_writer_in_the_same_process_is_refused_until_the_first_closes(path: Path) -> None:
    first = Ledger.open(path)
    with pytest.raises(LedgerBusy, match=f"in use by process {os.getpid()}"):
        Ledger.open(path)
    first.close()
    Ledger.open(path).close()


def test_second_writer_by_another_name_of_the_file_is_refused(path: Path) -> None:
    first = Ledger.open(path)
    other_name = path.with_name("link.db")
    other_name.symlink_to(path)
    with pytest.raises(LedgerBusy):
        Ledger.open(other_name)
    first.close()


_HOLD = """
import sys
from copier.ledger.ledger import Ledger
ledger = Ledger.open(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@pytest.mark.slow  # starts a process
def test_second_writer_is_refused_while_another_process_lives_and_not_after_it_was_killed(path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(path)]
    environment = {**os.environ, "PYTHONPATH": "."}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        with pytest.raises(LedgerBusy, match=f"in use by process {process.pid}"):
            Ledger.open(path)
        process.kill()
    Ledger.open(path).close()


def test_refused_opening_gives_the_lock_up(path: Path) -> None:
    path.write_bytes(b"this is no database, but long enough to be looked at" * 100)
    with pytest.raises(LedgerRefused, match="not a ledger"):
        Ledger.open(path)
    path.unlink()
    Ledger.open(path).close()


def test_database_of_another_program_is_refused(path: Path) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE entries (a)")
    connection.close()
    with pytest.raises(LedgerRefused, match="another program's database"):
        Ledger.open(path)


@pytest.mark.parametrize("readonly", [False, True])
def test_ledger_of_a_newer_schema_version_is_refused(path: Path, readonly: bool) -> None:
    Ledger.open(path).close()
    connection = apsw.Connection(str(path))
    connection.pragma("user_version", SCHEMA_VERSION + 1)
    connection.close()
    with pytest.raises(LedgerRefused, match=f"schema version {SCHEMA_VERSION}, found {SCHEMA_VERSION + 1}"):
        Ledger.open(path, readonly=readonly)


def test_empty_file_is_taken_for_a_new_ledger_by_a_writer_only(path: Path) -> None:
    path.touch()
    with pytest.raises(LedgerRefused, match="empty"):
        Ledger.open(path, readonly=True)
    Ledger.open(path).close()
    Ledger.open(path, readonly=True).close()


def test_missing_ledger_is_not_created_by_a_reader(path: Path) -> None:
    with pytest.raises(LedgerFailed, match="cannot open"):
        Ledger.open(path, readonly=True)
    assert not path.exists()


def test_missing_folder_is_named(path: Path) -> None:
    with pytest.raises(LedgerFailed, match="No such file or directory"):
        Ledger.open(path.parent / "missing" / "copier.db")


def test_ledger_and_its_companions_are_private(path: Path) -> None:
    ledger = Ledger.open(path)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    ledger.close()
    assert modes == dict.fromkeys(["copier.db", "copier.db-shm", "copier.db-wal", "copier.db.lock"], 0o600)


def test_every_commit_of_a_writer_is_synced(path: Path) -> None:
    connections: list[apsw.Connection] = []
    apsw.connection_hooks.append(connections.append)
    try:
        ledger = Ledger.open(path)
    finally:
        apsw.connection_hooks.remove(connections.append)
    [connection] = connections
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2  # FULL
    ledger.close()
