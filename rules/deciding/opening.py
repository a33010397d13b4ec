"""Opens copies: new risk is judged, granted, denied for good, or waits."""

from rules.deciding.decision import Context, Decision, patience
from rules.deciding.limit_entry import looked_at_again
from rules.deciding.shape import opening
from rules.gates.judge import judge_new_risk
from rules.gates.pacing import remember_position
from rules.gates.question import Grant, Question
from rules.model.actions import Action
from rules.model.copies import (
    Copy,
    CopyStatus,
    Ending,
    Leg,
    Pending,
    Purpose,
)
from rules.model.events import Origin
from rules.model.evolving import evolve
from rules.model.identity import cl_ord_id
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.trace import Denied, Trace
from rules.times.schedule import Outside


def begin(
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
    return judge(context, copy, position)


def judge(context: Context, copy: Copy, position: Position) -> Decision:
    beside = context.beside
    if beside:
        beside = tuple(each for each in beside if each.source_position_id != copy.source_position_id)
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
        beside=beside,
        beginning=context.beginning,
        at_target=context.at_target,
        heard=context.heard,
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
    legs, actions = new_legs(context, copy, grant)
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


def new_legs(context: Context, copy: Copy, grant: Grant) -> tuple[list[Leg], tuple[Action, ...]]:
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
    return legs, tuple([opening(copy, leg) for leg in legs])


def _deny(context: Context, copy: Copy, denied: Denied, trace: Trace, look_ups: tuple[LookUp, ...]) -> Decision:
    """Wait while the reason may clear, else end the copy for good."""
    wait_until = copy.first_seen_at + patience(context, copy, denied.reason)
    if waits(context, denied) and context.now < wait_until:
        waiting = evolve(copy, reason=denied.reason, wait_until=wait_until)
        until = wait_until if denied.until is None else min(denied.until, wait_until)
        return Decision(waiting, (), trace, look_ups, until, context.memory)
    ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
    return Decision(ended, (), trace, look_ups, memory=context.memory)


def waits(context: Context, denied: Denied) -> bool:
    policy = context.link.policy
    closed_by = {Reason.SCHEDULE_CLOSED: policy.schedule, Reason.NEWS_WINDOW: policy.news}.get(denied.reason)
    return denied.reason.waits if closed_by is None else closed_by.outside is Outside.DEFER
