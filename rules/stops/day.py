"""Stop-losses that are orders of the day: entered after the opening, and anew whenever the position shows none.

One is missing when the session ended, when the position grew beyond it, when it was lowered for a reduction that then
did not happen, and when this process died in between. On venues that keep stops with the position nothing is missing:
there an absent stop is a person's doing, which is not fought.
"""

from datetime import datetime, timedelta

from rules.model.copies import Leg, LegStage
from rules.model.state import AccountView

SETTLED_FOR = timedelta(seconds=10)
"""How long before a look the leg must have been settled: the venue's list of orders may lag behind its word."""

REFUSED_PAUSE = timedelta(minutes=15)
"""A stop-loss that the venue refused as often as it was tried is entered again only after this: what was wrong with
it (a halt, a price beyond the market) is rarely over sooner, and each time a person is told."""


def stop_is_missing(target: AccountView, leg: Leg, now: datetime) -> bool:
    """Tell whether the leg's position has no stop-loss, although every one wanted there is to be entered anew.

    Whether one is wanted is not asked here.
    """
    if target.stop_loss_lasts or leg.stage is not LegStage.OPEN or leg.pending is not None:
        return False
    position = None if leg.position_id is None else target.positions.get(leg.position_id)
    if position is None or position.stop_loss is not None or position.side is not leg.side:
        return False
    if leg.settled_at is None or target.looked_at is None or target.looked_at - leg.settled_at < SETTLED_FOR:
        return False
    return leg.stops_refused_at is None or now - leg.stops_refused_at >= REFUSED_PAUSE


def takes_stop(target: AccountView, leg: Leg) -> bool:
    """Tell whether a stop-loss of the leg can protect its position: not where others turned that to the other side."""
    position = None if leg.position_id is None else target.positions.get(leg.position_id)
    return target.stop_loss_lasts or position is None or position.side is leg.side
