"""`copier report`: what was copied on a day, or in some time, and what became of it."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from copier.clock import utc_now
from copier.commands.asked import Asked, WrongAsked, config_and_ledger, day_of, span_of_day, zone_of
from copier.commands.exits import FINE, explained
from copier.commands.read import FILE, Json, LedgerFile
from copier.commands.views import console
from copier.config.model import Configuration
from copier.export.writing import new_file
from copier.ledger.ledger import Ledger
from copier.performance.gathering import Gathering, gather
from copier.performance.scope import Scope
from copier.report.model import Report, report_of
from copier.report.page import page
from copier.report.text import draw
from copier.terminal.screen import PLAIN_WIDTH
from copier.web.dto.words import to_json
from copier.web.store import Store, StoreFailed, store_path

TODAY = Asked()

_TOLD_EVERY = 256
"""Rows between two looks at the progress bar: it costs as much as a row."""

Formats = Literal["text", "html", "json"]
_BY_NAME: dict[str, Formats] = {".html": "html", ".htm": "html", ".json": "json"}


def report(
    file: Path = FILE,
    /,
    *,
    day: Annotated[str | None, Parameter(help="2026-11-20, today or yesterday; today where no time is said.")] = None,
    asked: Annotated[Asked, Parameter(name="*")] = TODAY,
    format_: Annotated[
        Formats | None, Parameter(name="--format", help="By the end of the output's name where it is not said.")
    ] = None,
    json_: Json = False,
    output: Annotated[Path | None, Parameter(help="Write it to this new file.")] = None,
    overwrite: Annotated[bool, Parameter(help="Take the place of what lies there.", negative=())] = False,
    ledger: LedgerFile = None,
) -> int:
    """Report a day, or some time: results, equity, headroom to limits, slippage, denials, mismatches, trades.

    Of one account, of one link, or of all that was copied. As HTML it is one page that a browser prints as a PDF.
    """
    form = "json" if json_ else format_ or _BY_NAME.get("" if output is None else output.suffix.lower(), "text")
    with explained():
        config, path = config_and_ledger(file, ledger)
        zone, now = zone_of(config), utc_now()
        if day is not None and (asked.from_ is not None or asked.to is not None):
            raise WrongAsked("expected --day or --from and --to, found both")
        if asked.from_ is None and asked.to is None:
            span = span_of_day(day_of(day or "today", zone, now), zone)
        else:
            span = asked.span(zone)
        scope = asked.scope(config, span)
        opened = Ledger.open(path, readonly=True)
        try:
            gathered = _gathered(opened, scope, config)
        finally:
            opened.close()
        with _store(path) as store:
            found = report_of(gathered, store, zone, now)
        if output is None:
            _print(found, form)
        else:
            with new_file(output, overwrite=overwrite) as out:
                out.write(_rendered(found, form))
            print(f"{found.performance.trades.over} trades in {output}")
        return FINE


def _gathered(ledger: Ledger, scope: Scope, config: Configuration | None) -> Gathering:
    """Gather, with a progress bar where somebody looks."""
    limits = () if config is None else config.limits
    known = config is not None and (scope.account or scope.link)
    links = [link.link_id for link in config.links] if config is not None and known else None
    with Progress(console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("reading", total=ledger.last_seq)

        def tell(seq: int) -> None:
            if seq % _TOLD_EVERY == 0:
                bar.update(task, completed=seq)

        return gather(ledger, scope, limits, links=links, between=tell)


@contextmanager
def _store(ledger: Path) -> Iterator[Store | None]:
    """Open the file of equity curves beside a ledger; None: there is none that can be read."""
    try:
        store = Store(store_path(ledger), readonly=True)
    except StoreFailed:
        yield None
        return
    try:
        yield store
    finally:
        store.close()


def _print(found: Report, form: Formats) -> None:
    if form != "text":
        sys.stdout.write(_rendered(found, form))
        return
    out = console()
    for part in draw(found, out.width):
        out.print(part)


def _rendered(found: Report, form: Formats) -> str:
    if form == "html":
        return page(found)
    if form == "json":
        return to_json(found).decode() + "\n"
    text = io.StringIO()
    out = Console(file=text, width=PLAIN_WIDTH, highlight=False, markup=False, emoji=False)
    for part in draw(found, PLAIN_WIDTH):
        out.print(part)
    return text.getvalue()
