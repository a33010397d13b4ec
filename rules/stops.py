"""Which protective prices the target gets: as the source has them, or as far from its own entry."""

from decimal import Decimal

from attrs import frozen

from rules.instruments import Instrument, is_protective, round_toward
from rules.observed import Position
from rules.reasons import Reason
from rules.stops_policy import Stops, StopsMode
from rules.trace import Denied, Note, Trace
from rules.values import Price, Side, plain


@frozen
class TargetStops:
    """The target's protective prices; None: it gets none."""

    stop_loss: Price | None
    take_profit: Price | None
    notes: Trace


def target_stops(
    stops: Stops,
    reverse: bool,
    source: Position,
    side: Side,
    entry: Price | None,
    instrument: Instrument,
    required: bool = False,
) -> TargetStops | Denied:
    """Return the stops of a copy that is about to be opened.

    Args:
        stops: which of the target's prices follow, and how.
        reverse: swaps the source's stop-loss and take-profit.
        source: the source position as it is now.
        side: the target's side, after `reverse`.
        entry: the price that the target expects to get; None: the source's entry stands in for it, noted.
        instrument: the target's.
        required: the target must have its stop-loss: one on the wrong side, or none to follow, denies the copy
            (the latter may still arrive). Without effect where the policy does not copy stop-losses.
    """
    anchor = source.open_price if entry is None else entry
    notes: list[Note] = []
    if entry is None:
        notes.append(Note("stops", "no target price: the source's entry stands in", (("entry", plain(anchor)),)))
    placed: list[Price | None] = []
    for loss, wanted in zip((True, False), _wanted(stops, reverse, source, anchor), strict=True):
        placed.append(None if wanted is None else _place(loss, wanted, side, anchor, anchor, instrument, notes))
    stop_loss, take_profit = placed
    if required and stop_loss is None and stops.mode is not StopsMode.NONE and stops.stop_loss:
        wanted = _wanted(stops, reverse, source, anchor)[0]
        if wanted is None:
            return Denied("stops", Reason.FILTER_STOPS, (("missing", "stop_loss"),))
        numbers = (("stop_loss", plain(wanted)), ("side", side.value), ("entry", plain(anchor)))
        return Denied("stops", Reason.STOP_WRONG_SIDE, numbers)
    return TargetStops(stop_loss, take_profit, tuple(notes))


def moved_stops(
    stops: Stops,
    reverse: bool,
    source: Position,
    side: Side,
    entry: Price,
    market: Price | None,
    held: TargetStops,
    instrument: Instrument,
) -> TargetStops:
    """Return the stops of an open copy after the source's changed.

    A stop may by then lie beyond the entry, in profit: what is the wrong side is a matter of today's price. One that
    would lie there keeps what the target has: to drop it would take away the protection.

    Args:
        stops: which of the target's prices follow, and how.
        reverse: swaps the source's stop-loss and take-profit.
        source: the source position as it is now.
        side: the target position's side.
        entry: the target position's own entry.
        market: the price at which the target could close now; None: unknown, and the venue judges.
        held: the prices that the target position has.
        instrument: the target's.
    """
    notes: list[Note] = []
    placed: list[Price | None] = []
    pairs = zip((True, False), _wanted(stops, reverse, source, entry), (held.stop_loss, held.take_profit), strict=True)
    for loss, wanted, kept in pairs:
        if wanted is None:
            placed.append(None)
        else:
            price = _place(loss, wanted, side, entry, market, instrument, notes)
            placed.append(kept if price is None else price)
    return TargetStops(placed[0], placed[1], tuple(notes))


def _wanted(stops: Stops, reverse: bool, source: Position, entry: Price) -> tuple[Price | None, Price | None]:
    """Return the target's stop-loss and take-profit before rounding and checks."""
    if stops.mode is StopsMode.NONE:
        return None, None
    stop_loss, take_profit = source.stop_loss, source.take_profit
    if reverse:
        stop_loss, take_profit = take_profit, stop_loss
    # The signed distance serves a reversed copy too: what was above the source's entry is above the target's.
    shift = entry - source.open_price if stops.mode is StopsMode.DISTANCE else Decimal(0)
    return (
        None if stop_loss is None or not stops.stop_loss else stop_loss + shift,
        None if take_profit is None or not stops.take_profit else take_profit + shift,
    )


def _place(
    loss: bool,
    wanted: Price,
    side: Side,
    entry: Price,
    market: Price | None,
    instrument: Instrument,
    notes: list[Note],
) -> Price | None:
    """Return the price rounded toward the entry and as far from the market as the venue asks, or None when dropped."""
    name = "stop_loss" if loss else "take_profit"
    # A take-profit lies where a stop-loss of the other side would.
    beyond = side if loss else side.opposite
    if wanted <= 0 or (market is not None and not is_protective(beyond, wanted, market)):
        shown = "unknown" if market is None else plain(market)
        numbers = ((name, plain(wanted)), ("side", side.value), ("price", shown))
        notes.append(Note("stops", f"{name} on the wrong side, dropped", numbers))
        return None
    price = round_toward(wanted, instrument.tick_size, entry)
    if market is not None:
        price = _pushed(name, price, beyond, market, instrument, notes)
    if price <= 0:
        notes.append(Note("stops", f"{name} at no positive price, dropped", ((name, plain(wanted)),)))
        return None
    if price != wanted:
        notes.append(Note("stops", f"{name} rounded", ((name, plain(wanted)), ("to", plain(price)))))
    return price


def _pushed(name: str, price: Price, beyond: Side, market: Price, instrument: Instrument, notes: list[Note]) -> Price:
    """Return the price, or the nearest one (on the grid) that is as far from the market as the venue asks."""
    away = instrument.stop_distance_min or Decimal(0)
    gap = market - price if beyond is Side.BUY else price - market
    if gap >= away and gap > 0:
        return price
    # Rounding toward the entry may have reached the market itself: a stop stays at least one tick away.
    away = max(away, instrument.tick_size or Decimal(0))
    bound = market - away if beyond is Side.BUY else market + away
    # Out, not toward the entry, or it would again be too close: the anchor lies far behind the bound.
    outward = bound - market + bound
    pushed = round_toward(bound, instrument.tick_size, outward)
    numbers = ((name, plain(price)), ("price", plain(market)), ("min_distance", plain(away)), ("to", plain(pushed)))
    notes.append(Note("stops", f"{name} pushed out to the venue's minimum distance", numbers))
    return pushed
