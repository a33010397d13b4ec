"""How `copier status` looks: is all well, what is worst, each account, what is copied."""

from collections.abc import Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from copier.telling.overview import LimitAt, Overview
from copier.terminal.figures import meter, money, sign_style, signed
from copier.terminal.table import Column, fitting, shown
from copier.terminal.words import SEVERITIES, SIDES, STAGES, STATES, spoken
from copier.web.dto.accounts import Account
from copier.web.dto.copies import Copy
from copier.web.dto.limits import about_seconds
from copier.web.dto.status import Concern, Status

_MARKS = {"ok": "OK", "info": "NOTE", "warning": "WARNING", "critical": "CRITICAL"}


def draw_status(seen: Overview, width: int) -> Iterator[RenderableType]:
    """Yield the whole page: the worst first."""
    if seen.status is None:
        yield Text(f"service {'running' if seen.running else 'not running'}, {seen.entries} ledger entries")
        yield from _mismatches(seen)
        yield from _stages(seen.limits)
    else:
        yield from _headline(seen.status)
        yield from _concerns(seen.status.concerns)
        yield Text()
        yield fitting(seen.accounts, _ACCOUNT, width)
        yield Text()
        yield from _counts(seen.status)
    yield Text()
    if seen.copies:
        yield fitting(seen.copies, _COPY, width)
    else:
        yield Text("no copies")


def _headline(status: Status) -> Iterator[Text]:
    style = SEVERITIES.get(status.status, "")
    mode = "DRY RUN: nothing is sent" if status.mode == "dry_run" else "live"
    version, up = shown(status.version), about_seconds(status.uptime_s)
    yield Text.assemble((_MARKS[status.status], f"{style} reverse"), f"  {mode}, copier {version}, up {up}")


def _concerns(concerns: Sequence[Concern]) -> Iterator[RenderableType]:
    if not concerns:
        yield Text("nothing needs you", style="dim")
        return
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for each in concerns:
        style = SEVERITIES.get(each.severity, "")
        about = Text(shown(each.link or each.account or "service"), style="bold")
        table.add_row(Text(_MARKS[each.severity].lower(), style=style), Text.assemble(about, "  ", shown(each.says)))
    yield Padding(table, (0, 0, 0, 0))


_ACCOUNT: Sequence[Column[Account]] = (
    Column("account", lambda each: each.name),
    Column("session", lambda each: each.state, style=lambda each: STATES.get(each.state, "")),
    Column("equity", lambda each: _in_currency(each.equity, each), right=True),
    Column(
        "floating",
        lambda each: signed(each.floating),
        right=True,
        matters=3,
        style=lambda each: sign_style(each.floating),
    ),
    Column("open", lambda each: str(each.positions), right=True, matters=5),
    Column("copies", lambda each: str(each.copies), right=True, matters=6),
    Column("drawdown", lambda each: _percent(each.drawdown_percent), right=True, matters=4),
    Column("nearest limit", lambda each: _nearest(each), matters=1, style=lambda each: _nearest_style(each)),
    Column("new risk", lambda each: _risk(each), matters=2, style=lambda each: _risk_style(each)),
)


def _in_currency(amount: str | None, account: Account) -> str:
    return "unknown" if amount is None else f"{money(amount)} {account.currency or ''}".rstrip()


def _percent(percent: str | None) -> str:
    return "" if percent is None else f"{percent} %"


def _nearest(account: Account) -> str:
    near = account.nearest_limit
    if near is None:
        return ""
    stage = "" if near.stage == "ok" else f": {near.stage}"
    return f"{meter(near.headroom_percent)} {money(near.headroom)} {near.kind.replace('_', ' ')}{stage}".lstrip()


def _nearest_style(account: Account) -> str:
    return "" if account.nearest_limit is None else STAGES.get(account.nearest_limit.stage, "")


def _risk(account: Account) -> str:
    if account.lever != "active":
        return spoken(account.lever)
    return "yes" if account.denied is None else account.denied.code


def _risk_style(account: Account) -> str:
    return "" if _risk(account) == "yes" else "yellow"


def _counts(status: Status) -> Iterator[Text]:
    links, copies = status.links, status.copies
    parts = [_plural(links.active, "active link"), f"{copies.holding} copies held"]
    parts += [
        f"{count} {what}"
        for count, what in (
            (links.paused, "paused"),
            (links.close_only, "close only"),
            (copies.waiting, "waiting"),
            (copies.approvals, "for approval"),
            (copies.orders_under_way, "orders under way"),
            (status.mismatches, "mismatches"),
        )
        if count
    ]
    yield Text(", ".join(parts))
    for stage, found in status.latency.items():
        if found.count:
            text = f"{spoken(stage)}: p50 {found.p50_ms:.1f} ms, p99 {found.p99_ms:.1f} ms of {found.count}"
            yield Text(shown(text), style="dim")


def _plural(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _mismatches(seen: Overview) -> Iterator[Text]:
    for each in seen.mismatches:
        yield Text(f"mismatch on {shown(each.link)}: {shown(each.says)}", style="red")


def _stages(limits: Sequence[LimitAt]) -> Iterator[Text]:
    for each in limits:
        stage = each.stage or ""
        yield Text.assemble(f"limit {shown(each.limit)}: ", (shown(stage), STAGES.get(stage, "")))


_COPY: Sequence[Column[Copy]] = (
    Column("link", lambda each: each.link),
    Column("side", lambda each: each.side, matters=4, style=lambda each: SIDES.get(each.side, "")),
    Column("symbol", lambda each: each.symbol),
    Column("source position", lambda each: f"#{each.source_position}", matters=1),
    Column("copy", lambda each: each.state, wraps=True),
    Column("target positions", lambda each: ", ".join(f"#{held}" for held in each.positions), matters=3, wraps=True),
)
