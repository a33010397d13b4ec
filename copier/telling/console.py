"""What a person sees of a running service: one line for each copy, denial and report, as it becomes true."""

import os
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import Final, TextIO

import structlog

from copier.ledger.records import (
    AlertRecord,
    DecisionRecord,
    IntentRecord,
    LimitRecord,
    MismatchRecord,
    Record,
    ReportRecord,
    ResendRecord,
)
from copier.telling.wording import action_words, mismatch_words, printable, report_words, trace_words
from rules.model.actions import OpenPosition
from rules.model.copies import Copy, Ending
from rules.model.reports import Filled, StopsReplaced
from rules.model.trace import Denied

_log = structlog.get_logger("console")

_COLOURS: Final = {"cyan": 36, "green": 32, "yellow": 33, "magenta": 35, "red": 31}
"""ANSI codes of a terminal."""


class Narrator:
    """A journal listener that prints, and counts what it printed."""

    def __init__(self, out: TextIO | None) -> None:
        """`out` is where to print; None only counts. It runs on the service's thread, so it has to be quick."""
        self._out = out
        self._coloured = out is not None and out.isatty() and "NO_COLOR" not in os.environ
        self.denials: Counter[str] = Counter()
        self.opens = 0

    def __call__(self, record: Record, at: datetime) -> None:
        self._count(record)
        if self._out is not None:
            self._tell(record, at)

    def _count(self, record: Record) -> None:
        if isinstance(record, IntentRecord):
            self.opens += isinstance(record.action, OpenPosition)
        elif isinstance(record, DecisionRecord):
            copy = record.copy
            if copy.ending is Ending.DENIED and copy.reason is not None:
                self.denials[copy.reason.value] += 1

    def _tell(self, record: Record, at: datetime) -> None:
        match record:
            case DecisionRecord():
                self._decision(record, at)
            case IntentRecord() | ResendRecord():
                again = " again" if isinstance(record, ResendRecord) else ""
                self._line(at, "intent", record.action.account, f"{action_words(record.action)}{again}", "cyan")
            case ReportRecord():
                good = isinstance(record.report, Filled | StopsReplaced)
                self._line(at, "report", record.copy.target, report_words(record.report), "green" if good else "yellow")
            case LimitRecord():
                if record.stage != "ok":
                    text = f"limit {record.state.limit_id}: {record.stage}"
                    self._line(at, "limit", record.account, text, "magenta")
            case MismatchRecord():
                self._mismatch(record, at)
            case AlertRecord():
                self._line(at, "alert", record.account, f"{record.code}: {printable(record.text)}", "red")

    def _decision(self, record: DecisionRecord, at: datetime) -> None:
        copy = record.copy
        if copy.ending is Ending.DENIED and copy.reason is not None:
            denied = next((item for item in reversed(record.trace) if isinstance(item, Denied)), None)
            text = trace_words(denied) if denied is not None else copy.reason.meaning
            self._line(at, "denied", copy.link_id, f"{source_words(copy)}: {text}", "yellow")
        elif copy.ending is not None and copy.ending is not Ending.SOURCE_CLOSED:
            self._line(at, "ended", copy.link_id, f"{source_words(copy)}: {copy.ending.value}", "yellow")

    def _mismatch(self, record: MismatchRecord, at: datetime) -> None:
        kind = "over" if record.ended else record.mismatch.kind.value
        style = "green" if record.ended else "red"
        self._line(at, "differs", record.mismatch.link_id, f"{kind}: {mismatch_words(record.mismatch)}", style)

    def _line(self, at: datetime, what: str, who: str, text: str, style: str) -> None:
        assert self._out is not None  # else nothing is told
        before, after = (f"\x1b[{_COLOURS[style]}m", "\x1b[0m") if self._coloured else ("", "")
        try:
            self._out.write(f"{_clock(at)} {before}{what:<7}{after}{who:<20} {text}\n")
            self._out.flush()
        except OSError as error:  # the pipe's reader has gone, or its disk is full: copying goes on
            self._out = None
            _log.warning("nothing is printed any more", error=str(error))


@lru_cache(maxsize=1)
def _clock(at: datetime) -> str:
    """Return the time of day; kept, since all that became durable together has one."""
    return f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"


def source_words(copy: Copy) -> str:
    """Return the source position in a few words."""
    return f"{copy.side.value} {printable(copy.source_symbol)} #{printable(copy.source_position_id)}"
