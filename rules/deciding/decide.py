"""What to do about one source position on one link: the one function behind the live path and the repair path.

It compares what the source holds with what the copy holds and returns the orders that close the difference. Called
twice with the same input it orders nothing the second time, since the copy then carries what is under way.
"""

from rules.deciding.decision import Context, Decision, earlier
from rules.deciding.ending import leave, lives_anew, over
from rules.deciding.exits import ends_at
from rules.deciding.following import LOOK_UP_AGAIN, follow
from rules.deciding.mirror import asked_again, gives_up, moved_unsent
from rules.deciding.opening import begin, judge
from rules.deciding.shape import shape
from rules.gates.judge import forbids_new_risk
from rules.model.copies import (
    Copy,
    CopyStatus,
    Ending,
    LegStage,
)
from rules.model.evolving import evolve
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import Symbol


def decide(context: Context) -> Decision:
    """Return what the link wants done about the source position now."""
    if context.link.policy.per_symbol and (context.copy is not None or context.position is not None):
        context = context.for_symbol(_symbol(context.copy, context.position))
    decision = _decide(context)
    if decision.memory is not context.memory and decision.memory != context.memory:
        return decision
    return Decision(decision.copy, decision.actions, decision.trace, decision.look_ups, decision.look_again_at)


def _decide(context: Context) -> Decision:
    copy, position = context.copy, context.position
    if copy is None:
        return Decision(None) if position is None else begin(context, position)
    if copy.status is CopyStatus.WAITING:
        return _wait(context, copy)
    if copy.status is CopyStatus.ENDED and not copy.holds:
        return _ended(context, copy)
    if position is None or not copy.is_of(position) or copy.flatten is not None or copy.left:
        return leave(context, copy)
    if copy.order is not None:
        return _mirror(context, copy, position)
    over_at = ends_at(copy, context.link.policy)
    if over_at is None:
        return follow(context, copy, position)
    if context.now >= over_at:
        return leave(context, evolve(copy, flatten="exits.max_open"))
    followed = follow(context, copy, position)
    return evolve(followed, look_again_at=earlier(followed.look_again_at, over_at))


def _symbol(copy: Copy | None, position: Position | None) -> Symbol:
    """Return the source's name of what a position, or the copy of one that is gone, is in."""
    if position is not None:
        return position.symbol
    assert copy is not None  # one of the two is there
    return copy.source_symbol


def _mirror(context: Context, copy: Copy, position: Position) -> Decision:
    """Let what a target has of a source's pending order be as that is now."""
    if not copy.holds:
        return over(context, copy, position)
    if copy.early_at is None and any(leg.stage is LegStage.OPEN for leg in copy.legs):
        copy = evolve(copy, early_at=context.now)
    policy, forbidden = context.link.policy, forbids_new_risk(context.link, context.source, context.target)
    if not policy.mirrors_orders:
        return leave(context, evolve(copy, flatten="pending"))  # an earlier config did
    why = gives_up(copy, policy, context.target, context.now) if forbidden is None else forbidden.reason
    if why is not None:
        return leave(context, evolve(copy, flatten=why.value, reason=why))
    assert context.order is not None  # the position stands for it
    assert copy.order is not None  # else nobody asks here
    another = (context.order.volume, context.order.expires_at) != (copy.order.volume, copy.order.expires_at)
    if another or moved_unsent(copy, context.order, context.link.policy, context.target):
        return leave(context, evolve(copy, left=True))  # and begins anew: neither can be changed at every venue
    copy = evolve(copy, order=context.order)
    shaped = shape(context, copy, copy.granted, position)
    if shaped.copy is not None and not shaped.copy.holds:
        return over(context, shaped.copy, position, shaped.trace)
    again = asked_again(copy, policy, context.target, context.now)
    shaped = evolve(shaped, look_again_at=earlier(shaped.look_again_at, again))
    symbol = copy.legs[0].symbol
    if context.target.instruments.get(symbol) is not None:
        return shaped
    asked = LookUp(context.target.account, symbol)
    again = earlier(shaped.look_again_at, context.now + LOOK_UP_AGAIN)
    return evolve(shaped, look_ups=(*shaped.look_ups, asked), look_again_at=again)


def _wait(context: Context, copy: Copy) -> Decision:
    position = context.position
    if copy.flatten is not None:
        return Decision(evolve(copy, status=CopyStatus.ENDED, ending=Ending.FLATTENED, wait_until=None))
    if position is None:
        denied = Denied("source", Reason.SOURCE_GONE)
        ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
        return Decision(ended, (), (denied,))
    if not copy.is_of(position):
        return begin(context, position, copy)
    return judge(context, copy, position)


def _ended(context: Context, copy: Copy) -> Decision:
    """Leave an ended copy alone, unless the position lives anew: it flipped, or was opened again."""
    position = context.position
    if position is None:
        return Decision(copy)
    return begin(context, position, copy) if lives_anew(copy, position) else Decision(copy)
