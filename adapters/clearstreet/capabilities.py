"""What Clear Street can do for us."""

from adapters.base import Capabilities
from rules.model.values import OmsType


def capabilities() -> Capabilities:
    """Return the venue's capabilities.

    Ten requests a second are published for everything below /orders (guide of 2026-08), and each order of ours asks
    there what became of it, so that half of them may be orders. How late the list of orders may be is not published;
    an order whose answer was lost counts as never executed only after a wait that outlasts our own patience for an
    answer (10 s) once more. What a close of a protected position asks for beside that (the list of orders, the cancel)
    may meet the limit sooner; the venue then says how long to wait, and nothing was sold.
    """
    return Capabilities(
        oms=OmsType.NETTING,
        streams=True,
        trades=True,
        volumes_grow=True,
        keeps_take_profit=False,
        stop_loss_lasts=False,
        pending_orders=True,
        figures=False,
        quotes=False,
        parallel_requests=4,
        requests_per_s=5.0,
        settle_s=20.0,
    )
