"""The orders that keep a leg's stops as its source, the policy and the price want them."""

from datetime import datetime, timedelta

from rules.deciding.decision import Context
from rules.gates.market import QUOTE_AGE_MAX
from rules.model.actions import Action, ReplaceStops
from rules.model.copies import ZERO, Copy, Leg, Pending, Purpose, replace_leg
from rules.model.evolving import evolve
from rules.model.frozen import frozen
from rules.model.identity import cl_ord_id
from rules.model.look_ups import LookUp
from rules.model.observed import Position
from rules.model.state import stops_follow
from rules.model.trace import Note, Trace
from rules.model.values import Price
from rules.stops.day import stop_is_missing, takes_stop
from rules.stops.managed import NONE_YET, follow_price
from rules.stops.prices import Frame
from rules.stops.stops import TargetStops, loss_only, moved_stops

REFUSED_QUOTE_AGE_MAX = timedelta(minutes=5)
"""Stops that the venue has refused are judged by its last quote, also where a quiet market made that a while ago."""

STOPS_AGAIN = timedelta(seconds=10)
"""A stop on the wrong side of today's price is tried again this often: the price may come back to its right side."""

MANAGED_EVERY = timedelta(seconds=5)
"""Stops of our own are looked at this often; each time a quote for the next is asked for."""

MANAGED_QUOTE_AGE_MAX = 2 * MANAGED_EVERY
"""So old a quote may be then: it was asked for at the last look."""


@frozen
class Guarded:
    """The copy with a leg's stops under way (or nothing to do), and when to look again."""

    copy: Copy
    action: Action | None = None
    trace: Trace = ()
    look_ups: tuple[LookUp, ...] = ()
    look_again_at: datetime | None = None


def protect(context: Context, copy: Copy, leg: Leg, position: Position) -> Guarded:
    """Set the leg's stops when others than we last set are wanted now, or when a stop-loss is missing."""
    instrument = context.target.instruments.get(leg.symbol)
    entry, position_id = leg.open_price, leg.position_id
    if instrument is None or position_id is None or entry is None:
        return Guarded(copy)  # nothing to keep a distance from
    if not stops_follow(context.source, context.target):
        return Guarded(copy)
    market = _closing_price(context, leg)
    exits = context.link.policy.exits
    if exits.manage_stops and market is not None:
        managed = follow_price(exits, leg.managed or NONE_YET, leg.side, instrument, entry, market)
        leg = evolve(leg, managed=None if managed == NONE_YET else managed)
        copy = replace_leg(copy, leg)
    frame = Frame(leg.side, instrument, entry, copy.stop_gap, leg.managed or NONE_YET)
    wanted = _stops_at(context, leg, position, frame, market)
    if not takes_stop(context.target, leg):
        return Guarded(copy)
    missing = wanted.stop_loss is not None and stop_is_missing(context.target, leg, context.now)
    if missing or (wanted.stop_loss, wanted.take_profit) != (leg.stop_loss, leg.take_profit):
        notes = (Note("stops", "the position shows no stop-loss"), *wanted.notes) if missing else wanted.notes
        order_id = cl_ord_id(copy.link_id, copy.source_position_id, copy.opened_at, leg.number, leg.step)
        prices = (wanted.stop_loss, wanted.take_profit)
        action = ReplaceStops(order_id, copy.target, position_id, leg.symbol, *prices, side=leg.side)
        pending = Pending(Purpose.STOPS, order_id, ZERO, wanted.stop_loss, wanted.take_profit)
        return Guarded(replace_leg(copy, evolve(leg, pending=pending, retry_at=None)), action, notes)
    if exits.manage_stops or _lacks_stops(context, leg, position, frame):
        look_up = LookUp(context.target.account, leg.symbol, quote=True, awaited=False)
        pause = MANAGED_EVERY if exits.manage_stops else STOPS_AGAIN
        return Guarded(copy, None, (), (look_up,), context.now + pause)
    return Guarded(copy)


def _lacks_stops(context: Context, leg: Leg, position: Position, frame: Frame) -> bool:
    """Tell whether a stop is asked for that today's price does not let the target have."""
    asked = _stops_at(context, leg, position, frame, None)
    return (asked.stop_loss, asked.take_profit) != (leg.stop_loss, leg.take_profit)


def _closing_price(context: Context, leg: Leg) -> Price | None:
    """Return the price at which the leg could be closed now."""
    age_max = MANAGED_QUOTE_AGE_MAX if context.link.policy.exits.manage_stops else QUOTE_AGE_MAX
    age_max = REFUSED_QUOTE_AGE_MAX if leg.failures else age_max
    quote = context.target.fresh_quote(leg.symbol, context.now, age_max)
    return None if quote is None else quote.entry(leg.side.opposite)


def _stops_at(context: Context, leg: Leg, position: Position, frame: Frame, market: Price | None) -> TargetStops:
    policy, held = context.link.policy, TargetStops(leg.stop_loss, leg.take_profit, ())
    moved = moved_stops(policy.stops, policy.reverse, position, frame, market, held)
    return moved if context.target.keeps_take_profit else loss_only(moved)
