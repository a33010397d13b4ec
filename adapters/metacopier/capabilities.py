"""What MetaCopier can do, and how long its books may lag."""

from adapters.base import Capabilities
from rules.values import OmsType

# The REST API says of itself that its history may be up to 3 minutes late: an order that was filled and closed again
# at once shows up nowhere until then. Ten seconds more for the request itself. Read 2026-11-20.
SETTLE_S = 190.0

# Two public clients met rate limits when they fanned out; no numbers are published. These stayed clear of them.
PARALLEL_REQUESTS = 4
REQUESTS_PER_S = 5.0


def capabilities(oms: OmsType) -> Capabilities:
    """Return the capabilities of an account that keeps positions as `oms`.

    A netting account takes no orders from us: an order that adds to a position leaves no trace of its own there (the
    position keeps the comment of the first order, and opening returns no id), so that after a lost answer nobody
    could tell whether it was executed.
    """
    return Capabilities(
        oms=oms,
        streams=True,
        trades=oms is OmsType.HEDGING,
        volumes_grow=oms is OmsType.NETTING,
        parallel_requests=PARALLEL_REQUESTS,
        requests_per_s=REQUESTS_PER_S,
        settle_s=SETTLE_S,
    )
