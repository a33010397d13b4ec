"""The gates of new risk on what the target account may hold: positions, lots, and its own limits."""

from decimal import Decimal

from rules.limits_policy import CapKind
from rules.market import Market
from rules.reasons import Reason
from rules.trace import Denied
from rules.values import Volume, plain


def account_limits(market: Market) -> Denied | None:
    """Refuse while a limit of the account forbids new risk."""
    return market.question.target.denied


def positions(market: Market) -> Denied | None:
    """Count the positions that the account would hold; one copy more or less an increase is not."""
    target, caps = market.question.target, market.policy.limits
    if market.question.increase_of is not None:
        return None
    if caps.max_positions is not None and target.copies >= caps.max_positions:
        numbers = (("held", str(target.copies)), ("max_positions", str(caps.max_positions)))
        return Denied("limits", Reason.MAX_POSITIONS, numbers)
    held = target.copies + target.foreign
    cap = _account_cap(market, CapKind.MAX_POSITIONS)
    if cap is not None and held >= cap:
        found = (("held", str(held)), ("not_ours", str(target.foreign)), ("max_positions", plain(cap)))
        return Denied("[[limits]]", Reason.MAX_POSITIONS, found)
    return None


def totals(market: Market, wanted: Volume) -> Denied | None:
    """Judge the lots that the account would hold: the policy sees copies, the account's own cap sees everything."""
    target = market.question.target
    everything = target.volume + target.foreign_volume
    for rule, held, cap in (
        ("limits", target.volume, market.policy.limits.max_total_volume),
        ("[[limits]]", everything, _account_cap(market, CapKind.MAX_TOTAL_VOLUME)),
    ):
        if cap is not None and held + wanted > cap:
            numbers = (("held", plain(held)), ("wanted", plain(wanted)), ("max_total_volume", plain(cap)))
            return Denied(rule, Reason.MAX_TOTAL_VOLUME, numbers)
    return None


def _account_cap(market: Market, kind: CapKind) -> Decimal | None:
    """Return the account's own cap of that kind, the lowest of several."""
    return min((cap.amount for cap in market.question.target.caps if cap.kind is kind), default=None)
