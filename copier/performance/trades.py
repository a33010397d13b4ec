"""A trade that is over, with what it made by its prices and, where its venue told all of it, as it was booked."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from attrs import evolve

from copier.performance.copied import Result
from rules.model.copies import Copy, Leg
from rules.model.frozen import frozen
from rules.model.observed import Fill
from rules.model.values import AccountId, PositionId, Symbol


@frozen
class Trade:
    """A copy that is over, with what it made; `booked` and `costs` as its venue booked them, None: not known."""

    copy: Copy
    legs: tuple[Leg, ...]
    symbol: Symbol
    begun_at: datetime | None
    over_at: datetime
    result: Result
    booked: Decimal | None = None
    costs: Decimal | None = None


def with_booked(trade: Trade, fills: Mapping[tuple[AccountId, PositionId], list[Fill]]) -> Trade:
    """Return a trade with what its venue booked, where that is all of it and nothing else."""
    ids = {leg.position_id for leg in trade.legs if leg.position_id is not None}
    ours = [fill for each in sorted(ids) for fill in fills.get((trade.copy.target, each), ())]
    opened = sum((fill.volume for fill in ours if fill.opens is True), Decimal(0))
    closings = [fill for fill in ours if fill.opens is False]
    closed = sum((fill.volume for fill in closings), Decimal(0))
    whole = (opened, closed) == (trade.result.opened, trade.result.closed) and len(ours) > len(closings)
    if not whole or any(fill.opens is None for fill in ours):
        return trade
    costs = sum((part for fill in ours for part in (fill.commission, fill.swap) if part is not None), Decimal(0))
    gained = Decimal(0)
    for fill in closings:
        if fill.realized_pnl is None:
            return trade
        gained += fill.realized_pnl
    return evolve(trade, booked=gained + costs, costs=costs)
