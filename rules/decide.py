"""What to do about one source position on one link: the one function behind the live path and the repair path.

It compares what the source holds with what the copy holds and returns the orders that close the difference. Called
twice with the same input it orders nothing the second time, since the copy then carries what is under way.
"""

from datetime import datetime, timedelta

from attrs import evolve, frozen

from rules.actions import Action, ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.copies import (
    Copy,
    CopyStatus,
    Ending,
    Leg,
    LegStage,
    Pending,
    Purpose,
    grant_no_more,
    replace_leg,
)
from rules.events import Origin
from rules.gates import QUOTE_AGE_MAX, Grant, LookUp, Question, judge_new_risk
from rules.identity import cl_ord_id
from rules.instruments import Instrument
from rules.observed import Position
from rules.policy import CopyLink, StartOpen
from rules.reasons import Reason
from rules.schedule import Outside
from rules.sizing import following_volume
from rules.state import SAME_LIFE, AccountView
from rules.stops import TargetStops, moved_stops
from rules.trace import Denied, Note, Trace
from rules.values import OmsType, PositionId, Price, Volume, plain

ZERO = Volume(0)

REFUSED_QUOTE_AGE_MAX = timedelta(minutes=5)
"""Stops that the venue has refused are judged by its last quote, also where a quiet market made that a while ago."""

INCREASE_AGE_MAX = timedelta(seconds=60)
"""How long an increase may wait where the guard names no age."""

LOOK_UP_AGAIN = timedelta(seconds=10)
"""A reduction that waits for the instrument asks again this often: the look-up may have met bad weather."""


@frozen
class Context:
    """Everything that a decision may look at; nobody changes it meanwhile.

    `position` is None when the source does not hold it (any more); `price` is then what it was closed at, if known.
    `legs_before` numbers on from the legs of an earlier life that is remembered no more: their order ids are used up.
    """

    now: datetime
    link: CopyLink
    source: AccountView
    target: AccountView
    position_id: PositionId
    position: Position | None
    origin: Origin
    copy: Copy | None
    price: Price | None = None
    legs_before: int = 0


@frozen
class Decision:
    """What to do: the new record, the orders, why, what to look up, and when to ask again without any event.

    `copy` is None when there is nothing to remember. A record equal to the old one with no orders is no news.
    """

    copy: Copy | None
    actions: tuple[Action, ...] = ()
    trace: Trace = ()
    look_ups: tuple[LookUp, ...] = ()
    look_again_at: datetime | None = None


def decide(context: Context) -> Decision:
    """Return what the link wants done about the source position now."""
    copy, position = context.copy, context.position
    if copy is None:
        return Decision(None) if position is None else _begin(context, position)
    if copy.status is CopyStatus.WAITING:
        return _wait(context, copy)
    if copy.status is CopyStatus.ENDED and not copy.holds:
        return _ended(context, copy)
    if position is None or position.side is not copy.side or copy.flatten is not None:
        return _leave(context, copy)
    return _follow(context, copy, position)


def _begin(context: Context, position: Position, earlier: Copy | None = None) -> Decision:
    """Judge a position that this link has not seen, or not in this life."""
    copy = Copy(
        link_id=context.link.link_id,
        source=context.source.account,
        target=context.target.account,
        source_position_id=position.position_id,
        opened_at=position.opened_at,
        source_symbol=position.symbol,
        side=position.side,
        first_seen_at=context.now,
        origin=context.origin,
        status=CopyStatus.WAITING,
        life=0 if earlier is None else earlier.life + 1,
        legs_made=context.legs_before if earlier is None else earlier.legs_made,
    )
    return _judge(context, copy, position)


def _judge(context: Context, copy: Copy, position: Position) -> Decision:
    question = Question(
        context.now, context.link, context.source, context.target, position, copy.origin, copy.first_seen_at
    )
    answer, trace, look_ups = judge_new_risk(question)
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
        reason=None,
        wait_until=None,
        legs=(*copy.legs, *legs),
        legs_made=copy.legs_made + len(legs),
    )
    return Decision(opened, actions, trace)


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
            pending=Pending(Purpose.OPEN, order_id, volume),
            asked_at=context.now if copy.legs else copy.first_seen_at,
        )
        legs.append(leg)
    return legs, tuple(_opening(copy, leg) for leg in legs)


def _opening(copy: Copy, leg: Leg) -> OpenPosition:
    return OpenPosition(
        leg.cl_ord_id,
        copy.target,
        leg.symbol,
        leg.side,
        leg.volume,
        leg.stop_loss,
        leg.take_profit,
        leg.expected_price,
    )


