"""How one thing that happened looks: a line with its time, what it is, whom it concerns, what it says."""

from datetime import date
from typing import Final

from rich.text import Text

from copier.telling.overview import LimitAt
from copier.terminal.figures import clock
from copier.terminal.happenings import Happening
from copier.terminal.table import shown
from copier.terminal.words import SEVERITIES, STAGES, STATES, spoken
from copier.web.dto.decisions import Decision
from copier.web.dto.events import Acknowledged, Alert, MismatchEnded, Session
from copier.web.dto.levers import Lever
from copier.web.dto.mismatches import Mismatch

_KINDS: Final = {"ordered": "green", "denied": "yellow", "waiting": "cyan", "noted": "dim"}


def draw_happening(happening: Happening, today: date) -> Text:
    """Return a happening as one line, with its day where that is not today; a narrow window wraps it."""
    word, style, who, what = _told(happening.what)
    at = f"{happening.at:%H:%M:%S}" if happening.at.date() == today else clock(happening.at)
    return Text.assemble((at, "dim"), "  ", (f"{word:<8}", style), "  ", (f"{shown(who):<24}", "bold"), "  ", what)


def _told(what: object) -> tuple[str, str, str, str]:
    """Return the word for it and its colour, whom it concerns, and what it says."""
    match what:
        case Decision():
            return what.kind, _KINDS.get(what.kind, ""), what.link, _decided(what)
        case Alert():
            style = "green" if what.over else "red"
            return "over" if what.over else "alert", style, what.account or "service", shown(what.text)
        case Acknowledged():
            said = f"alert {what.seq} by {what.by}{f': {what.note}' if what.note else ''}"
            return "seen", "dim", what.account or "service", shown(said)
        case Mismatch():
            return "differs", SEVERITIES.get(what.severity, ""), what.link, shown(what.says)
        case MismatchEnded():
            return "agrees", "green", what.link, shown(f"{what.symbol}: {what.kind} is over")
        case Lever():
            said = f"{spoken(what.state)} by {what.by}: {what.why}"
            return "lever", STATES.get(what.state, ""), what.subject, shown(said)
        case LimitAt():
            stage = what.stage or ""
            return "limit", STAGES.get(stage, ""), what.limit, shown(stage)
        case Session():
            said = what.state if what.why is None else f"{what.state}: {what.why}"
            return "session", STATES.get(what.state, ""), what.account, shown(said)
    raise TypeError(f"expected something that happens, was {type(what).__name__}")


def _decided(decision: Decision) -> str:
    position = f"{decision.side} {shown(decision.symbol)} #{shown(decision.source_position)}"
    if decision.code is None:
        return f"{position}: {shown(decision.state)} ({shown(decision.because)})"
    said = next((step.says for step in reversed(decision.steps) if step.code == decision.code), decision.meaning or "")
    return f"{position}: {decision.code}: {shown(said)}"
