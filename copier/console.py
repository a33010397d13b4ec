"""What a person sees of a running service: one line for each copy, denial and report, as it becomes true."""

from collections import Counter
from datetime import datetime

from rich.console import Console
from rich.text import Text

from copier.records import AlertRecord, DecisionRecord, IntentRecord, LimitRecord, Record, ReportRecord, ResendRecord
from copier.wording import action_words, printable, report_words, trace_words
from rules.actions import OpenPosition
from rules.copies import Copy, Ending
from rules.reports import Filled, StopsReplaced
from rules.trace import Denied


class Narrator:
    """A journal listener that prints, and counts what it printed."""

    def __init__(self, console: Console | None) -> None:
        self._console = console
        self.denials: Counter[str] = Counter()
        self.opens = 0

    def __call__(self, record: Record, at: datetime) -> None:
        match record:
            case DecisionRecord():
                self._decision(record, at)
            case IntentRecord() | ResendRecord():
                self.opens += isinstance(record, IntentRecord) and isinstance(record.action, OpenPosition)
                again = " again" if isinstance(record, ResendRecord) else ""
                self._line(at, "intent", record.action.account, f"{action_words(record.action)}{again}", "cyan")
            case ReportRecord():
                good = isinstance(record.report, Filled | StopsReplaced)
                self._line(at, "report", record.copy.target, report_words(record.report), "green" if good else "yellow")
            case LimitRecord():
                if record.stage != "ok":
                    text = f"limit {record.state.limit_id}: {record.stage}"
                    self._line(at, "limit", record.account, text, "magenta")
            case AlertRecord():
                self._line(at, "alert", record.code, printable(record.text), "red")

    def _decision(self, record: DecisionRecord, at: datetime) -> None:
        copy = record.copy
        if copy.ending is Ending.DENIED and copy.reason is not None:
            self.denials[copy.reason.value] += 1
            denied = next((item for item in reversed(record.trace) if isinstance(item, Denied)), None)
            text = trace_words(denied) if denied is not None else copy.reason.meaning
            self._line(at, "denied", copy.link_id, f"{source_words(copy)}: {text}", "yellow")
        elif copy.ending is not None and copy.ending is not Ending.SOURCE_CLOSED:
            self._line(at, "ended", copy.link_id, f"{source_words(copy)}: {copy.ending.value}", "yellow")

    def _line(self, at: datetime, what: str, who: str, text: str, style: str) -> None:
        if self._console is None:
            return
        line = Text(f"{at:%H:%M:%S}.{at.microsecond // 1000:03} ", style="dim")
        line.append(f"{what:<7}", style=style).append(f"{who:<20} ").append(text)
        self._console.print(line, soft_wrap=True, highlight=False)


def source_words(copy: Copy) -> str:
    """Return the source position in a few words."""
    return f"{copy.side.value} {printable(copy.source_symbol)} #{printable(copy.source_position_id)}"
