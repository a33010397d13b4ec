"""The gates of new risk on the right thing, the right time and the right price. None: it passes."""

from datetime import datetime, timedelta

from rules.deciding.limit_entry import at_source_price
from rules.gates.guards import check_age, check_deviation, check_price_ratio, check_spread
from rules.gates.market import Market
from rules.model.events import Origin
from rules.model.look_ups import LookUp
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.policy.guard import StartOpen
from rules.policy.links import CopyPolicy
from rules.times.schedule import Open

PAIR_QUOTE_AGE_MAX = timedelta(days=1)
"""Old enough quotes still tell gold from an index: the price ratio asks for a tenth, not for a tick."""


def same_thing(market: Market) -> Denied | None:
    """Refuse a mapped pair whose prices say that they are two different things."""
    guard, question = market.policy.guard, market.question
    ratio = market.max_price_ratio if market.max_price_ratio is not None else guard.max_price_ratio
    quote = market.quote or question.target.fresh_quote(market.symbol, question.now, PAIR_QUOTE_AGE_MAX)
    position = question.position
    source_price = position.current_price if position.current_price is not None else position.open_price
    if question.order is not None:
        there = question.source.fresh_quote(position.symbol, question.now, PAIR_QUOTE_AGE_MAX)
        source_price = source_price if there is None else there.mid()
    said = check_price_ratio(ratio, source_price, None if quote is None else quote.mid(), guard.require_quotes)
    if isinstance(said, Note):
        market.finding.trace.append(said)
        return None
    return said


def takes_now(policy: CopyPolicy, now: datetime) -> bool:
    """Tell whether a policy's schedule takes new risk now; where there is none, it does."""
    return policy.schedule is None or isinstance(policy.schedule.state(now), Open)


def schedule(market: Market) -> Denied | None:
    """Refuse what the schedule does not take now."""
    times = market.policy.schedule
    if times is None:
        return None
    state = times.state(market.question.now)
    if isinstance(state, Open):
        return None
    numbers = (("schedule", times.name), ("why", state.why or "outside the open windows"))
    return Denied("schedule", Reason.SCHEDULE_CLOSED, numbers, state.until)


def age(market: Market) -> Denied | None:
    """Live: the guard's age. Found by reconciliation: the start policy stands in for the guard."""
    question, policy = market.question, market.policy
    if question.order is not None:
        return None  # its price is as good as on its first day
    if question.origin is Origin.LIVE or question.reopening:
        asked_now = question.increase_of is not None or question.reopening
        opened_at = question.seen_at if asked_now else question.position.opened_at
        return check_age(policy.guard.max_age, opened_at, question.now)
    start = policy.on_start
    if start.open is StartOpen.COPY:
        return None
    old = question.now - question.position.opened_at
    numbers = (("age", f"{old.total_seconds():.1f} s"), ("max_age", f"{start.max_age.total_seconds():.0f} s"))
    skipped = start.open is StartOpen.SKIP and not _opened_since_start(market)
    if skipped or question.increase_of is not None or old > start.max_age:
        return Denied("on_start", Reason.DENIED_STALE, (("open", start.open.value), *numbers))
    return None


def _opened_since_start(market: Market) -> bool:
    """Tell whether the position was opened after we first saw its account: a poll may be faster than the stream."""
    known_at = market.question.source.known_at
    return known_at is not None and market.question.position.opened_at > known_at


def price(market: Market) -> Denied | None:
    """Judge deviation and spread by a fresh quote of the target."""
    question, policy, live = market.question, market.policy, market.question.origin is Origin.LIVE
    if question.order is not None:
        return None  # it asks for its own price
    deviation = policy.guard.max_deviation if live else policy.on_start.max_deviation
    spread = policy.guard.max_spread
    if deviation is None and spread is None:
        return None
    quote = market.quote
    if quote is None:
        market.finding.look_ups.append(LookUp(question.target.account, market.symbol, quote=True))
        return Denied("guard", Reason.QUOTE_UNKNOWN, (("symbol", market.symbol),))
    denied = check_deviation(deviation, question.position.open_price, quote, market.side, market.instrument)
    if denied is not None and live:
        return at_source_price(market, denied)
    if denied is not None:
        return Denied("on_start", Reason.DENIED_STALE, denied.numbers)
    return check_spread(spread, quote, market.instrument)
