"""What a person wants of a copy's protective prices."""

from decimal import Decimal
from enum import Enum

from attrs import field

from rules.model.frozen import frozen
from rules.policy.distances import Distance


class StopsMode(Enum):
    """How the source's stops become the target's."""

    PRICE = "price"
    """As they are."""
    DISTANCE = "distance"
    """The distance from entry to stop is kept, from the source's entry to the target's."""
    OFFSET = "offset"
    """Shifted by the gap between the two quotes at entry, which is kept with the copy; where one of them is not known
    then, as `distance`."""
    NONE = "none"
    """The source's do not follow."""


class StopsLock(Enum):
    """Which of the target's stops stay once they are set, whatever the source does."""

    OFF = "off"
    AWAY = "away"
    """A stop-loss is never moved further away, nor removed."""
    ALL = "all"
    """None is ever changed, nor removed."""


class MinDistance(Enum):
    """What becomes of a stop that is closer to the price than the venue allows."""

    PUSH = "push"
    """It is pushed out to what is allowed."""
    OMIT = "omit"
    """It is left out; one that is to be moved stays where it is."""
    DENY = "deny"
    """The copy is denied; one that is to be moved stays where it is."""


class Aggregate(Enum):
    """Which stops a netted position gets that stands for several copies of a hedging source."""

    NONE = "none"
    """None: the copies close with their sources."""
    TIGHTEST = "tightest"
    """Of the copies on the position's side the stop-loss, and the take-profit, that is reached first."""
    WEIGHTED = "weighted"
    """The mean of theirs by lots, of those that have one, rounded to the tick that is reached first."""


@frozen
class FixedStops:
    """Stops of our own, at these distances (> 0) from the target's entry; they do not move."""

    stop_loss: Distance | None = None
    take_profit: Distance | None = None
    fallback: bool = False


@frozen
class Stops:
    """Which protective prices follow the source, and how; rounded to the tick toward the entry.

    A stop on the wrong side of the price is left out and told in the trace. Where `filter.require` asks for a
    stop-loss, the copy is denied then (`STOP_WRONG_SIDE`).
    """

    mode: StopsMode = StopsMode.PRICE
    stop_loss: bool = True
    take_profit: bool = True
    add_stop_points: Decimal = Decimal(0)
    add_profit_points: Decimal = Decimal(0)
    lock: StopsLock = StopsLock.OFF
    min_distance: MinDistance = MinDistance.PUSH
    fixed: FixedStops = field(factory=FixedStops)
