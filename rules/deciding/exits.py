"""When a copy is closed later than its source, or sooner: holding times, ignored closes, delays."""

from datetime import UTC, datetime

from rules.gates.pacing import draw
from rules.model.copies import Copy, LegStage
from rules.model.state import AccountView
from rules.policy.links import CopyPolicy

NEVER = datetime.max.replace(tzinfo=UTC)
"""The source's close is not followed at all: the copy ends by its stops."""


def opened_at(copy: Copy) -> datetime:
    """Return when the copy was let be opened."""
    return min((leg.asked_at for leg in copy.legs if leg.asked_at is not None), default=copy.first_seen_at)


def ends_at(copy: Copy, policy: CopyPolicy) -> datetime | None:
    """Return when the copy has been open for as long as it may; None: no such time."""
    return None if policy.exits.max_open is None else opened_at(copy) + policy.exits.max_open


def close_due(copy: Copy, policy: CopyPolicy, target: AccountView, now: datetime) -> datetime | None:
    """Return when a copy whose source has closed now is to be closed; None: at once.

    The latest of the delay, the minimum holding times and the ignored close counts, but no later than the copy ends.
    """
    exits, span = policy.exits, policy.delay.close
    due = now
    if span is not None:
        due = max(due, now + draw(span, "close", copy.link_id, copy.source_position_id, copy.opened_at))
    for hold in (exits.min_hold, target.min_hold):
        if hold is not None:
            due = max(due, opened_at(copy) + hold)
    if exits.ignore_close and _is_protected(copy):
        due = NEVER if exits.ignore_close_for is None else max(due, now + exits.ignore_close_for)
    latest = ends_at(copy, policy)
    due = due if latest is None else min(due, latest)
    return due if due > now else None


def _is_protected(copy: Copy) -> bool:
    """Tell whether all that is held has both stops, so that it ends without us."""
    legs = [leg for leg in copy.legs if leg.live]
    return all(leg.stage is LegStage.OPEN and leg.stop_loss is not None and leg.take_profit is not None for leg in legs)
