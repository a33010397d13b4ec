"""What a person wants of a copy's protective prices."""

from enum import Enum

from attrs import frozen


class StopsMode(Enum):
    """How the source's stops become the target's."""

    PRICE = "price"
    """As they are."""
    DISTANCE = "distance"
    """The distance from entry to stop is kept, from the source's entry to the target's."""
    NONE = "none"


@frozen
class Stops:
    """Which protective prices follow the source, and how; rounded to the tick toward the entry."""

    mode: StopsMode = StopsMode.PRICE
    stop_loss: bool = True
    take_profit: bool = True
