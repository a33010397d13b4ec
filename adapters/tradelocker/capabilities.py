"""What TradeLocker can do for us."""

from adapters.base import Capabilities
from rules.model.values import OmsType


def capabilities(*, streams: bool) -> Capabilities:
    """Return the venue's capabilities; `streams` tells whether the account has a developer key for the Streams API.

    The volume of a position only shrinks: an opposite or a further order makes a position of its own (hedging).
    Documentation examples allow 2 requests per second, brokers differ, and a refused request (HTTP 429) was not
    executed, so our own pace may be a little faster.
    """
    return Capabilities(
        oms=OmsType.HEDGING,
        streams=streams,
        trades=True,
        volumes_grow=False,
        pending_orders=True,
        parallel_requests=4,
        requests_per_s=5.0,
        settle_s=3.0,
    )
