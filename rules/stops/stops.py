"""The protective prices of a copy: at its entry, and when the source's move later."""

from rules.model.frozen import frozen
from rules.model.instruments import round_toward
from rules.model.observed import Position
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note, Trace
from rules.model.values import Price, Side, plain
from rules.policy.stops import MinDistance, Stops, StopsLock, StopsMode
from rules.stops.prices import Frame, Refused, place_stop, wanted_stops


@frozen
class TargetStops:
    """The target's protective prices; None: it gets none."""

    stop_loss: Price | None
    take_profit: Price | None
    notes: Trace


def target_stops(
    stops: Stops, reverse: bool, source: Position, frame: Frame, required: bool = False
) -> TargetStops | Denied:
    """Return the stops of a copy that is about to be opened.

    Args:
        stops: which of the target's prices follow, and how.
        reverse: swaps the source's stop-loss and take-profit.
        source: the source position as it is now.
        frame: the entry is the price that the target expects to get.
        required: the target must have its stop-loss: one on the wrong side, or none to follow, denies the copy
            (the latter may still arrive). Without effect where the policy does not copy stop-losses.
    """
    notes: list[Note] = []
    wanted_loss, wanted_profit = wanted_stops(stops, reverse, source, frame, notes)
    stop_loss = _placed(stops, True, wanted_loss, frame, frame.entry, notes)
    take_profit = _placed(stops, False, wanted_profit, frame, frame.entry, notes)
    required = required and stops.mode is not StopsMode.NONE and stops.stop_loss
    if required and stop_loss is None:
        return Denied("stops", Reason.FILTER_STOPS, (("missing", "stop_loss"),))
    for found, needed in ((stop_loss, required), (take_profit, False)):
        if isinstance(found, Refused):
            if found.too_close and (needed or stops.min_distance is MinDistance.DENY):
                return Denied("stops.min_distance", Reason.STOP_TOO_CLOSE, found.numbers)
            if needed:
                return Denied("stops", Reason.STOP_WRONG_SIDE, found.numbers)
    return TargetStops(_none_if_refused(stop_loss), _none_if_refused(take_profit), tuple(notes))


def loss_only(stops: TargetStops) -> TargetStops:
    """Return stops without the take-profit, for a venue that keeps none; it says so where one was wanted."""
    if stops.take_profit is None:
        return stops
    numbers = (("take_profit", plain(stops.take_profit)),)
    note = Note("stops", "no take-profit: the venue keeps none, the source's own closes the copy", numbers)
    return TargetStops(stops.stop_loss, None, (*stops.notes, note))


def entered_later(stops: TargetStops) -> TargetStops:
    """Return the stops with which a copy is opened where the stop-loss is an order of its own."""
    if stops.stop_loss is None:
        return stops
    note = Note("stops", "entered as an order of its own after the opening", (("stop_loss", plain(stops.stop_loss)),))
    return TargetStops(None, stops.take_profit, (*stops.notes, note))


def moved_stops(
    stops: Stops, reverse: bool, source: Position, frame: Frame, market: Price | None, held: TargetStops
) -> TargetStops:
    """Return the stops of an open copy after the source's changed.

    A stop may by then lie beyond the entry, in profit: what is the wrong side is a matter of today's price. One that
    would lie there keeps what the target has: to drop it would take away the protection. While that price is not known,
    one that the target has where it is wanted stays there, also at the entry itself.

    Args:
        stops: which of the target's prices follow, and how.
        reverse: swaps the source's stop-loss and take-profit.
        source: the source position as it is now.
        frame: the entry is the target position's own.
        market: the price at which the target could close now; None: unknown, and the venue judges.
        held: the prices that the target position has.
    """
    notes: list[Note] = []
    placed: list[Price | None] = []
    wanted = wanted_stops(stops, reverse, source, frame, notes)
    for loss, price, kept in zip((True, False), wanted, (held.stop_loss, held.take_profit), strict=True):
        found = _placed(stops, loss, price, frame, market, notes)
        new = kept if isinstance(found, Refused) or (market is None and _stands(price, kept, frame)) else found
        if new != kept and kept is not None and _locked(stops.lock, loss, new, kept, frame.side):
            notes.append(Note("stops.lock", f"{'stop_loss' if loss else 'take_profit'} stays", (("at", plain(kept)),)))
            new = kept
        placed.append(new)
    return TargetStops(placed[0], placed[1], tuple(notes))


def _placed(
    stops: Stops, loss: bool, wanted: Price | None, frame: Frame, market: Price | None, notes: list[Note]
) -> Price | Refused | None:
    if wanted is None:
        return None
    push = stops.min_distance is MinDistance.PUSH
    found = place_stop(loss, wanted, frame, market, push, notes)
    if isinstance(found, Refused):
        notes.append(Note("stops", found.why, found.numbers))
    return found


def _stands(wanted: Price | None, kept: Price | None, frame: Frame) -> bool:
    """Tell whether the target has a stop just where it is wanted, on its grid."""
    return wanted is not None and kept == round_toward(wanted, frame.instrument.tick_size, frame.entry)


def _none_if_refused(found: Price | Refused | None) -> Price | None:
    return None if isinstance(found, Refused) else found


def _locked(lock: StopsLock, loss: bool, new: Price | None, held: Price, side: Side) -> bool:
    """Tell whether the stop that is held must stay, rather than become `new`."""
    if lock is StopsLock.ALL:
        return True
    if lock is StopsLock.OFF or not loss:
        return False
    return new is None or (new < held if side is Side.BUY else new > held)
