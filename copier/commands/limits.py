"""`copier limits`: how far each limit is used up, what it will do next, and what the stops would leave."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FINE, explained
from copier.commands.read import Json, LedgerFile
from copier.ledger import Ledger
from copier.overview import is_running
from copier.recovery import recover
from copier.web.dto.limits import Limit as ShownLimit
from copier.web.dto.limits import about_time, conduct_of, headroom_at, limit_of, results_of
from copier.web.dto.words import as_builtins
from copier.wording import printable
from rules.limits import Judgement, judge, ruling
from rules.limits_exposure import AtStops
from rules.limits_outlook import Ahead, ahead, headroom_share
from rules.limits_policy import Limit
from rules.limits_state import LimitStage

_CENT = Decimal("0.01")


@frozen
class Row:
    """One limit as it stands now."""

    limit: Limit
    judgement: Judgement
    rules: bool
    """It is the account's ruling limit: the loss with the least headroom in money."""
    now: datetime

    @property
    def next(self) -> Ahead | None:
        return next(iter(ahead(self.limit, self.judgement)), None)

    @property
    def resets_in(self) -> timedelta | None:
        return None if self.judgement.resets_at is None else self.judgement.resets_at - self.now


def limits(file: Path = Path("copier.toml"), /, *, ledger: LedgerFile = None, json_: Json = False) -> int:
    """Show each limit of FILE: floor, metric, headroom, what happens next, time to the reset, the worst by stops."""
    with explained():
        config = read_config(file)
        path = config.service.ledger if ledger is None else ledger
        opened = Ledger.open(path, readonly=True)
        try:
            states = recover(opened).limits
        finally:
            opened.close()
        now = utc_now()
        judged = [(limit, judge(limit, states.get(limit.limit_id), None, now)) for limit in config.limits]
        rows = [Row(limit, judgement, _is_ruling(limit, judged), now) for limit, judgement in judged]
        others = [conduct_of(rule, states, now) for rule in config.conduct]
        others += [results_of(rule, states) for rule in config.results]
        if json_:
            shown = [limit_of(row.limit, row.judgement, rules=row.rules, now=now) for row in rows]
            print(json.dumps(as_builtins([*shown, *others])))
        else:
            _print(rows, others, is_running(path))
        return FINE


def _is_ruling(limit: Limit, judged: list[tuple[Limit, Judgement]]) -> bool:
    return ruling(pair for pair in judged if pair[0].account == limit.account) is limit


def _print(rows: list[Row], others: list[ShownLimit], running: bool) -> None:
    console = Console()
    if rows:
        _print_limits(console, rows)
    if others:
        table = Table("rule", "stage", "says", box=SIMPLE_HEAD)
        for other in others:
            table.add_row(*(Text(cell) for cell in (other.limit, other.stage or "", printable(other.says))))
        console.print(table)
    if not rows and not others:
        console.print("no limits")
    elif not running:
        console.print(Text("no service is running: figures are as the last one left them", style="dim"))


def _print_limits(console: Console, rows: list[Row]) -> None:
    table = Table("limit", "stage", "figure", "floor", "headroom", "next", "reset in", "if stops hit", box=SIMPLE_HEAD)
    for row in rows:
        judgement = row.judgement
        name = f"{row.limit.limit_id}{' (rules)' if row.rules else ''}"
        figure = f"{row.limit.compared.value} {_money(judgement.metric)}"
        floor = f"{'~' if judgement.estimated else ''}{_money(judgement.floor)}"
        reset = "" if row.resets_in is None else about_time(row.resets_in)
        cells = (name, judgement.stage.value, figure, floor, _headroom(judgement), _next(row), reset, _worst(row))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    for row in rows:
        for note in row.judgement.notes:
            console.print(Text(f"{row.limit.limit_id}: {note}"), soft_wrap=True)


def _money(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount.quantize(_CENT):,}"


def _headroom(judgement: Judgement) -> str:
    share = headroom_share(judgement)
    return "unknown" if share is None else f"{_money(judgement.headroom)} ({share * 100:.1f} %)"


def _next(row: Row) -> str:
    if row.next is None:
        return ""
    what = row.limit.on_breach.value if row.next.stage is LimitStage.BREACHED else row.next.stage.value
    return f"{what} at {_money(row.next.metric)}, {_money(row.next.away)} away"


def _worst(row: Row) -> str:
    found = row.judgement.state.at_stops
    if found is None:
        return "unknown"
    if found.equity is None:
        return stops_words(found)
    left = headroom_at(row.limit, row.judgement, found.equity)
    return f"{_money(found.equity)}{'' if left is None or left > 0 else ' BREACHES'}"


def stops_words(found: AtStops) -> str:
    """Return why the worst case cannot be told."""
    parts = [(found.unstopped, "without a stop"), (found.unpriced, "of unknown worth")]
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "unknown"
