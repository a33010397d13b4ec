"""What an account of signals can do for us: be a source."""

from adapters.base import Capabilities
from rules.model.values import OmsType


def capabilities() -> Capabilities:
    """Return the venue's capabilities. Nobody keeps the account but us: it has no figures, prices or history."""
    return Capabilities(
        oms=OmsType.HEDGING,
        streams=True,
        trades=False,
        volumes_grow=True,  # a signal may say so
        history=False,
        parallel_requests=1,
        settle_s=0.0,
    )
