"""When everything copied is to be closed by the clock: a schedule, a maintenance window, or news ahead says so."""

from datetime import datetime

from rules.deciding.decision import earlier
from rules.model.copies import Copy
from rules.model.state import AccountView
from rules.policy.links import CopyPolicy


def closed_by(policy: CopyPolicy, target: AccountView, copy: Copy, now: datetime) -> str | None:
    """Return what closes a copy by now, None while nothing does: an instant since it was first seen has come.

    Args:
        policy: what holds for the copy's symbol.
    """
    since = copy.first_seen_at
    if policy.schedule is not None and policy.schedule.flattens(since, now) is not None:
        return f"schedule {policy.schedule.name}"
    for window in target.maintenance:
        if window.flattens(since, now) is not None:
            return f"maintenance {window.name}"
    news = None if policy.news is None else target.news.get(policy.news.name)
    if news is None:
        return None
    instrument = None if copy.target_symbol is None else target.instruments.get(copy.target_symbol)
    event = news.closes(instrument, since, now)
    return None if event is None else f"news {news.policy.name}: {event.title}"


def next_closing(policy: CopyPolicy, target: AccountView, now: datetime) -> datetime | None:
    """Return the first instant after `now` at which copies of a policy, or of its rows, may have to be closed."""
    first: datetime | None = None
    for schedule in (*policy.schedules, *target.maintenance):
        first = earlier(first, schedule.next_flatten(now))
    for news_policy in policy.news_policies:
        news = target.news.get(news_policy.name)
        first = earlier(first, None if news is None else news.next_closing(now))
    return first
