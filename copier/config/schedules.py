"""Reads [schedules.*]: when policies take new risk."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from attrs import field

from copier.config.checks import TEXT_READINGS, CronText, duration_within
from copier.config.errors import Fault
from copier.config.reader import Reader
from copier.config.structure import make_converter
from rules.model.frozen import frozen
from rules.times.cron import Cron
from rules.times.schedule import Open, Outside, Schedule, Window

# Where the search for an open moment begins, and how many moments it looks at: a daily window begins at fewer in a
# year. Any instant does to begin with; a fixed one keeps a config's warnings the same from day to day.
_SEARCH_FROM = datetime(2026, 1, 1, tzinfo=UTC)
_SEARCH_STEPS_MAX = 800

_LONGEST_WINDOW = timedelta(days=366)
_ALWAYS = Window("0 0 * * *", timedelta(days=1))


@frozen
class WindowKeys:
    """A stretch of time that begins whenever `cron` fires."""

    cron: CronText = field(metadata={"doc": 'Five fields, in the schedule\'s zone: `"0 8 * * mon-fri"`.'})
    length: timedelta = field(
        metadata={
            "key": "for",
            "doc": "How long it lasts, in elapsed time; up to 366 days.",
            "read": duration_within(timedelta(seconds=1), _LONGEST_WINDOW),
        }
    )
    why: str | None = field(default=None, metadata={"doc": "Shown to people when it denies a copy."})
    flatten: bool = field(
        default=False,
        metadata={"doc": "Close everything that was copied when it begins; only of a closed window."},
    )


@frozen
class ScheduleKeys:
    """When new risk is taken. Closing is never gated."""

    timezone: ZoneInfo | None = field(default=None, metadata={"doc": "IANA zone; the service's where none is given."})
    open: tuple[WindowKeys, ...] = field(default=(), metadata={"doc": "New risk only inside these; none means always."})
    closed: tuple[WindowKeys, ...] = field(default=(), metadata={"doc": "No new risk inside these, which win."})
    flatten: tuple[CronText, ...] = field(
        default=(), metadata={"doc": "Cron expressions at which everything that was copied is closed."}
    )
    outside: Outside = field(
        default=Outside.DENY,
        metadata={
            "doc": "A copy that arrives while closed is denied, or waits for the opening within the guard's age."
        },
    )


def read_schedules(
    reader: Reader, tables: Mapping[str, Mapping[str, Any]], timezone: ZoneInfo
) -> dict[str, Schedule | None]:
    """Return the schedules by name; None stands for one with faults.

    Args:
        timezone: of schedules that name none.
    """
    return {name: _schedule(reader, name, raw, timezone) for name, raw in tables.items()}


def _schedule(reader: Reader, name: str, raw: Mapping[str, Any], timezone: ZoneInfo) -> Schedule | None:
    keys = reader.structure(make_converter(texts=TEXT_READINGS), ScheduleKeys, raw, ("schedules", name))
    if keys is None:
        return None
    flattening = [index for index, row in enumerate(keys.open) if row.flatten]
    for index in flattening:
        fault = Fault("`flatten` of a closed window", "an open one", "write the time into the schedule's `flatten`")
        reader.fault(("schedules", name, "open", index, "flatten"), fault)
    if flattening:
        return None
    schedule = Schedule(
        name=name,
        timezone=(keys.timezone or timezone).key,
        open=windows_of(keys.open),
        closed=windows_of(keys.closed),
        flatten=keys.flatten,
        outside=keys.outside,
    )
    windows = schedule.open or (_ALWAYS,)
    shut = [index for index, window in enumerate(windows) if not _ever_opens(schedule, window)]
    if len(shut) == len(windows):
        reader.warn(("schedules", name), "a schedule that opens", "closed windows that leave no time open")
    else:
        for index in shut:
            reader.warn(("schedules", name, "open", index), "a window that opens", "closed windows over all of it")
    return schedule


def windows_of(rows: tuple[WindowKeys, ...]) -> tuple[Window, ...]:
    """Return the windows that rows describe."""
    return tuple(Window(row.cron, row.length, row.why, row.flatten) for row in rows)


def _ever_opens(schedule: Schedule, window: Window) -> bool:
    """Tell whether new risk is taken at any moment of an open window, as far as the search goes."""
    cron = Cron(window.cron, ZoneInfo(schedule.timezone))
    begins, at = _SEARCH_FROM, None
    for _ in range(_SEARCH_STEPS_MAX):
        if at is None or at >= begins + window.length:
            at = begins = cron.next_after(begins)
        state = schedule.state(at)
        if isinstance(state, Open):
            return True
        at = state.until
    return False
