"""From an exact volume to orders that the venue takes: caps, the instrument's maximum, rounding, minimum, pieces.

A volume never passes a cap, whatever the rounding.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import lru_cache

from rules.model.instruments import Instrument, Rounding
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import Volume, plain
from rules.policy.expressions import Exact
from rules.policy.size import BelowMin, OverMax, VolumePolicy

# A copy in more orders than this is a slip in a size or an instrument; the venue would refuse the burst anyway.
PIECES_MAX = 50

# Twice the digits that the door for numbers lets in: a product of two of them is exact.
WIDE = Context(prec=90)
# Numbers from outside have 40 digits at most and 20 behind the point, and a product here has at most five of them, so
# that nothing is ever rounded; what would be raises.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
# What a person reads of a fraction.
_SHORT = Context(prec=12)


def cap(wanted: Fraction, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Fraction | Denied:
    """Return the volume after the policy's cap and, unless it is to be split, the instrument's."""
    if policy.max is not None and wanted > fraction(policy.max):
        numbers = (("wanted", shown(wanted)), ("volume.max", plain(policy.max)))
        notes.append(Note("volume.max", "capped", numbers))
        wanted = fraction(policy.max)
    if wanted <= fraction(instrument.volume_max) or policy.over_max is OverMax.SPLIT:
        return wanted
    numbers = (("wanted", shown(wanted)), ("volume_max", plain(instrument.volume_max)))
    if policy.over_max is OverMax.DENY:
        return Denied("volume.over_max", Reason.VOLUME_ABOVE_MAX, numbers)
    notes.append(Note("volume.over_max", "clamped to the instrument's maximum", numbers))
    return fraction(instrument.volume_max)


def on_grid(capped: Fraction, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Volume | Denied:
    """Return the volume rounded to the step and not below the minimum, or the denial."""
    ceiling = _ceiling(policy, instrument)
    rounded = to_grid(capped, instrument.volume_step, policy.round)
    if ceiling is not None and rounded > ceiling:
        rounded = to_grid(fraction(ceiling), instrument.volume_step, Rounding.DOWN)
    least = least_of(instrument)
    # `round = "up"` may lift above the minimum by itself; that is no way around the bound on it.
    least_exact = fraction(least)
    amplified = capped < least_exact and least_exact > capped * fraction(policy.max_amplification)
    if rounded >= least and not amplified:
        if fraction(rounded) != capped:
            numbers = (("wanted", shown(capped)), ("step", plain(instrument.volume_step)), ("volume", plain(rounded)))
            notes.append(Note("volume.round", policy.round.value, numbers))
        return rounded
    low = (("wanted", shown(capped)), ("volume_min", plain(least)))
    if rounded < least:
        if policy.min is BelowMin.DENY:
            return Denied("volume.min", Reason.VOLUME_BELOW_MIN, low)
        if ceiling is not None and least > ceiling:
            return Denied("volume.min", Reason.VOLUME_BELOW_MIN, (*low, ("cap", plain(ceiling))))
    if amplified:
        numbers = (*low, ("max_amplification", plain(policy.max_amplification)))
        return Denied("volume.min", Reason.VOLUME_AMPLIFIED, numbers)
    notes.append(Note("volume.min", "raised to the minimum", low))
    return least


def in_pieces(volume: Volume, instrument: Instrument, notes: list[Note]) -> tuple[Volume, ...] | Denied:
    """Return the orders that make up a volume (on the grid, at least the minimum) by the instrument's maximum.

    Together they are less than the volume only where no piece could hold the rest without leaving the range.
    """
    if volume <= instrument.volume_max:
        return (volume,)
    least, most = least_of(instrument), to_grid(fraction(instrument.volume_max), instrument.volume_step, Rounding.DOWN)
    numbers = (("wanted", plain(volume)), ("volume_min", plain(least)), ("volume_max", plain(instrument.volume_max)))
    if most < least:
        return Denied("volume.over_max", Reason.VOLUME_ABOVE_MAX, numbers)
    whole = int(volume // most) if volume < most * (PIECES_MAX + 1) else PIECES_MAX + 1
    rest = volume - most * whole
    if whole + (rest > 0) > PIECES_MAX:
        return Denied("volume.over_max", Reason.VOLUME_ABOVE_MAX, (*numbers, ("pieces_max", str(PIECES_MAX))))
    pieces = [most] * whole
    if rest >= least:
        pieces.append(rest)
    elif rest > 0 and most - (least - rest) >= least:
        pieces[-1] = most - (least - rest)
        pieces.append(least)
    notes.append(Note("volume.over_max", f"split into {len(pieces)} orders", numbers))
    return tuple(pieces)


def _ceiling(policy: VolumePolicy, instrument: Instrument) -> Volume | None:
    """Return what no rounding and no raising may pass."""
    caps = [] if policy.max is None else [policy.max]
    if policy.over_max is not OverMax.SPLIT:
        caps.append(instrument.volume_max)
    return min(caps, default=None)


def least_of(instrument: Instrument) -> Volume:
    """Return the smallest volume on the grid that the instrument takes, > 0."""
    return _least(instrument.volume_min, instrument.volume_step)


@lru_cache(maxsize=1024)
def _least(volume_min: Volume, step: Volume) -> Volume:
    return to_grid(fraction(max(volume_min, step)), step, Rounding.UP)


def to_grid(volume: Fraction, step: Volume, rounding: Rounding) -> Volume:
    """Return `volume` (>= 0) on the grid of `step` (> 0), exactly: a fraction has no last digit to lose."""
    lots, whole = volume.as_integer_ratio()
    one, parts = step.as_integer_ratio()
    steps, of = lots * parts, whole * one  # the volume is so many steps, exactly
    match rounding:
        case Rounding.DOWN:
            count = steps // of
        case Rounding.UP:
            count = -(-steps // of)
        case Rounding.NEAREST:
            count = (2 * steps + of) // (2 * of)
    return WIDE.multiply(Decimal(count), step)


def product(one: Exact, other: Exact) -> Exact:
    """Return the product; of decimals it is one, at a tenth of what fractions cost."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _EXACT.multiply(one, other)
    return Fraction(one) * Fraction(other)


def total(one: Exact, other: Exact) -> Exact:
    """Return the sum, as exact as a product."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _EXACT.add(one, other)
    return Fraction(one) + Fraction(other)


def difference(one: Exact, other: Exact) -> Exact:
    """Return how much larger `one` is, as exact as a product."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _EXACT.subtract(one, other)
    return Fraction(one) - Fraction(other)


@lru_cache(maxsize=4096)
def fraction(number: Decimal) -> Fraction:
    """Return `number` as a fraction; steps, minimums, caps and usual volumes come again and again."""
    return Fraction(number)


def shown(number: Fraction | Decimal) -> str:
    """Return a number as a person reads it, to 12 digits."""
    if isinstance(number, Decimal):
        return plain(_SHORT.plus(number))
    return plain(_SHORT.divide(Decimal(number.numerator), Decimal(number.denominator)))
