"""Alerts as messages that a person understands on a phone: a title that stands for itself, and a few lines."""

from datetime import datetime, timedelta, tzinfo

from rules.alerts.routes import Batch, News
from rules.model.frozen import frozen
from rules.model.severity import Severity

LINES_MAX = 15
"""A phone shows about as many without scrolling; the rest is in the ledger."""

TITLE_MAX = 140
BODY_MAX = 1500
"""The strictest of the usual services cut at about 2,000 characters, ours and theirs together."""


@frozen
class Message:
    """What is sent."""

    at: datetime
    severity: Severity
    title: str
    body: str


def message(batch: Batch, zone: tzinfo) -> Message:
    """Return a batch of alerts as one message; times are told in `zone`."""
    more = sum(count for _, count in batch.more)
    if len(batch.news) == 1 and not more:
        [news] = batch.news
        return _message(batch, _title(news), [*news.alert.lines, *_history(news, batch.at, zone)])
    critical = sum(each.alert.severity is Severity.CRITICAL and not each.alert.over for each in batch.news)
    title = f"{len(batch.news) + more} alerts" + (f", {critical} critical" if critical else "")
    lines = [f"- {_title(each)}" for each in batch.news[:LINES_MAX]]
    hidden = len(batch.news) - LINES_MAX
    if hidden > 0:
        lines.append(f"and {hidden} more")
    lines += [f"and {count} more of {kind.value}" for kind, count in batch.more]
    return _message(batch, title, lines)


def _message(batch: Batch, title: str, lines: list[str]) -> Message:
    body = harmless("\n".join(lines))
    return Message(batch.at, batch.severity, _cut(harmless(title), TITLE_MAX), _cut(body, BODY_MAX))


def harmless(text: str) -> str:
    """Return text in which no chat sees a mention and no phone a link: a broker's words may hold both."""
    return text.replace("@", "@\N{ZERO WIDTH SPACE}").replace("://", ":/ /")


def _title(news: News) -> str:
    alert = news.alert
    reminder = alert.lasts and not alert.over and news.told_before and not news.times
    before = "still: " if reminder else "CRITICAL: " if alert.severity is Severity.CRITICAL and not alert.over else ""
    return f"{before}{alert.title}" + (f" ({news.times} times)" if news.times > 1 else "")


def _history(news: News, now: datetime, zone: tzinfo) -> list[str]:
    """Return since when, or how long."""
    since = news.since.astimezone(zone)
    if news.alert.over:
        return [f"It lasted {duration_words(news.alert.at - news.since)}."] if news.alert.at > news.since else []
    if now - news.since < timedelta(minutes=1):
        return []
    day = "" if since.date() == now.astimezone(zone).date() else f"{since:%Y-%m-%d} "
    return [f"Since {day}{since:%H:%M %Z}."]


def duration_words(duration: timedelta) -> str:
    """Return a duration as a person says it: `3 min`, `2 h 5 min`, `45 s`."""
    seconds = max(int(duration.total_seconds()), 0)
    if seconds < 90:
        return f"{seconds} s"
    minutes = (seconds + 30) // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    return f"{hours // 24} days"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 3] + "..."
