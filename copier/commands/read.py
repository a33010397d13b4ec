"""The reading commands of the ledger: `explain`, `ledger verify`."""

import json
from pathlib import Path
from typing import Annotated

from attrs import asdict
from cyclopts import App, Parameter
from rich.console import Console
from rich.text import Text

from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, explained
from copier.ledger.ledger import Ledger
from copier.telling.story import find, headline, outcomes, story

FILE = Path("copier.toml")

Json = Annotated[bool, Parameter(name="--json", help="Print JSON instead of text.")]
LedgerFile = Annotated[Path | None, Parameter(name="--ledger", help="The ledger itself, instead of a config's.")]

ledger_app = App(name="ledger", help="Look after the ledger.")


def explain(
    id_: Annotated[str, Parameter(name="ID")],
    file: Path = FILE,
    /,
    *,
    ledger: LedgerFile = None,
    json_: Json = False,
) -> int:
    """Tell the whole story of ID: a source position, a target position, or an order."""
    with explained():
        opened = _open(file, ledger)
        try:
            found = find(opened, id_)
        finally:
            opened.close()
        lines = list(story(found))
        if json_:
            print(json.dumps([{**asdict(line), "at": line.at.isoformat()} for line in lines]))
            return FINE if lines else FAILED
        console = Console()
        console.print(Text(headline(id_, len(lines)), style="bold"))
        for outcome in outcomes(found):
            console.print(Text(outcome), soft_wrap=True)
        for line in lines:
            console.print(Text(f"{line.at:%Y-%m-%d %H:%M:%S.%f} {line.who}: {line.what}"), soft_wrap=True)
            for step in line.steps:
                console.print(Text(f"    {step}", style="dim"), soft_wrap=True)
        return FINE if lines else FAILED


@ledger_app.command
def verify(file: Path = FILE, /, *, ledger: LedgerFile = None, json_: Json = False) -> int:
    """Recompute the hash chain over all rows; exit 1 at the first row that is not as it was written."""
    with explained():
        opened = Ledger.open(ledger_path(file, ledger), readonly=True)
        try:
            report = opened.verify()
        finally:
            opened.close()
        good = report.first_bad_seq is None
        if json_:
            found = {"entries": report.entries, "first_bad_seq": report.first_bad_seq, "problem": report.problem}
            print(json.dumps(found))
        else:
            print(f"{report.entries} entries, {'all as written' if good else report.problem}")
        return FINE if good else FAILED


def ledger_path(file: Path, ledger: Path | None) -> Path:
    """Return where the ledger is: as given, else as the config says."""
    return ledger if ledger is not None else read_config(file).service.ledger


def _open(file: Path, ledger: Path | None) -> Ledger:
    return Ledger.open(ledger_path(file, ledger), readonly=True)
