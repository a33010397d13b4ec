"""How large a copy is: size, caps, rounding, minimum, in this order, exactly: whole numbers over whole numbers.

The ratio of a copy is that of the volume before it was rounded, so that many small partial closes do not drift.
"""

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from rules.model.copies import Copy
from rules.model.frozen import frozen
from rules.model.instruments import Instrument, Rounding
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note, Trace
from rules.model.values import Volume, plain
from rules.policy.size import OverMax, Size, VolumePolicy
from rules.sizes.modes import is_usable, wanted_volume
from rules.sizes.proportions import in_proportion
from rules.sizes.series import Scale
from rules.sizes.variables import Basis
from rules.sizes.volumes import WIDE, Known, cap, fraction, in_pieces, known, least_of, on_grid, ratio_of, to_grid

_NOTHING = Volume(0)


@frozen
class Sized:
    """What a copy may open.

    `ratio` is the volume after all caps and before rounding, over the source's volume: partial closes follow it.
    `volume` is the rounded whole, in lots, and `pieces` the orders that it takes (one, unless it was split).
    """

    ratio: Fraction
    volume: Volume
    pieces: tuple[Volume, ...]
    notes: Trace


def size_copy(
    size: Size, volume_policy: VolumePolicy, basis: Basis, scale: Scale | None = None, beside: Sequence[Copy] = ()
) -> Sized | Denied:
    """Return the size of the copy of a source position: size, `volume.max`, instrument maximum, rounding, minimum.

    Args:
        size: the mode and its numbers.
        volume_policy: caps, rounding, and what to do outside of the instrument's range.
        basis: what the mode reckons with.
        scale: what multiplies that, where sizes follow results.
        beside: open copies whose proportions it keeps.
    Returns:
        The size, or the denial with its numbers.
    """
    source, instrument = basis.position, basis.instrument
    if source.volume <= 0 or instrument.volume_step <= 0 or instrument.volume_min < 0:
        numbers = (
            ("source_volume", plain(source.volume)),
            ("volume_step", plain(instrument.volume_step)),
            ("volume_min", plain(instrument.volume_min)),
        )
        return Denied("size", Reason.SYMBOL_NOT_TRADABLE, numbers)
    notes: list[Note] = []
    wanted = wanted_volume(size, basis, notes)
    if isinstance(wanted, Denied):
        return wanted
    if scale is not None:
        notes.append(scale.note)
        wanted = known(Fraction(*wanted.ratio) * scale.factor)
        if not is_usable(wanted.ratio):
            return Denied("size", Reason.SIZE_UNUSABLE, (*scale.note.numbers, ("wanted", wanted.text)))
    if beside:
        wanted = known(in_proportion(Fraction(*wanted.ratio), beside, volume_policy, instrument, notes))
    return fit(wanted, volume_policy, source.volume, instrument, notes)


def fit(
    wanted: Known, policy: VolumePolicy, source_volume: Volume, instrument: Instrument, notes: list[Note]
) -> Sized | Denied:
    """Return the orders for a wanted volume: caps, rounding, minimum, pieces."""
    capped = cap(wanted, policy, instrument, notes)
    if isinstance(capped, Denied):
        return capped
    rounded = on_grid(capped, policy, instrument, notes)
    if isinstance(rounded, Denied):
        return rounded
    pieces = in_pieces(rounded, instrument, notes) if policy.over_max is OverMax.SPLIT else (rounded,)
    if isinstance(pieces, Denied):
        return pieces
    volume = _NOTHING
    for piece in pieces:
        volume = WIDE.add(volume, piece)
    (lots, parts), (of, each) = capped.ratio, ratio_of(source_volume)
    return Sized(Fraction(lots * each, parts * of), volume, pieces, tuple(notes))


def shrink(sized: Sized, room: Fraction, source_volume: Volume, instrument: Instrument) -> Sized | None:
    """Return a size of at most `room` lots, cut as the larger one was; None: the instrument takes nothing so small."""
    lots = to_grid(max(room, Fraction(0)).as_integer_ratio(), instrument.volume_step, Rounding.DOWN)
    if lots < least_of(instrument):
        return None
    pieces = in_pieces(lots, instrument, []) if len(sized.pieces) > 1 else (lots,)
    if isinstance(pieces, Denied):
        return None
    return Sized(min(sized.ratio, room / fraction(source_volume)), sum(pieces, Decimal(0)), pieces, sized.notes)


def following_volume(
    ratio: Fraction, source_volume: Volume, granted: Volume, instrument: Instrument, policy: VolumePolicy
) -> Volume:
    """Return what the target should hold while the source holds `source_volume`.

    It is reckoned anew from the exact ratio each time, so that errors of rounding do not add up.

    Args:
        ratio: the copy's, from its entry.
        source_volume: lots that the source holds now, >= 0.
        granted: lots that the target may hold at most.
        instrument: the target's.
        policy: for its rounding.
    Returns:
        lots, on the grid and never above `granted`; zero only when the source holds nothing: a wanted volume between
        zero and the minimum is the minimum, or what is held if that is less.
    """
    if source_volume <= 0:
        return Decimal(0)
    wanted, parts = ratio.as_integer_ratio()
    lots, of = ratio_of(source_volume)
    rounded = to_grid((wanted * lots, parts * of), instrument.volume_step, policy.round)
    return min(max(rounded, least_of(instrument)), granted)
