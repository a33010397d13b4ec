"""Exact numbers as figures: means, percentiles, bars of a distribution, how far a curve fell."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from itertools import count
from math import ceil
from typing import Final

from rules.model.frozen import frozen
from rules.sizes.volumes import WIDE

CENT: Final = Decimal("0.01")

BARS_MAX: Final = 12
"""More, nobody tells apart."""

_STEPS: Final = (Decimal(1), Decimal(2), Decimal(5))
"""Widths of bars that people read easily, times powers of ten."""


def total(numbers: Sequence[Decimal]) -> Decimal:
    """Return the exact sum."""
    found = Decimal(0)
    for number in numbers:
        found = WIDE.add(found, number)
    return found


def mean(numbers: Sequence[Decimal]) -> Decimal | None:
    """Return the mean to the cent; None of nothing."""
    return cents(WIDE.divide(total(numbers), Decimal(len(numbers)))) if numbers else None


def cents(number: Decimal) -> Decimal:
    return number.quantize(CENT, ROUND_HALF_EVEN, WIDE)


def share(part: Decimal | int, whole: Decimal | int) -> Decimal | None:
    """Return a part in percent of the whole, to two digits; None where the whole is nothing."""
    return cents(WIDE.divide(WIDE.multiply(Decimal(part), Decimal(100)), Decimal(whole))) if whole else None


def percentile(numbers: Sequence[Decimal], part: Decimal) -> Decimal:
    """Return the number that a part (0 < part <= 1) of the numbers does not pass, by nearest rank."""
    return sorted(numbers)[ceil(len(numbers) * part) - 1]


@frozen
class Bar:
    """How many numbers are `low` or more and less than `high`."""

    low: Decimal
    high: Decimal
    count: int


def bars(numbers: Sequence[Decimal]) -> list[Bar]:
    """Return how numbers are spread: bars of one width, of 1, 2 or 5 times a power of ten."""
    if not numbers:
        return []
    low, high = min(numbers), max(numbers)
    widths = (step.scaleb(power) for power in count() for step in _STEPS)
    width = next(width for width in widths if _count(low, high, width) <= BARS_MAX)
    first = (low / width).to_integral_value(ROUND_FLOOR)
    counts = [0] * _count(low, high, width)
    for number in numbers:
        counts[int((number / width).to_integral_value(ROUND_FLOOR) - first)] += 1
    return [Bar((first + each) * width, (first + each + 1) * width, number) for each, number in enumerate(counts)]


def _count(low: Decimal, high: Decimal, width: Decimal) -> int:
    first = (low / width).to_integral_value(ROUND_FLOOR)
    return int((high / width).to_integral_value(ROUND_FLOOR) - first) + 1


@frozen
class Fall:
    """The largest fall of a curve: how much, from where, and the largest in percent, which may be another one."""

    amount: Decimal
    percent: Decimal | None
    fell_from: datetime | None
    fell_to: datetime | None


def largest_fall(points: Sequence[tuple[datetime, Decimal]]) -> Fall:
    """Return how far a curve fell from the highest point before; `percent` is of that, None where it was <= 0."""
    fall = Fall(Decimal(0), None, None, None)
    height: tuple[datetime, Decimal] | None = None
    percent: Decimal | None = None
    for at, value in points:
        if height is None or value > height[1]:
            height = (at, value)
        below = height[1] - value
        if below > fall.amount:
            fall = Fall(below, None, height[0], at)
        if height[1] > 0:
            part = share(below, height[1])
            percent = part if percent is None or (part is not None and part > percent) else percent
    return Fall(fall.amount, percent, fall.fell_from, fall.fell_to)
