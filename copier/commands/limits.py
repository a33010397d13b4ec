"""`copier limits`: how far each limit is used up, what it will do next, and what the stops would leave."""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from attrs import asdict, frozen
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.clock import utc_now
from copier.commands.configs import read_config
from copier.commands.exits import FINE, explained
from copier.commands.read import Json, LedgerFile
from copier.config.checks import duration_text
from copier.ledger import Ledger
from copier.overview import is_running
from copier.recovery import recover
from copier.wording import printable
from rules.conduct import budget_stage, counted, flat_stage
from rules.conduct_policy import Budget, Conduct, FlatBy, PositionRule
from rules.limits import Judgement, judge, ruling
from rules.limits_days import following_reset
from rules.limits_exposure import AtStops
from rules.limits_outlook import Ahead, ahead, headroom_share
from rules.limits_policy import Limit
from rules.limits_state import LimitStage, LimitState
from rules.results_policy import Results
from rules.values import plain

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
        others = [_conduct(rule, states, now) for rule in config.conduct]
        others += [_results(rule, states) for rule in config.results]
        if json_:
            print(json.dumps([*(_as_json(row) for row in rows), *(asdict(other) for other in others)]))
        else:
            _print(rows, others, is_running(path))
        return FINE


@frozen
class Other:
    """A rule that no figure of the account is set against: its state in words."""

    limit: str
    account: str
    kind: str
    stage: str | None
    says: str


def _conduct(rule: Conduct, states: Mapping[str, LimitState], now: datetime) -> Other:
    match rule:
        case Budget():
            state = counted(rule, states.get(rule.rule_id), now, None)
            left = _about(following_reset(rule.reset, now) - now)
            says = f"{plain(state.count)} of {plain(rule.amount)} used, begins anew in {left}"
            return Other(rule.rule_id, rule.account, rule.kind.value, budget_stage(rule, state).value, says)
        case FlatBy():
            stage, until = flat_stage(rule, now)
            what = {LimitStage.OK: "open", LimitStage.BLOCK: "no new risk"}.get(stage, "flat")
            return Other(rule.rule_id, rule.account, "flat_by", stage.value, f"{what} for {_about(until - now)}")
        case PositionRule():
            return Other(rule.rule_id, rule.account, rule.kind.value, None, f"{rule.follow.value} what offends")


def _results(rule: Results, states: Mapping[str, LimitState]) -> Other:
    state = states.get(rule.rule_id)
    kind = rule.rule_id.split("/")[1]
    return Other(rule.rule_id, rule.account, kind, None, "not counted yet" if state is None else state.said)


def _is_ruling(limit: Limit, judged: list[tuple[Limit, Judgement]]) -> bool:
    return ruling(pair for pair in judged if pair[0].account == limit.account) is limit


def _print(rows: list[Row], others: list[Other], running: bool) -> None:
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
        reset = "" if row.resets_in is None else _about(row.resets_in)
        cells = (name, judgement.stage.value, figure, floor, _headroom(judgement), _next(row), reset, _worst(row))
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    for row in rows:
        for note in row.judgement.notes:
            console.print(Text(f"{row.limit.limit_id}: {note}"), soft_wrap=True)


def _money(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount.quantize(_CENT):,}"


def _about(left: timedelta) -> str:
    """Return a time to the minute; the last minute to the second."""
    unit = timedelta(minutes=1) if left >= timedelta(minutes=1) else timedelta(seconds=1)
    return duration_text(left // unit * unit)


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
    left = _left(row, found.equity)
    return f"{_money(found.equity)}{'' if left is None or left > 0 else ' BREACHES'}"


def _left(row: Row, equity: Decimal) -> Decimal | None:
    """Return the headroom that the limit would have at that equity; None where it counts something else."""
    judgement = row.judgement
    now = judgement.state.equity if row.limit.counts_floating else judgement.state.balance
    if row.limit.is_target or judgement.headroom is None or now is None:
        return None
    return judgement.headroom + equity - now


def stops_words(found: AtStops) -> str:
    """Return why the worst case cannot be told."""
    parts = [(found.unstopped, "without a stop"), (found.unpriced, "of unknown worth")]
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "unknown"


def _as_json(row: Row) -> dict[str, object]:
    judgement, state = row.judgement, row.judgement.state
    share, stops = headroom_share(judgement), state.at_stops
    left = None if stops is None or stops.equity is None else _left(row, stops.equity)
    return {
        "limit": row.limit.limit_id,
        "account": row.limit.account,
        "kind": row.limit.kind.value,
        "stage": judgement.stage.value,
        "rules": row.rules,
        "metric": row.limit.compared.value,
        "value": _text(judgement.metric),
        "floor": _text(judgement.floor),
        "estimated": judgement.estimated,
        "headroom": _text(judgement.headroom),
        "headroom_percent": None if share is None else f"{share * 100:.2f}",
        "next": [
            {"stage": each.stage.value, "at": plain(each.metric), "away": plain(each.away)}
            for each in ahead(row.limit, judgement)
        ],
        "resets_at": None if judgement.resets_at is None else judgement.resets_at.isoformat(),
        "resets_in_s": None if row.resets_in is None else int(row.resets_in.total_seconds()),
        "figures_of": None if state.seen_at is None else state.seen_at.isoformat(),
        "equity_if_stops_hit": None if stops is None else _text(stops.equity),
        "headroom_if_stops_hit": _text(left),
        "without_stop": None if stops is None else stops.unstopped,
        "of_unknown_worth": None if stops is None else stops.unpriced,
        "notes": judgement.notes,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else plain(amount)
