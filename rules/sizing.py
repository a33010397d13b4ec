"""How large a copy is: size, caps, rounding, minimum, in this order, by exact fractions.

A volume never passes a cap, whatever the rounding; the ratio of a copy is that of the volume before it was rounded, so
that many small partial closes do not drift.
"""

from decimal import Context, Decimal
from fractions import Fraction
from functools import lru_cache

from attrs import frozen

from rules.instruments import Instrument, Rounding
from rules.observed import AccountStatus, Position
from rules.policy import BelowMin, OverMax, Size, SizeMode, VolumePolicy
from rules.reasons import Reason
from rules.trace import Denied, Note, Numbers, Trace
from rules.values import Volume, plain

# A copy in more orders than this is a slip in a size or an instrument; the venue would refuse the burst anyway.
PIECES_MAX = 50

# Twice the digits that the door for numbers lets in: a product of two of them is exact.
_WIDE = Context(prec=90)
# What a person reads of a fraction.
_SHORT = Context(prec=12)

_ONE = Fraction(1)


@lru_cache(maxsize=4096)
def _fraction(number: Decimal) -> Fraction:
    """Return `number` as a fraction; steps, minimums, caps and usual volumes come again and again."""
    return Fraction(number)


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
    size: Size,
    volume_policy: VolumePolicy,
    source: Position,
    source_status: AccountStatus | None,
    target_status: AccountStatus | None,
    source_contract_size: Decimal | None,
    instrument: Instrument,
) -> Sized | Denied:
    """Return the size of the copy of a source position: size, `volume.max`, instrument maximum, rounding, minimum.

    Args:
        size: the mode and its numbers.
        volume_policy: caps, rounding, and what to do outside of the instrument's range.
        source: the source position, whose volume in lots (> 0) is the base.
        source_status: the source account's figures; needed by the ratio modes unless the reference is pinned.
        target_status: the target account's.
        source_contract_size: units per lot at the source. When neither side tells it, lots count as equal, noted; when
            one does, the copy is denied: what the other's lot holds is then a guess.
        instrument: the target's.
    Returns:
        The size, or the denial with its numbers.
    """
    if source.volume <= 0 or instrument.volume_step <= 0 or instrument.volume_min < 0:
        numbers = (
            ("source_volume", plain(source.volume)),
            ("volume_step", plain(instrument.volume_step)),
            ("volume_min", plain(instrument.volume_min)),
        )
        return Denied("size", Reason.SYMBOL_NOT_TRADABLE, numbers)
    notes: list[Note] = []
    wanted = _wanted(size, source, source_status, target_status, source_contract_size, instrument, notes)
    if isinstance(wanted, Denied):
        return wanted
    capped = _cap(wanted, volume_policy, instrument, notes)
    if isinstance(capped, Denied):
        return capped
    rounded = _on_grid(capped, volume_policy, instrument, notes)
    if isinstance(rounded, Denied):
        return rounded
    pieces = _pieces(rounded, instrument, notes) if volume_policy.over_max is OverMax.SPLIT else (rounded,)
    if isinstance(pieces, Denied):
        return pieces
    volume = Decimal(0)
    for piece in pieces:
        volume = _WIDE.add(volume, piece)
    return Sized(capped / _fraction(source.volume), volume, pieces, tuple(notes))


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
    rounded = _rounded(ratio * _fraction(source_volume), instrument.volume_step, policy.round)
    return min(max(rounded, _least(instrument)), granted)


def _wanted(
    size: Size,
    source: Position,
    source_status: AccountStatus | None,
    target_status: AccountStatus | None,
    source_contract_size: Decimal | None,
    instrument: Instrument,
    notes: list[Note],
) -> Fraction | Denied:
    """Return the volume that the mode asks for, before any cap."""
    if size.mode is SizeMode.FIXED:
        if size.volume is None or size.volume <= 0:
            raise ValueError(f"size.volume must be > 0 lots in mode fixed, was {size.volume}")
        notes.append(Note("size", "fixed", (("volume", plain(size.volume)),)))
        return _fraction(size.volume)
    wanted = _fraction(source.volume) * _fraction(size.multiplier)
    numbers: list[tuple[str, str]] = [
        ("source_volume", plain(source.volume)),
        ("multiplier", plain(size.multiplier)),
    ]
    contracts = _contract_ratio(size, source_contract_size, instrument.contract_size, numbers)
    if isinstance(contracts, Denied):
        return contracts
    if contracts is not _ONE:
        wanted *= contracts
    if size.mode is not SizeMode.MULTIPLIER:
        references = _reference_ratio(size, source_status, target_status, numbers)
        if isinstance(references, Denied):
            return references
        wanted *= references
    notes.append(Note("size", size.mode.value, (*numbers, ("wanted", _shown(wanted)))))
    return wanted


def _contract_ratio(
    size: Size, source: Decimal | None, target: Decimal | None, numbers: list[tuple[str, str]]
) -> Fraction | Denied:
    """Return source over target contract size."""
    if size.ignore_contract_size:
        return _ONE
    if source is None and target is None:
        numbers.append(("contract_sizes", "neither is known: lots count as equal"))
        return _ONE
    sizes = (("source_contract_size", _or_unknown(source)), ("target_contract_size", _or_unknown(target)))
    if source is None or target is None or source <= 0 or target <= 0:
        return Denied("size", Reason.CONTRACT_SIZE_UNKNOWN, sizes)
    if source == target:
        return _ONE
    numbers.extend(sizes)
    return _fraction(source) / _fraction(target)


