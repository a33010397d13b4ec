"""The mismatches of the past, out of the whole ledger."""

import json
from datetime import datetime
from pathlib import Path

from rich.console import Console

from copier.ledger.codec import decode
from copier.ledger.ledger import Ledger
from copier.ledger.records import MismatchRecord
from copier.terminal.figures import clock
from copier.terminal.table import Column, fitting
from copier.terminal.words import SEVERITIES
from copier.web.dto.mismatches import Mismatch, mismatch_of
from copier.web.dto.words import as_builtins
from rules.model.frozen import frozen


@frozen
class _Row:
    at: datetime
    mismatch: Mismatch
    ended: bool

    @property
    def severity(self) -> str:
        return "over" if self.ended else self.mismatch.severity


_COLUMNS = (
    Column[_Row]("at", lambda row: clock(row.at)),
    Column[_Row]("link", lambda row: row.mismatch.link),
    Column[_Row]("kind", lambda row: row.mismatch.kind, matters=1),
    Column[_Row]("severity", lambda row: row.severity, style=lambda row: SEVERITIES.get(row.severity, "green")),
    Column[_Row]("what", lambda row: row.mismatch.says, wraps=True),
)


def past_mismatches(path: Path, console: Console, *, as_json: bool) -> None:
    """Print each beginning, change and end of a mismatch."""
    ledger = Ledger.open(path, readonly=True)
    try:
        rows = []
        for entry in ledger.entries(kinds=("mismatch",)):
            record = decode(MismatchRecord, entry.body)
            rows.append(_Row(entry.at, mismatch_of(record.mismatch), record.ended))
    finally:
        ledger.close()
    if as_json:
        print(json.dumps([_as_json(row) for row in rows]), file=console.file)
    elif rows:
        console.print(fitting(rows, _COLUMNS, console.width))
    else:
        console.print("no mismatches")


def _as_json(row: _Row) -> dict[str, object]:
    return {"at": row.at.isoformat(timespec="seconds"), "ended": row.ended, **as_builtins(row.mismatch)}
