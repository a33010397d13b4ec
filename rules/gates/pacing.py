"""The gates of new risk on how often and how soon: skipped positions, throttles, approval, delay."""

import hashlib
from datetime import datetime, timedelta

from rules.gates.market import Market
from rules.model.memory import LinkMemory, recent_opens, skipped_so_far, with_open, with_position
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import LinkId, PositionId, Side
from rules.policy.links import CopyPolicy
from rules.policy.pacing import Span


def skip_first(market: Market) -> Denied | None:
    """Refuse the first positions after a quiet time."""
    question, skip = market.question, market.policy.skip_first
    if skip is None or question.increase_of is not None:
        return None
    skipped = skipped_so_far(question.memory, skip, question.position.side, market.policy.row or 0, question.now)
    if skipped >= skip.count:
        return None
    return Denied("skip_first", Reason.SKIPPED_FIRST, (("skipped", str(skipped)), ("count", str(skip.count))))


def throttle(market: Market) -> Denied | None:
    """Refuse more copies than may be opened within the window."""
    question, limit = market.question, market.policy.throttle
    if limit is None or question.increase_of is not None:
        return None
    opened = recent_opens(question.memory, limit, market.policy.row or 0, question.now)
    if opened < limit.max_opens:
        return None
    numbers = (("opened", str(opened)), ("max_opens", str(limit.max_opens)), ("window", str(limit.window)))
    return Denied("throttle", Reason.THROTTLED, numbers)


def approval(market: Market) -> Denied | None:
    """Hold a new copy back until somebody approves of it; what it grows by needs no second approval."""
    question = market.question
    if not market.policy.approval or question.approved or question.increase_of is not None:
        return None
    return Denied("approval", Reason.APPROVAL_NEEDED, (("position", question.position.position_id),))


def delay(market: Market) -> Denied | None:
    """Hold a new copy back for its time."""
    question, span = market.question, market.policy.delay.open
    if span is None or question.increase_of is not None:
        return None
    drawn = draw(span, "open", question.link.link_id, question.position.position_id, question.position.opened_at)
    until = question.seen_at + drawn
    if question.now >= until:
        return None
    return Denied("delay", Reason.DELAYED, (("delay", str(drawn)),), until)


def draw(span: Span, what: str, link_id: LinkId, position_id: PositionId, opened_at: datetime) -> timedelta:
    """Return a duration of the span, evenly spread over positions, and always the same for one."""
    seed = "\x1f".join((what, link_id, position_id, opened_at.isoformat()))
    number = int.from_bytes(hashlib.blake2b(seed.encode(), digest_size=8).digest())
    width = (span.most - span.least) // timedelta(microseconds=1)
    return span.least + timedelta(microseconds=number % (width + 1))


def remember_position(memory: LinkMemory, policy: CopyPolicy, side: Side, granted: bool, now: datetime) -> LinkMemory:
    """Return the memory after a position was copied (`granted`) or skipped."""
    row = policy.row or 0
    if policy.skip_first is not None:
        memory = with_position(memory, policy.skip_first, side, row, now)
    if policy.throttle is not None and granted:
        memory = with_open(memory, policy.throttle, row, now)
    return memory
