"""A report in a terminal: the same figures as on the page, the figures that matter first."""

from collections.abc import Iterator, Sequence
from typing import TypeVar
from zoneinfo import ZoneInfo

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from copier.report.model import AlertRow, Report, TradeRow
from copier.report.words import (
    UNKNOWN,
    basis,
    counted,
    headroom,
    held,
    instant,
    mismatch_span,
    net,
    percent,
    points,
    span_words,
    title,
)
from copier.terminal.figures import meter, money, sign_style, signed
from copier.terminal.table import Column, fitting, shown
from copier.terminal.words import SEVERITIES, SIDES, STAGES
from copier.web.dto.performance import (
    DenialCount,
    EquityFigures,
    LowestHeadroom,
    MoneyFigures,
    PastMismatch,
    SymbolFigures,
)

T = TypeVar("T")

TRADES_MAX = 50
"""Rows of trades in a terminal: more scroll away what matters."""

ALERTS_MAX = 20

_SPARKS = "▁▂▃▄▅▆▇█"
_SPARKS_MAX = 60


def draw(report: Report, width: int) -> Iterator[RenderableType]:
    """Yield the report, part by part."""
    zone, figures = ZoneInfo(report.timezone), report.performance
    yield Text(shown(title(report)), style="bold")
    yield Text(f"{span_words(report)} ({report.timezone})")
    yield Text()
    yield _glance(report)
    for equity in figures.equity:
        yield Text()
        yield from _equity(report, equity, zone)
    yield from _part("limits, at their nearest", figures.limits, _limits(zone), width)
    yield from _part("results", figures.money, _MONEY, width)
    yield from _part("by symbol", figures.symbols, _SYMBOLS, width)
    yield from _part("not copied", figures.denials, _DENIALS, width)
    yield from _part("mismatches", figures.mismatches, _mismatches(zone), width)
    yield from _part("alerts", report.alerts[-ALERTS_MAX:], _alerts(zone), width, len(report.alerts))
    yield from _part("trades", report.trades[-TRADES_MAX:], _trades(zone), width, len(report.trades))
    if figures.missing:
        yield Text("\nnot known", style="bold")
        for each in figures.missing:
            yield Text(f"  {shown(each)}", style="dim")


def _glance(report: Report) -> Table:
    figures = report.performance
    trades, slippage, answers = figures.trades, figures.slippage, figures.answers
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for number, row in enumerate(figures.money):
        worth = Text.assemble((net(row), f"bold {sign_style(row.net)}".strip()), f"  {basis(row)}")
        table.add_row("result" if not number else "", worth)
    if not figures.money:
        table.add_row("result", UNKNOWN)
    rate = "" if trades.win_rate is None else f"; win rate {percent(trades.win_rate)}"
    table.add_row("trades", f"{trades.over} over: {counted(figures)}{rate}")
    table.add_row("copies", f"{trades.opened} began, {report.held} held at the end")
    if trades.holding_s is not None:
        table.add_row("held for", f"{held(trades.holding_s)} on the mean")
    if slippage is not None:
        text = f"median {points(slippage.median)} points, mean {points(slippage.mean)}, nine of ten at most "
        text += f"{points(slippage.p90)}, worst {points(slippage.worst)} (of {slippage.count}; + is against us)"
        table.add_row("slippage", text)
        table.add_row("", Text(_sparks([bar.count for bar in slippage.bars]), style="dim"))
    if answers is not None:
        text = f"{answers.p50_ms} ms median, {answers.p90_ms} ms for nine of ten, {answers.worst_ms} ms at worst"
        table.add_row("orders", f"{answers.count} answered in {text}")
    return table


def _equity(report: Report, figures: EquityFigures, zone: ZoneInfo) -> Iterator[Text]:
    currency = shown(figures.currency)
    change = Text(f"{signed(figures.change)} {currency}", style=sign_style(figures.change))
    head = f"  {money(figures.first)} to {money(figures.last)}, "
    yield Text.assemble((f"equity of {shown(figures.account)}", "bold"), head, change)
    curve = next((each for each in report.curves if each.account == figures.account), None)
    values = [] if curve is None else [float(each.equity) for each in curve.points if each.equity is not None]
    yield Text(_sparks(values), style="cyan")
    fall = f"largest fall {money(figures.drawdown)} ({percent(figures.drawdown_percent)})"
    if figures.fell_from is not None and figures.fell_to is not None:
        fall += f" from {instant(figures.fell_from, zone)} to {instant(figures.fell_to, zone)}"
    yield Text(f"highest {money(figures.highest)}, lowest {money(figures.lowest)}, {fall}")
    if figures.flows is not None:
        yield Text(f"deposits less withdrawals {signed(figures.flows)}")


