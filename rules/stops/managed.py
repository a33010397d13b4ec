"""Stops of our own that follow the price: break-even, its reverse, and a trailing stop. They only ever tighten."""

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import Price, Side
from rules.policy.distances import Distance, in_price
from rules.policy.exits import Exits

NO_DISTANCE = Price(0)


@frozen
class Managed:
    """The tightest stop-loss and take-profit that the price has led to so far; None: none yet."""

    stop_loss: Price | None = None
    take_profit: Price | None = None


NONE_YET = Managed()


def follow_price(
    exits: Exits, managed: Managed, side: Side, instrument: Instrument, entry: Price, market: Price
) -> Managed:
    """Return what the price of now makes of the stops that it led to before.

    Args:
        exits: the policy's.
        managed: what was reached before; it is never loosened.
        side: the target position's.
        instrument: the target's, whose points count.
        entry: the target position's own entry.
        market: the price at which it could be closed now.
    """
    gain = (market - entry) * side.sign

    def reached(distance: Distance | None, by: Price) -> bool:
        needed = _in_price(distance, instrument, entry)
        return needed is not None and by >= needed

    def beyond_entry(distance: Distance | None) -> Price:
        return entry + side.sign * (_in_price(distance, instrument, entry) or NO_DISTANCE)

    stop_loss, take_profit = managed.stop_loss, managed.take_profit
    if exits.break_even is not None and reached(exits.break_even.trigger, gain):
        stop_loss = tighter(stop_loss, beyond_entry(exits.break_even.lock), side)
    trailing = exits.trailing
    distance = None if trailing is None else _in_price(trailing.distance, instrument, entry)
    if trailing is not None and distance is not None and reached(trailing.activate, gain):
        wanted = market - side.sign * distance
        if stop_loss is None or reached(trailing.step, (wanted - stop_loss) * side.sign):
            stop_loss = tighter(stop_loss, wanted, side)
    reverse = exits.reverse_break_even
    if reverse is not None and take_profit is None and reached(reverse.trigger, -gain):
        take_profit = beyond_entry(reverse.lock)
    return Managed(stop_loss, take_profit)


def tighter(one: Price | None, other: Price | None, side: Side) -> Price | None:
    """Return the stop-loss of two that allows the smaller loss; None counts as none."""
    if one is None or other is None:
        return one if other is None else other
    return max(one, other) if side is Side.BUY else min(one, other)


def _in_price(distance: Distance | None, instrument: Instrument, entry: Price) -> Price | None:
    """Return a distance in price; None: nobody tells what a point is."""
    return NO_DISTANCE if distance is None else in_price(distance, instrument, entry)
