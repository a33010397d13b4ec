"""What a policy promises of volumes, reckoned anew from its words: an arithmetic of its own, not the service's."""

import math
from collections.abc import Iterable
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import Enum
from fractions import Fraction
from typing import Final

from adapters.simulation.broker import Book
from rules.model.instruments import Instrument, Rounding
from rules.model.observed import Position
from rules.model.values import Price, Side, Volume
from rules.policy.links import CopyPolicy
from rules.policy.size import BelowMin, OverMax
from rules.policy.stops import StopsMode


class NotTaken(Enum):
    """A price that the venue would refuse."""

    NOT_TAKEN = "not taken"


NOT_TAKEN: Final = NotTaken.NOT_TAKEN

ALIKE = Fraction(1)
"""Both venues' lots are of one size."""

_UNCAPPED = Fraction(10**9)


def entry_volume(policy: CopyPolicy, instrument: Instrument, source: Volume, units: Fraction = ALIKE) -> Volume | None:
    """Return the lots with which a copy of `source` lots is opened; None: the policy denies it.

    Args:
        units: how many of the target's lots one of the source's is, by their contract sizes.
    """
    if is_above_max(policy, instrument, source, units):
        return None
    capped = _capped(policy, instrument, source, units)
    least = Fraction(instrument.volume_min)
    if capped < least and least > capped * Fraction(policy.volume.max_amplification):
        return None
    cap = _cap(policy, instrument)
    volume = min(_rounded(capped, instrument, policy.volume.round), _rounded(cap, instrument, Rounding.DOWN))
    if volume < least:
        if policy.volume.min is BelowMin.DENY or least > cap:
            return None
        volume = least
    return _lots(volume)


def is_above_max(policy: CopyPolicy, instrument: Instrument, source: Volume, units: Fraction = ALIKE) -> bool:
    """Tell whether the policy denies a copy for being larger than the instrument's maximum."""
    wanted = Fraction(source) * Fraction(policy.size.multiplier) * units
    if policy.volume.max is not None:
        wanted = min(wanted, Fraction(policy.volume.max))
    return policy.volume.over_max is OverMax.DENY and wanted > instrument.volume_max


def copy_volumes(
    policy: CopyPolicy, instrument: Instrument, seen: Iterable[Volume], now: Volume, units: Fraction = ALIKE
) -> set[Volume]:
    """Return what a copy may hold while its source holds `now` lots, if it was opened at one of the volumes `seen`.

    The copy keeps the ratio of its entry, caps included, so without a cap they all give the same. A source that has
    grown since is followed up to the policy's own cap.
    """
    volumes = set()
    for entry in seen:
        granted = entry_volume(policy, instrument, entry, units)
        if granted is not None:
            wanted = _capped(policy, instrument, entry, units) / Fraction(entry) * Fraction(now)
            volume = max(_rounded(wanted, instrument, policy.volume.round), Fraction(instrument.volume_min))
            ceiling = Fraction(granted)
            if now > entry:
                ceiling = _UNCAPPED if policy.volume.max is None else max(ceiling, Fraction(policy.volume.max))
            volumes.add(_lots(min(volume, ceiling)))
    return volumes


def units(source: Instrument, target: Instrument) -> Fraction:
    """Return how many of the target's lots one of the source's is; alike where a contract size is not known."""
    if source.contract_size is None or target.contract_size is None:
        return ALIKE
    return Fraction(source.contract_size) / Fraction(target.contract_size)


def is_close_enough(legs: Iterable[Volume], wanted: Volume, instrument: Instrument) -> bool:
    """Tell whether legs hold what is wanted together, or more by what no order that the venue takes could close."""
    held = list(legs)
    excess = sum(held, Volume(0)) - wanted
    if excess < 0:
        return False
    least = instrument.volume_min
    return not excess or all(excess < leg and min(excess, leg - least) < least for leg in held)


def copied_stop(policy: CopyPolicy, book: Book, source: Position, held: Position, name: str) -> Price | NotTaken | None:
    """Return a copy's stop-loss or take-profit, or NOT_TAKEN where the target would refuse that price now."""
    others = {"stop_loss": "take_profit", "take_profit": "stop_loss"}
    price: Price | None = getattr(source, others[name] if policy.reverse else name)
    if policy.stops.mode is StopsMode.NONE or price is None:
        return None
    if policy.stops.mode is StopsMode.DISTANCE:
        price = price - source.open_price + held.open_price
    instrument = book.market.instruments[held.symbol]
    assert instrument.tick_size is not None  # every simulated instrument has one
    ticks = price / instrument.tick_size
    toward_entry = ROUND_CEILING if price < held.open_price else ROUND_FLOOR
    price = ticks.quantize(Decimal(1), rounding=toward_entry) * instrument.tick_size
    now = book.market.quotes[held.symbol].entry(held.side.opposite)
    below = (name == "stop_loss") is (held.side is Side.BUY)
    return price if price > 0 and (price < now if below else price > now) else NOT_TAKEN


def _capped(policy: CopyPolicy, instrument: Instrument, source: Volume, units: Fraction) -> Fraction:
    return min(Fraction(source) * Fraction(policy.size.multiplier) * units, _cap(policy, instrument))


def _cap(policy: CopyPolicy, instrument: Instrument) -> Fraction:
    """Return the most that a copy may be opened with."""
    cap = _UNCAPPED if policy.volume.over_max is OverMax.SPLIT else Fraction(instrument.volume_max)
    return cap if policy.volume.max is None else min(cap, Fraction(policy.volume.max))


def _rounded(volume: Fraction, instrument: Instrument, rounding: Rounding) -> Fraction:
    step = Fraction(instrument.volume_step)
    steps = volume / step
    if rounding is Rounding.DOWN:
        return math.floor(steps) * step
    return (math.ceil(steps) if rounding is Rounding.UP else math.floor(steps + Fraction(1, 2))) * step


def _lots(volume: Fraction) -> Volume:
    return Decimal(volume.numerator) / Decimal(volume.denominator)
