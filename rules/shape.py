"""The orders that bring a copy's legs to a volume and to its stops, one order a leg at a time."""

from datetime import datetime, timedelta

from attrs import evolve

from rules.actions import Action, ClosePosition, OpenPosition, ReducePosition, ReplaceStops
from rules.copies import ZERO, Copy, Leg, LegStage, Pending, Purpose, grant_no_more, replace_leg
from rules.day_stops import stop_is_missing, takes_stop
from rules.decision import Context, Decision, earlier, patience
from rules.identity import cl_ord_id
from rules.instruments import Instrument
from rules.look_ups import LookUp
from rules.market import QUOTE_AGE_MAX
from rules.observed import Position
from rules.reasons import Reason
from rules.state import stops_follow
from rules.stop_prices import Frame
from rules.stops import TargetStops, loss_only, moved_stops
from rules.trace import Denied, Note
from rules.values import OmsType, Price, Volume, plain

REFUSED_QUOTE_AGE_MAX = timedelta(minutes=5)
"""Stops that the venue has refused are judged by its last quote, also where a quiet market made that a while ago."""

STOPS_AGAIN = timedelta(seconds=10)
"""A stop on the wrong side of today's price is tried again this often: the price may come back to its right side."""


def shape(context: Context, copy: Copy, desired: Volume, position: Position | None) -> Decision:
    """Order what brings the legs to `desired` lots together, oldest first, one order a leg at a time."""
    actions: list[Action] = []
    trace: list[Note | Denied] = []
    look_ups: list[LookUp] = []
    again: datetime | None = None
    excess = copy.expected - desired
    if desired > ZERO:
        # An opening under way may come to nothing: what is sure is not cut for it. Once executed, it is cut itself.
        excess -= sum((leg.volume for leg in copy.legs if leg.stage is LegStage.OPENING and leg.pending), ZERO)
    # What was never opened is given up first: nothing that is held is cut for it. Then the oldest first.
    for leg in sorted(copy.legs, key=lambda leg: leg.stage is not LegStage.OPENING):
        if not leg.live or leg.pending is not None:
            continue
        unwanted = leg.stage is LegStage.OPENING and (position is None or excess >= leg.volume)
        waits = leg.retry_at is not None and context.now < leg.retry_at
        if waits and not unwanted and not (leg.retry_of is Purpose.STOPS and excess > ZERO):
            again = earlier(again, leg.retry_at)
            excess -= min(leg.expected, max(excess, ZERO))
            continue
        if leg.stage is LegStage.OPENING:
            copy, action, freed = _open_again(context, copy, leg, unwanted, trace)
        else:
            copy, action, freed = _shrink(context, copy, leg, excess, trace)
            if action is None and waits:
                again = earlier(again, leg.retry_at)
            elif action is None and desired > ZERO and position is not None:
                copy, action = _protect(context, copy, leg, position, trace)
                if action is None and _lacks_stops(context, copy, leg, position):
                    again = earlier(again, context.now + STOPS_AGAIN)
                    look_ups.append(LookUp(context.target.account, leg.symbol, quote=True, awaited=False))
        excess -= freed
        if action is not None:
            actions.append(action)
    return Decision(copy, tuple(actions), tuple(trace), tuple(look_ups), again)


def _open_again(
    context: Context, copy: Copy, leg: Leg, unwanted: bool, trace: list[Note | Denied]
) -> tuple[Copy, Action | None, Volume]:
    """Send an opening that never left again, under the same id, unless it is not wanted any more or is too late."""
    waited = context.now - (leg.asked_at or copy.first_seen_at)  # an increase is younger than its copy
    longest = max(patience(context, copy), context.link.policy.guard.wait_max)
    if unwanted or waited > longest:
        trace.append(Denied("source", Reason.SOURCE_GONE if unwanted else Reason.TOO_OLD))
        dropped = replace_leg(copy, evolve(leg, stage=LegStage.CLOSED, retry_at=None))
        return grant_no_more(dropped), None, leg.volume
    pending = Pending(Purpose.OPEN, leg.cl_ord_id, leg.volume)
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
    locked = _locked(context, leg, cut)
    last = (price, locked, leg.cl_ord_id)
    if cut == leg.held:
        purpose = Purpose.CLOSE
        action = ClosePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, *last)
    else:
        purpose, rest = Purpose.REDUCE, leg.held - cut
        action = ReducePosition(order_id, copy.target, leg.position_id, leg.symbol, leg.side, cut, rest, *last)
    failures = 0 if leg.retry_of is Purpose.STOPS else leg.failures
    leg = evolve(leg, pending=Pending(purpose, order_id, cut), retry_at=None, retry_of=None, failures=failures)
    return replace_leg(copy, leg), action, cut


