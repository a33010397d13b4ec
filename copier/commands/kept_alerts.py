"""`copier alerts list` and `copier alerts acknowledge`: what a person should know, and that somebody has seen it."""

from pathlib import Path
from typing import Annotated

import trio
from cyclopts import Parameter

from copier.commands.configs import read_config
from copier.commands.exits import FINE, WRONG_INPUT, explained, say
from copier.commands.levers import operate
from copier.commands.read import FILE, LedgerFile, ledger_path
from copier.commands.views import HERE, ONCE, At, How, view
from copier.terminal.ledger_source import LedgerSource
from copier.terminal.service_source import ServiceSource
from copier.terminal.sources import Source
from copier.terminal.views import alerts_view
from copier.terminal.where import Where
from copier.web.dto.levers import ALERTS_MAX
from rules.model.levers import Acknowledge

ALL = "all"

Open = Annotated[bool, Parameter(name="--open", help="Only those that nobody has acknowledged.", negative=())]
Note = Annotated[str, Parameter(help="What else there is to say; it is kept in the ledger.")]


def list_alerts(
    file: Path = FILE, /, *, open_: Open = False, ledger: LedgerFile = None, at: At = HERE, how: How = ONCE
) -> int:
    """Show the latest alerts with who has seen them, those first that nobody has."""
    return view(alerts_view(open_only=open_), file, ledger, at, how)


def acknowledge(
    alerts: Annotated[str, Parameter(name="ALERTS")], file: Path = FILE, /, *, note: Note = "", at: At = HERE
) -> int:
    """Say that you have seen ALERTS: their numbers in `copier alerts list`, such as 41,44; or `all`.

    It changes nothing else: a limit that is hit stays hit, and trading goes on as it does.
    """
    with explained():
        wanted = trio.run(_open, file, at) if alerts == ALL else _numbers(alerts)
        if wanted is None:
            say(f"expected numbers of alerts, such as 41,44, or {ALL}, found {alerts!r}")
            return WRONG_INPUT
        if not wanted:
            print("every alert is acknowledged")
            return FINE
    for start in range(0, len(wanted), ALERTS_MAX):
        done = operate(file, at, Acknowledge(wanted[start : start + ALERTS_MAX]), note)
        if done != FINE:
            return done
    return FINE


def _numbers(text: str) -> tuple[int, ...] | None:
    """Return the numbers of a list with commas between; None where it is none."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() and len(part) <= 15 for part in parts):
        return None
    return tuple(dict.fromkeys(map(int, parts)))


async def _open(file: Path, at: Where) -> tuple[int, ...]:
    """Return the alerts that nobody has acknowledged, the oldest first."""
    remote = at.remote()
    source: Source
    if remote is not None:
        source = ServiceSource(remote)
    else:
        source = LedgerSource(ledger_path(file, None), lambda: read_config(file))
    try:
        return tuple(each.seq for each in reversed(await source.alerts(open_only=True, most=None)))
    finally:
        with trio.CancelScope(shield=True):
            await source.aclose()