def _deny(context: Context, copy: Copy, denied: Denied, trace: Trace, look_ups: tuple[LookUp, ...]) -> Decision:
    """Wait while the reason may clear, else end the copy for good."""
    wait_until = copy.wait_until
    if wait_until is None:
        wait_until = copy.first_seen_at + _patience(context, copy)
    if _waits(context, denied) and context.now < wait_until:
        waiting = evolve(copy, reason=denied.reason, wait_until=wait_until)
        until = wait_until if denied.until is None else min(denied.until, wait_until)
        return Decision(waiting, (), trace, look_ups, until)
    ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
    return Decision(ended, (), trace, look_ups)


def _waits(context: Context, denied: Denied) -> bool:
    if denied.reason is Reason.SCHEDULE_CLOSED:
        schedule = context.link.policy.schedule
        return schedule is not None and schedule.outside is Outside.DEFER
    return denied.reason.waits


def _patience(context: Context, copy: Copy) -> timedelta:
    """Return how long a new copy may wait; the start policy's age stands in for the guard's."""
    policy = context.link.policy
    if copy.origin is Origin.RECONCILED and policy.on_start.open is not StartOpen.SKIP:
        return policy.on_start.max_age
    return policy.guard.wait_max


def _wait(context: Context, copy: Copy) -> Decision:
    position = context.position
    if copy.flatten is not None:
        return Decision(evolve(copy, status=CopyStatus.ENDED, ending=Ending.FLATTENED, wait_until=None))
    if position is None:
        denied = Denied("source", Reason.SOURCE_GONE)
        ended = evolve(copy, status=CopyStatus.ENDED, ending=Ending.DENIED, reason=denied.reason, wait_until=None)
        return Decision(ended, (), (denied,))
    if position.side is not copy.side:
        return _begin(context, position, copy)
    return _judge(context, copy, position)


def _ended(context: Context, copy: Copy) -> Decision:
    """Leave an ended copy alone, unless the position lives anew: it flipped, or was opened again."""
    position = context.position
    if position is None:
        return Decision(copy)
    again = copy.ending is Ending.SOURCE_CLOSED or position.opened_at > copy.opened_at + SAME_LIFE
    if again or (position.side is not copy.side and copy.ending is not Ending.FLATTENED):
        return _begin(context, position, copy)
    return Decision(copy)


def _leave(context: Context, copy: Copy) -> Decision:
    """Close everything of a copy: its source is gone or flipped, or it must be flat. No gate is asked."""
    if context.target.oms is OmsType.HEDGING:
        copy = _unblocked(copy)
    shaped = _shape(context, evolve(copy, wait_until=None), ZERO, None)
    left = shaped.copy
    if left is None or left.holds:
        return shaped
    ending = Ending.SOURCE_CLOSED if left.flatten is None else Ending.FLATTENED
    ended = evolve(left, status=CopyStatus.ENDED, ending=ending)
    if context.position is not None and copy.flatten is None:
        return _begin(context, context.position, ended)
    return evolve(shaped, copy=ended)


