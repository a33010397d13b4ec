"""A late signal as a limit order: where the price is too much worse than the source's, ours may wait at the source's.

What waits is the copy of a position, not of an order: it ends with its source, and after a while by itself. Whatever
forbids new risk takes it off, since its fill would be some.
"""

from datetime import datetime

from rules.deciding.decision import Context
from rules.deciding.mirror import asked_again, gives_up, later_tick
from rules.gates.market import Market
from rules.model.copies import Copy, Leg, Waits
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import OmsType, OrderType, plain
from rules.policy.guard import OnDeviation


def at_source_price(market: Market, denied: Denied) -> Denied | None:
    """Let a copy wait at its source's price where its policy and its venues allow that; else return the denial."""
    question, guard = market.question, market.policy.guard
    if guard.on_deviation is not OnDeviation.LIMIT or denied.reason is not Reason.PRICE_DEVIATION:
        return denied
    if question.increase_of is not None or question.reopening:
        return denied  # an increase would share its record; what is opened again had its chance
    target, source = question.target, question.source
    if OmsType.NETTING in (target.oms, source.oms) or not target.takes_orders or market.quote is None:
        return denied
    price = later_tick(question.position.open_price, market.side, OrderType.LIMIT, market.instrument)
    if price <= 0 or (market.quote.entry(market.side) - price) * market.side.sign <= 0:
        return denied  # it would not wait
    until = question.now + guard.limit_for
    market.waits = Waits(OrderType.LIMIT, price, expires_at=until if target.orders_expire else None)
    numbers = (*denied.numbers, ("limit", plain(price)), ("until", until.isoformat(timespec="seconds")))
    market.finding.note("guard.on_deviation", "waits at the source's price", *numbers)
    return None


def ends_waiting(context: Context, copy: Copy) -> bool:
    """Tell whether what waits at the source's price must not be filled any more: new risk is not wanted now."""
    return copy.limited and gives_up(copy, context.link.policy, context.target, context.now) is not None


def looked_at_again(context: Context, copy: Copy) -> datetime | None:
    """Return when something that waits must be looked at again by the passing of time alone."""
    if copy.fill_by is None or context.now >= copy.fill_by or not any(_waits(leg) for leg in copy.legs):
        return None
    again = asked_again(copy, context.link.policy, context.target, context.now) if copy.limited else None
    return copy.fill_by if again is None else min(copy.fill_by, again)


def _waits(leg: Leg) -> bool:
    return leg.live and leg.waits is not None and not leg.held
