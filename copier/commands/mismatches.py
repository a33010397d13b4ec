"""`copier mismatches`: where targets differ from what their links want there."""

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.commands.exits import FINE, explained
from copier.commands.read import Json, LedgerFile, ledger_path
from copier.ledger import Ledger
from copier.ledger_codec import decode
from copier.overview import is_running
from copier.records import MismatchRecord
from copier.recovery import recover
from copier.web.dto.mismatches import mismatch_of
from copier.web.dto.words import as_builtins
from copier.wording import mismatch_words
from rules.mismatch import Mismatch

_NO_SERVICE = "no service is running: this is as it was when the last one ended"


def mismatches(
    file: Path = Path("copier.toml"),
    /,
    *,
    ledger: LedgerFile = None,
    past: Annotated[bool, Parameter(help="Those that are over too: each beginning, change and end.")] = False,
    json_: Json = False,
) -> int:
    """Show where targets differ from what their links want there, beyond grace and tolerance."""
    with explained():
        path = ledger_path(file, ledger)
        opened = Ledger.open(path, readonly=True)
        try:
            rows = _past(opened) if past else [("", each, False) for each in recover(opened).mismatches.values()]
        finally:
            opened.close()
        if json_:
            print(json.dumps([_row_json(*row) for row in rows]))
            return FINE
        console = Console()
        console.print(_table(rows) if rows else "no mismatches")
        if not past and not is_running(path):
            console.print(Text(_NO_SERVICE, style="dim"))
        return FINE


def _past(ledger: Ledger) -> list[tuple[str, Mismatch, bool]]:
    rows = []
    for entry in ledger.entries(kinds=("mismatch",)):
        record = decode(MismatchRecord, entry.body)
        rows.append((entry.at.isoformat(timespec="seconds"), record.mismatch, record.ended))
    return rows


def _row_json(at: str, mismatch: Mismatch, ended: bool) -> dict[str, object]:
    return {**({"at": at, "ended": ended} if at else {}), **as_builtins(mismatch_of(mismatch))}


def _table(rows: list[tuple[str, Mismatch, bool]]) -> Table:
    timed = bool(rows[0][0])
    table = Table(*(["at"] if timed else []), "link", "kind", "severity", "what", box=SIMPLE_HEAD)
    for at, mismatch, ended in rows:
        severity = "over" if ended else mismatch.severity.value
        cells = (mismatch.link_id, mismatch.kind.value, severity, mismatch_words(mismatch))
        table.add_row(*(Text(cell) for cell in ((at, *cells) if timed else cells)))
    return table
