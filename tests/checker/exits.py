"""When a copy is closed later than its source, or sooner."""

from datetime import UTC, datetime

from tests.checker.facts import is_live
from tests.checker.links import Rules
from tests.checker.pacing import draw
from tests.checker.trees import Tree

NEVER = datetime.max.replace(tzinfo=UTC)
"""The source's close is ignored for good: the stops end the copy."""


def opened_at(copy: Tree) -> datetime:
    asked: list[datetime] = [leg["asked_at"] for leg in copy["legs"] if leg["asked_at"] is not None]
    return min(asked, default=copy["first_seen_at"])


def is_over(copy: Tree, rules: Rules, now: datetime) -> bool:
    """Tell whether a copy has been open for as long as it may."""
    longest = rules["exits"]["max_open"]
    return longest is not None and now >= opened_at(copy) + longest


def close_at(copy: Tree, rules: Rules, now: datetime) -> datetime | None:
    """Return when a copy closes whose source has closed now: the latest of what holds it back; None: at once."""
    exits, span = rules["exits"], rules["delay"]["close"]
    moments = [now]
    if span is not None:
        moments.append(now + draw(span, "close", copy["link_id"], copy["source_position_id"], copy["opened_at"]))
    if exits["min_hold"] is not None:
        moments.append(opened_at(copy) + exits["min_hold"])
    due = max(moments)
    if exits["ignore_close"] and ends_by_itself(copy):
        ignored = exits["ignore_close_for"]
        due = NEVER if ignored is None else max(due, now + ignored)
    if exits["max_open"] is not None:
        due = min(due, opened_at(copy) + exits["max_open"])
    return due if due > now else None


def ends_by_itself(copy: Tree) -> bool:
    """Tell whether all that is held has both stops."""
    legs = [leg for leg in copy["legs"] if is_live(leg)]
    return all(leg["stage"] == "open" and None not in (leg["stop_loss"], leg["take_profit"]) for leg in legs)
