"""Which alerts a route tells, when, and how many at once: grouping, repeats and rate limits. Time is passed in."""

from collections import Counter, deque
from datetime import datetime, timedelta

from attrs import define, evolve, field

from rules.alerts.kinds import Alert, AlertKind
from rules.model.frozen import frozen
from rules.model.severity import Severity
from rules.model.values import AccountId

TOPICS_MAX = 1000
"""Causes that a route tells apart. More at once, no person can; the rest is counted and told as a number."""

REMINDER_MAX = timedelta(days=1)
"""Reminders of what lasts come after `repeat`, twice that, four times that ..., at last once a day."""

_HOUR = timedelta(hours=1)


@frozen
class AlertRoute:
    """What is told where. Empty `kinds` and `accounts` are all; `per_hour` counts messages that are not critical."""

    name: str
    kinds: frozenset[AlertKind] = frozenset()
    accounts: frozenset[AccountId] = frozenset()
    min_severity: Severity = Severity.WARNING
    repeat: timedelta = timedelta(minutes=15)
    group: timedelta = timedelta(seconds=5)
    per_hour: int = 30

    def wants(self, alert: Alert) -> bool:
        """Tell whether an alert is for this route; what is about no account is about all."""
        about = not self.accounts or not alert.accounts or not self.accounts.isdisjoint(alert.accounts)
        return about and alert.severity.rank >= self.min_severity.rank and (not self.kinds or alert.kind in self.kinds)


@frozen
class News:
    """One topic in a message: its latest alert, when it began, how often it came since it was told, if it ever was."""

    alert: Alert
    since: datetime
    times: int
    told_before: bool


@frozen
class Batch:
    """What is told at once, the most severe first; `more` counts what came while too many topics were open."""

    at: datetime
    news: tuple[News, ...]
    more: tuple[tuple[AlertKind, int], ...] = ()

    @property
    def severity(self) -> Severity:
        return max((each.alert.severity for each in self.news), key=lambda each: each.rank, default=Severity.WARNING)


@define
class _Topic:
    """One cause: what came of it last, and what was told of it last."""

    alert: Alert
    since: datetime
    due: datetime | None
    times: int = 1
    told: Alert | None = None
    begun_told_at: datetime | None = None
    pause: timedelta = timedelta(0)
    reminder: datetime | None = None
    """When people are reminded of it where it still lasts then."""
    acknowledged: bool = False
    """Somebody has seen it: nobody is reminded of it as it is."""

    @property
    def told_on(self) -> bool:
        """Tell whether people take it for lasting."""
        return self.told is not None and self.told.lasts and not self.told.over


Key = tuple[AlertKind, str]


