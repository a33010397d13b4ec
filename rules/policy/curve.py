"""What a person wants of copying by an equity curve."""

from datetime import timedelta
from enum import Enum

from rules.model.frozen import frozen


class CurveOf(Enum):
    """Whose equity is looked at."""

    SOURCE = "source"
    TARGET = "target"


class WhileShort(Enum):
    """What becomes of new risk while fewer samples are known than the average needs."""

    DENY = "deny"
    ALLOW = "allow"


@frozen
class EquityCurve:
    """Nothing is opened unless the account's equity is above the mean of its last `samples` (`EQUITY_CURVE`).

    A sample is taken `every` so often: of the first figures that are seen in each such piece of time, counted from
    midnight UTC where they fit into a day. They are kept in the ledger. While nobody looks, none is taken. Deposits and
    withdrawals move the equity like any other money.
    """

    samples: int
    every: timedelta
    of: CurveOf = CurveOf.SOURCE
    while_short: WhileShort = WhileShort.DENY
