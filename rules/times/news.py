"""News windows: no new risk around the events of a calendar, for the symbols that they concern."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum
from itertools import islice

from attrs import field

from rules.model.currencies import currencies_of
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note, Numbers
from rules.policy.patterns import PatternSet
from rules.times.schedule import Outside

_SHOWN_MAX = 3
"""Events of one window that are named: a person needs to recognise it."""


class Impact(Enum):
    """How much an event moves prices, in the calendar's own judgement."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    HOLIDAY = "holiday"


class OnMissing(Enum):
    """What becomes of new risk while the calendar is missing or stale."""

    DENY = "deny"
    """It waits for the calendar within the guard's age, then is denied."""
    ALLOW = "allow"


@frozen
class NewsEvent:
    """One line of a calendar, from `at` up to `until` (the same where the time is known to the minute).

    `currency` None: it concerns all of them. `impact` None: the calendar does not say; it counts as any that is asked
    for.
    """

    at: datetime
    until: datetime
    title: str
    currency: str | None = None
    impact: Impact | None = None


@frozen
class Calendar:
    """A calendar as it was last read well, at `read_at`; `ends` is when its last event is over (None: it has none).

    `events` may leave out what is long over or far off.
    """

    read_at: datetime
    ends: datetime | None
    events: tuple[NewsEvent, ...]


@frozen
class SymbolCurrencies:
    """What a person says of the target symbols of a pattern: the currencies whose news concern them."""

    match: str
    currencies: frozenset[str]
    _pattern: PatternSet = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_pattern", PatternSet((self.match,), "news.symbols"))

    def is_for(self, symbol: str) -> bool:
        return self._pattern.matches(symbol)


@frozen
class NewsPolicy:
    """Which events close the way for new risk, from `before` until `after` them; empty lists ask for nothing.

    `close_before` (at most `before`) closes what was copied that long before an event. A calendar is stale when it was
    read, or its last event was over, more than `stale_after` ago.
    """

    name: str
    before: timedelta
    after: timedelta
    close_before: timedelta | None = None
    impact: frozenset[Impact] = frozenset({Impact.HIGH})
    currencies: frozenset[str] = frozenset()
    titles: tuple[str, ...] = ()
    not_titles: tuple[str, ...] = ()
    symbols: tuple[SymbolCurrencies, ...] = ()
    outside: Outside = Outside.DENY
    on_missing: OnMissing = OnMissing.DENY
    stale_after: timedelta = timedelta(days=3)
    _wanted: PatternSet = field(init=False, eq=False, repr=False)
    _unwanted: PatternSet = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "_wanted", PatternSet(self.titles, "news.titles"))
        object.__setattr__(self, "_unwanted", PatternSet(self.not_titles, "news.not_titles"))

    def counts(self, event: NewsEvent) -> bool:
        """Tell whether an event is one of those that the policy is about."""
        if event.impact is not None and event.impact not in self.impact:
            return False
        if self.currencies and event.currency is not None and event.currency not in self.currencies:
            return False
        if self._unwanted.matches(event.title):
            return False
        return not self.titles or self._wanted.matches(event.title)

    def concerns(self, instrument: Instrument) -> frozenset[str] | None:
        """Return the currencies whose news concern an instrument; None: not known, so that all of them do."""
        for row in self.symbols:
            if row.is_for(instrument.symbol):
                return row.currencies
        return currencies_of(instrument)

    def is_stale(self, calendar: Calendar, now: datetime) -> bool:
        last = calendar.read_at if calendar.ends is None else min(calendar.read_at, calendar.ends)
        return calendar.ends is None or now - last > self.stale_after


@frozen
class _Window:
    """A stretch without new risk, and the events that make it; windows that meet are one."""

    begin: datetime
    end: datetime
    events: tuple[NewsEvent, ...]


