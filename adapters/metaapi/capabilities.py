"""What MetaApi can do, and how long its books may lag."""

from datetime import timedelta

from adapters.base import Capabilities
from rules.model.values import OmsType

# Requests are paid in "CPU credits" whose numbers differ from page to page; a refused request says when to come again.
PARALLEL_REQUESTS = 4
REQUESTS_PER_S = 10.0

# A close, a reduction and new stops may be executed twice without harm, and the list of positions is the terminal's
# own: this need only outlast a slow request.
POSITIONS_SETTLE_S = 10.0


def capabilities(oms: OmsType, books_late: timedelta) -> Capabilities:
    """Return the capabilities of an account that keeps positions as `oms`, in books that late."""
    return Capabilities(
        oms=oms,
        streams=True,
        trades=True,
        volumes_grow=oms is OmsType.NETTING,
        pending_orders=True,
        orders_expire=True,
        parallel_requests=PARALLEL_REQUESTS,
        requests_per_s=REQUESTS_PER_S,
        settle_s=books_late.total_seconds(),
        positions_settle_s=min(books_late.total_seconds(), POSITIONS_SETTLE_S),
    )
