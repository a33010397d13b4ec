"""What the ledger acknowledged survives kills, full disks and failing ones; what it did not is absent as a whole."""

import os
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from copier.ledger.ledger import Entry, Ledger, LedgerFailed, VerifyReport

AT = datetime(2026, 3, 9, 14, 30, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "copier.db"


def entry(text: str, key: str | None = None) -> Entry:
    return Entry("event", "main", text.encode(), key)


def append_until_failure(ledger: Ledger) -> tuple[int, LedgerFailed]:
    """Append pairs of entries until the disk gives up; return the last acknowledged number and the failure."""
    acknowledged = 0
    for _ in range(10_000):
        try:
            acknowledged = ledger.append([entry("x" * 500), entry("y" * 500)], AT)
        except LedgerFailed as failure:
            return acknowledged, failure
    raise AssertionError("the disk never failed")


def test_full_ledger_writes_nothing_of_the_batch_and_goes_on_with_room(path: Path) -> None:
    connections: list[apsw.Connection] = []
    apsw.connection_hooks.append(connections.append)
    try:
        ledger = Ledger.open(path)
    finally:
        apsw.connection_hooks.remove(connections.append)
    [connection] = connections
    connection.pragma("max_page_count", 20)
    ledger.append([entry("kept", "kept")], AT)
    with pytest.raises(LedgerFailed, match="full, nothing was written"):
        ledger.append([entry("x" * 4000, f"k{number}") for number in range(40)], AT)
    assert [stored.body for stored in ledger.entries()] == [b"kept"]
    connection.pragma("max_page_count", 2**30)
    assert ledger.append([entry("x" * 4000, f"k{number}") for number in range(40)], AT) == 41
    assert ledger.verify() == VerifyReport(41)
    ledger.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small file system is not permitted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_full_disk_writes_nothing_of_the_batch_and_goes_on_with_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    ledger = Ledger.open(small_disk / "copier.db")
    acknowledged, failure = append_until_failure(ledger)
    assert "disk of the ledger is full" in str(failure)
    assert acknowledged > 0
    assert len(list(ledger.entries())) == acknowledged
    assert not ledger.broken
    ballast.unlink()
    assert ledger.append([entry("z")], AT) == acknowledged + 1
    assert ledger.verify() == VerifyReport(acknowledged + 1)
    ledger.close()


def test_failing_disk_stops_the_ledger_and_keeps_what_was_acknowledged(path: Path) -> None:
    ledger = Ledger.open(path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))  # a write past it fails with an I/O error
    try:
        acknowledged, failure = append_until_failure(ledger)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "the disk failed" in str(failure)
    with pytest.raises(LedgerFailed, match="earlier failure"):
        ledger.append([entry("x")], AT)
    ledger.close()
    assert acknowledged > 0
    reopened = Ledger.open(path)
    assert reopened.verify() == VerifyReport(acknowledged)
    reopened.close()


# Each batch has two rows, and its last sequence number is told only after `append` returned.
_APPEND_FOREVER = """
import os, sys
from datetime import UTC, datetime
from copier.ledger.ledger import Entry, Ledger
ledger = Ledger.open(sys.argv[1])
while True:
    after = ledger.last_seq
    batch = [Entry("intent", "main", b"x" * 300, f"cp{after}-{leg}") for leg in (1, 2)]
    os.write(1, b"%d\\n" % ledger.append(batch, datetime(2026, 3, 9, tzinfo=UTC)))
"""


@pytest.mark.slow  # starts twenty processes
def test_kill_in_the_middle_of_appends_loses_no_acknowledged_entry(path: Path) -> None:
    chance = random.Random(20260309)
    acknowledged = 0
    for _ in range(20):
        command = [sys.executable, "-c", _APPEND_FOREVER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}) as process:
            assert process.stdout is not None
            acks_wanted = chance.randrange(1, 60)
            for count, line in enumerate(process.stdout, 1):
                acknowledged = int(line)
                if count == acks_wanted:
                    process.kill()  # the pipe may still hold a few: those count as well
        ledger = Ledger.open(path)
        report = ledger.verify()
        ledger.close()
        assert report.first_bad_seq is None
        assert acknowledged <= report.entries <= acknowledged + 2
        assert report.entries % 2 == 0
        assert acknowledged > 0