def possible_cut(leg: Leg, excess: Volume, instrument: Instrument | None) -> Volume:
    """Return how much of the leg one order can close: all of it, or a part whose both halves the venue can hold."""
    if excess >= leg.held:
        return leg.held
    if instrument is None:
        return ZERO
    part = min(excess, leg.held - instrument.volume_min)
    return part if part >= instrument.volume_min else ZERO


def _locked(context: Context, leg: Leg, cut: Volume) -> Volume:
    """Return how much of `cut` other copies of ours may offset on a netting account."""
    if context.target.oms is OmsType.HEDGING:
        return ZERO
    return min(cut, context.target.lots.get((leg.symbol, leg.side.opposite), ZERO))


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
    """Set the leg's stops when what the source has now asks for others than we last set, or a stop-loss is missing."""
    instrument = context.target.instruments.get(leg.symbol)
    if instrument is None or leg.position_id is None or not stops_follow(context.source, context.target):
        return copy, None
    wanted = _wanted_stops(context, copy, leg, position, instrument)
    if wanted is None or not takes_stop(context.target, leg):
        return copy, None
    missing = wanted.stop_loss is not None and stop_is_missing(context.target, leg, context.now)
    if (wanted.stop_loss, wanted.take_profit) == (leg.stop_loss, leg.take_profit) and not missing:
        return copy, None
    if missing:
        trace.append(Note("stops", "the position shows no stop-loss"))
    trace.extend(wanted.notes)
    order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
    prices = (wanted.stop_loss, wanted.take_profit)
    action = ReplaceStops(order_id, copy.target, leg.position_id, leg.symbol, *prices, side=leg.side)
    pending = Pending(Purpose.STOPS, order_id, ZERO, wanted.stop_loss, wanted.take_profit)
    return replace_leg(copy, evolve(leg, pending=pending, retry_at=None)), action


def _lacks_stops(context: Context, copy: Copy, leg: Leg, position: Position) -> bool:
    """Tell whether the source asks for a stop that today's price does not let the target have."""
    instrument = context.target.instruments.get(leg.symbol)
    if instrument is None or leg.open_price is None or not stops_follow(context.source, context.target):
        return False
    asked = _stops_at(context, leg, position, Frame(leg.side, instrument, leg.open_price, copy.stop_gap), None)
    return (asked.stop_loss, asked.take_profit) != (leg.stop_loss, leg.take_profit)


def _wanted_stops(
    context: Context, copy: Copy, leg: Leg, position: Position, instrument: Instrument
) -> TargetStops | None:
    if leg.open_price is None:
        return None  # nothing to keep a distance from
    age_max = REFUSED_QUOTE_AGE_MAX if leg.failures else QUOTE_AGE_MAX
    quote = context.target.fresh_quote(leg.symbol, context.now, age_max)
    market = None if quote is None else quote.entry(leg.side.opposite)
    return _stops_at(context, leg, position, Frame(leg.side, instrument, leg.open_price, copy.stop_gap), market)


def _stops_at(context: Context, leg: Leg, position: Position, frame: Frame, market: Price | None) -> TargetStops:
    policy, held = context.link.policy, TargetStops(leg.stop_loss, leg.take_profit, ())
    moved = moved_stops(policy.stops, policy.reverse, position, frame, market, held)
    return moved if context.target.keeps_take_profit else loss_only(moved)


def opening(copy: Copy, leg: Leg) -> OpenPosition:
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
