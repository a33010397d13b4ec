"""What MetaCopier can do, and how long its books may lag."""

from datetime import timedelta

from adapters.base import Capabilities
from rules.model.values import OmsType

# Two public clients met rate limits when they fanned out; no numbers are published. These stayed clear of them.
PARALLEL_REQUESTS = 4
REQUESTS_PER_S = 5.0


# Only the history is late. Closing, and changing to what shall remain, may be executed twice without harm, so this need
# only outlast a request that is slow, as long as ours are waited for.
POSITIONS_SETTLE_S = 10.0


def capabilities(oms: OmsType, books_late: timedelta) -> Capabilities:
    """Return the capabilities of an account that keeps positions as `oms`, in books that late.

    A netting account takes no orders from us: an order that adds to a position leaves no trace of its own there (the
    position keeps the comment of the first order, and opening returns no id), so that after a lost answer nobody
    could tell whether it was executed.
    """
    return Capabilities(
        oms=oms,
        streams=True,
        trades=oms is OmsType.HEDGING,
        volumes_grow=oms is OmsType.NETTING,
        pending_orders=True,
        parallel_requests=PARALLEL_REQUESTS,
        requests_per_s=REQUESTS_PER_S,
        settle_s=books_late.total_seconds(),
        positions_settle_s=min(books_late.total_seconds(), POSITIONS_SETTLE_S),
    )
