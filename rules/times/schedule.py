"""When new risk may be taken: windows that cron expressions open and close, in a zone's local time."""

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from attrs import define, field

from rules.model.frozen import frozen
from rules.times.cron import Cron

# A window that is longer than a year was meant to be something else.
_LENGTH_MAX = timedelta(days=366)


class Outside(Enum):
    """What becomes of a copy that arrives while the schedule is closed."""

    DENY = "deny"
    DEFER = "defer"
    """It waits for the opening, within the guard's age."""


@frozen
class Window:
    """Begins at each firing of `cron` and lasts `length` of elapsed time; the end is no part of it.

    Overlapping windows are one. `why` is shown to people. `flatten` closes everything copied when it begins.
    """

    cron: str
    length: timedelta
    why: str | None = None
    flatten: bool = False


@frozen
class Open:
    """New risk may be taken; asking again gives the same until `until` (None: for ever)."""

    until: datetime | None


@frozen
class Closed:
    """No new risk; asking again gives the same until `until` (None: for ever), when it may open or close anew."""

    until: datetime | None
    why: str


ScheduleState: TypeAlias = Open | Closed


@frozen
class Schedule:
    """When a policy takes new risk: inside `open` windows (none: always) and outside `closed` ones, which win.

    `flatten` are cron expressions at which everything copied is closed, besides the beginnings of closed windows that
    say so. Closing is never gated. Local times follow
    `rules.times.cron`: skipped ones happen when the gap ends, repeated ones at their first.

    Args:
        name: the schedule's name in the config.
        timezone: an IANA name, such as `Europe/London`.
        outside: what becomes of copies that arrive while it is closed.
    Raises:
        ValueError: an unknown zone, a cron expression that cannot be used, or a length that is not between zero
            (excluded) and 366 days.
    """

    name: str
    timezone: str
    open: tuple[Window, ...] = ()
    closed: tuple[Window, ...] = ()
    flatten: tuple[str, ...] = ()
    outside: Outside = Outside.DENY
    _timetable: "Timetable" = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        try:
            timetable = Timetable(self)
        except ValueError as error:
            raise ValueError(f"schedule {self.name}: {error}") from error
        object.__setattr__(self, "_timetable", timetable)

    def state(self, at: datetime) -> ScheduleState:
        """Return whether new risk may be taken at the aware instant `at`, and until when that answer holds.

        Raises:
            ValueError: `at` has no zone.
        """
        return self._timetable.state(at)

    def next_flatten(self, at: datetime) -> datetime | None:
        """Return the first instant after `at` at which everything is to be closed, or None."""
        return self._timetable.next_flatten(at)

    def flattens(self, after: datetime, until: datetime) -> datetime | None:
        """Return the last instant in (after, until] at which everything is to be closed, or None."""
        return self._timetable.flattens(after, until)


@define
class _Firings:
    """A cron expression's firings around the moment last asked about; what it remembers changes no answer."""

    cron: Cron
    _last: datetime = field(init=False, default=datetime.max.replace(tzinfo=UTC))
    _next: datetime = field(init=False, default=datetime.min.replace(tzinfo=UTC))

    def around(self, at: datetime) -> tuple[datetime, datetime]:
        """Return the last firing at or before `at` and the first after it."""
        if not self._last <= at < self._next:
            self._last, self._next = self.cron.last_until(at), self.cron.next_after(at)
        return self._last, self._next


@frozen
class _Course:
    """One window's firings and length."""

    firings: _Firings
    length: timedelta
    why: str

    def edge(self, at: datetime) -> tuple[bool, datetime]:
        """Return whether `at` is inside, and the next instant at which the window begins or ends."""
        # All of a window's stretches are equally long: if any covers the moment, the one that began last does.
        begun, begins = self.firings.around(at)
        ends = begun + self.length
        return at < ends, min(ends, begins) if at < ends else begins


class Timetable:
    """A schedule's compiled windows; keeps the last answer for as long as it holds, so that asking costs little.

    An answer is a function of the instant alone: what is remembered only saves work.
    """

    def __init__(self, schedule: Schedule) -> None:
        """Compile the schedule.

        Raises:
            ValueError: see `Schedule`.
        """
        zone = _zone(schedule.timezone)
        self._open = tuple(_course(window, zone, "open") for window in schedule.open)
        self._closed = tuple(_course(window, zone, "closed") for window in schedule.closed)
        flattening = [*schedule.flatten, *(window.cron for window in schedule.closed if window.flatten)]
        self._flatten = tuple(_Firings(Cron(text, zone)) for text in flattening)
        self._name = schedule.name
        self._since = datetime.max.replace(tzinfo=UTC)
        self._until = datetime.min.replace(tzinfo=UTC)
        self._state: ScheduleState = Open(None)

    def state(self, at: datetime) -> ScheduleState:
        """See `Schedule.state`."""
        at = _in_utc(at)
        if not self._since <= at < self._until:
            self._state = self._judge(at)
            self._since = at
            self._until = self._state.until or datetime.max.replace(tzinfo=UTC)
        return self._state

    def next_flatten(self, at: datetime) -> datetime | None:
        """See `Schedule.next_flatten`."""
        at = _in_utc(at)
        return min((firings.around(at)[1] for firings in self._flatten), default=None)

    def flattens(self, after: datetime, until: datetime) -> datetime | None:
        """See `Schedule.flattens`."""
        after, until = _in_utc(after), _in_utc(until)
        last = max((firings.around(until)[0] for firings in self._flatten), default=None)
        return last if last is not None and last > after else None

    def _judge(self, at: datetime) -> ScheduleState:
        # The first window in the order of the config that covers the moment answers for it, until it begins or ends
        # anew or one before it begins. So the answer's end is the same whenever within it one asks.
        edges: list[datetime] = []
        for course in self._closed:
            inside, edge = course.edge(at)
            edges.append(edge)
            if inside:
                return Closed(min(edges), course.why)
        if not self._open:
            return Open(min(edges, default=None))
        for course in self._open:
            inside, edge = course.edge(at)
            edges.append(edge)
            if inside:
                return Open(min(edges))
        return Closed(min(edges), f"outside the open windows of schedule {self._name}")


def _course(window: Window, zone: ZoneInfo, key: str) -> _Course:
    if not timedelta(0) < window.length <= _LENGTH_MAX:
        raise ValueError(f"`for` of a window must be more than zero and at most 366 days, was {window.length}")
    return _Course(_Firings(Cron(window.cron, zone)), window.length, window.why or f"{key} window '{window.cron}'")


def _zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: the name of a folder of zones
        raise ValueError(f"timezone must be an IANA name such as Europe/London, was '{name}'") from error


def _in_utc(at: datetime) -> datetime:
    """Return the instant in UTC: two instants of one zone are compared by their wall clocks, which jump.

    Raises:
        ValueError: `at` has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"an instant must carry its zone, was {at}")
    return at.astimezone(UTC)