@define
class Outbox:
    """The alerts of one route until they are told. Nothing that is taken is forgotten before it was told."""

    route: AlertRoute
    _topics: dict[Key, _Topic] = field(factory=dict)
    _more: Counter[AlertKind] = field(factory=Counter)
    _more_due: datetime | None = None
    _sent: deque[datetime] = field(factory=deque)
    """When the messages of the last hour went out that were not critical."""

    def take(self, alert: Alert) -> None:
        """Take an alert that has come now."""
        if not self.route.wants(alert):
            return
        key = (alert.kind, alert.topic)
        topic = self._topics.get(key)
        if topic is None:
            self._begin(key, alert)
        elif alert.over:
            self._end(topic, alert)
        else:
            self._again(topic, alert)

    def _begin(self, key: Key, alert: Alert) -> None:
        soon = alert.at + self.route.group
        if len(self._topics) >= TOPICS_MAX:
            self._clean(alert.at)
        if len(self._topics) < TOPICS_MAX:
            self._topics[key] = _Topic(alert, alert.at, soon, times=0 if alert.over else 1)
        else:
            self._more[alert.kind] += 1
            self._more_due = self._more_due or soon

    def acknowledge(self, kind: AlertKind, topic: str, at: datetime) -> None:
        """Take note that somebody has seen the alert that came at that time: it is told once, and then no more.

        Another one of the same cause is told, and so is its end.
        """
        found = self._topics.get((kind, topic))
        if found is None or found.alert.at != at or found.alert.over:
            return
        found.acknowledged = True
        if found.told == found.alert and not found.times:
            found.due = found.reminder = None

    def _again(self, topic: _Topic, alert: Alert) -> None:
        was = topic.alert
        topic.alert = alert
        topic.acknowledged = False
        if was.over:
            topic.since = alert.at
        if was.over or not alert.lasts:
            topic.times += 1
        if topic.told is None:
            return  # its group waits already
        soon = alert.at + self.route.group
        if alert.severity.rank > topic.told.severity.rank:
            topic.due = soon
        elif topic.told_on and topic.reminder is not None:
            topic.due = topic.reminder
        elif topic.due is None:
            topic.due = max(soon, (topic.begun_told_at or alert.at) + self.route.repeat)

    def _end(self, topic: _Topic, alert: Alert) -> None:
        severity = max(alert.severity, topic.alert.severity, key=lambda each: each.rank)
        topic.alert = evolve(alert, severity=severity)
        if topic.told_on:
            topic.due = alert.at + self.route.group

    def due_at(self) -> datetime | None:
        """Return when there will be something to tell, None when nothing waits."""
        dues = [(each.due, each.alert.severity) for each in self._topics.values() if each.due is not None]
        if self._more_due is not None:
            dues.append((self._more_due, Severity.WARNING))
        free_at = self._sent[0] + _HOUR if len(self._sent) >= self.route.per_hour else None
        times = [
            due if free_at is None or severity is Severity.CRITICAL else max(due, free_at) for due, severity in dues
        ]
        return min(times, default=None)

    def tell(self, now: datetime, *, all_: bool = False) -> Batch | None:
        """Return what is to be told now, None when that is nothing; what was never told yet goes along.

        Args:
            all_: everything that was not told yet, whatever its time: the service is about to end.
        """
        while self._sent and self._sent[0] + _HOUR <= now:
            self._sent.popleft()
        due_at = self.due_at()
        if due_at is None or (now < due_at and not all_):
            return None
        telling = [each for each in self._topics.values() if _is_news(each, now, all_=all_)]
        telling.sort(key=lambda topic: (-topic.alert.severity.rank, topic.since))
        news = tuple(News(each.alert, each.since, each.times, each.told is not None) for each in telling)
        batch = Batch(now, news, tuple(self._more.items()))
        self._more, self._more_due = Counter(), None
        for topic in telling:
            self._told(topic, now)
        self._clean(now)
        if not news and not batch.more:
            return None
        if batch.severity is not Severity.CRITICAL:
            self._sent.append(now)
        return batch

    def _told(self, topic: _Topic, now: datetime) -> None:
        on = topic.alert.lasts and not topic.alert.over
        longer = min(topic.pause * 2, max(REMINDER_MAX, self.route.repeat))
        topic.pause = longer if on and topic.told_on else self.route.repeat
        if topic.times:
            topic.begun_told_at = now
        topic.told, topic.times = topic.alert, 0
        topic.due = topic.reminder = now + topic.pause if on and not topic.acknowledged else None

    def _clean(self, now: datetime) -> None:
        """Forget the topics of which there is nothing to tell, once `repeat` would hold nothing of them back."""
        for key, topic in list(self._topics.items()):
            held_until = None if topic.begun_told_at is None else topic.begun_told_at + self.route.repeat
            done = topic.due is None and not topic.told_on
            if done and (held_until is None or held_until <= now):
                del self._topics[key]


def _is_news(topic: _Topic, now: datetime, *, all_: bool) -> bool:
    if topic.due is None:
        return False
    reminder = topic.told == topic.alert and topic.times == 0
    return topic.due <= now or topic.told is None or (all_ and not reminder)
