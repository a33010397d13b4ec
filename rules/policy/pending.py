"""What a person wants of a source's pending orders."""

from datetime import timedelta
from enum import Enum

from rules.model.frozen import frozen


class PendingOrders(Enum):
    """What becomes of a source's pending orders, and of the positions that came of them."""

    ON_FILL = "on_fill"
    """An order is not copied; its position is, when it is there, like any other."""
    SKIP = "skip"
    """Neither the order is copied nor its position."""
    MIRROR = "mirror"
    """The target gets a pending order of its own, which follows the source's. Its fill is the copy of the position."""


class Late(Enum):
    """What becomes of a pending order of ours when the source's was filled and ours was not."""

    MARKET = "market"
    """It is canceled, and the position is opened at market, as new risk."""
    CANCEL = "cancel"
    """It is canceled, and the position is not copied."""


class Early(Enum):
    """What becomes of a position that our pending order opened while the source's still waits."""

    CLOSE = "close"
    """It is closed; the source's position is not copied then."""
    KEEP = "keep"
    """It is kept as long as the source's order works."""


@frozen
class Mirror:
    """Where only one of two pending orders is filled: how long the other is waited for, and what happens then.

    `max_life` is how long ours waits at most; None: as long as the source's.
    """

    fill_grace: timedelta = timedelta(seconds=5)
    late: Late = Late.MARKET
    early: Early = Early.CLOSE
    max_life: timedelta | None = None
