"""Results over time, counted from an account's history: days, the best of them, and when it last traded."""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

from rules.limits.days import following_reset, last_reset
from rules.limits.past import Past, booked_money
from rules.limits.results_policy import BookedBy, Consistency, Inactivity, OnExcess, ProfitBase, Results, TradingDays
from rules.limits.state import LimitStage
from rules.limits.terms import LimitAmount, Percent
from rules.model.frozen import frozen
from rules.model.observed import Fill
from rules.model.values import PositionId, plain

_CENT = Decimal("0.01")


@frozen
class Day:
    """A day with a trade: when it began, and the profit that was booked on it, costs included."""

    began: datetime
    profit: Decimal


@frozen
class Found:
    """What a rule on results says: its stage, in words, and when the clock must look again."""

    stage: LimitStage
    said: str
    again_at: datetime | None = None


def found(rule: Results, past: Past, at: datetime) -> Found:
    """Return what the rule says at `at` of a history that reaches back to its beginning."""
    match rule:
        case Consistency():
            return _consistency(rule, past, at)
        case TradingDays():
            return _trading_days(rule, past, at)
        case Inactivity():
            return _inactivity(rule, past, at)


def days_of(rule: Consistency | TradingDays, past: Past) -> tuple[Day, ...]:
    """Return the days with a trade since the rule's beginning, oldest first."""
    opened: dict[PositionId, datetime] = {}
    profits: dict[datetime, Decimal] = {}
    for entry in past.entries:
        if not isinstance(entry, Fill):
            continue
        if entry.position_id is not None and entry.opens is True:
            opened.setdefault(entry.position_id, entry.at)
        at = entry.at
        if rule.by is BookedBy.OPEN and entry.position_id is not None:
            at = opened.get(entry.position_id, at)
        if at >= rule.since:
            began = last_reset(rule.reset, at)
            profits[began] = profits.get(began, Decimal(0)) + (booked_money(entry) or Decimal(0))
    return tuple(Day(began, profits[began]) for began in sorted(profits))


def required_total(best: Decimal, share: Decimal) -> Fraction:
    """Return the total profit of which `best` is no more than `share`."""
    return Fraction(best) / Fraction(share)


def _consistency(rule: Consistency, past: Past, at: datetime) -> Found:
    days = days_of(rule, past)
    today = last_reset(rule.reset, at)
    total = _sum(day.profit for day in days)
    best = max((day.profit for day in days), default=Decimal(0))
    base = _base(rule, days, total)
    again = following_reset(rule.reset, at)
    if base is None:
        return Found(LimitStage.UNKNOWN, "what the target is a percent of is not known", again)
    if total <= 0 or base <= 0 or best <= 0:
        return Found(LimitStage.OK, f"nothing won since {rule.since.date()}: {_money(total)}", again)
    shown = f"best day {_money(best)} of {_money(base)}, at most {plain(rule.share * 100)} %"
    if best <= rule.share * base:
        return Found(LimitStage.OK, shown, again)
    if rule.base is not ProfitBase.TARGET:
        shown += f": {_money(required_total(best, rule.share))} are needed in all"
    is_best = any(day.began == today and day.profit == best for day in days)
    blocks = rule.on_excess is OnExcess.BLOCK and is_best
    return Found(LimitStage.BLOCK if blocks else LimitStage.WARN, shown, again)


def _base(rule: Consistency, days: Iterable[Day], total: Decimal) -> Decimal | None:
    match rule.base:
        case ProfitBase.TOTAL_PROFIT:
            return total
        case ProfitBase.POSITIVE_DAYS:
            return _sum(day.profit for day in days if day.profit > 0)
        case ProfitBase.TARGET:
            return _cash(rule.target, rule.initial_balance)


def _trading_days(rule: TradingDays, past: Past, at: datetime) -> Found:
    days, again = days_of(rule, past), following_reset(rule.reset, at)
    least = Decimal(0)
    if rule.profit is not None:
        known = _cash(rule.profit, rule.initial_balance)
        if known is None:
            return Found(LimitStage.UNKNOWN, "what the day's profit is a percent of is not known", again)
        least = known
    counted = sum(rule.profit is None or day.profit >= least for day in days)
    with_profit = "" if rule.profit is None else f" of at least {_money(least)}"
    return Found(LimitStage.OK, f"{counted} of {rule.days} days{with_profit}", again)


def last_trade(rule: Inactivity, past: Past) -> datetime:
    """Return when the account last traded, as far as its history tells: else when the rule begins."""
    return max((entry.at for entry in past.entries if isinstance(entry, Fill)), default=rule.since)


def _inactivity(rule: Inactivity, past: Past, at: datetime) -> Found:
    last = last_trade(rule, past)
    ends = last + rule.within
    part = Fraction(rule.warn_at)
    warns_at = last + rule.within * part.numerator // part.denominator
    said = f"last trade on {last.date()}, the next is needed before {ends.isoformat(timespec='minutes')}"
    if at >= ends:
        return Found(LimitStage.BREACHED, said)
    if at >= warns_at:
        return Found(LimitStage.WARN, said, ends)
    return Found(LimitStage.OK, said, warns_at)


def _cash(amount: LimitAmount | None, initial: Decimal | None) -> Decimal | None:
    if isinstance(amount, Percent):
        return None if initial is None else amount.fraction * initial
    return None if amount is None else amount.amount


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _money(amount: Decimal | Fraction) -> str:
    if isinstance(amount, Fraction):
        amount = Decimal(amount.numerator) / amount.denominator
    return f"{amount.quantize(_CENT):,}"
