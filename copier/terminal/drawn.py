"""How positions, links, alerts, limits and mismatches look: pure functions of what is shown and of the width."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

from rich.console import RenderableType
from rich.text import Text

from copier.terminal.figures import clock, meter, money
from copier.terminal.held import Held
from copier.terminal.table import Column, fitting, shown
from copier.terminal.words import SEVERITIES, SIDES, STAGES, STATES, spoken
from copier.web.dto.events import Alert
from copier.web.dto.limits import Limit, about_seconds
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch


def draw_positions(held: Sequence[Held], width: int) -> Iterator[RenderableType]:
    """Yield the open positions, by account."""
    if not held:
        yield Text("no open positions")
        return
    yield fitting(held, _POSITION, width)


_POSITION: Sequence[Column[Held]] = (
    Column("account", lambda each: each.account),
    Column("position", lambda each: each.position or "under way", matters=4),
    Column("side", lambda each: each.side, style=lambda each: SIDES.get(each.side, "")),
    Column("volume", lambda each: each.volume, right=True),
    Column("symbol", lambda each: each.symbol),
    Column("open", lambda each: each.open_price or "", right=True, matters=1),
    Column("now", lambda each: each.current_price or "", right=True, matters=5),
    Column("stop", lambda each: each.stop_loss or "", right=True, matters=3),
    Column("target", lambda each: each.take_profit or "", right=True, matters=6),
    Column("copy of", lambda each: _origin(each), matters=2),
    Column("opened", lambda each: clock(each.opened_at), matters=7),
)


def _origin(held: Held) -> str:
    return "" if held.link is None else f"{held.link} #{held.source_position}"


def draw_links(links: Sequence[Link], width: int) -> Iterator[RenderableType]:
    """Yield what each link may do now and what it holds."""
    if not links:
        yield Text("no links")
        return
    yield fitting(links, _LINK, width)


_LINK: Sequence[Column[Link]] = (
    Column("link", lambda each: each.link),
    Column("may", lambda each: _may(each), style=lambda each: STATES.get(each.state, "")),
    Column("copies", lambda each: str(each.copies), right=True),
    Column("waiting", lambda each: str(each.waiting) if each.waiting else "", right=True, matters=2),
    Column("lots", lambda each: each.volume, right=True, matters=3),
    Column("differs", lambda each: str(each.mismatches) if each.mismatches else "", matters=1, style=lambda _: "red"),
    Column("why", lambda each: _why(each), matters=4, wraps=True),
    Column("policy", lambda each: each.policy, matters=5),
)


def _may(link: Link) -> str:
    if link.state == "active" and not link.open_now:
        return "closed now"
    return spoken(link.state)


def _why(link: Link) -> str:
    parts = []
    if link.lever is not None:
        parts.append(f"{link.lever_by}: {link.lever_why}")
    elif link.configured != "active":
        parts.append("by the config")
    elif link.held_back:
        parts.append("held back by a mismatch")
    if not link.open_now:
        until = "" if link.open_until is None else f" until {clock(link.open_until)}"
        parts.append(f"{link.closed_why or link.schedule}{until}")
    return "; ".join(parts)


def draw_mismatches(mismatches: Sequence[Mismatch], width: int) -> Iterator[RenderableType]:
    """Yield where targets differ from what their links want."""
    if not mismatches:
        yield Text("no mismatches", style="green")
        return
    yield fitting(mismatches, _MISMATCH, width)


_MISMATCH: Sequence[Column[Mismatch]] = (
    Column("link", lambda each: each.link),
    Column("kind", lambda each: each.kind, matters=1),
    Column("severity", lambda each: each.severity, matters=2, style=lambda each: SEVERITIES.get(each.severity, "")),
    Column("what", lambda each: each.says, wraps=True),
)


def draw_alerts(alerts: Sequence[Alert], width: int) -> Iterator[RenderableType]:
    """Yield what a person should know, each with who has seen it."""
    if not alerts:
        yield Text("no alerts", style="green")
        return
    yield fitting(alerts, _ALERT, width)


_ALERT: Sequence[Column[Alert]] = (
    Column("alert", lambda each: "" if each.over else str(each.seq), right=True),
    Column("at", lambda each: clock(each.at), matters=2),
    Column("state", lambda each: _seen(each), style=lambda each: _SEEN.get(_seen(each), "")),
    Column("account", lambda each: each.account or "service"),
    Column("kind", lambda each: each.kind, matters=3),
    Column("what", lambda each: each.text, wraps=True),
    Column("seen by", lambda each: _seen_by(each), matters=1, wraps=True),
)
_SEEN: Final[dict[str, str]] = {"open": "bold yellow", "over": "green", "seen": "dim"}


def _seen(alert: Alert) -> str:
    return "over" if alert.over else "open" if alert.acknowledged is None else "seen"


def _seen_by(alert: Alert) -> str:
    seen = alert.acknowledged
    return "" if seen is None else f"{seen.by}, {clock(seen.at)}{f': {seen.note}' if seen.note else ''}"


def draw_limits(limits: Sequence[Limit], width: int) -> Iterator[RenderableType]:
    """Yield how far each limit is used up, what comes next, and what the rules without a floor say."""
    with_floor = [limit for limit in limits if limit.metric is not None]
    others = [limit for limit in limits if limit.metric is None]
    if with_floor:
        yield fitting(with_floor, _LIMIT, width)
    for limit in with_floor:
        for note in limit.notes:
            yield Text(f"{shown(limit.limit)}: {shown(note)}")
    if others:
        yield Text()
        yield fitting(others, _RULE, width)
    if not limits:
        yield Text("no limits")


_LIMIT: Sequence[Column[Limit]] = (
    Column("limit", lambda each: f"{each.limit}{' (rules)' if each.rules else ''}"),
    Column("stage", lambda each: each.stage or "", style=lambda each: STAGES.get(each.stage or "", "")),
    Column("left", lambda each: meter(each.headroom_percent), matters=4),
    Column("headroom", lambda each: _headroom(each), right=True),
    Column("next", lambda each: _next(each), matters=2),
    Column("figure", lambda each: f"{each.metric} {money(each.value)}", matters=6),
    Column("floor", lambda each: f"{'~' if each.estimated else ''}{money(each.floor)}", right=True, matters=1),
    Column("reset in", lambda each: _reset(each), matters=5),
    Column("if stops hit", lambda each: _worst(each), matters=3, style=lambda each: "red" if _breaks(each) else ""),
)
_RULE: Sequence[Column[Limit]] = (
    Column("rule", lambda each: each.limit),
    Column("stage", lambda each: each.stage or "", style=lambda each: STAGES.get(each.stage or "", "")),
    Column("says", lambda each: each.says, wraps=True),
)


def _headroom(limit: Limit) -> str:
    if limit.headroom_percent is None:
        return "unknown"
    return f"{money(limit.headroom)} ({Decimal(limit.headroom_percent):.1f} %)"


def _next(limit: Limit) -> str:
    if not limit.next:
        return ""
    ahead = limit.next[0]
    what = limit.on_breach if ahead.stage == "breached" and limit.on_breach else ahead.stage
    return f"{what} at {money(ahead.at)}, {money(ahead.away)} away"


def _reset(limit: Limit) -> str:
    return "" if limit.resets_in_s is None else about_seconds(limit.resets_in_s)


def _worst(limit: Limit) -> str:
    if limit.equity_if_stops_hit is not None:
        return f"{money(limit.equity_if_stops_hit)}{' BREACHES' if _breaks(limit) else ''}"
    parts = [(limit.without_stop, "without a stop"), (limit.of_unknown_worth, "of unknown worth")]
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "unknown"


def _breaks(limit: Limit) -> bool:
    return limit.headroom_if_stops_hit is not None and Decimal(limit.headroom_if_stops_hit) <= 0