@frozen
class News:
    """A policy and its calendar, ready to be asked."""

    policy: NewsPolicy
    calendar: Calendar
    _windows: dict[str | None, list[_Window]] = field(init=False, eq=False, repr=False)
    _closings: list[tuple[datetime, NewsEvent]] = field(init=False, eq=False, repr=False)

    def __attrs_post_init__(self) -> None:
        counted = sorted((event for event in self.calendar.events if self.policy.counts(event)), key=_begin)
        by_currency: dict[str | None, list[NewsEvent]] = {}
        for event in counted:
            by_currency.setdefault(event.currency, []).append(event)
        windows = {currency: _windows(self.policy, events) for currency, events in by_currency.items()}
        ahead = self.policy.close_before
        closings = [] if ahead is None else [(event.at - ahead, event) for event in counted]
        object.__setattr__(self, "_windows", windows)
        object.__setattr__(self, "_closings", closings)

    def window(self, instrument: Instrument, now: datetime) -> Denied | None:
        """Return the denial of new risk in an instrument while a window is open for it."""
        concerned = self.policy.concerns(instrument)
        currencies = self._windows if concerned is None else (*concerned, None)
        found = [window for currency in currencies if (window := self._at(currency, now)) is not None]
        if not found:
            return None
        latest = max(found, key=lambda window: window.end)
        numbers: list[tuple[str, str]] = [("news", self.policy.name), ("symbol", instrument.symbol)]
        near = (event for window in found for event in window.events if now < event.until + self.policy.after)
        numbers += [("event", _shown(event)) for event in islice(near, _SHOWN_MAX)]
        return Denied("news", Reason.NEWS_WINDOW, (*numbers, ("until", _time(latest.end))), latest.end)

    def closes(self, instrument: Instrument | None, after: datetime, until: datetime) -> NewsEvent | None:
        """Return the last event that closes what was copied at an instant in (after, until], or None.

        Args:
            instrument: what was copied; None where it is not known, so that every event concerns it.
        """
        concerned = None if instrument is None else self.policy.concerns(instrument)
        for at, event in reversed(self._closings[: bisect_right(self._closings, until, key=_first)]):
            if at <= after:
                break
            if concerned is None or event.currency is None or event.currency in concerned:
                return event
        return None

    def next_window(self, instrument: Instrument, now: datetime) -> datetime | None:
        """Return the first instant after `now` at which a window opens for an instrument."""
        concerned = self.policy.concerns(instrument)
        currencies = self._windows if concerned is None else (*concerned, None)
        windows = (window for currency in currencies for window in self._windows.get(currency, []))
        return min((window.begin for window in windows if window.begin > now), default=None)

    def next_closing(self, now: datetime) -> datetime | None:
        """Return the first instant after `now` at which something may have to be closed."""
        index = bisect_right(self._closings, now, key=_first)
        return self._closings[index][0] if index < len(self._closings) else None

    def _at(self, currency: str | None, now: datetime) -> _Window | None:
        windows = self._windows.get(currency, [])
        index = bisect_right(windows, now, key=lambda window: window.begin) - 1
        return windows[index] if index >= 0 and now < windows[index].end else None


def check_news(policy: NewsPolicy, news: News | None, instrument: Instrument, now: datetime) -> Denied | Note | None:
    """Return whether new risk in an instrument is denied, or passes for want of a calendar (a note).

    Args:
        news: the policy with its calendar; None where none could be read yet.
        instrument: the target's.
    """
    stale = news is not None and policy.is_stale(news.calendar, now)
    if news is None or stale:
        numbers: Numbers = (("news", policy.name),)
        if news is not None:
            ends = "never" if news.calendar.ends is None else _time(news.calendar.ends)
            numbers = (*numbers, ("read_at", _time(news.calendar.read_at)), ("last_event", ends))
        if policy.on_missing is OnMissing.DENY:
            return Denied("news", Reason.NEWS_UNKNOWN, numbers)
        if news is None:
            return Note("news", "not judged: no calendar", numbers)
    assert news is not None, "without one it was answered above"
    denied = news.window(instrument, now)
    return Note("news", "the calendar is stale", numbers) if denied is None and stale else denied


def _windows(policy: NewsPolicy, events: Iterable[NewsEvent]) -> list[_Window]:
    """Return the windows of events in the order of their times; those that overlap or meet become one."""
    windows: list[_Window] = []
    for event in events:
        begin, end = event.at - policy.before, event.until + policy.after
        if windows and begin <= windows[-1].end:
            last = windows.pop()
            windows.append(_Window(last.begin, max(last.end, end), (*last.events, event)))
        else:
            windows.append(_Window(begin, end, (event,)))
    return windows


def _begin(event: NewsEvent) -> tuple[datetime, str]:
    return event.at, event.title


def _first(closing: tuple[datetime, NewsEvent]) -> datetime:
    return closing[0]


def _shown(event: NewsEvent) -> str:
    impact = "" if event.impact is None else f", {event.impact.value}"
    return f"{event.currency or 'all'} {event.title} at {_time(event.at)}{impact}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
