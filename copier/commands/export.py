"""`copier ledger export`: a table of what the ledger holds, as CSV or JSON Lines, also while the service runs."""

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from copier.commands.asked import Asked, config_and_ledger, zone_of
from copier.commands.exits import FINE, WRONG_INPUT, explained, say
from copier.commands.read import FILE, Json, LedgerFile
from copier.export.tables import TABLES
from copier.export.writing import Format, write_table
from copier.ledger.ledger import Ledger

TableName = Literal["decisions", "copies", "orders", "limits", "alerts", "mismatches"]
Wanted = Annotated[Asked, Parameter(name="*")]
EVERYTHING = Asked()


def export(
    table: TableName,
    out: Annotated[Path, Parameter(name="OUT")],
    file: Path = FILE,
    /,
    *,
    asked: Wanted = EVERYTHING,
    format_: Annotated[
        Literal["csv", "jsonl"] | None,
        Parameter(name="--format", help="By the end of OUT's name where it is not said."),
    ] = None,
    json_: Json = False,
    overwrite: Annotated[bool, Parameter(help="Take the place of what lies there.", negative=())] = False,
    ledger: LedgerFile = None,
) -> int:
    """Write a TABLE of what the ledger holds to the new file OUT, also while the service runs.

    TABLE is decisions, copies (with prices, volumes and results), orders, limits, alerts or mismatches.
    """
    form = format_ or out.suffix.removeprefix(".").lower()
    if form not in [each.value for each in Format]:
        say(f"expected --format csv or jsonl, or OUT to end in .csv or .jsonl, found {out.name!r}")
        return WRONG_INPUT
    with explained():
        config, path = config_and_ledger(file, ledger)
        scope = asked.scope(config, asked.span(zone_of(config)))
        opened = Ledger.open(path, readonly=True)
        try:
            chosen = TABLES[table]
            with Progress(console=Console(file=sys.stderr), transient=True) as bar:
                task = bar.add_task(f"writing {table}", total=None)
                rows = chosen.rows(opened, scope)
                count = write_table(
                    out,
                    Format(form),
                    chosen.columns,
                    rows,
                    overwrite=overwrite,
                    on_row=lambda number: bar.update(task, completed=number),
                )
        finally:
            opened.close()
        if json_:
            print(json.dumps({"table": table, "rows": count, "file": str(out)}))
        else:
            print(f"{count} {table} in {out}")
        return FINE
