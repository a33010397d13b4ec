"""A copy of a ledger while a service writes to it: of one moment, checked before it gets its name, one file.

SQLite's own backup reads a snapshot, so that the writer never waits. What the service commits meanwhile is not in the
copy, and stays in the write-ahead log until the copy is done.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import apsw

from copier.ledger.file import create_private, open_connection, reading
from copier.ledger.ledger import Ledger, LedgerFailed, LedgerRefused

_PAGES: Final = 4096
"""Copied at a time: 16 MiB, between which progress is told."""


def back_up(ledger: Path, copy: Path, progress: Callable[[float], None] = lambda _: None) -> int:
    """Write a copy of the ledger to a new file, and return how many entries it has.

    Args:
        progress: told from time to time which part of it is written, 0..1.
    Raises:
        LedgerRefused: something lies there already, or this is no ledger.
        LedgerFailed: it cannot be read or written, or the ledger is not as it was written; nothing is left then.
    """
    if copy.exists():
        raise LedgerRefused(f"{copy} exists already; name a new file")
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.unlink(missing_ok=True)  # of a backup that was killed
        create_private(part)
        _copy(ledger, part, progress)
        entries = _verified(part)
        # A link, unlike a renaming, never takes the place of what has come there meanwhile.
        os.link(part, copy)
        _sync(copy.parent)
    except FileExistsError:
        raise LedgerRefused(f"{copy} exists already; name a new file") from None
    except (OSError, apsw.Error) as error:
        raise LedgerFailed(f"cannot write the backup {copy}: {error}") from error
    finally:
        part.unlink(missing_ok=True)
    return entries


def _copy(ledger: Path, part: Path, progress: Callable[[float], None]) -> None:
    source = open_connection(ledger, readonly=True)
    try:
        with reading(source):
            # One read transaction around all steps: else each commit of the service would begin the copy anew.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchall()
        target = apsw.Connection(str(part))
        try:
            with target.backup("main", source, "main") as backup:
                while not backup.done:
                    backup.step(_PAGES)
                    progress(1 - backup.remaining / max(backup.page_count, 1))
            # No write-ahead log: the copy is this one file, and can be read where nothing may be written beside it.
            target.pragma("journal_mode", "delete")
        finally:
            target.close()
    finally:
        source.close()


def _verified(part: Path) -> int:
    """Return the number of entries of a copy whose every row is as it was written.

    Raises:
        LedgerFailed: one is not.
    """
    opened = Ledger.open(part, readonly=True)
    try:
        report = opened.verify()
    finally:
        opened.close()
    if report.first_bad_seq is not None:
        raise LedgerFailed(f"no backup was made, the ledger itself is damaged: {report.problem}")
    return report.entries


def _sync(folder: Path) -> None:
    """Make a new name in a folder survive a power cut; the file's own bytes were synced by SQLite."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
