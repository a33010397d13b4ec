"""The reading commands: `explain`, `status`, `ledger verify`."""

import json
from pathlib import Path
from typing import Annotated

from attrs import asdict
from cyclopts import App, Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.commands.configs import read_config
from copier.commands.exits import FAILED, FINE, explained
from copier.ledger import Ledger
from copier.overview import Overview, is_running, overview
from copier.story import headline, outcomes, story
from copier.wording import copy_words, mismatch_words, printable

Json = Annotated[bool, Parameter(name="--json", help="Print JSON instead of text.")]
LedgerFile = Annotated[Path | None, Parameter(name="--ledger", help="The ledger itself, instead of a config's.")]

ledger_app = App(name="ledger", help="Look after the ledger.")


def explain(
    id_: Annotated[str, Parameter(name="ID")],
    file: Path = Path("copier.toml"),
    /,
    *,
    ledger: LedgerFile = None,
    json_: Json = False,
) -> int:
    """Tell the whole story of ID: a source position, a target position, or an order."""
    with explained():
        opened = _open(file, ledger)
        try:
            lines, ended = list(story(opened, id_)), outcomes(opened, id_)
        finally:
            opened.close()
        if json_:
            print(json.dumps([{**asdict(line), "at": line.at.isoformat()} for line in lines]))
            return FINE if lines else FAILED
        console = Console()
        console.print(Text(headline(id_, len(lines)), style="bold"))
        for outcome in ended:
            console.print(Text(outcome), soft_wrap=True)
        for line in lines:
            console.print(Text(f"{line.at:%Y-%m-%d %H:%M:%S.%f} {line.who}: {line.what}"), soft_wrap=True)
            for step in line.steps:
                console.print(Text(f"    {step}", style="dim"), soft_wrap=True)
        return FINE if lines else FAILED


def status(file: Path = Path("copier.toml"), /, *, ledger: LedgerFile = None, json_: Json = False) -> int:
    """Show what the ledger says is held, waiting and blocked, and whether a service is running on it."""
    with explained():
        path = ledger_path(file, ledger)
        opened = Ledger.open(path, readonly=True)
        try:
            seen = overview(opened, running=is_running(path))
        finally:
            opened.close()
        if json_:
            print(json.dumps(seen.as_json()))
        else:
            _print_overview(seen)
        return FINE


def _print_overview(seen: Overview) -> None:
    console = Console()
    console.print(f"service {'running' if seen.running else 'not running'}, {seen.entries} ledger entries")
    if seen.copies:
        console.print(_copies_table(seen))
    else:
        console.print("no copies")
    if seen.limits:
        table = Table("limit", "stage", box=SIMPLE_HEAD)
        for limit, stage in seen.limits:
            table.add_row(Text(limit), stage)
        console.print(table)
    for mismatch in seen.mismatches:
        console.print(Text(f"mismatch on {mismatch.link_id}: {mismatch_words(mismatch)}", style="red"), soft_wrap=True)


def _copies_table(seen: Overview) -> Table:
    table = Table("link", "source position", "copy", "target positions", box=SIMPLE_HEAD)
    for copy in seen.copies:
        held = ", ".join(f"#{printable(leg.position_id)}" for leg in copy.legs if leg.live and leg.position_id)
        source = f"{copy.side.value} {printable(copy.source_symbol)} #{printable(copy.source_position_id)}"
        table.add_row(*(Text(cell) for cell in (copy.link_id, source, copy_words(copy), held)))
    return table


@ledger_app.command
def verify(file: Path = Path("copier.toml"), /, *, ledger: LedgerFile = None, json_: Json = False) -> int:
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
