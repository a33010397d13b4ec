"""From an exact volume to orders that the venue takes: caps, the instrument's maximum, rounding, minimum, pieces.

A volume never passes a cap, whatever the rounding.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from fractions import Fraction
from functools import lru_cache
from typing import Final

from rules.model.frozen import frozen
from rules.model.instruments import Instrument, Rounding
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import Volume, plain
from rules.policy.expressions import Exact, Ratio
from rules.policy.size import BelowMin, OverMax, VolumePolicy

# A copy in more orders than this is a slip in a size or an instrument; the venue would refuse the burst anyway.
PIECES_MAX = 50

# Twice the digits that the door for numbers lets in: a product of two of them is exact.
WIDE = Context(prec=90)
# Numbers from outside have 40 digits at most and 20 behind the point, and a product here has at most five of them, so
# that nothing is ever rounded; what would be raises.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation])
_multiply, _add, _subtract = _EXACT.multiply, _EXACT.add, _EXACT.subtract
# What a person reads of a fraction.
_SHORT = Context(prec=12)

_ROUNDED: Final = {rounding: rounding.value for rounding in Rounding}
"""What a trace calls each; an Enum tells its value at the price of a sum."""


@frozen
class Known:
    """A number as whole ones, and as a trace shows it."""

    ratio: Ratio
    text: str


def cap(wanted: Known, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Known | Denied:
    """Return the volume after the policy's cap and, unless it is to be split, the instrument's."""
    if policy.max is not None and _beyond(wanted, policy.max) > 0:
        numbers = (("wanted", wanted.text), ("volume.max", plain(policy.max)))
        notes.append(Note("volume.max", "capped", numbers))
        wanted = known(policy.max)
    if policy.over_max is OverMax.SPLIT or _beyond(wanted, instrument.volume_max) <= 0:
        return wanted
    numbers = (("wanted", wanted.text), ("volume_max", plain(instrument.volume_max)))
    if policy.over_max is OverMax.DENY:
        return Denied("volume.over_max", Reason.VOLUME_ABOVE_MAX, numbers)
    notes.append(Note("volume.over_max", "clamped to the instrument's maximum", numbers))
    return known(instrument.volume_max)


def on_grid(capped: Known, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Volume | Denied:
    """Return the volume rounded to the step and not below the minimum, or the denial."""
    rounded, least = to_grid(capped.ratio, instrument.volume_step, policy.round), least_of(instrument)
    lifts = policy.round is not Rounding.DOWN  # which passes no cap and reaches no minimum from below
    if lifts:
        ceiling = _ceiling(policy, instrument)
        if ceiling is not None and rounded > ceiling:
            rounded = to_grid(ratio_of(ceiling), instrument.volume_step, Rounding.DOWN)
    # `round = "up"` may lift above the minimum by itself; that is no way around the bound on it.
    if rounded < least or (lifts and _is_amplified(capped, least, policy)):
        return _raised(capped, rounded, least, policy, instrument, notes)
    if _beyond(capped, rounded) != 0:
        step = ("step", plain(instrument.volume_step))
        numbers = (("wanted", capped.text), step, ("volume", plain(rounded)))
        notes.append(Note("volume.round", _ROUNDED[policy.round], numbers))
    return rounded


def _raised(
    capped: Known, rounded: Volume, least: Volume, policy: VolumePolicy, instrument: Instrument, notes: list[Note]
) -> Volume | Denied:
    """Return the minimum for a volume that is too small for it, where the policy raises so far."""
    low = (("wanted", capped.text), ("volume_min", plain(least)))
    if rounded < least:
        if policy.min is BelowMin.DENY:
            return Denied("volume.min", Reason.VOLUME_BELOW_MIN, low)
        ceiling = _ceiling(policy, instrument)
        if ceiling is not None and least > ceiling:
            return Denied("volume.min", Reason.VOLUME_BELOW_MIN, (*low, ("cap", plain(ceiling))))
    if _is_amplified(capped, least, policy):
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
    least, most = least_of(instrument), to_grid(ratio_of(instrument.volume_max), instrument.volume_step, Rounding.DOWN)
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


def _beyond(volume: Known, bound: Volume) -> int:
    """Return what is above 0 where the volume is above the bound, below 0 where it is below, and else 0."""
    (lots, parts), (most, of) = volume.ratio, ratio_of(bound)
    return lots * of - most * parts


def _is_amplified(capped: Known, least: Volume, policy: VolumePolicy) -> bool:
    """Tell whether the minimum is above the volume, and further than it may be raised."""
    (lots, parts), (times, of), (most, each) = capped.ratio, ratio_of(policy.max_amplification), ratio_of(least)
    return _beyond(capped, least) < 0 and lots * times * each < most * parts * of


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
    return to_grid(ratio_of(max(volume_min, step)), step, Rounding.UP)


def to_grid(volume: Ratio, step: Volume, rounding: Rounding) -> Volume:
    """Return `volume` (>= 0) on the grid of `step` (> 0), exactly: whole numbers have no last digit to lose."""
    (lots, whole), (one, parts) = volume, ratio_of(step)
    steps, of = lots * parts, whole * one  # the volume is so many steps, exactly
    if rounding is Rounding.DOWN:
        count = steps // of
    elif rounding is Rounding.UP:
        count = -(-steps // of)
    else:
        count = (2 * steps + of) // (2 * of)
    return WIDE.multiply(Decimal(count), step)


def product(one: Exact, other: Exact) -> Exact:
    """Return the product; of decimals it is one, at a tenth of what fractions cost."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _multiply(one, other)
    return Fraction(one) * Fraction(other)


def total(one: Exact, other: Exact) -> Exact:
    """Return the sum, as exact as a product."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _add(one, other)
    return Fraction(one) + Fraction(other)


def difference(one: Exact, other: Exact) -> Exact:
    """Return how much larger `one` is, as exact as a product."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return _subtract(one, other)
    return Fraction(one) - Fraction(other)


@lru_cache(maxsize=4096)
def fraction(number: Decimal) -> Fraction:
    """Return `number` as a fraction; steps, minimums, caps and usual volumes come again and again."""
    return Fraction(number)


@lru_cache(maxsize=4096)
def ratio_of(number: Decimal) -> Ratio:
    """Return `number` as whole numbers; kept as its fraction is."""
    return number.as_integer_ratio()


def known(number: Exact) -> Known:
    """Return a number that is new: an account's money is another at each event, and is kept for none."""
    return Known(number.as_integer_ratio(), shown(number))


def shown(number: Exact) -> str:
    """Return a number as a person reads it, to 12 digits; as `plain` does, and kept for no other time."""
    if not isinstance(number, Decimal):
        return shown_ratio(number.as_integer_ratio())
    return f"{_SHORT.normalize(number):f}" if number else "0"


def shown_ratio(number: Ratio) -> str:
    """Return it likewise."""
    return shown(_SHORT.divide(Decimal(number[0]), Decimal(number[1])))
