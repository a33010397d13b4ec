"""What the paper venue can do for us."""

from adapters.base import Capabilities
from rules.model.values import OmsType


def capabilities(oms: OmsType) -> Capabilities:
    """Return the venue's capabilities. Orders are decided at once and in process: no answer can be late or lost."""
    return Capabilities(
        oms=oms,
        streams=True,
        trades=True,
        volumes_grow=oms is OmsType.NETTING,
        pending_orders=True,
        orders_expire=True,
        parallel_requests=1,
        # Each order is synced to disk, which takes some milliseconds; a faster pace would only pile up.
        requests_per_s=100.0,
        settle_s=0.0,
    )
