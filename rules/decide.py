"""What to do about one source position on one link: the one function behind the live path and the repair path.

It compares what the source holds with what the copy holds and returns the orders that close the difference. Called
twice with the same input it orders nothing the second time, since the copy then carries what is under way.
"""

from datetime import datetime, timedelta

from rules.actions import Action
from rules.copies import (
    ZERO,
    Copy,
    CopyStatus,
    Ending,
    Leg,
    LegStage,
    Pending,
    Purpose,
    replace_leg,
)
from rules.decision import Context, Decision, earlier, patience, with_result
from rules.events import Origin
from rules.evolving import evolve
from rules.exits import NEVER, close_due, ends_at
from rules.gates import forbids_new_risk, judge_new_risk
from rules.identity import cl_ord_id
from rules.limit_entry import looked_at_again
from rules.look_ups import LookUp
from rules.mirror import asked_again, gives_up, moved_unsent
from rules.observed import Position
from rules.pacing import remember_position
from rules.policy import Late
from rules.question import Grant, Question
from rules.reasons import Reason
from rules.schedule import Outside
from rules.shape import opening, shape
from rules.sizing import following_volume
from rules.state import SAME_LIFE
from rules.trace import Denied, Note, Trace
from rules.values import OmsType, Symbol, plain

INCREASE_AGE_MAX = timedelta(seconds=60)
"""How long an increase may wait where the guard names no age."""

LOOK_UP_AGAIN = timedelta(seconds=10)
"""A reduction that waits for the instrument asks again this often: the look-up may have met bad weather."""


def decide(context: Context) -> Decision:
    """Return what the link wants done about the source position now."""
    if context.link.policy.per_symbol and (context.copy is not None or context.position is not None):
        context = context.for_symbol(_symbol(context.copy, context.position))
    decision = _decide(context)
    return evolve(decision, memory=None) if decision.memory == context.memory else decision


def _decide(context: Context) -> Decision:
    copy, position = context.copy, context.position
    if copy is None:
        return Decision(None) if position is None else _begin(context, position)
    if copy.status is CopyStatus.WAITING:
        return _wait(context, copy)
    if copy.status is CopyStatus.ENDED and not copy.holds:
        return _ended(context, copy)
    if position is None or not copy.is_of(position) or copy.flatten is not None or copy.left:
        return _leave(context, copy)
    if copy.order is not None:
        return _mirror(context, copy, position)
    over_at = ends_at(copy, context.link.policy)
    if over_at is None:
        return _follow(context, copy, position)
    if context.now >= over_at:
        return _leave(context, evolve(copy, flatten="exits.max_open"))
    followed = _follow(context, copy, position)
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
        return _over(context, copy, position)
    if copy.early_at is None and any(leg.stage is LegStage.OPEN for leg in copy.legs):
        copy = evolve(copy, early_at=context.now)
    policy, forbidden = context.link.policy, forbids_new_risk(context.link, context.source, context.target)
    if not policy.mirrors_orders:
        return _leave(context, evolve(copy, flatten="pending"))  # an earlier config did
    why = gives_up(copy, policy, context.target, context.now) if forbidden is None else forbidden.reason
    if why is not None:
        return _leave(context, evolve(copy, flatten=why.value, reason=why))
    assert context.order is not None  # the position stands for it
    assert copy.order is not None  # else nobody asks here
    another = (context.order.volume, context.order.expires_at) != (copy.order.volume, copy.order.expires_at)
    if another or moved_unsent(copy, context.order, context.link.policy, context.target):
        return _leave(context, evolve(copy, left=True))  # and begins anew: neither can be changed at every venue
    copy = evolve(copy, order=context.order)
    shaped = shape(context, copy, copy.granted, position)
    if shaped.copy is not None and not shaped.copy.holds:
        return evolve(shaped, copy=_end(shaped.copy))
    again = asked_again(copy, policy, context.target, context.now)
    shaped = evolve(shaped, look_again_at=earlier(shaped.look_again_at, again))
    symbol = copy.legs[0].symbol
    if context.target.instruments.get(symbol) is not None:
        return shaped
    asked = LookUp(context.target.account, symbol)
    again = earlier(shaped.look_again_at, context.now + LOOK_UP_AGAIN)
    return evolve(shaped, look_ups=(*shaped.look_ups, asked), look_again_at=again)


def _begin(
    context: Context, position: Position, earlier: Copy | None = None, reopened: int = 0, *, late: bool = False
) -> Decision:
    """Judge a position that this link has not seen, or not in this life, or that is to be opened again."""
    copy = Copy(
        link_id=context.link.link_id,
        source=context.source.account,
        target=context.target.account,
        source_position_id=position.position_id,
        opened_at=position.opened_at,
        source_symbol=position.symbol,
        side=position.side,
        # What comes late is as old as the time since it should have been filled: taking the other off may last.
        first_seen_at=context.now if earlier is None or not late else min(earlier.fill_by or context.now, context.now),
        origin=Origin.LIVE if reopened or late else context.origin,
        status=CopyStatus.WAITING,
        reopened=reopened,
        life=0 if earlier is None else earlier.life + 1,
        legs_made=context.legs_before if earlier is None else earlier.legs_made,
        order=context.order,
        late=late,
    )
    return _judge(context, copy, position)


