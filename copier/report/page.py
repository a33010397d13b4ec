"""A report as one page: no scripts, nothing from elsewhere, dark and light, and made for A4."""

from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from copier.report.markup import Markup, join, tag
from copier.report.model import Report
from copier.report.sections import (
    alerts_table,
    denials_section,
    equity_section,
    limits_table,
    mismatches_table,
    money_table,
    section,
    slippage_section,
    symbols_table,
    tone,
    trades_table,
)
from copier.report.words import (
    TARGET,
    UNKNOWN,
    basis,
    counted,
    headroom,
    held,
    instant,
    net,
    percent,
    points,
    span_words,
    title,
)
from copier.terminal.figures import money, signed

STYLE: Final = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def page(report: Report) -> str:
    """Return the whole page."""
    digest = b64encode(sha256(STYLE.encode()).digest()).decode()
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        # Nothing is fetched and nothing runs, whatever a broker wrote; the one style is known by its hash.
        tag("meta", http_equiv="Content-Security-Policy", content=f"default-src 'none'; style-src 'sha256-{digest}'"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{title(report)}: {span_words(report)}"),
        Markup(f"<style>{STYLE}</style>"),
    )
    body = tag("body", tag("main", *_sections(report)))
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(report: Report) -> Iterator[Markup]:
    zone = ZoneInfo(report.timezone)
    shown = report.performance
    yield tag(
        "header",
        tag("p", "copier", class_="brand"),
        tag("h1", title(report)),
        tag("p", span_words(report), class_="when"),
        tag("p", f"times of {report.timezone}; made at {instant(report.made_at, zone)}", class_="dim"),
    )
    yield _tiles(report)
    for curve in report.curves:
        figures = next((each for each in shown.equity if each.account == curve.account), None)
        if figures is not None:
            yield equity_section(curve, figures, zone)
    yield section("Limits", limits_table(report, zone), "No limit was judged.")
    yield section("Results", money_table(shown.money), "No trade was over whose result is known.")
    yield section("By symbol", symbols_table(report), "Nothing was traded.")
    yield tag("div", slippage_section(report), denials_section(report), class_="pair")
    yield section("Mismatches", mismatches_table(report, zone), "None: the targets held what their links wanted there.")
    yield section("Alerts", alerts_table(report, zone), "None.")
    yield section("Trades", trades_table(report.trades, zone), "No trade was over.")
    yield _notes(report)


def _tiles(report: Report) -> Markup:
    shown = report.performance
    trades, first = shown.trades, shown.money[0] if shown.money else None
    fall = max(shown.equity, key=lambda each: float(each.drawdown_percent or 0), default=None)
    near = next((each for each in shown.limits if each.headroom_percent is not None and each.kind != TARGET), None)
    factor = "nothing lost" if first is not None and first.won != "0" else UNKNOWN
    others = [net(row) for row in shown.money[1:]]
    still = f"{report.held} still held" if report.held else "none held at the end"
    tiles = [
        _tile(
            "Result",
            UNKNOWN if first is None else net(first),
            "no trade was over" if first is None else ", ".join([basis(first), *others]),
            tone(None if first is None else first.net),
        ),
        _tile("Trades over", str(trades.over), counted(shown)),
        _tile("Win rate", percent(trades.win_rate), f"{trades.opened} copies began, {still}"),
        _tile(
            "Profit factor",
            factor if first is None or first.profit_factor is None else first.profit_factor,
            "" if first is None else f"expectancy {signed(first.expectancy)} {first.currency} a trade",
        ),
        _tile(
            "Largest drawdown",
            UNKNOWN if fall is None else percent(fall.drawdown_percent),
            "no equity was sampled"
            if fall is None
            else f"{money(fall.drawdown)} {fall.currency or ''} at {fall.account}",
        ),
        _tile(
            "Nearest limit",
            UNKNOWN if near is None else f"{percent(near.headroom_percent)} left",
            "" if near is None else f"{near.limit}: {headroom(near.headroom, near.currency)}",
            "" if near is None or float(near.headroom_percent or 0) >= 10 else "danger",
        ),
        _tile(
            "Slippage",
            UNKNOWN if shown.slippage is None else f"{points(shown.slippage.median)} points",
            "" if shown.slippage is None else "median, against the source's price",
        ),
        _tile(
            "Held for",
            held(trades.holding_s) or UNKNOWN,
            "on the mean" if shown.answers is None else f"orders answered in {shown.answers.p50_ms} ms (median)",
        ),
    ]
    return tag("section", *tiles, class_="tiles", aria_label="At a glance")


def _tile(name: str, value: str, below: str, tone: str = "") -> Markup:
    kind = "tile unknown" if value == UNKNOWN else f"tile {tone}".strip()
    return tag("div", tag("p", name, class_="name"), tag("p", value, class_="big"), tag("p", below), class_=kind)


def _notes(report: Report) -> Markup:
    notes = [tag("li", each) for each in report.performance.missing]
    told = [
        "A trade is a copy, from its first opening until nothing of it is held any more, and counts when it is over.",
        "Results by prices are before commission and swap, in the instrument's profit currency; none is converted.",
        "Drawdown and change are of equity as it was sampled: money that came or went counts as well.",
        "The least headroom is by the states that the ledger keeps, and by each sampled minute between them.",
    ]
    unknown = join(tag("h2", "What is not known"), tag("ul", *notes)) if notes else None
    return tag("footer", unknown, tag("h2", "How it was counted"), tag("ul", *(tag("li", each) for each in told)))
