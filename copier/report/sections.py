"""The parts of the page: each a table or a picture with what it means, None where there is nothing to show."""

from collections.abc import Sequence
from typing import Final
from zoneinfo import ZoneInfo

from copier.report import drawing
from copier.report.markup import Child, Markup, join, tag
from copier.report.model import CurveShown, Report, TradeRow
from copier.report.words import TARGET, UNKNOWN, basis, headroom, held, instant, mismatch_span, percent, points
from copier.terminal.figures import money, signed
from copier.web.dto.performance import EquityFigures, MoneyFigures

TRADES_MAX: Final = 500
"""Rows of trades on a page: some ten sheets. All of them are in `copier ledger export copies`."""

ALERTS_MAX: Final = 100

_BRIEF: Final = 20
"""Rows of a table that is not cut in two on paper: a third of a sheet."""


def section(name: str, content: Markup | None, otherwise: str) -> Markup:
    """Return a part under its name; `otherwise` says what nothing to show means."""
    brief = content is None or content.count("<tr>") < _BRIEF
    kind = "brief" if brief else None
    return tag("section", tag("h2", name), content or tag("p", otherwise, class_="dim"), class_=kind)


def equity_section(curve: CurveShown, figures: EquityFigures, zone: ZoneInfo) -> Markup:
    """Return how an account's equity went."""
    currency = figures.currency or ""
    facts = [
        ("began at", money(figures.first)),
        ("ended at", money(figures.last)),
        ("change", signed(figures.change)),
        ("highest", money(figures.highest)),
        ("lowest", money(figures.lowest)),
    ]
    if figures.flows is not None:
        facts.append(("came or went", signed(figures.flows)))
    if figures.fell_from is not None and figures.fell_to is not None:
        fell = f"{money(figures.drawdown)} from {instant(figures.fell_from, zone)} to {instant(figures.fell_to, zone)}"
        facts.append(("largest fall", fell))
    key = tag("span", tag("i", class_="key equity"), "equity ", tag("i", class_="key balance"), "balance ")
    return tag(
        "section",
        tag("h2", f"Equity of {figures.account}", tag("span", f" {currency}", class_="dim")),
        drawing.curve(curve.points, figures, zone),
        tag("p", key, *(tag("span", f"{name} ", tag("b", value), " ") for name, value in facts), class_="facts"),
        class_="brief",
    )


def limits_table(report: Report, zone: ZoneInfo) -> Markup | None:
    """Return how near each limit was."""
    rows = [
        (
            each.limit,
            tag("span", each.stage, class_=f"stage {each.stage}"),
            drawing.meter(each.headroom_percent, is_target=each.kind == TARGET),
            percent(each.headroom_percent) if each.headroom_percent is not None else "",
            headroom(each.headroom, each.currency) if each.headroom is not None else "no floor known",
            money(each.value) if each.value is not None else "",
            money(each.floor) if each.floor is not None else "",
            "" if each.at is None else instant(each.at, zone),
        )
        for each in report.performance.limits
    ]
    heads = ("limit", "worst stage", "least left", "", ">headroom", ">figure", ">floor", "at")
    return _table(heads, rows)


def money_table(rows: Sequence[MoneyFigures]) -> Markup | None:
    """Return what was won and lost, by currency."""
    booked = any(row.costs is not None for row in rows)
    cells = [
        (
            row.currency,
            str(row.trades),
            _signed(row.net),
            signed(row.won),
            signed(row.lost),
            row.profit_factor or "nothing lost",
            signed(row.expectancy),
            signed(row.average_win),
            signed(row.average_loss),
            signed(row.best),
            signed(row.worst),
            *([UNKNOWN if row.costs is None else signed(row.costs)] if booked else []),
        )
        for row in rows
    ]
    heads = (
        "currency",
        ">trades",
        ">net",
        ">won",
        ">lost",
        ">profit factor",
        ">expectancy",
        ">mean win",
        ">mean loss",
        ">best",
        ">worst",
        *([">costs"] if booked else []),
    )
    table = _table(heads, cells)
    if table is None:
        return None
    told = sorted({f"{row.currency}: {basis(row)}" for row in rows})
    return join(table, tag("p", "; ".join(told), class_="dim small"))


