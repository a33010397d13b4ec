"""`copier ledger backup`: a checked copy of the ledger, also while the service runs."""

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from copier.commands.exits import FINE, explained
from copier.commands.read import Json, LedgerFile, ledger_path
from copier.ledger.backup import back_up


def backup(
    copy: Annotated[Path, Parameter(name="COPY")],
    file: Path = Path("copier.toml"),
    /,
    *,
    ledger: LedgerFile = None,
    json_: Json = False,
) -> int:
    """Write a checked copy of the ledger to the new file COPY, also while the service runs."""
    with explained():
        path = ledger_path(file, ledger)
        with Progress(console=Console(file=sys.stderr), transient=True) as bar:
            task = bar.add_task("copying", total=1.0)
            entries = back_up(path, copy, lambda part: bar.update(task, completed=part))
        if json_:
            print(json.dumps({"entries": entries, "copy": str(copy)}))
        else:
            print(f"{entries} entries, all as written, in {copy}")
        return FINE
