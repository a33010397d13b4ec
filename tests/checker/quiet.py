"""Times that others set: maintenance of venues, and news of calendars."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from attrs import define

from tests.checker.symbols import matches
from tests.checker.text import Unchecked, duration
from tests.checker.trees import Tree
from tests.checker.windows import Calendar

NEWS_KEYS = {
    *("calendar", "before", "after", "close_before", "impact", "currencies", "titles", "not_titles", "symbols"),
    *("outside", "on_missing", "stale_after", "refresh", "format", "timezone"),
}
CODES = frozenset(
    ("EUR", "GBP", "AUD", "NZD", "USD", "CAD", "CHF", "JPY", "NOK", "SEK", "DKK", "PLN", "HUF", "CZK", "TRY", "ZAR")
)
"""Of the currencies whose pairs the simulated accounts could list."""


@define
class Maintenance:
    """When the accounts that it fits take no new risk."""

    calendar: Calendar
    fitting: Mapping[str, list[str]]

    @classmethod
    def read(cls, name: str, table: Tree, zone: str) -> "Maintenance":
        fitting = {key: table.get(key, []) for key in ("venues", "brokers", "accounts")}
        windows = {"closed": table["windows"]}
        if table.keys() - fitting.keys() - {"windows", "timezone"}:
            raise Unchecked(f"maintenance.{name}: {sorted(table)}")
        zoned = {"timezone": table["timezone"]} if "timezone" in table else {}
        return cls(Calendar.read(name, windows | zoned, zone), fitting)

    def fits(self, name: str, account: Tree) -> bool:
        venues, brokers, accounts = (self.fitting[key] for key in ("venues", "brokers", "accounts"))
        if (venues and account["venue"] not in venues) or (accounts and name not in accounts):
            return False
        broker = account.get("broker")
        return not brokers or (broker is not None and any(matches(pattern, broker) for pattern in brokers))


@define
class News:
    """Which events keep new risk away, and which close what was copied."""

    name: str
    table: Tree
    before: timedelta
    after: timedelta
    close_before: timedelta | None
    stale_after: timedelta

    @classmethod
    def read(cls, name: str, table: Tree) -> "News":
        if table.keys() - NEWS_KEYS:
            raise Unchecked(f"news.{name}: {sorted(table.keys() - NEWS_KEYS)}")
        ahead = table.get("close_before", "off")
        lengths = (duration(table.get("before", "5m")), duration(table.get("after", "5m")))
        closing = None if ahead == "off" else duration(ahead)
        return cls(name, table, *lengths, closing, duration(table.get("stale_after", "3d")))

    def says(self, calendar: Tree | None, instrument: Tree, now: datetime) -> str | None:
        """Return the code of a denial, None where nothing is in the way."""
        stale = calendar is None or calendar["ends"] is None
        if calendar is not None and calendar["ends"] is not None:
            stale = now - min(calendar["read_at"], calendar["ends"]) > self.stale_after
        if stale and self.table.get("on_missing", "deny") == "deny":
            return "NEWS_UNKNOWN"
        for event in self._events(calendar, instrument):
            if event["at"] - self.before <= now < event["until"] + self.after:
                return "NEWS_WINDOW"
        return None

    def near(self, calendar: Tree, instrument: Tree, now: datetime) -> bool:
        """Tell whether an event is near, whatever is thought of the calendar."""
        events = self._events(calendar, instrument)
        return any(event["at"] - self.before <= now < event["until"] + self.after for event in events)

    @property
    def defers(self) -> bool:
        return bool(self.table.get("outside", "deny") == "defer")

    def closing(self, calendar: Tree | None, instrument: Tree | None, after: datetime, until: datetime) -> set[str]:
        """Return the titles of the events ahead of which a copy had to be closed at a moment in (after, until]."""
        if self.close_before is None:
            return set()
        events = self._events(calendar, instrument)
        return {event["title"] for event in events if after < event["at"] - self.close_before <= until}

    def _events(self, calendar: Tree | None, instrument: Tree | None) -> Iterator[Tree]:
        """Yield the events that count and concern an instrument."""
        concerned = None if instrument is None else self._currencies(instrument)
        for event in () if calendar is None else calendar["events"]:
            own = event["currency"]
            if self._counts(event) and (own is None or concerned is None or own in concerned):
                yield event

    def _counts(self, event: Tree) -> bool:
        wanted = self.table.get("currencies", [])
        if event["impact"] not in (None, *self.table.get("impact", ["high"])):
            return False
        if wanted and event["currency"] is not None and event["currency"] not in wanted:
            return False
        titles, unwanted = self.table.get("titles", []), self.table.get("not_titles", [])
        if any(matches(pattern, event["title"]) for pattern in unwanted):
            return False
        return not titles or any(matches(pattern, event["title"]) for pattern in titles)

    def _currencies(self, instrument: Tree) -> set[str] | None:
        """Return the currencies whose news concern an instrument; None: nobody knows, so all do."""
        for row in self.table.get("symbols", []):
            if matches(row["match"], instrument["symbol"]):
                return set(row["currencies"])
        found = set() if instrument["profit_currency"] is None else {instrument["profit_currency"]}
        pair = re.match(r"([A-Z]{3})([A-Z]{3})(?![A-Z])", instrument["symbol"])
        if pair is not None and pair[2] in CODES:
            found |= {code for code in pair.groups() if code in CODES}
        return found or None
