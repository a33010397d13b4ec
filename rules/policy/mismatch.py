"""What counts as a mismatch on a link, and what is done about one."""

from datetime import timedelta
from decimal import Decimal
from enum import Enum

from rules.model.frozen import frozen


class ToleranceUnit(Enum):
    """What a tolerance is counted in."""

    STEPS = "steps"
    """The target instrument's volume_step."""
    PERCENT = "%"
    """Of the lots that the target should hold."""
    CASH = "cash"
    """Worth of the lots at the position's price."""


@frozen
class Tolerance:
    """How far the target's lots may be from what they should be; `amount` >= 0. `currency` is of cash."""

    amount: Decimal
    unit: ToleranceUnit
    currency: str | None = None


class MismatchAction(Enum):
    """What is done by itself about a mismatch, besides keeping it in the ledger; of several the last one here wins."""

    NONE = "none"
    """Nothing; nobody is told."""
    ALERT = "alert"
    """Tell; see [[alerts]]."""
    RESYNC = "resync"
    """Tell, and once take the target's books for the truth: what they hold too much is closed, the stops that they lack
    are set again. Nothing is opened."""
    CLOSE_ONLY = "close_only"
    """Tell, and let the link open nothing while the mismatch lasts."""
    FLATTEN = "flatten"
    """The same, and everything that the link holds of the instrument is closed when the mismatch begins."""


@frozen
class MismatchPolicy:
    """When the target's books count as different from what the link wants there, and what is done about it.

    A copy that is missing whole, that should be gone, or that lies on the wrong side is beyond every tolerance.
    """

    grace: timedelta = timedelta(seconds=10)
    tolerance: Tolerance = Tolerance(Decimal(0), ToleranceUnit.STEPS)
    action: MismatchAction = MismatchAction.ALERT
