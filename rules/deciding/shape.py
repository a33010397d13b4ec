"""The orders that bring a copy's legs to a volume and to its stops, one order a leg at a time."""

from datetime import datetime

from rules.deciding.decision import Context, Decision, earlier, patience
from rules.deciding.limit_entry import ends_waiting
from rules.deciding.mirror import canceling, placing, replacing, waits_for
from rules.gates.judge import forbids_new_risk
from rules.model.actions import Action, ClosePosition, OpenPosition, PlaceOrder, ReducePosition
from rules.model.copies import ZERO, Copy, Leg, LegStage, Pending, Purpose, grant_no_more, replace_leg
from rules.model.evolving import evolve
from rules.model.identity import cl_ord_id
from rules.model.instruments import Instrument, round_to_step
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.state import stops_follow
from rules.model.trace import Denied, Note
from rules.model.values import OmsType, Price, Volume, plain
from rules.sizes.volumes import least_of
from rules.stops.prices import Frame
from rules.stops.protect import protect
from rules.stops.stops import TargetStops, entered_later, loss_only, target_stops


def shape(context: Context, copy: Copy, desired: Volume, position: Position | None) -> Decision:
    """Order what brings the legs to `desired` lots together, oldest first, one order a leg at a time."""
    actions: list[Action] = []
    trace: list[Note | Denied] = []
    look_ups: list[LookUp] = []
    again: datetime | None = None
    excess = surplus = copy.expected - desired
    if desired > ZERO:
        # An opening under way may come to nothing: what is sure is not cut for it. Once executed, it is cut itself.
        excess -= sum((leg.volume for leg in copy.legs if _comes_yet(leg)), ZERO)
    # What was never opened is given up first: nothing that is held is cut for it. Then the oldest first.
    for leg in sorted(copy.legs, key=lambda leg: leg.stage is not LegStage.OPENING):
        if not leg.live or leg.pending is not None:
            continue
        # What never left is not needed where the others, should all of them be executed, are enough.
        unwanted = leg.stage is not LegStage.OPEN and (position is None or surplus >= leg.volume)
        waits = leg.retry_at is not None and context.now < leg.retry_at
        given_up = unwanted and leg.stage is LegStage.OPENING  # which asks nothing of the venue
        if waits and not given_up and not (leg.retry_of is Purpose.STOPS and excess > ZERO):
            again = earlier(again, leg.retry_at)
            if leg.stage is not LegStage.WORKING:  # which nothing that is held is cut for
                excess -= min(leg.expected, max(excess, ZERO))
            continue
        if leg.stage is LegStage.WORKING:
            # Nothing may be filled that would be too much: the source's order was filled in part.
            unwanted = unwanted or surplus > ZERO
            copy, action = _keep_waiting(context, copy, leg, unwanted, position)
            freed = ZERO
            surplus -= leg.volume if unwanted else ZERO
        elif leg.stage is LegStage.OPENING:
            copy, action, freed = _open_again(context, copy, leg, unwanted, trace)
            surplus -= freed
            excess -= leg.volume if action is not None else ZERO  # under way now, so nothing that is held is cut for it
        else:
            copy, action, freed = _shrink(context, copy, leg, excess, trace)
            if action is None and waits:
                again = earlier(again, leg.retry_at)
            elif action is None and desired > ZERO and position is not None:
                guarded = protect(context, copy, leg, position)
                copy, action, again = guarded.copy, guarded.action, earlier(again, guarded.look_again_at)
                trace.extend(guarded.trace)
                look_ups.extend(guarded.look_ups)
        excess -= freed
        if action is not None:
            actions.append(action)
    return Decision(copy, tuple(actions), tuple(trace), tuple(look_ups), again)


def _comes_yet(leg: Leg) -> bool:
    return leg.stage is LegStage.WORKING or (leg.stage is LegStage.OPENING and leg.pending is not None)


def _keep_waiting(
    context: Context, copy: Copy, leg: Leg, unwanted: bool, position: Position | None
) -> tuple[Copy, Action | None]:
    """Take off a pending order that is not wanted, or for which it is too late; let another follow its source's."""
    waits = leg.waits
    assert waits is not None  # its order is a pending one
    too_late = copy.fill_by is not None and context.now >= copy.fill_by
    forbidden = copy.limited and forbids_new_risk(context.link, context.source, context.target) is not None
    if unwanted or too_late or forbidden or waits.canceled or ends_waiting(context, copy):
        return canceling(copy, leg)
    instrument = context.target.instruments.get(leg.symbol)
    if context.order is None or position is None or instrument is None:
        return copy, None
    policy, target = context.link.policy, context.target
    wanted = waits_for(context.order, policy, instrument, target)
    stops = (leg.stop_loss, leg.take_profit)
    if stops_follow(context.source, target):
        entry = wanted.price if wanted.limit_price is None else wanted.limit_price
        found = target_stops(policy.stops, policy.reverse, position, Frame(leg.side, instrument, entry, copy.stop_gap))
        if isinstance(found, TargetStops):
            found = found if target.keeps_take_profit else loss_only(found)
            found = found if target.stop_loss_lasts else entered_later(found)
            stops = (found.stop_loss, found.take_profit)
    if (wanted.price, wanted.limit_price, *stops) == (waits.price, waits.limit_price, leg.stop_loss, leg.take_profit):
        return copy, None
    return replacing(copy, leg, wanted, *stops)


