"""What a policy promises of volumes, reckoned anew from its words: an arithmetic of its own, not the service's."""

import math
from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction

from rules.instruments import Instrument, Rounding
from rules.policy import BelowMin, CopyPolicy
from rules.values import Volume


def entry_volume(policy: CopyPolicy, instrument: Instrument, source: Volume) -> Volume | None:
    """Return the lots with which a copy of `source` lots is opened; None: the policy denies it."""
    capped = _capped(policy, instrument, source)
    least = _least(instrument)
    if capped < least and least > capped * Fraction(policy.volume.max_amplification):
        return None
    steps = min(
        _steps(capped, instrument, policy.volume.round), math.floor(_cap(policy, instrument) / _step(instrument))
    )
    volume = steps * _step(instrument)
    if volume < least:
        if policy.volume.min is BelowMin.DENY or least > _cap(policy, instrument):
            return None
        volume = least
    return _lots(volume)


def copy_volumes(policy: CopyPolicy, instrument: Instrument, seen: Iterable[Volume], now: Volume) -> set[Volume]:
    """Return what a copy may hold while its source holds `now` lots, if it was opened at one of the volumes `seen`.

    The copy keeps the ratio of its entry, caps included, so without a cap they all give the same.
    """
    volumes = set()
    for entry in seen:
        granted = entry_volume(policy, instrument, entry)
        if granted is not None:
            wanted = _capped(policy, instrument, entry) / Fraction(entry) * Fraction(now)
            volume = max(_steps(wanted, instrument, policy.volume.round) * _step(instrument), _least(instrument))
            volumes.add(min(_lots(volume), granted))
    return volumes


def is_close_enough(held: Volume, wanted: Volume, instrument: Instrument) -> bool:
    """Tell whether a copy is right, or above it by less than the smallest order that the venue takes."""
    return Volume(0) <= held - wanted and (held == wanted or held - wanted < instrument.volume_min)


def _capped(policy: CopyPolicy, instrument: Instrument, source: Volume) -> Fraction:
    return min(Fraction(source) * Fraction(policy.size.multiplier), _cap(policy, instrument))


def _cap(policy: CopyPolicy, instrument: Instrument) -> Fraction:
    cap = Fraction(instrument.volume_max)
    return cap if policy.volume.max is None else min(cap, Fraction(policy.volume.max))


def _steps(volume: Fraction, instrument: Instrument, rounding: Rounding) -> int:
    steps = volume / _step(instrument)
    if rounding is Rounding.DOWN:
        return math.floor(steps)
    return math.ceil(steps) if rounding is Rounding.UP else math.floor(steps + Fraction(1, 2))


def _step(instrument: Instrument) -> Fraction:
    return Fraction(instrument.volume_step)


def _least(instrument: Instrument) -> Fraction:
    return Fraction(instrument.volume_min)


def _lots(volume: Fraction) -> Volume:
    return Decimal(volume.numerator) / Decimal(volume.denominator)
