"""Loss limits: given a limit, what it remembers and the account's figures, how far it is used up and what that forbids.

Floors, metrics and headroom are exact: nothing is rounded before it is compared.
"""

from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

from attrs import evolve, frozen

from rules.limits_days import ResetTime, following_reset
from rules.limits_policy import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    FlattenScope,
    Limit,
    LimitAmount,
    LimitKind,
    Metric,
    Percent,
    Trailing,
)
from rules.limits_state import LimitStage, LimitState, advanced, initial_balance
from rules.observed import AccountStatus
from rules.reasons import Reason
from rules.trace import Denied, Numbers
from rules.values import plain

__all__ = [
    "AmountOf",
    "Anchor",
    "Cash",
    "Comparator",
    "FlattenScope",
    "Judgement",
    "Limit",
    "LimitAmount",
    "LimitKind",
    "LimitStage",
    "LimitState",
    "Metric",
    "Percent",
    "ResetTime",
    "Trailing",
    "cleared",
    "denial",
    "flattens",
    "forbids",
    "is_news",
    "judge",
    "next_reset",
    "worst",
]

# Numbers from outside have at most 20 digits on either side of the point (`rules.values.exact`), so a floor has under
# 150 and a stage's share of it under 200. Decimal's usual 28 would round; here a rounding is a bug and raises.
_EXACT = Context(prec=250, traps=[InvalidOperation, Inexact])

_SEVERITY = {stage: number for number, stage in enumerate(LimitStage)}
_STAYS = (LimitStage.FLATTEN, LimitStage.BREACHED)


@frozen
class Judgement:
    """What a limit says at one moment. The figures are in the account's currency, None where they are not known.

    `stage` is in force at once; `state` is to be kept for the next judgement. `headroom` = `metric` - `floor`.
    `notes` are sentences for people. `resets_at` is the next reset, None for a limit without one.
    """

    state: LimitState
    stage: LimitStage
    amount: Decimal | None
    floor: Decimal | None
    metric: Decimal | None
    headroom: Decimal | None
    estimated: bool
    resets_at: datetime | None
    notes: tuple[str, ...] = ()


@frozen
class _Figures:
    amount: Decimal
    floor: Decimal
    metric: Decimal
    headroom: Decimal


def judge(
    limit: Limit, state: LimitState | None, status: AccountStatus | None, at: datetime, *, current: bool = True
) -> Judgement:
    """Return what the limit says of the account at `at`.

    Args:
        limit: the rule.
        state: what the last judgement returned; None the first time ever.
        status: the account's figures as just reported; None when only time has passed: at each reset, by the clock.
        at: aware; when the figures were received. An instant before the last judgement counts as that.
        current: False says that the figures are out of sight from here until the next report: at the start of the
            service, when a stream is lost, and at a reset while it is. What may have been missed becomes an estimate.
    Raises:
        ValueError: `state` belongs to another limit.
    """
    if state is not None and state.limit_id != limit.limit_id:
        raise ValueError(f"state must be of limit {limit.limit_id}, was of {state.limit_id}")
    with localcontext(_EXACT):
        state = advanced(limit, state, status, at, current)
        figures = _figures(limit, state)
        reached = LimitStage.UNKNOWN if isinstance(figures, str) else _reached(limit, figures)
    stage = reached if state.latched is None else worst(reached, state.latched)
    if stage in _STAYS and stage is not state.latched:
        state = evolve(state, latched=stage, latched_at=state.judged_at)
    notes = [figures] if isinstance(figures, str) else []
    if stage is not reached:
        notes.append(f"{stage.value} since {_shown_time(state.latched_at)}, {_stays_until(limit)}")
    if state.estimated:
        notes.append("the floor is an estimate, on the strict side")
    known = None if isinstance(figures, str) else figures
    return Judgement(
        state=state,
        stage=stage,
        amount=None if known is None else known.amount,
        floor=None if known is None else known.floor,
        metric=None if known is None else known.metric,
        headroom=None if known is None else known.headroom,
        estimated=state.estimated,
        resets_at=next_reset(limit, state.judged_at),
        notes=tuple(notes),
    )


def next_reset(limit: Limit, at: datetime) -> datetime | None:
    """Return when the clock must judge the limit next: its earliest reset after `at`, in UTC; None without resets."""
    return None if limit.reset is None else following_reset(limit.reset, at)


def forbids(stage: LimitStage) -> bool:
    """Tell whether the stage takes no new risk."""
    return _SEVERITY[stage] >= _SEVERITY[LimitStage.BLOCK]


def flattens(stage: LimitStage) -> bool:
    """Tell whether the stage closes what is in the limit's scope."""
    return stage in _STAYS


def worst(*stages: LimitStage) -> LimitStage:
    """Return the severest of the stages: an account's stage is the worst of its limits'. OK when there are none."""
    return max(stages, key=_SEVERITY.__getitem__, default=LimitStage.OK)


def cleared(state: LimitState) -> LimitState:
    """Return the state after a person reset the limit: nothing stays in force, anchors and marks are as they were.

    A limit that is still in breach is breached again by the next judgement.
    """
    return evolve(state, latched=None, latched_at=None)