def _open_again(
    context: Context, copy: Copy, leg: Leg, unwanted: bool, trace: list[Note | Denied]
) -> tuple[Copy, Action | None, Volume]:
    """Send an opening that never left again, under the same id, unless it is not wanted any more or is too late."""
    waited = context.now - (leg.asked_at or copy.first_seen_at)  # an increase is younger than its copy
    longest = max(patience(context, copy), context.link.policy.guard.wait_max)
    forbidden = forbids_new_risk(context.link, context.source, context.target)
    # The source's order waits no more, or its price has been waited for long enough.
    taken_over = leg.waits is not None and context.order is None
    if copy.limited and copy.fill_by is not None:
        taken_over = context.now >= copy.fill_by or ends_waiting(context, copy)
    if unwanted or taken_over or waited > longest or forbidden is not None:
        late = Denied("source", Reason.SOURCE_GONE if unwanted else Reason.TOO_OLD)
        trace.append(late if unwanted or forbidden is None else forbidden)
        dropped = replace_leg(copy, evolve(leg, stage=LegStage.CLOSED, retry_at=None))
        return grant_no_more(dropped), None, leg.volume
    if leg.waits is not None and leg.symbol not in context.target.instruments:
        return copy, None, ZERO  # whether it was moved meanwhile cannot be told yet
    pending = Pending(Purpose.OPEN if leg.waits is None else Purpose.PLACE, leg.cl_ord_id, leg.volume)
    leg = evolve(leg, pending=pending, retry_at=None)
    return replace_leg(copy, leg), opening(copy, leg), ZERO


def _shrink(
    context: Context, copy: Copy, leg: Leg, excess: Volume, trace: list[Note | Denied]
) -> tuple[Copy, Action | None, Volume]:
    """Take up to `excess` lots off an open leg, in one order that the venue can take."""
    if excess <= ZERO or leg.position_id is None:
        return copy, None, ZERO
    cut = possible_cut(leg, excess, context.target.instruments.get(leg.symbol))
    if cut <= ZERO:
        trace.append(Note("volume", "too little to close yet", (("excess", plain(excess)),)))
        return copy, None, ZERO
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    price = _exit_price(context, leg)
    action: Action
    locked = _locked(context, leg)
    last = (price, locked, leg.cl_ord_id)
    if cut == leg.held:
        purpose = Purpose.CLOSE
        action = ClosePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, *last)
    else:
        purpose, rest = Purpose.REDUCE, leg.held - cut
        action = ReducePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, rest, *last)
    failures = 0 if leg.retry_of is Purpose.STOPS else leg.failures
    leg = evolve(
        leg,
        pending=Pending(purpose, order_id, cut, expected_price=price),
        retry_at=None,
        retry_of=None,
        failures=failures,
    )
    return replace_leg(copy, leg), action, cut


def possible_cut(leg: Leg, excess: Volume, instrument: Instrument | None) -> Volume:
    """Return how much of the leg one order can close: all of it, or a part whose both halves the venue can hold."""
    if excess >= leg.held:
        return leg.held
    if instrument is None:
        return ZERO
    least = least_of(instrument)
    part = round_to_step(max(min(excess, leg.held - least), ZERO), instrument.volume_step)
    return part if part >= least else ZERO


def _locked(context: Context, leg: Leg) -> Volume:
    """Return the lots of our copies on the other side, which may offset the leg's on a netting account."""
    if context.target.oms is OmsType.HEDGING:
        return ZERO
    return context.target.lots.get((leg.symbol, leg.side.opposite), ZERO)


def _exit_price(context: Context, leg: Leg) -> Price | None:
    quote = context.target.quotes.get(leg.symbol)
    if quote is not None and context.now == quote.at:
        return quote.entry(leg.side.opposite)
    if context.price is not None:
        return context.price
    return None if context.position is None else context.position.current_price


def opening(copy: Copy, leg: Leg) -> OpenPosition | PlaceOrder:
    """Return the order that a leg begins with."""
    if leg.waits is not None:
        return placing(copy, leg)
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
