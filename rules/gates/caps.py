"""The gates of new risk on what the target account may hold before the size is known: limits, sides, counts."""

from decimal import Decimal

from rules.gates.market import Market
from rules.limits.policy import CapKind
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import plain
from rules.policy.links import CopyPolicy


def source_limits(market: Market) -> Denied | None:
    """Refuse while a limit of the source's account forbids new risk there, where the policy obeys it."""
    return obeyed(market.policy, market.question.source)


def obeyed(policy: CopyPolicy, source: AccountView) -> Denied | None:
    """Return what of a source's limits keeps a policy from new risk."""
    denied = source.denied
    if denied is None or not policy.limits.obey_source:
        return None
    if denied.reason is Reason.LIMIT_UNKNOWN:
        return denied  # may clear by itself
    return Denied("limits.obey_source", Reason.SOURCE_LIMIT, (("code", denied.reason.value), *denied.numbers))


def account_limits(market: Market) -> Denied | None:
    """Refuse while a limit of the account forbids new risk, or a budget of it is used up."""
    target = market.question.target
    return target.denied if target.denied is not None else target.spent


def hedging(market: Market) -> Denied | None:
    """Refuse where the target holds the other side of the symbol; what is being opened counts as held."""
    if not market.policy.limits.block_hedging:
        return None
    other = market.side.opposite
    held = market.held(market.symbol, other)
    if not held:
        return None
    numbers = (("symbol", market.symbol), ("side", market.side.value), (f"held_{other.value}", plain(held)))
    return Denied("limits.block_hedging", Reason.HEDGING_BLOCKED, numbers)


def positions(market: Market) -> Denied | None:
    """Count the positions that the account would hold; one copy more or less an increase is not."""
    target, limits = market.question.target, market.policy.limits
    if market.question.increase_of is not None:
        return None
    foreign, most = target.foreign if limits.count_foreign else 0, limits.max_positions
    if most is not None and target.copies + foreign >= most:
        return _full("limits", target.copies, foreign, Decimal(most))
    cap = market.account_cap(CapKind.MAX_POSITIONS)
    if cap is not None and target.copies + target.foreign >= cap:
        return _full("[[limits]]", target.copies, target.foreign, cap)
    return None


def _full(rule: str, copies: int, not_ours: int, most: Decimal) -> Denied:
    numbers = (("held", str(copies + not_ours)), ("not_ours", str(not_ours)), ("max_positions", plain(most)))
    return Denied(rule, Reason.MAX_POSITIONS, numbers)