def _unblocked(copy: Copy) -> Copy:
    """Let the close overtake a reduction or new stops whose answer was lost; the venue may need minutes to tell.

    Closing a position of its own whole is right whatever became of them.
    """
    for leg in copy.legs:
        pending = leg.pending
        if pending is not None and pending.unknown and pending.purpose in (Purpose.REDUCE, Purpose.STOPS):
            copy = replace_leg(copy, evolve(leg, pending=None, retry_at=None, step=leg.step + 1))
    return copy


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
        return Decision(_end(copy))
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
    shaped = _shape(context, copy, desired, position)
    if shaped.copy is not None and not shaped.copy.holds:
        return evolve(shaped, copy=_end(shaped.copy), trace=(*trace, *shaped.trace))
    if instrument is None:
        look_ups = (*look_ups, LookUp(context.target.account, copy.legs[0].symbol))
        again = _earlier(again, context.now + LOOK_UP_AGAIN)
    return Decision(
        shaped.copy,
        (*shaped.actions, *opened),
        (*trace, *shaped.trace),
        look_ups,
        _earlier(again, shaped.look_again_at),
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


def _shape(context: Context, copy: Copy, desired: Volume, position: Position | None) -> Decision:
    """Order what brings the legs to `desired` lots together, oldest first, one order a leg at a time."""
    actions: list[Action] = []
    trace: list[Note | Denied] = []
    again: datetime | None = None
    excess = copy.expected - desired
    if desired > ZERO:
        # An opening under way may come to nothing: what is sure is not cut for it. Once executed, it is cut itself.
        excess -= sum((leg.volume for leg in copy.legs if leg.stage is LegStage.OPENING and leg.pending), ZERO)
    for leg in copy.legs:
        if not leg.live or leg.pending is not None:
            continue
        unwanted = leg.stage is LegStage.OPENING and (position is None or excess >= leg.volume)
        if leg.retry_at is not None and context.now < leg.retry_at and not unwanted:
            again = _earlier(again, leg.retry_at)
            excess -= min(leg.expected, max(excess, ZERO))
            continue
        if leg.stage is LegStage.OPENING:
            copy, action, freed = _open_again(context, copy, leg, unwanted, trace)
        else:
            copy, action, freed = _shrink(context, copy, leg, excess, trace)
            if action is None and desired > ZERO and position is not None:
                copy, action = _protect(context, copy, leg, position, trace)
        excess -= freed
        if action is not None:
            actions.append(action)
    return Decision(copy, tuple(actions), tuple(trace), (), again)


def _open_again(
    context: Context, copy: Copy, leg: Leg, unwanted: bool, trace: list[Note | Denied]
) -> tuple[Copy, Action | None, Volume]:
    """Send an opening that never left again, under the same id, unless it is not wanted any more or is too late."""
    waited = context.now - (leg.asked_at or copy.first_seen_at)  # an increase is younger than its copy
    patience = max(_patience(context, copy), context.link.policy.guard.wait_max)
    if unwanted or waited > patience:
        trace.append(Denied("source", Reason.SOURCE_GONE if unwanted else Reason.TOO_OLD))
        dropped = replace_leg(copy, evolve(leg, stage=LegStage.CLOSED, retry_at=None))
        return grant_no_more(dropped), None, leg.volume
    pending = Pending(Purpose.OPEN, leg.cl_ord_id, leg.volume)
    leg = evolve(leg, pending=pending, retry_at=None)
    return replace_leg(copy, leg), _opening(copy, leg), ZERO


def _shrink(
    context: Context, copy: Copy, leg: Leg, excess: Volume, trace: list[Note | Denied]
) -> tuple[Copy, Action | None, Volume]:
    """Take up to `excess` lots off an open leg, in one order that the venue can take."""
    if excess <= ZERO or leg.position_id is None:
        return copy, None, ZERO
    cut = _cut(leg, excess, context.target.instruments.get(leg.symbol))
    if cut <= ZERO:
        trace.append(Note("volume", "too little to close yet", (("excess", plain(excess)),)))
        return copy, None, ZERO
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    price = _exit_price(context, leg)
    action: Action
    if cut == leg.held:
        purpose = Purpose.CLOSE
        action = ClosePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, price)
    else:
        purpose, rest = Purpose.REDUCE, leg.held - cut
        action = ReducePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, rest, price)
    leg = evolve(leg, pending=Pending(purpose, order_id, cut), retry_at=None)
    return replace_leg(copy, leg), action, cut


def _cut(leg: Leg, excess: Volume, instrument: Instrument | None) -> Volume:
    """Return how much of the leg one order can close: all of it, or a part whose both halves the venue can hold."""
    if excess >= leg.held:
        return leg.held
    if instrument is None:
        return ZERO
    part = min(excess, leg.held - instrument.volume_min)
    return part if part >= instrument.volume_min else ZERO


def _exit_price(context: Context, leg: Leg) -> Price | None:
    quote = context.target.quotes.get(leg.symbol)
    if quote is not None and context.now == quote.at:
        return quote.entry(leg.side.opposite)
    if context.price is not None:
        return context.price
    return None if context.position is None else context.position.current_price


def _protect(
    context: Context, copy: Copy, leg: Leg, position: Position, trace: list[Note | Denied]
) -> tuple[Copy, Action | None]:
    """Set the leg's stops when what the source has now asks for others than we last set."""
    instrument = context.target.instruments.get(leg.symbol)
    if instrument is None or leg.position_id is None:
        return copy, None
    wanted = _wanted_stops(context, leg, position, instrument)
    if wanted is None or (wanted.stop_loss == leg.stop_loss and wanted.take_profit == leg.take_profit):
        return copy, None
    trace.extend(wanted.notes)
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    action = ReplaceStops(order_id, copy.target, leg.position_id, leg.symbol, wanted.stop_loss, wanted.take_profit)
    pending = Pending(Purpose.STOPS, order_id, ZERO, wanted.stop_loss, wanted.take_profit)
    return replace_leg(copy, evolve(leg, pending=pending, retry_at=None)), action


def _wanted_stops(context: Context, leg: Leg, position: Position, instrument: Instrument) -> TargetStops | None:
    if leg.open_price is None:
        return None  # nothing to keep a distance from
    policy = context.link.policy
    age_max = REFUSED_QUOTE_AGE_MAX if leg.failures else QUOTE_AGE_MAX
    quote = context.target.fresh_quote(leg.symbol, context.now, age_max)
    market = None if quote is None else quote.entry(leg.side.opposite)
    held = TargetStops(leg.stop_loss, leg.take_profit, ())
    return moved_stops(policy.stops, policy.reverse, position, leg.side, leg.open_price, market, held, instrument)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)
