"""What MetaApi can do, and how long its books may lag."""

from adapters.base import Capabilities
from rules.values import OmsType

# Requests are paid in "CPU credits" whose numbers differ from page to page; a refused request says when to come again.
PARALLEL_REQUESTS = 4
REQUESTS_PER_S = 10.0

# A trade request that timed out was seen executed later by users. Its terminal waits for the broker for up to half a
# minute; twice that is the quiet time after which an order that nobody shows was never executed.
SETTLE_S = 60.0

# A close, a reduction and new stops may be executed twice without harm, and the list of positions is the terminal's
# own: this need only outlast a slow request.
POSITIONS_SETTLE_S = 10.0


def capabilities(oms: OmsType) -> Capabilities:
    """Return the capabilities of an account that keeps positions as `oms`."""
    return Capabilities(
        oms=oms,
        streams=True,
        trades=True,
        volumes_grow=oms is OmsType.NETTING,
        pending_orders=True,
        parallel_requests=PARALLEL_REQUESTS,
        requests_per_s=REQUESTS_PER_S,
        settle_s=SETTLE_S,
        positions_settle_s=POSITIONS_SETTLE_S,
    )
