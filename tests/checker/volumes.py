"""From a wanted volume to orders: caps, rounding, the minimum, pieces. Everything in fractions."""

from collections.abc import Mapping
from fractions import Fraction
from math import ceil, floor
from typing import Any

from attrs import frozen

from tests.checker.refusals import No
from tests.checker.trees import Tree

PIECES_MAX = 50


@frozen
class Size:
    """What may be opened: `ratio` is target lots per source lot before rounding."""

    ratio: Fraction
    pieces: tuple[Fraction, ...]

    @property
    def volume(self) -> Fraction:
        return sum(self.pieces, Fraction(0))


def on_grid(volume: Fraction, step: Fraction, how: str) -> Fraction:
    steps = volume / step
    if how == "down":
        return floor(steps) * step
    if how == "up":
        return ceil(steps) * step
    return floor(steps + Fraction(1, 2)) * step  # halves go up


def smallest(instrument: Tree) -> Fraction:
    """Return the least volume on the grid that the instrument takes."""
    return on_grid(max(instrument["volume_min"], instrument["volume_step"]), instrument["volume_step"], "up")


def fitted(wanted: Fraction, volume: Mapping[str, Any], source_volume: Fraction, instrument: Tree) -> Size:
    """Return the orders for a wanted volume: `volume.max`, the instrument's maximum, rounding, the minimum, pieces."""
    splits, most = volume["over_max"] == "split", instrument["volume_max"]
    if volume["max"] is not None:
        wanted = min(wanted, volume["max"])
    if wanted > most and not splits:
        if volume["over_max"] == "deny":
            raise No("VOLUME_ABOVE_MAX")
        wanted = most
    ceilings = [] if volume["max"] is None else [volume["max"]]
    if not splits:
        ceilings.append(most)
    rounded = _rounded(wanted, volume, instrument, min(ceilings) if ceilings else None)
    pieces = in_pieces(rounded, instrument) if splits else (rounded,)
    return Size(wanted / source_volume, pieces)


def _rounded(wanted: Fraction, volume: Mapping[str, Any], instrument: Tree, ceiling: Fraction | None) -> Fraction:
    step, least = instrument["volume_step"], smallest(instrument)
    rounded = on_grid(wanted, step, volume["round"])
    if ceiling is not None and rounded > ceiling:
        rounded = on_grid(ceiling, step, "down")  # no rounding passes a cap
    too_low = rounded < least
    if too_low and (volume["min"] == "deny" or (ceiling is not None and least > ceiling)):
        raise No("VOLUME_BELOW_MIN")
    if wanted < least and least > wanted * volume["max_amplification"]:
        raise No("VOLUME_AMPLIFIED")
    return least if too_low else rounded


def in_pieces(volume: Fraction, instrument: Tree) -> tuple[Fraction, ...]:
    """Cut a volume by the instrument's maximum; a last piece below the minimum takes from the one before it."""
    if volume <= instrument["volume_max"]:
        return (volume,)
    least = smallest(instrument)
    most = on_grid(instrument["volume_max"], instrument["volume_step"], "down")
    if most < least:
        raise No("VOLUME_ABOVE_MAX")
    whole, rest = divmod(volume, most)
    if whole + (rest > 0) > PIECES_MAX:
        raise No("VOLUME_ABOVE_MAX")
    pieces = [most] * int(whole)
    if rest >= least:
        pieces.append(rest)
    elif rest and most - (least - rest) >= least:
        pieces = [*pieces[:-1], most - (least - rest), least]
    return tuple(pieces)


def followed(
    ratio: Fraction, source_volume: Fraction, most: Fraction | None, instrument: Tree, volume: Mapping[str, Any]
) -> Fraction:
    """Return what the target holds while the source holds `source_volume`: anew from the ratio, never above `most`."""
    if source_volume <= 0:
        return Fraction(0)
    rounded = on_grid(ratio * source_volume, instrument["volume_step"], volume["round"])
    wanted = max(rounded, smallest(instrument))
    return wanted if most is None else min(wanted, most)
