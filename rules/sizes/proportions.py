"""Keeps the proportions between copies that are open together, where rounding each by itself would flatten them."""

from collections.abc import Sequence
from fractions import Fraction

from rules.model.copies import Copy
from rules.model.instruments import Instrument
from rules.model.trace import Note
from rules.model.values import plain
from rules.policy.size import VolumePolicy
from rules.sizes.volumes import fraction, least_of, shown


def in_proportion(
    wanted: Fraction, beside: Sequence[Copy], policy: VolumePolicy, instrument: Instrument, notes: list[Note]
) -> Fraction:
    """Return what a new copy's volume is beside those that are open already: their sum is sized, not each of them.

    The first of them was rounded or raised to a multiple of what was wanted of it; that multiple holds for those that
    follow. What the last one lost or won by rounding is added. It is never more than `volume.max_amplification` times
    what the size asks for, and what is below the minimum is not more than that at all.

    Args:
        wanted: lots that the size asks for, before any cap, > 0.
        beside: open copies of the same link, source symbol and side.
        policy: for its bound.
        instrument: the target's.
        notes: told of a change.
    """
    by_age = sorted(beside, key=lambda copy: (copy.opened_at, copy.source_position_id))
    if not by_age or not by_age[0].granted or not _exact(by_age[0]):
        return wanted
    first, last = by_age[0], by_age[-1]
    times = fraction(first.granted) / _exact(first)
    rest = _exact(last) - fraction(last.granted) if last is not first else Fraction(0)
    # More than a step is no rounding: it was not filled, or closed by somebody, and is not made up for.
    carried = rest if abs(rest) < fraction(instrument.volume_step) else Fraction(0)
    found = min(max(wanted * times + carried, Fraction(0)), wanted * fraction(policy.max_amplification))
    if found < fraction(least_of(instrument)):
        found = min(found, wanted)
    if found != wanted:
        numbers = (("wanted", shown(wanted)), ("first", plain(first.granted)), ("volume", shown(found)))
        notes.append(Note("volume.keep_proportions", "sized as one with the copies beside it", numbers))
    return found


def _exact(copy: Copy) -> Fraction:
    """Return the lots that a copy would hold without a grid."""
    return copy.ratio * fraction(copy.followed)
