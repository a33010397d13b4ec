"""The live views: `status`, `positions`, `links`, `limits`, `mismatches`, `events`."""

import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import trio
from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from copier.commands.configs import read_config
from copier.commands.exits import FINE, WRONG_INPUT, explained, say
from copier.commands.past import past_mismatches
from copier.commands.read import FILE, LedgerFile, ledger_path
from copier.terminal.following import follow, tell
from copier.terminal.ledger_source import LedgerSource
from copier.terminal.screen import PLAIN_WIDTH, Screen, coloured
from copier.terminal.service_source import ServiceSource
from copier.terminal.sources import Source
from copier.terminal.views import LIMITS, LINKS, MISMATCHES, POSITIONS, STATUS
from copier.terminal.watch import InPlace, OneAfterTheOther, Shows, View, show_once, watch
from copier.terminal.where import Where
from rules.model.frozen import frozen

T = TypeVar("T")


@frozen
class Shown:
    """How a view is shown."""

    watch: Annotated[bool, Parameter(help="Keep it up to date until Ctrl-C.", negative=())] = False
    json: Annotated[bool, Parameter(help="JSON instead of text; with --watch a line for each change.", negative=())] = (
        False
    )


How = Annotated[Shown, Parameter(name="*")]
At = Annotated[Where, Parameter(name="*")]
Last = Annotated[
    int, Parameter(help="How many of what happened before, at most 500.", validator=Number(gte=1, lte=500))
]

HERE = Where()
ONCE = Shown()


def status(file: Path = FILE, /, *, ledger: LedgerFile = None, at: At = HERE, how: How = ONCE) -> int:
    """Show whether all is well, each account, and what is copied; without --url, what the ledger says of it."""
    return view(STATUS, file, ledger, at, how)


def positions(file: Path = FILE, /, *, ledger: LedgerFile = None, at: At = HERE, how: How = ONCE) -> int:
    """Show every account's open positions and what they are copies of; without --url, what the ledger says is held."""
    return view(POSITIONS, file, ledger, at, how)


def links(file: Path = FILE, /, *, ledger: LedgerFile = None, at: At = HERE, how: How = ONCE) -> int:
    """Show what each link may do now and why, and what it holds."""
    return view(LINKS, file, ledger, at, how)


def limits(file: Path = FILE, /, *, ledger: LedgerFile = None, at: At = HERE, how: How = ONCE) -> int:
    """Show each limit: floor, metric, headroom, what happens next, time to the reset, the worst by stops."""
    return view(LIMITS, file, ledger, at, how)


def mismatches(
    file: Path = FILE,
    /,
    *,
    ledger: LedgerFile = None,
    past: Annotated[bool, Parameter(help="Those that are over too: each beginning, change and end.")] = False,
    at: At = HERE,
    how: How = ONCE,
) -> int:
    """Show where targets differ from what their links want there, beyond grace and tolerance."""
    if not past:
        return view(MISMATCHES, file, ledger, at, how)
    if at.url is not None or how.watch:
        say("--past reads the whole ledger: expected neither --url nor --watch beside it")
        return WRONG_INPUT
    with explained():
        past_mismatches(ledger_path(file, ledger), console(), as_json=how.json)
        return FINE


def events(
    file: Path = FILE,
    /,
    *,
    last: Last = 20,
    ledger: LedgerFile = None,
    at: At = HERE,
    how: How = ONCE,
) -> int:
    """Show what happened lately: decisions with their reasons, alerts, mismatches, levers, limits."""

    async def show(source: Source) -> None:
        if how.watch:
            await follow(source, last, console(), sys.stderr, json_=how.json)
        else:
            await tell(source, last, console(), json_=how.json)

    return _run(show, file, ledger, at)


def view(shown: View[T], file: Path, ledger: Path | None, at: Where, how: Shown) -> int:
    """Show a view of the service at `at`, or else of the ledger, once or until Ctrl-C."""

    async def show(source: Source) -> None:
        if how.watch:
            await watch(shown, source, _shows(source.where, how))
        else:
            await show_once(shown, source, console(), as_json=how.json)

    return _run(show, file, ledger, at)


def _run(show: Callable[[Source], Awaitable[None]], file: Path, ledger: Path | None, at: Where) -> int:
    """Show something of the service at `at`, or else of the ledger."""
    with explained():
        remote = at.remote()
        if remote is not None and ledger is not None:
            say("expected --url or --ledger, found both")
            return WRONG_INPUT
        source: Source
        if remote is not None:
            source = ServiceSource(remote)
        else:
            source = LedgerSource(ledger_path(file, ledger), partial(read_config, file))
        try:
            trio.run(_shown, show, source)
        except* BrokenPipeError:  # who read it has seen enough, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to be said at the end
    return FINE


async def _shown(show: Callable[[Source], Awaitable[None]], source: Source) -> None:
    """Show it, and give the terminal back also when the process is told to end or its window is closed."""
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_until_told, signals, nursery.cancel_scope)
            await _closed_after(show, source)
            nursery.cancel_scope.cancel()


async def _closed_after(show: Callable[[Source], Awaitable[None]], source: Source) -> None:
    try:
        await show(source)
    finally:
        with trio.CancelScope(shield=True):
            await source.aclose()


async def _until_told(signals: AsyncIterator[int], scope: trio.CancelScope) -> None:
    async for _ in signals:
        scope.cancel()


def _shows(where: str, how: Shown) -> Shows:
    if how.json or not sys.stdout.isatty():
        return OneAfterTheOther(sys.stdout, sys.stderr, as_json=how.json)
    return InPlace(Screen(sys.stdout, _size), where)


def _size() -> tuple[int, int]:
    size = os.get_terminal_size(sys.stdout.fileno())
    return max(size.columns, 20), max(size.lines, 3)


def console() -> Console:
    """Return where text goes: as wide as the terminal, and without one wide enough that nothing is left out."""
    if sys.stdout.isatty():
        return Console(highlight=False, markup=False, emoji=False, no_color=not coloured())
    width = None if "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width)