def _judge(context: Context, copy: Copy, position: Position) -> Decision:
    question = Question(
        context.now,
        context.link,
        context.source,
        context.target,
        position,
        copy.origin,
        copy.first_seen_at,
        memory=context.memory,
        approved=copy.approved,
        reopening=copy.reopened > 0 or copy.late,
        order=context.order,
        beside=tuple(each for each in context.beside if each.source_position_id != copy.source_position_id),
        beginning=context.beginning,
        at_target=context.at_target,
    )
    answer, trace, look_ups = judge_new_risk(question)
    granted = isinstance(answer, Grant)
    if granted or (isinstance(answer, Denied) and answer.reason is Reason.SKIPPED_FIRST):
        memory = remember_position(context.memory, context.link.policy, position.side, granted, context.now)
        context = context if memory is context.memory else evolve(context, memory=memory)
    if isinstance(answer, Grant):
        return _open(context, copy, position, answer, trace)
    return _deny(context, copy, answer, trace, look_ups)


def _open(context: Context, copy: Copy, position: Position, grant: Grant, trace: Trace) -> Decision:
    legs, actions = _new_legs(context, copy, grant)
    opened = evolve(
        copy,
        status=CopyStatus.ACTIVE,
        target_symbol=grant.symbol,
        ratio=grant.sized.ratio,
        granted=grant.sized.volume,
        followed=position.volume,
        stop_gap=grant.gap,
        reason=None,
        wait_until=None,
        legs=(*copy.legs, *legs),
        legs_made=copy.legs_made + len(legs),
    )
    if grant.waits is not None and context.order is None:
        opened = evolve(opened, limited=True, fill_by=context.now + context.link.policy.guard.limit_for)
    return Decision(opened, actions, trace, (), looked_at_again(context, opened), context.memory)


def _new_legs(context: Context, copy: Copy, grant: Grant) -> tuple[list[Leg], tuple[Action, ...]]:
    """Return a leg for each piece of what was granted, numbered on from those that the copy has, and their orders."""
    legs: list[Leg] = []
    for number, volume in enumerate(grant.sized.pieces, copy.legs_made):
        order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, number, 0)
        leg = Leg(
            number,
            order_id,
            grant.symbol,
            grant.side,
            volume,
            expected_price=grant.expected_price,
            stop_loss=grant.stops.stop_loss,
            take_profit=grant.stops.take_profit,
            pending=Pending(Purpose.OPEN if grant.waits is None else Purpose.PLACE, order_id, volume),
            waits=grant.waits,
            asked_at=context.now if copy.legs else copy.first_seen_at,
        )
        legs.append(leg)
    return legs, tuple(opening(copy, leg) for leg in legs)


def _deny(context: Context, copy: Copy, denied: Denied, trace: Trace, look_ups: tuple[LookUp, ...]) -> Decision:
    """Wait while the reason may clear, else end the copy for good."""
    wait_until = copy.first_seen_at + patience(context, copy, denied.reason)
    if _waits(context, denied) and context.now < wait_until:
        waiting = evolve(copy, reason=denied.reason, wait_until=wait_until)
        until = wait_until if denied.until is None else min(denied.until, wait_until)
        return Decision(waiting, (), trace, look_ups, until, context.memory)
    ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
    return Decision(ended, (), trace, look_ups, memory=context.memory)


def _waits(context: Context, denied: Denied) -> bool:
    policy = context.link.policy
    closed_by = {Reason.SCHEDULE_CLOSED: policy.schedule, Reason.NEWS_WINDOW: policy.news}.get(denied.reason)
    return denied.reason.waits if closed_by is None else closed_by.outside is Outside.DEFER


def _wait(context: Context, copy: Copy) -> Decision:
    position = context.position
    if copy.flatten is not None:
        return Decision(evolve(copy, status=CopyStatus.ENDED, ending=Ending.FLATTENED, wait_until=None))
    if position is None:
        denied = Denied("source", Reason.SOURCE_GONE)
        ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
        return Decision(ended, (), (denied,))
    if not copy.is_of(position):
        return _begin(context, position, copy)
    return _judge(context, copy, position)


def _ended(context: Context, copy: Copy) -> Decision:
    """Leave an ended copy alone, unless the position lives anew: it flipped, or was opened again."""
    position = context.position
    if position is None:
        return Decision(copy)
    return _begin(context, position, copy) if _lives_anew(copy, position) else Decision(copy)


def _lives_anew(copy: Copy, position: Position) -> bool:
    """Tell whether what the source holds is another life than that of a copy that ended."""
    again = copy.ending is Ending.SOURCE_CLOSED or position.opened_at > copy.opened_at + SAME_LIFE
    return again or (not copy.is_of(position) and copy.ending is not Ending.FLATTENED)


def _leave(context: Context, copy: Copy) -> Decision:
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
    if context.position is not None and _lives_anew(ended, context.position):
        return _begin(context, context.position, ended)
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


