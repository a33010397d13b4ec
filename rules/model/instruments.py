"""What a tradable thing permits, and rounding to its grid."""

from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal
from enum import Enum

from rules.model.frozen import frozen
from rules.model.values import Price, Side, Symbol, Volume


class Rounding(Enum):
    """How a wanted volume meets the volume step."""

    DOWN = "down"
    NEAREST = "nearest"
    """Halves go up; a cap is still never passed."""
    UP = "up"


@frozen
class Instrument:
    """An instrument's specification on one account.

    `volume_min`, `volume_max` and `volume_step` are in lots, `contract_size` in units per lot, `tick_size` in price.
    `contract_size` or `tick_size` is None where the venue does not say it.
    """

    symbol: Symbol
    volume_min: Volume
    volume_max: Volume
    volume_step: Volume
    tick_size: Price | None = None
    contract_size: Decimal | None = None
    profit_currency: str | None = None
    stop_distance_min: Price | None = None
    tradable: bool = True


def round_to_step(volume: Volume, step: Volume, rounding: Rounding = Rounding.DOWN) -> Volume:
    """Return `volume` on the grid of `step`.

    Args:
        volume: lots, >= 0.
        step: lots, > 0.
    Raises:
        ValueError: if `step` is not positive or `volume` is negative.
    """
    if step <= 0:
        raise ValueError(f"volume_step must be > 0 lots, was {step}")
    if volume < 0:
        raise ValueError(f"volume must be >= 0 lots, was {volume}")
    mode = {Rounding.DOWN: ROUND_DOWN, Rounding.NEAREST: ROUND_HALF_UP, Rounding.UP: ROUND_UP}[rounding]
    return (volume / step).quantize(Decimal(1), rounding=mode) * step


def round_toward(price: Price, tick_size: Price | None, anchor: Price) -> Price:
    """Return `price` on the tick grid, moved toward `anchor` when it lies between two ticks.

    A stop rounded toward the entry never lies further away than the person asked. Without a known tick size the
    price stays as it is.
    """
    if tick_size is None or tick_size <= 0:
        return price
    ticks = price / tick_size
    down = ticks.to_integral_value(ROUND_FLOOR)
    if down == ticks:
        return price
    return (down + 1 if price < anchor else down) * tick_size


def is_protective(side: Side, stop: Price, reference: Price) -> bool:
    """Tell whether a stop-loss of a position on `side` lies on the losing side of `reference`."""
    return stop < reference if side is Side.BUY else stop > reference
