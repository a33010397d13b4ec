"""Price distances in the units that people use, and what they are in an instrument's price."""

from decimal import Decimal
from enum import Enum

from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.values import Price, plain

POINTS_PER_PIP = Decimal(10)


class DistanceUnit(Enum):
    """What a price distance is counted in."""

    PRICE = "price"
    POINTS = "points"
    """The instrument's tick_size."""
    PIPS = "pips"
    """Ten points."""
    PERCENT = "%"
    """Of the reference price."""


@frozen
class Distance:
    """A price distance, >= 0, in a unit that an instrument turns into price."""

    amount: Decimal
    unit: DistanceUnit


def in_price(distance: Distance, instrument: Instrument, reference: Price) -> Price | None:
    """Return a distance in the instrument's price, >= 0.

    Args:
        distance: in its own unit; a point is the instrument's tick size, a pip ten points.
        instrument: whose tick size counts.
        reference: the price that a percentage is of.
    Returns:
        None when the unit needs a tick size and the venue does not tell it.
    """
    match distance.unit:
        case DistanceUnit.PRICE:
            return distance.amount
        case DistanceUnit.PERCENT:
            return (distance.amount * reference).scaleb(-2)
        case DistanceUnit.POINTS:
            points = distance.amount
        case DistanceUnit.PIPS:
            points = distance.amount * POINTS_PER_PIP
    return None if instrument.tick_size is None else points * instrument.tick_size


def shown_distance(distance: Distance, in_price_terms: Price | None) -> str:
    unit = distance.unit.value
    price = "unknown: the tick size is not known" if in_price_terms is None else plain(in_price_terms)
    return price if distance.unit is DistanceUnit.PRICE else f"{plain(distance.amount)} {unit} ({price})"