def symbols_table(report: Report) -> Markup | None:
    """Return what was traded, by instrument."""
    rows = [
        (
            each.symbol,
            each.account,
            each.opened,
            str(each.trades),
            each.closed,
            "" if each.net is None else _signed(each.net),
            each.currency or "",
        )
        for each in report.performance.symbols
    ]
    return _table(("symbol", "target", ">lots opened", ">trades over", ">lots closed", ">net", ""), rows)


def slippage_section(report: Report) -> Markup:
    """Return how much worse than the source's price copies began, and how fast orders were answered."""
    shown, answers = report.performance.slippage, report.performance.answers
    if shown is None:
        return section("Slippage", None, "Not known of any copy that began.")
    facts = [
        ("mean", points(shown.mean)),
        ("median", points(shown.median)),
        ("nine of ten at most", points(shown.p90)),
        ("best", points(shown.best)),
        ("worst", points(shown.worst)),
    ]
    below = f"{shown.count} openings against the source's price, in points; + is against us."
    if answers is not None:
        below += f" {answers.count} orders were answered within {answers.p50_ms} ms (median), {answers.p90_ms} ms"
        below += f" (nine of ten), {answers.worst_ms} ms at worst."
    content = join(
        drawing.bars(shown.bars),
        tag("p", *(tag("span", f"{name} ", tag("b", value), " ") for name, value in facts), class_="facts"),
        tag("p", below, class_="dim small"),
    )
    return section("Slippage", content, "")


def denials_section(report: Report) -> Markup:
    """Return what was not copied, and why."""
    rows = [(tag("code", each.code), each.meaning, str(each.count)) for each in report.performance.denials]
    return section("Not copied", _table(("code", "~why", ">copies"), rows), "Nothing was denied.")


def mismatches_table(report: Report, zone: ZoneInfo) -> Markup | None:
    """Return where targets held something else, and for how long."""
    rows = [
        (
            tag("span", each.severity, class_=f"stage {each.severity}"),
            each.link,
            each.says,
            mismatch_span(each, zone),
            held(each.lasted_s),
        )
        for each in report.performance.mismatches
    ]
    return _table(("severity", "link", "~what", "~from, to", ">lasted"), rows)


def alerts_table(report: Report, zone: ZoneInfo) -> Markup | None:
    """Return the last alerts."""
    rows = [(instant(each.at, zone), each.kind, each.account, each.text) for each in report.alerts[-ALERTS_MAX:]]
    return _capped(_table(("at", "kind", "account", "~what"), rows), len(rows), len(report.alerts), "alerts", "last")


def trades_table(trades: Sequence[TradeRow], zone: ZoneInfo) -> Markup | None:
    """Return the last trades."""
    rows = [
        (
            instant(each.ended, zone),
            each.link,
            tag("span", each.side, class_=each.side),
            each.symbol,
            each.volume,
            each.open_price or UNKNOWN,
            each.close_price or UNKNOWN,
            held(each.held_s),
            UNKNOWN if each.result is None else _signed(each.result),
            each.currency or "",
            each.says.removeprefix("ended, "),
        )
        for each in trades[-TRADES_MAX:]
    ]
    heads = ("over at", "link", "side", "symbol", ">lots", ">open", ">close", ">held", ">result", "", "~ended by")
    return _capped(_table(heads, rows), len(rows), len(trades), "copies", "last")


def _capped(table: Markup | None, shown: int, count: int, name: str, which: str) -> Markup | None:
    if table is None or shown == count:
        return table
    more = f"The {which} {shown} of {count}; all of them: copier ledger export {name}"
    return join(table, tag("p", more, class_="dim small"))


_KINDS: Final = {">": "num", "~": "text"}


def _signed(number: str) -> Markup:
    return tag("span", signed(number), class_=tone(number) or None)


def _table(heads: Sequence[str], rows: Sequence[Sequence[Child]]) -> Markup | None:
    """Return a table; a head with `>` in front is of numbers, one with `~` of text that may be long. None: no rows."""
    if not rows:
        return None
    kinds = [_KINDS.get(head[:1]) for head in heads]
    top = [tag("th", head.lstrip(">~"), class_=kind, scope="col") for head, kind in zip(heads, kinds, strict=True)]
    body = [tag("tr", *(tag("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows]
    return tag("div", tag("table", tag("thead", tag("tr", *top)), tag("tbody", *body)), class_="scroll")


def tone(number: str | None) -> str:
    """Return whether a number is shown as won or lost."""
    if number is None or float(number) == 0:
        return ""
    return "won" if float(number) > 0 else "lost"
