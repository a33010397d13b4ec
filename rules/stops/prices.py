"""Where a protective price lies: what the policy makes of the source's, on the grid, as far away as the venue asks."""

from decimal import Decimal

from rules.model.frozen import frozen
from rules.model.instruments import Instrument, is_protective, round_toward
from rules.model.observed import Position
from rules.model.trace import Note, Numbers
from rules.model.values import Price, Side, plain
from rules.policy.distances import Distance, in_price
from rules.policy.stops import FixedStops, Stops, StopsMode
from rules.stops.managed import NONE_YET, Managed, tighter

_NOTHING = Price(0)


@frozen
class Refused:
    """A stop that cannot be where it is wanted; `too_close` says that only the venue's distance forbids it."""

    why: str
    numbers: Numbers
    too_close: bool = False


@frozen
class Frame:
    """What stops are reckoned in: the target's side after `reverse`, its instrument, its entry.

    `gap` is how much higher the target was quoted than the source when the copy was made; None: not known. `managed`
    are the stops of our own that the price has led to.
    """

    side: Side
    instrument: Instrument
    entry: Price
    gap: Price | None = None
    managed: Managed = NONE_YET


def wanted_stops(
    stops: Stops, reverse: bool, source: Position, frame: Frame, notes: list[Note]
) -> tuple[Price | None, Price | None]:
    """Return the target's stop-loss and take-profit before rounding and checks.

    Args:
        stops: the policy's.
        reverse: swaps the source's stop-loss and take-profit.
        source: the source position as it is now.
        frame: what the target's are reckoned in.
        notes: gets what a person should know.
    """
    stop_loss, take_profit = source.stop_loss, source.take_profit
    if reverse:
        stop_loss, take_profit = take_profit, stop_loss
    follows = stops.mode is not StopsMode.NONE
    stop_loss = stop_loss if follows and stops.stop_loss else None
    take_profit = take_profit if follows and stops.take_profit else None
    shift = _NOTHING
    if stop_loss is not None or take_profit is not None:
        shift = _shift(stops.mode, source, frame, notes)
    fixed, down = stops.fixed, -frame.side.sign
    ours = _ours(fixed, fixed.stop_loss, stop_loss, down, frame)
    if ours is None:
        ours = _followed(stop_loss, shift, stops.add_stop_points, down, frame)
    gain = _ours(fixed, fixed.take_profit, take_profit, -down, frame)
    if gain is None:
        gain = _followed(take_profit, shift, stops.add_profit_points, -down, frame)
    managed = frame.managed
    return tighter(ours, managed.stop_loss, frame.side), gain if managed.take_profit is None else managed.take_profit


def _shift(mode: StopsMode, source: Position, frame: Frame, notes: list[Note]) -> Price:
    """Return by how much the source's prices are moved."""
    # The signed distance serves a reversed copy too: what was above the source's entry is above the target's.
    by_entries = frame.entry - source.open_price
    if mode is StopsMode.DISTANCE:
        return by_entries
    if mode is not StopsMode.OFFSET:
        return _NOTHING
    if frame.gap is None:
        notes.append(Note("stops.mode", "offset without both quotes at entry: the distance is kept"))
        return by_entries
    return frame.gap


def _ours(
    fixed: FixedStops, distance: Distance | None, followed: Price | None, outward: int, frame: Frame
) -> Price | None:
    """Return the price at a fixed distance, in the direction `outward` (a sign), where it is wanted."""
    if distance is None or (followed is not None and fixed.fallback):
        return None
    away = in_price(distance, frame.instrument, frame.entry)
    return None if away is None else frame.entry + outward * away


def _followed(price: Price | None, shift: Price, points: Decimal, outward: int, frame: Frame) -> Price | None:
    """Return the source's price as it is shifted, and moved away from the entry by `points`."""
    if price is None:
        return None
    tick_size = frame.instrument.tick_size
    return price + shift if not points or tick_size is None else price + shift + outward * points * tick_size


def place_stop(
    loss: bool, wanted: Price, frame: Frame, market: Price | None, push: bool, notes: list[Note]
) -> Price | Refused:
    """Return the price rounded toward the entry and as far from the market as the venue asks, or why it cannot be.

    Args:
        loss: a stop-loss, else a take-profit.
        wanted: the exact price.
        frame: what the target's are reckoned in.
        market: the price at which the target could close now; None: unknown, and the venue judges.
        push: one too close is pushed out to the venue's distance, else refused.
        notes: gets what became of it.
    """
    side, instrument = frame.side, frame.instrument
    name = "stop_loss" if loss else "take_profit"
    # A take-profit lies where a stop-loss of the other side would.
    beyond = side if loss else side.opposite
    if wanted <= 0 or (market is not None and not is_protective(beyond, wanted, market)):
        shown = "unknown" if market is None else plain(market)
        numbers = ((name, plain(wanted)), ("side", side.value), ("price", shown))
        return Refused(f"{name} on the wrong side, dropped", numbers)
    price = round_toward(wanted, instrument.tick_size, frame.entry)
    if market is not None:
        far = _far_enough(name, price, beyond, market, instrument.stop_distance_min, instrument.tick_size)
        if far is not None and not push:
            return Refused(f"{name} closer than the venue allows, left out", far.numbers, too_close=True)
        if far is not None:
            notes.append(Note("stops", f"{name} pushed out to the venue's minimum distance", far.numbers))
            price = far.price
    elif is_protective(beyond, wanted, frame.entry):  # on a coarse grid it would be reached at once
        far = _far_enough(name, price, beyond, frame.entry, None, instrument.tick_size)
        price = price if far is None else far.price
    if price <= 0:
        return Refused(f"{name} at no positive price, dropped", ((name, plain(wanted)),))
    if price != wanted:
        notes.append(Note("stops", f"{name} rounded", ((name, plain(wanted)), ("to", plain(price)))))
    return price


@frozen
class _Bound:
    """The nearest price on the grid that is as far from the market as the venue asks."""

    price: Price
    numbers: Numbers


def _far_enough(
    name: str, price: Price, beyond: Side, market: Price, least: Price | None, tick_size: Price | None
) -> _Bound | None:
    """Return the nearest price that is allowed where one is closer than `least` or not beyond `market`, else None."""
    away = least or _NOTHING
    gap = market - price if beyond is Side.BUY else price - market
    if gap >= away and gap > 0:
        return None
    # Rounding toward the entry may have reached the market itself: a stop stays at least one tick away.
    away = max(away, tick_size or _NOTHING)
    bound = market - away if beyond is Side.BUY else market + away
    # Out, not toward the entry, or it would again be too close: the anchor lies far behind the bound.
    pushed = round_toward(bound, tick_size, bound - market + bound)
    numbers = ((name, plain(price)), ("price", plain(market)), ("min_distance", plain(away)), ("to", plain(pushed)))
    return _Bound(pushed, numbers)
