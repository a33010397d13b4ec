"""Ends copies: everything is closed, and what the source holds by then may be another life."""

from datetime import datetime

from rules.deciding.decision import Context, Decision, with_result
from rules.deciding.exits import NEVER, close_due
from rules.deciding.opening import begin
from rules.deciding.shape import shape
from rules.model.copies import (
    ZERO,
    Copy,
    CopyStatus,
    Ending,
    LegStage,
    Purpose,
    replace_leg,
)
from rules.model.evolving import evolve
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.state import SAME_LIFE
from rules.model.trace import Denied, Note, Trace
from rules.model.values import OmsType
from rules.policy.pending import Late


def lives_anew(copy: Copy, position: Position) -> bool:
    """Tell whether what the source holds is another life than that of a copy that ended."""
    again = copy.ending is Ending.SOURCE_CLOSED or position.opened_at > copy.opened_at + SAME_LIFE
    return again or (not copy.is_of(position) and copy.ending is not Ending.FLATTENED)


def leave(context: Context, copy: Copy) -> Decision:
    """Close everything of a copy: its source is gone or flipped, or it must be flat. No gate is asked.

    What the source opens meanwhile under the same id is another life, and begins when nothing of this one is held.
    """
    left = copy.left or context.position is None or not copy.is_of(context.position)
    close_at = copy.close_at
    if left and not copy.left and copy.flatten is None and copy.order is None:
        close_at = close_due(copy, context.link.policy, context.target, context.now)
    copy = evolve(copy, wait_until=None, left=left, close_at=close_at)
    if close_at is not None and copy.flatten is None and context.now < close_at and copy.holds:
        return Decision(copy, (), (_held_back(close_at),), (), None if close_at == NEVER else close_at)
    if context.target.oms is OmsType.HEDGING:
        copy = _unblocked(copy)
    shaped = shape(context, evolve(copy, close_at=None), ZERO, None)
    after = shaped.copy
    if after is None or after.holds:
        return shaped
    ending = Ending.SOURCE_CLOSED if after.flatten is None else Ending.FLATTENED
    ended = evolve(after, status=CopyStatus.ENDED, ending=ending)
    context = with_result(context, ended)
    if context.position is not None and lives_anew(ended, context.position):
        return begin(context, context.position, ended)
    return evolve(shaped, copy=ended, memory=context.memory)


def _held_back(close_at: datetime) -> Note:
    until = "its stops end it" if close_at == NEVER else close_at.isoformat(timespec="milliseconds")
    return Note("exits", "the source's close is held back", (("until", until),))


def _unblocked(copy: Copy) -> Copy:
    """Let the close overtake a reduction or new stops whose answer was lost; the venue may need minutes to tell.

    Closing a position of its own whole is right whatever became of them.
    """
    for leg in copy.legs:
        pending = leg.pending
        if pending is not None and pending.unknown and pending.purpose in (Purpose.REDUCE, Purpose.STOPS):
            copy = replace_leg(copy, evolve(leg, pending=None, retry_at=None, step=leg.step + 1))
    return copy


def over(context: Context, copy: Copy, position: Position, trace: Trace = ()) -> Decision:
    """End a copy that holds nothing; one that the target closed by itself is opened again where the policy says so.

    Args:
        trace: what led to its holding nothing, if that was just now.
    """
    ended = end(copy)
    context = with_result(context, ended)
    if copy.limited and ended.ending is Ending.DENIED:
        denied = Denied("guard.on_deviation", Reason.LIMIT_NOT_FILLED)
        return Decision(evolve(ended, reason=denied.reason), (), (*trace, denied), memory=context.memory)
    if copy.fill_by is not None and ended.ending is Ending.DENIED:
        if context.link.policy.mirror.late is Late.MARKET:
            return _after(trace, begin(context, position, ended, late=True))
        denied = Denied("mirror.late", Reason.PENDING_NOT_FILLED)
        return Decision(evolve(ended, reason=denied.reason), (), (*trace, denied), memory=context.memory)
    if ended.ending is Ending.TARGET_CLOSED and copy.reopened < context.link.policy.reopen:
        return _after(trace, begin(context, position, ended, copy.reopened + 1))
    return Decision(ended, (), trace, memory=context.memory)


def _after(trace: Trace, decision: Decision) -> Decision:
    return evolve(decision, trace=(*trace, *decision.trace))


def end(copy: Copy) -> Copy:
    """End a copy that holds nothing although its source is open: the target closed it, or it never came to be."""
    stages = {leg.stage for leg in copy.legs}
    if LegStage.GONE in stages:
        ending, reason = Ending.TARGET_CLOSED, None
    elif LegStage.REJECTED in stages:
        ending, reason = Ending.REJECTED, Reason.REJECTED
    else:
        ending, reason = Ending.DENIED, Reason.TOO_OLD
    return evolve(copy, status=CopyStatus.ENDED, ending=ending, reason=reason, wait_until=None)