def _over(context: Context, copy: Copy, position: Position) -> Decision:
    """End a copy that holds nothing; one that the target closed by itself is opened again where the policy says so."""
    ended = _end(copy)
    context = with_result(context, ended)
    if copy.limited and ended.ending is Ending.DENIED:
        denied = Denied("guard.on_deviation", Reason.LIMIT_NOT_FILLED)
        return Decision(evolve(ended, reason=denied.reason), (), (denied,), memory=context.memory)
    if copy.fill_by is not None and ended.ending is Ending.DENIED:
        if context.link.policy.mirror.late is Late.MARKET:
            return _begin(context, position, ended, late=True)
        denied = Denied("mirror.late", Reason.PENDING_NOT_FILLED)
        return Decision(evolve(ended, reason=denied.reason), (), (denied,), memory=context.memory)
    if ended.ending is Ending.TARGET_CLOSED and copy.reopened < context.link.policy.reopen:
        return _begin(context, position, ended, copy.reopened + 1)
    return Decision(ended, memory=context.memory)


def _end(copy: Copy) -> Copy:
    """End a copy that holds nothing although its source is open: the target closed it, or it never came to be."""
    stages = {leg.stage for leg in copy.legs}
    if LegStage.GONE in stages:
        ending, reason = Ending.TARGET_CLOSED, None
    elif LegStage.REJECTED in stages:
        ending, reason = Ending.REJECTED, Reason.REJECTED
    else:
        ending, reason = Ending.DENIED, Reason.TOO_OLD
    return evolve(copy, status=CopyStatus.ENDED, ending=ending, reason=reason, wait_until=None)


def _follow(context: Context, copy: Copy, position: Position) -> Decision:
    """Bring a living copy to the source's volume and stops."""
    if not copy.holds:
        return _over(context, copy, position)
    trace: Trace = ()
    look_ups: tuple[LookUp, ...] = ()
    opened: tuple[Action, ...] = ()
    again: datetime | None = None
    if position.volume > max(copy.followed, copy.refused):
        grown = _grow(context, copy, position)
        assert grown.copy is not None  # _grow returns the record always
        copy, opened, trace, look_ups, again = (
            grown.copy,
            grown.actions,
            grown.trace,
            grown.look_ups,
            grown.look_again_at,
        )
    elif copy.wait_until is not None:
        copy = evolve(copy, wait_until=None)  # the increase that waited was taken back
    instrument = context.target.instruments.get(copy.legs[0].symbol)
    desired = copy.granted
    if instrument is not None and position.volume < copy.followed:
        desired = following_volume(copy.ratio, position.volume, copy.granted, instrument, context.link.policy.volume)
        if desired < copy.granted:
            copy = evolve(copy, granted=desired, followed=position.volume, refused=ZERO)
            trace = (*trace, _followed(copy, position))
    again = earlier(again, looked_at_again(context, copy))
    shaped = shape(context, copy, desired, position)
    if shaped.copy is not None and not shaped.copy.holds:
        if copy.fill_by is not None:
            return _over(context, shaped.copy, position)
        ended = _end(shaped.copy)
        memory = with_result(context, ended).memory
        return evolve(shaped, copy=ended, trace=(*trace, *shaped.trace), memory=memory)
    if instrument is None:
        look_ups = (*look_ups, LookUp(context.target.account, copy.legs[0].symbol))
        again = earlier(again, context.now + LOOK_UP_AGAIN)
    return Decision(
        shaped.copy,
        (*shaped.actions, *opened),
        (*trace, *shaped.trace),
        (*look_ups, *shaped.look_ups),
        earlier(again, shaped.look_again_at),
    )


def _followed(copy: Copy, position: Position) -> Note:
    return Note("volume", "follows the source", (("source", plain(position.volume)), ("target", plain(copy.granted))))


def _grow(context: Context, copy: Copy, position: Position) -> Decision:
    """Judge an increase of the source as new risk; a denied one is not asked about again."""
    held = copy.exposure
    question = Question(
        context.now,
        context.link,
        context.source,
        context.target,
        position,
        context.origin,
        context.now,
        (copy.ratio, held),
        copy.stop_gap,
        at_target=context.at_target,
        held_in=copy.target_symbol,
    )
    answer, trace, look_ups = judge_new_risk(question)
    if isinstance(answer, Grant):
        legs, actions = _new_legs(context, copy, answer)
        grown = evolve(
            copy,
            granted=held + answer.sized.volume,
            followed=position.volume,
            wait_until=None,
            legs=(*copy.legs, *legs),
            legs_made=copy.legs_made + len(legs),
        )
        return Decision(grown, actions, trace)
    wait_until = copy.wait_until or context.now + (context.link.policy.guard.max_age or INCREASE_AGE_MAX)
    if _waits(context, answer) and context.now < wait_until:
        return Decision(evolve(copy, wait_until=wait_until), (), trace, look_ups, wait_until)
    return Decision(evolve(copy, refused=position.volume, wait_until=None), (), trace)