def _reference_ratio(
    size: Size, source: AccountStatus | None, target: AccountStatus | None, numbers: list[tuple[str, str]]
) -> Fraction | Denied:
    """Return target over source balance or equity."""
    source_reference = _reference(size.mode, size.source_reference, source)
    target_reference = _reference(size.mode, size.target_reference, target)
    figures: Numbers = (
        ("source_reference", _or_unknown(source_reference)),
        ("target_reference", _or_unknown(target_reference)),
    )
    if source_reference is None or target_reference is None:
        return Denied("size", Reason.REFERENCE_UNKNOWN, figures)
    if source_reference <= 0 or target_reference <= 0:
        return Denied("size", Reason.REFERENCE_NOT_POSITIVE, figures)
    numbers.extend(figures)
    if not size.ignore_currency:
        source_currency = None if source is None else source.currency
        target_currency = None if target is None else target.currency
        currencies = (
            ("source_currency", source_currency or "unknown"),
            ("target_currency", target_currency or "unknown"),
        )
        if source_currency != target_currency:
            return Denied("size", Reason.CURRENCY_RATE_UNKNOWN, currencies)
        if source_currency is None:
            numbers.append(("currencies", "neither is known: they count as equal"))
    return _fraction(target_reference) / _fraction(source_reference)


def _reference(mode: SizeMode, pinned: Decimal | None, status: AccountStatus | None) -> Decimal | None:
    if pinned is not None or status is None:
        return pinned
    return status.balance if mode is SizeMode.BALANCE_RATIO else status.equity


def _cap(wanted: Fraction, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Fraction | Denied:
    """Return the volume after the policy's cap and, unless it is to be split, the instrument's."""
    if policy.max is not None and wanted > _fraction(policy.max):
        numbers = (("wanted", _shown(wanted)), ("volume.max", plain(policy.max)))
        notes.append(Note("volume.max", "capped", numbers))
        wanted = _fraction(policy.max)
    if wanted <= _fraction(instrument.volume_max) or policy.over_max is OverMax.SPLIT:
        return wanted
    numbers = (("wanted", _shown(wanted)), ("volume_max", plain(instrument.volume_max)))
    if policy.over_max is OverMax.DENY:
        return Denied("volume.over_max", Reason.VOLUME_ABOVE_MAX, numbers)
    notes.append(Note("volume.over_max", "clamped to the instrument's maximum", numbers))
    return _fraction(instrument.volume_max)


def _on_grid(capped: Fraction, policy: VolumePolicy, instrument: Instrument, notes: list[Note]) -> Volume | Denied:
    """Return the volume rounded to the step and not below the minimum, or the denial."""
    ceiling = _ceiling(policy, instrument)
    rounded = _rounded(capped, instrument.volume_step, policy.round)
    if ceiling is not None and rounded > ceiling:
        rounded = _rounded(_fraction(ceiling), instrument.volume_step, Rounding.DOWN)
    least = _least(instrument)
    # `round = "up"` may lift above the minimum by itself; that is no way around the bound on it.
    least_exact = _fraction(least)
    amplified = capped < least_exact and least_exact > capped * _fraction(policy.max_amplification)
    if rounded >= least and not amplified:
        if _fraction(rounded) != capped:
            numbers = (("wanted", _shown(capped)), ("step", plain(instrument.volume_step)), ("volume", plain(rounded)))
            notes.append(Note("volume.round", policy.round.value, numbers))
        return rounded
    low = (("wanted", _shown(capped)), ("volume_min", plain(least)))
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


def _pieces(volume: Volume, instrument: Instrument, notes: list[Note]) -> tuple[Volume, ...] | Denied:
    """Return the orders that make up a volume (on the grid, at least the minimum) by the instrument's maximum.

    Together they are less than the volume only where no piece could hold the rest without leaving the range.
    """
    if volume <= instrument.volume_max:
        return (volume,)
    least, most = _least(instrument), _rounded(_fraction(instrument.volume_max), instrument.volume_step, Rounding.DOWN)
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


def _least(instrument: Instrument) -> Volume:
    """Return the smallest volume on the grid that the instrument takes, > 0."""
    smallest = max(instrument.volume_min, instrument.volume_step)
    return _rounded(_fraction(smallest), instrument.volume_step, Rounding.UP)


def _rounded(volume: Fraction, step: Volume, rounding: Rounding) -> Volume:
    """Return `volume` (>= 0) on the grid of `step` (> 0), exactly: a fraction has no last digit to lose."""
    steps = volume / _fraction(step)
    match rounding:
        case Rounding.DOWN:
            count = steps.numerator // steps.denominator
        case Rounding.UP:
            count = -(-steps.numerator // steps.denominator)
        case Rounding.NEAREST:
            count = (2 * steps.numerator + steps.denominator) // (2 * steps.denominator)
    return _WIDE.multiply(Decimal(count), step)


def _shown(number: Fraction) -> str:
    """Return a fraction as a person reads it, to 12 digits."""
    return plain(_SHORT.divide(Decimal(number.numerator), Decimal(number.denominator)))


def _or_unknown(number: Decimal | None) -> str:
    return "unknown" if number is None else plain(number)
