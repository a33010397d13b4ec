"""Rules of conduct, judged: which positions offend, when an account must be flat, what is left of a budget."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from attrs import evolve

from rules.limits.conduct_policy import Budget, BudgetKind, FlatBy, PositionRule, PositionRuleKind
from rules.limits.days import following_reset, last_reset
from rules.limits.exposure import result_at
from rules.limits.state import LimitStage, LimitState
from rules.limits.terms import Cash
from rules.model.actions import Action, OpenPosition, PlaceOrder
from rules.model.frozen import frozen
from rules.model.instruments import Instrument
from rules.model.observed import AccountStatus, Position
from rules.model.reasons import Reason
from rules.model.trace import Denied
from rules.model.values import PositionId, Symbol, plain


@frozen
class Offence:
    """A position that breaks a rule; `text` says how, with the numbers."""

    rule_id: str
    position_id: PositionId
    symbol: Symbol
    text: str


def offence(
    rule: PositionRule,
    position: Position,
    instruments: Mapping[Symbol, Instrument | None],
    status: AccountStatus | None,
    at: datetime,
) -> Offence | None:
    """Return how the position offends, None when it does not or when that cannot be known.

    A loss that cannot be told in the account's currency closes nothing: see `is_blind`.
    """
    text = _offence_text(rule, position, instruments, status, at)
    return None if text is None else Offence(rule.rule_id, position.position_id, position.symbol, text)


def _offence_text(
    rule: PositionRule,
    position: Position,
    instruments: Mapping[Symbol, Instrument | None],
    status: AccountStatus | None,
    at: datetime,
) -> str | None:
    what = f"position {position.position_id} {position.symbol}"
    if rule.kind is PositionRuleKind.PER_TRADE_LOSS:
        lost, allowed = _loss(position, instruments, status), _allowed(rule, status)
        if lost is None or allowed is None or lost < allowed:
            return None
        return f"{what} lost {plain(lost)} of {plain(allowed)} allowed"
    if rule.kind is PositionRuleKind.MAX_POSITION_VOLUME:
        assert rule.volume is not None  # the rule's class sees to it
        if position.volume <= rule.volume:
            return None
        return f"{what} holds {plain(position.volume)} of {plain(rule.volume)} lots allowed"
    due = offends_at(rule, position)
    if due is None or at < due:
        return None
    missing = " without a stop-loss" if rule.kind is PositionRuleKind.STOP_REQUIRED else ""
    return f"{what} has been open since {position.opened_at.isoformat(timespec='seconds')}{missing}"


def offends_at(rule: PositionRule, position: Position) -> datetime | None:
    """Return when time alone will make the position offend; None when it will not."""
    if rule.within is None or rule.kind is PositionRuleKind.MIN_HOLD:
        return None
    if rule.kind is PositionRuleKind.STOP_REQUIRED and position.stop_loss is not None:
        return None
    return position.opened_at + rule.within


def is_blind(
    rule: PositionRule,
    position: Position,
    instruments: Mapping[Symbol, Instrument | None],
    status: AccountStatus | None,
) -> bool:
    """Tell whether a rule on losses cannot tell what the position lost, although everything was looked up."""
    if rule.kind is not PositionRuleKind.PER_TRADE_LOSS or status is None or position.symbol not in instruments:
        return False
    return _allowed(rule, status) is None or _loss(position, instruments, status) is None


def _loss(
    position: Position, instruments: Mapping[Symbol, Instrument | None], status: AccountStatus | None
) -> Decimal | None:
    if position.current_price is None or status is None:
        return None
    result = result_at(position, position.current_price, instruments.get(position.symbol), status.currency)
    return None if result is None else -result


def _allowed(rule: PositionRule, status: AccountStatus | None) -> Decimal | None:
    if status is None or rule.amount is None:
        return None
    if isinstance(rule.amount, Cash):
        foreign = rule.amount.currency is not None and rule.amount.currency != status.currency
        return None if foreign else rule.amount.amount
    return None if status.balance is None else rule.amount.fraction * status.balance


def flat_stage(rule: FlatBy, at: datetime) -> tuple[LimitStage, datetime]:
    """Return whether the account must be flat now, and until when that is so.

    FLATTEN while a firing lasts, BLOCK shortly before one, else OK until the next change.
    """
    ends = [cron.last_until(at) + rule.lasts for cron in rule.firings]
    if max(ends) > at:
        return LimitStage.FLATTEN, max(ends)
    firing = min(cron.next_after(at) for cron in rule.firings)
    if firing - rule.warn <= at:
        return LimitStage.BLOCK, firing
    return LimitStage.OK, firing - rule.warn


def flat_denial(rule: FlatBy, at: datetime) -> Denied | None:
    """Return why new risk is not taken now, None when it is."""
    stage, until = flat_stage(rule, at)
    if stage is LimitStage.OK:
        return None
    numbers = (("limit", rule.rule_id), ("until", until.isoformat(timespec="seconds")))
    return Denied("limits", Reason.FLAT_BY, numbers, until)


def counted(rule: Budget, state: LimitState | None, at: datetime, action: Action | None) -> LimitState:
    """Return the count after an order left (None: time has passed), anew from each reset on."""
    state = LimitState(rule.rule_id, at) if state is None else state
    at = max(at, state.judged_at)
    started = last_reset(rule.reset, at)
    count = state.count if state.day_started == started else Decimal(0)
    if action is not None and rule.kind is BudgetKind.MAX_ORDERS:
        count += 1
    elif isinstance(action, OpenPosition | PlaceOrder):
        count += action.volume  # of a pending order as if it were filled
    return evolve(state, judged_at=at, day_started=started, count=count)


def budget_stage(rule: Budget, state: LimitState) -> LimitStage:
    """Return BLOCK once the budget is used up, WARN when it nearly is."""
    if state.count >= rule.amount:
        return LimitStage.BLOCK
    near = rule.warn_at is not None and state.count >= rule.warn_at * rule.amount
    return LimitStage.WARN if near else LimitStage.OK


def budget_denial(rule: Budget, state: LimitState) -> Denied | None:
    """Return why new risk is not taken, None while something is left."""
    if budget_stage(rule, state) is not LimitStage.BLOCK:
        return None
    resets_at = following_reset(rule.reset, state.judged_at)
    numbers = (
        ("limit", rule.rule_id),
        ("used", plain(state.count)),
        (rule.kind.value, plain(rule.amount)),
        ("resets_at", resets_at.isoformat(timespec="seconds")),
    )
    return Denied("limits", Reason.BUDGET_USED_UP, numbers, resets_at)