def is_news(before: LimitState | None, after: LimitState) -> bool:
    """Tell whether more has changed than the last sample: a day, peak, mark, gap, estimate, or what is in force."""
    if before is None:
        return True
    return evolve(after, judged_at=before.judged_at, balance=before.balance, equity=before.equity) != before


def denial(limit: Limit, judgement: Judgement) -> Denied:
    """Return why a judgement that forbids new risk does, with its numbers.

    Raises:
        ValueError: the judgement forbids nothing.
    """
    if not forbids(judgement.stage):
        raise ValueError(f"limit {limit.limit_id} forbids nothing: its stage is {judgement.stage.value}")
    if judgement.stage is LimitStage.UNKNOWN:
        reason = Reason.LIMIT_UNKNOWN
    elif limit.kind is LimitKind.DAILY_LOSS:
        reason = Reason.LIMIT_DAILY_LOSS
    else:
        reason = Reason.LIMIT_MAX_LOSS
    # Only what stays in force until a daily reset has a known end; a block can end with any report.
    ends_at_reset = judgement.stage in _STAYS and limit.kind is LimitKind.DAILY_LOSS
    return Denied("limits", reason, _numbers(limit, judgement), until=judgement.resets_at if ends_at_reset else None)


def _figures(limit: Limit, state: LimitState) -> _Figures | str:
    """Return the limit's figures, or in words why they are not known. Call it in the exact context."""
    if state.balance is None:
        return state.unknown or "the account's figures have not been seen yet"
    if state.unknown is not None:
        return state.unknown
    if foreign := limit.currencies - {state.currency}:
        return f"the limit is in {', '.join(sorted(foreign))}, the account in {state.currency or 'an unknown currency'}"
    initial = initial_balance(limit, state)
    anchor = _anchor(limit, state, initial)
    metric = state.balance if limit.metric is Metric.BALANCE else state.equity
    if anchor is None or metric is None:
        return "the limit's anchor is not known yet"
    base = {AmountOf.INITIAL: initial, AmountOf.ANCHOR: anchor, AmountOf.HIGH_WATER_MARK: anchor}[limit.percent_of]
    if base is None:
        return "the initial balance is not known yet"
    amount = _cash(limit.amount, base)
    floor = anchor - amount
    if limit.lock is not None and initial is not None:
        floor = min(floor, initial + _cash(limit.lock, initial))
    if limit.metric is Metric.DAY_NET_PNL:
        metric, floor = metric - anchor, floor - anchor
    return _Figures(amount, floor, metric, metric - floor)


def _anchor(limit: Limit, state: LimitState, initial: Decimal | None) -> Decimal | None:
    """Return what the loss is counted from: the high-water mark of a trailing limit, else the named anchor."""
    if limit.trailing is not Trailing.NONE:
        known = [mark for mark in (state.high_water_mark, limit.high_water_mark, initial) if mark is not None]
        return None if state.high_water_mark is None or initial is None else max(known)
    match limit.counted_from:
        case Anchor.INITIAL:
            return initial
        case Anchor.DAY_START_BALANCE:
            return state.day_balance
        case Anchor.DAY_START_EQUITY:
            return state.day_equity
        case Anchor.DAY_PEAK_BALANCE:
            return state.day_peak_balance
        case Anchor.DAY_PEAK_EQUITY:
            return state.day_peak_equity
        case Anchor.DAY_START_HIGHER:
            known = [start for start in (state.day_balance, state.day_equity) if start is not None]
            return max(known) if len(known) == 2 else None


def _cash(amount: LimitAmount, base: Decimal) -> Decimal:
    return amount.fraction * base if isinstance(amount, Percent) else amount.amount


def _reached(limit: Limit, figures: _Figures) -> LimitStage:
    """Return the severest stage whose condition holds now. Call it in the exact context."""
    headroom = figures.headroom
    if headroom < 0 or (headroom == 0 and limit.comparator is Comparator.LE):
        return LimitStage.BREACHED
    stages = (
        (LimitStage.FLATTEN, limit.flatten_at),
        (LimitStage.BLOCK, limit.block_at),
        (LimitStage.WARN, limit.warn_at),
    )
    for stage, fraction in stages:
        if fraction is not None and headroom <= (1 - fraction) * figures.amount:
            return stage
    return LimitStage.OK


def _stays_until(limit: Limit) -> str:
    return "until the reset" if limit.kind is LimitKind.DAILY_LOSS else "until a person resets it"


def _numbers(limit: Limit, judgement: Judgement) -> Numbers:
    figures = {
        "floor": judgement.floor,
        limit.metric.value: judgement.metric,
        "headroom": judgement.headroom,
        "amount": judgement.amount,
    }
    shown = tuple((name, "unknown" if value is None else plain(value)) for name, value in figures.items())
    ends = (("resets_at", _shown_time(judgement.resets_at)),) if limit.kind is LimitKind.DAILY_LOSS else ()
    notes = (("note", "; ".join(judgement.notes)),) if judgement.notes else ()
    return (("limit", limit.limit_id), ("stage", judgement.stage.value), *shown, *ends, *notes)


def _shown_time(at: datetime | None) -> str:
    return "unknown" if at is None else at.isoformat(timespec="seconds")
