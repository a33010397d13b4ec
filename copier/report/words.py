"""Numbers and times of a report as a person reads them, in a terminal and on the page."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from copier.report.model import Report
from copier.terminal.figures import money, signed
from copier.web.dto.limits import about_time
from copier.web.dto.performance import MoneyFigures, PastMismatch, Performance
from rules.limits.terms import LimitKind

UNKNOWN = "not known"

TARGET = LimitKind.PROFIT_TARGET.value
"""The kind of limits that one wants to reach."""


def title(report: Report) -> str:
    """Return whose report it is."""
    return report.performance.link or report.performance.account or "all accounts"


def span_words(report: Report) -> str:
    """Return of which time it is: a whole day by its name, anything else by its ends."""
    zone = ZoneInfo(report.timezone)
    since, until = report.performance.since, report.performance.until
    if since is None and until is None:
        return f"all that the ledger tells, until {instant(report.until, zone)}"
    if since is None:
        return f"until {instant(report.until, zone)}"
    begin = since.astimezone(zone)
    if until is not None and _is_midnight(begin) and _is_midnight(until.astimezone(zone)):
        last = (until - timedelta(seconds=1)).astimezone(zone)
        if begin.date() == last.date():
            so_far = "" if report.until >= until else f", until {report.until.astimezone(zone):%H:%M}"
            return f"{day(begin)}{so_far}"
        return f"{day(begin)} to {day(last)}"
    return f"{instant(begin, zone)} to {instant(report.until, zone)}"


def _is_midnight(at: datetime) -> bool:
    return (at.hour, at.minute, at.second, at.microsecond) == (0, 0, 0, 0)


def day(at: datetime) -> str:
    return f"{at:%A} {at.day} {at:%B} {at.year}"


def instant(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def held(seconds: int | None) -> str:
    """Return how long something lasted."""
    return "" if seconds is None else about_time(timedelta(seconds=seconds))


def net(row: MoneyFigures) -> str:
    return f"{signed(row.net)} {row.currency}"


def basis(row: MoneyFigures) -> str:
    return "as booked, costs included" if row.basis == "booked" else "by prices, before costs"


def percent(number: str | None) -> str:
    return UNKNOWN if number is None else f"{Decimal(number):.1f} %"


def points(number: str) -> str:
    """Return a slippage; its sign is part of it."""
    return f"{Decimal(number):+.1f}".replace("+0.0", "0.0").replace("-0.0", "0.0")


def headroom(amount: str | None, currency: str | None) -> str:
    return UNKNOWN if amount is None else f"{money(amount)} {currency or ''}".rstrip()


def counted(performance: Performance) -> str:
    """Return how trades ended, in a few words."""
    trades = performance.trades
    parts = [(trades.won, "won"), (trades.lost, "lost"), (trades.even, "even"), (trades.unknown, "of unknown result")]
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "none over"


def mismatch_span(each: PastMismatch, zone: ZoneInfo) -> str:
    began = "before" if each.began is None else instant(each.began, zone)
    return f"{began} to {'now' if each.ended is None else instant(each.ended, zone)}"
