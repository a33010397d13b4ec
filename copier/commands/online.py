"""`copier check --online`: signs in everywhere, and shows what there is and where each symbol leads."""

import json
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal

import trio
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.clock import utc_now
from copier.commands.accounts import open_accounts
from copier.commands.exits import FAILED, FINE, WRONG_INPUT
from copier.config.model import Configuration
from copier.online import Failure, Look, SymbolFate, absences, as_json, fates, look_at
from copier.telling.wording import printable
from rules.model.values import AccountId, LinkId, plain

NAMES_MAX = 12
"""Symbols that a line names; a broker may list thousands, and `--json` names them all."""

_COLUMNS = ("account", "venue", "balance", "equity", "positions", "fills today", "instruments", "does not have")


def check_online(config: Configuration, *, json_: bool) -> int:
    """Ask every account and print what was found; 2 when one is refused, 1 when one cannot be asked.

    An account whose past alone cannot be read is said to be so, and counts as asked: copying does without.
    """
    with Console(stderr=True).status("asking the accounts"):
        looks = trio.run(_ask, config)
    led = _led(config, looks)
    if json_:
        print(json.dumps(as_json(looks, led)))
    else:
        _print(config, looks, led)
    failures = [look for look in looks.values() if isinstance(look, Failure)]
    if any(failure.refused for failure in failures):
        return WRONG_INPUT
    return FAILED if failures else FINE


async def _ask(config: Configuration) -> dict[AccountId, Look | Failure]:
    async with open_accounts(config) as accounts:
        return await look_at(accounts, utc_now())


def _led(config: Configuration, looks: Mapping[AccountId, Look | Failure]) -> dict[LinkId, tuple[SymbolFate, ...]]:
    led: dict[LinkId, tuple[SymbolFate, ...]] = {}
    for link in config.links:
        source, target = looks[link.source], looks[link.target]
        if isinstance(source, Look) and isinstance(target, Look):
            led[link.link_id] = fates(link, source.symbols, target.symbols, utc_now())
    return led


def _print(
    config: Configuration,
    looks: Mapping[AccountId, Look | Failure],
    led: Mapping[LinkId, tuple[SymbolFate, ...]],
) -> None:
    console = Console()
    table = Table(*_COLUMNS, box=SIMPLE_HEAD)
    for name, look in looks.items():
        if isinstance(look, Look):
            table.add_row(*(Text(cell) for cell in (name, config.accounts[name].venue, *_cells(look))))
    if table.row_count:
        console.print(table)
    for name, look in looks.items():
        if isinstance(look, Failure):
            console.print(Text(f"{name}: cannot be asked: {printable(look.text)}", style="red"), soft_wrap=True)
        elif isinstance(look.fills_today, Failure):
            why = printable(look.fills_today.text)
            console.print(Text(f"{name}: its past cannot be read: {why}", style="yellow"), soft_wrap=True)
    for link_id, each in led.items():
        console.print(Text(f"{link_id}: {_summary(each)}"), soft_wrap=True)
        for words, names in _details(each):
            console.print(Text(f"    {words}: {_listed(names)}", style="dim"), soft_wrap=True)


def _cells(look: Look) -> tuple[str, ...]:
    status, orders = look.status, look.snapshot.orders
    positions = f"{len(look.snapshot.positions)} ({look.capabilities.oms.value})"
    if orders:
        positions += f", {len(orders)} pending"
    return (
        _money(status.balance, status.currency),
        _money(status.equity, status.currency),
        positions,
        str(look.fills_today) if isinstance(look.fills_today, int) else "",
        str(len(look.symbols)),
        ", ".join(absences(look)),
    )


def _money(amount: Decimal | None, currency: str | None) -> str:
    return "" if amount is None else f"{plain(amount)} {printable(currency or '')}".strip()


def _summary(led: tuple[SymbolFate, ...]) -> str:
    kinds = Counter("denied" if fate.to is None else "copied" if fate.found else "absent" for fate in led)
    words = {"copied": "lead to an instrument", "denied": "denied by the map", "absent": "lead nowhere"}
    parts = [f"{kinds[kind]} {text}" for kind, text in words.items() if kinds[kind]]
    return f"{len(led)} source symbols: {', '.join(parts) or 'none'}"


def _details(led: tuple[SymbolFate, ...]) -> list[tuple[str, list[str]]]:
    """Return what a person wants to see by name: what is renamed, and what is missing."""
    renamed = [f"{fate.symbol} -> {fate.to}" for fate in led if fate.found and fate.to != fate.symbol]
    absent = [f"{fate.symbol} -> {fate.to}" for fate in led if fate.to is not None and not fate.found]
    return [(words, names) for words, names in (("renamed", renamed), ("nowhere", absent)) if names]


def _listed(names: list[str]) -> str:
    shown = ", ".join(printable(name) for name in names[:NAMES_MAX])
    return shown if len(names) <= NAMES_MAX else f"{shown} and {len(names) - NAMES_MAX} more"
