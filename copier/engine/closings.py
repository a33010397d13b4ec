"""Closes what was copied when the clock says so: schedules, maintenance windows, news ahead. Keeps the calendars."""

from collections.abc import Mapping

from copier.engine.desk import Desk
from copier.engine.inputs import CalendarRead, CalendarUnread
from copier.engine.timers import Timers
from rules.alerts.kinds import AlertKind
from rules.model.copies import CopyStatus
from rules.model.values import LinkId
from rules.policy.links import CopyLink
from rules.times.closings import closed_by, next_closing
from rules.times.news import News, NewsPolicy


class Closings:
    """One timer a link, for the next instant at which something of it may have to be closed."""

    def __init__(self, desk: Desk, links: Mapping[LinkId, CopyLink]) -> None:
        self._desk = desk
        self._links = links
        self._policies: dict[str, NewsPolicy] = {
            policy.name: policy for link in links.values() for policy in link.policy.news_policies
        }
        self.timers: Timers[LinkId] = Timers()
        for link in links.values():
            self._close_due(link)

    def fire(self) -> None:
        """Close what is due by now."""
        for link_id in self.timers.due(self._desk.now):
            self._close_due(self._links[link_id])

    def read(self, given: CalendarRead) -> None:
        """Take a calendar: what it closes is closed, and what waited for it is decided now."""
        policy = self._policies.get(given.news)
        if policy is None:
            return
        news = News(policy, given.calendar)
        for view in self._desk.views.values():
            view.news[given.news] = news
        self._desk.observations.calendar(given)
        for link in self._links.values():
            if policy in link.policy.news_policies:
                self._close_due(link)
                waiting = [
                    each for each in self._desk.book.waiting_at(link.target) if each.status is CopyStatus.WAITING
                ]
                for copy in (*waiting, *self._desk.book.mirroring_at(link.target)):
                    if copy.link_id == link.link_id:
                        self._desk.reconsider(copy, "calendar")

    def unread(self, given: CalendarUnread) -> None:
        """Tell of each target that depends on a calendar which cannot be read."""
        policy = self._policies.get(given.news)
        for target in sorted({link.target for link in self._links.values() if policy in link.policy.news_policies}):
            text = f"the calendar of news {given.news} cannot be read: {given.reason}"
            self._desk.journal.alert(AlertKind.CALENDAR_UNREAD, target, text)

    def _close_due(self, link: CopyLink) -> None:
        """Close what was copied, or waits to be, since before the last such instant; also one missed while away."""
        target = self._desk.views.get(link.target)
        if target is None:
            return
        now, book = self._desk.now, self._desk.book
        held, waiting = book.of_target(link.target), book.waiting_at(link.target)
        for copy in {copy.key: copy for copy in (*waiting, *held)}.values():
            if copy.link_id == link.link_id:
                why = closed_by(link.policy.for_symbol(copy.source_symbol), target, copy, now)
                if why is not None:
                    self._desk.flatten(copy, why)
        at = next_closing(link.policy, target, now)
        if at is not None:
            self.timers.set(link.link_id, at)
