"""The gates of new risk on times that others set: news, and maintenance at the target. None: it passes."""

from datetime import datetime

from rules.gates.market import Market
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.times.news import check_news
from rules.times.schedule import Closed


def news(market: Market) -> Denied | None:
    """Refuse what is too near to an event of the policy's calendar, or cannot be judged for want of it."""
    policy = market.policy.news
    if policy is None:
        return None
    question = market.question
    said = check_news(policy, question.target.news.get(policy.name), market.instrument, question.now)
    if said is None or isinstance(said, Denied):
        return said
    market.finding.trace.append(said)
    return None


def maintenance(market: Market) -> Denied | None:
    """Refuse what the target's venue or broker would hardly take well: it is being worked on."""
    return maintained(market.question.target, market.question.now)


def maintained(target: AccountView, now: datetime) -> Denied | None:
    """Return the denial while the target's venue or broker is in a maintenance window."""
    for window in target.maintenance:
        state = window.state(now)
        if isinstance(state, Closed):
            numbers = (("maintenance", window.name), ("why", state.why))
            return Denied("maintenance", Reason.MAINTENANCE, numbers, state.until)
    return None