def _sparks(values: Sequence[float]) -> str:
    """Return a row of bars, the last value of each stretch."""
    if not values:
        return ""
    stretch = -(-len(values) // _SPARKS_MAX)
    values = [values[min(first + stretch, len(values)) - 1] for first in range(0, len(values), stretch)]
    low, high = min(values), max(values)
    if low == high:
        return _SPARKS[0] * len(values)
    return "".join(_SPARKS[int((value - low) / (high - low) * (len(_SPARKS) - 1))] for value in values)


def _part(
    name: str, rows: Sequence[T], columns: Sequence[Column[T]], width: int, count: int | None = None
) -> Iterator[RenderableType]:
    if not rows:
        return
    more = "" if count in (None, len(rows)) else f" (the last {len(rows)} of {count}; all: copier ledger export)"
    yield Text(f"\n{name}{more}", style="bold")
    yield fitting(rows, columns, width)


_MONEY: Sequence[Column[MoneyFigures]] = (
    Column("currency", lambda each: each.currency),
    Column("trades", lambda each: str(each.trades), right=True),
    Column("net", lambda each: signed(each.net), right=True, style=lambda each: sign_style(each.net)),
    Column("profit factor", lambda each: each.profit_factor or "nothing lost", right=True, matters=1),
    Column("expectancy", lambda each: signed(each.expectancy), right=True, matters=2),
    Column("mean win", lambda each: signed(each.average_win), right=True, matters=3),
    Column("mean loss", lambda each: signed(each.average_loss), right=True, matters=3),
    Column("best", lambda each: signed(each.best), right=True, matters=4),
    Column("worst", lambda each: signed(each.worst), right=True, matters=4),
    Column("costs", lambda each: signed(each.costs), right=True, matters=5),
)
_SYMBOLS: Sequence[Column[SymbolFigures]] = (
    Column("symbol", lambda each: each.symbol),
    Column("target", lambda each: each.account, matters=2),
    Column("lots opened", lambda each: each.opened, right=True),
    Column("trades over", lambda each: str(each.trades), right=True),
    Column("lots closed", lambda each: each.closed, right=True, matters=3),
    Column("net", lambda each: signed(each.net), right=True, matters=1, style=lambda each: sign_style(each.net)),
    Column("", lambda each: each.currency or "", matters=1),
)
_DENIALS: Sequence[Column[DenialCount]] = (
    Column("copies", lambda each: str(each.count), right=True),
    Column("code", lambda each: each.code),
    Column("why", lambda each: each.meaning, matters=1, wraps=True),
)


def _limits(zone: ZoneInfo) -> Sequence[Column[LowestHeadroom]]:
    return (
        Column("limit", lambda each: each.limit),
        Column("worst stage", lambda each: each.stage, style=lambda each: STAGES.get(each.stage, "")),
        Column("left", lambda each: meter(each.headroom_percent), matters=3),
        Column("", lambda each: "" if each.headroom_percent is None else percent(each.headroom_percent), right=True),
        Column("headroom", lambda each: headroom(each.headroom, each.currency), right=True, matters=1),
        Column("floor", lambda each: "" if each.floor is None else money(each.floor), right=True, matters=4),
        Column("at", lambda each: "" if each.at is None else instant(each.at, zone), matters=2),
    )


def _mismatches(zone: ZoneInfo) -> Sequence[Column[PastMismatch]]:
    return (
        Column("severity", lambda each: each.severity, style=lambda each: SEVERITIES.get(each.severity, "")),
        Column("link", lambda each: each.link),
        Column("lasted", lambda each: held(each.lasted_s), right=True),
        Column("from, to", lambda each: mismatch_span(each, zone), matters=2),
        Column("what", lambda each: each.says, matters=1, wraps=True),
    )


def _alerts(zone: ZoneInfo) -> Sequence[Column[AlertRow]]:
    return (
        Column("at", lambda each: instant(each.at, zone)),
        Column("kind", lambda each: each.kind),
        Column("account", lambda each: each.account, matters=2),
        Column("what", lambda each: each.text, matters=1, wraps=True),
    )


def _trades(zone: ZoneInfo) -> Sequence[Column[TradeRow]]:
    return (
        Column("over at", lambda each: instant(each.ended, zone)),
        Column("link", lambda each: each.link, matters=4),
        Column("side", lambda each: each.side, matters=2, style=lambda each: SIDES.get(each.side, "")),
        Column("symbol", lambda each: each.symbol),
        Column("lots", lambda each: each.volume, right=True),
        Column("open", lambda each: each.open_price or "", right=True, matters=3),
        Column("close", lambda each: each.close_price or "", right=True, matters=3),
        Column("held", lambda each: held(each.held_s), right=True, matters=5),
        Column("result", lambda each: signed(each.result), right=True, style=lambda each: sign_style(each.result)),
        Column("", lambda each: each.currency or "", matters=1),
        Column("ended by", lambda each: each.says.removeprefix("ended, "), matters=6),
    )
