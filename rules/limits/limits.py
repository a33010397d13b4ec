"""Limits on losses and profits: given a limit, what it remembers and the account's figures, how far it is used up.

Floors, metrics and headroom are exact: nothing is rounded before it is compared.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Context, Decimal, Inexact, InvalidOperation, localcontext

from attrs import evolve

from rules.limits.days import ResetTime, following_reset
from rules.limits.figures import Figures, figures_of, locked
from rules.limits.past import Past
from rules.limits.policy import Limit
from rules.limits.state import LimitStage, LimitState, advanced
from rules.limits.terms import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    FlattenScope,
    LimitAmount,
    LimitKind,
    Metric,
    OnBreach,
    Percent,
    Trailing,
)
from rules.model.frozen import frozen
from rules.model.observed import AccountStatus
from rules.model.reasons import Reason
from rules.model.trace import Denied, Numbers
from rules.model.values import plain

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
    "OnBreach",
    "Past",
    "Percent",
    "ResetTime",
    "Trailing",
    "cleared",
    "denial",
    "is_news",
    "judge",
    "next_due",
    "ruling",
    "worst",
]

# Numbers from outside have at most 20 digits on either side of the point (`rules.model.values.exact`), so a floor has
# under 150 and a stage's share of it under 200. Decimal's usual 28 would round; here a rounding is a bug and raises.
_EXACT = Context(prec=250, traps=[InvalidOperation, Inexact])

_SAMPLE = ("judged_at", "seen_at", "balance", "equity", "at_stops")
"""What of a state comes with every sample, and is no news."""

_SEVERITY = {stage: number for number, stage in enumerate(LimitStage)}
_STAYS = (LimitStage.FLATTEN, LimitStage.BREACHED)

_REASONS = {
    LimitKind.DAILY_LOSS: Reason.LIMIT_DAILY_LOSS,
    LimitKind.WEEKLY_LOSS: Reason.LIMIT_WEEKLY_LOSS,
    LimitKind.MONTHLY_LOSS: Reason.LIMIT_MONTHLY_LOSS,
    LimitKind.QUARTERLY_LOSS: Reason.LIMIT_QUARTERLY_LOSS,
    LimitKind.YEARLY_LOSS: Reason.LIMIT_YEARLY_LOSS,
    LimitKind.MAX_LOSS: Reason.LIMIT_MAX_LOSS,
    LimitKind.PROFIT_TARGET: Reason.PROFIT_TARGET,
}


@frozen
class Judgement:
    """What a limit says at one moment. The figures are in the account's currency, None where they are not known.

    `stage` is in force at once, `forbids` new risk and `flattens` what is in scope; `state` is to be kept for the next
    judgement. `headroom` = `metric` - `floor`; of a profit target, `floor` is its level and the headroom what is
    missing. `notes` are sentences for people. `resets_at` is the next reset, None for a limit without one.
    """

    state: LimitState
    stage: LimitStage
    forbids: bool
    flattens: bool
    amount: Decimal | None
    floor: Decimal | None
    metric: Decimal | None
    headroom: Decimal | None
    estimated: bool
    resets_at: datetime | None
    notes: tuple[str, ...] = ()


def judge(
    limit: Limit,
    state: LimitState | None,
    status: AccountStatus | None,
    at: datetime,
    *,
    current: bool = True,
    past: Past | None = None,
) -> Judgement:
    """Return what the limit says of the account at `at`.

    Args:
        limit: the rule.
        state: what the last judgement returned; None the first time ever.
        status: the account's figures as just reported; None when only time has passed: see `next_due`.
        at: aware; when the figures were received. An instant before the last judgement counts as that.
        current: False says that the figures are out of sight from here until the next report: at the start of the
            service, when a stream is lost, and at a reset while it is. What may have been missed becomes an estimate.
        past: what the venue's history told before `status` was asked for; taken together with it.
    Raises:
        ValueError: `state` belongs to another limit.
    """
    if state is not None and state.limit_id != limit.limit_id:
        raise ValueError(f"state must be of limit {limit.limit_id}, was of {state.limit_id}")
    with localcontext(_EXACT):
        state = advanced(limit, state, status, at, current, past)
        figures = figures_of(limit, state)
        if isinstance(figures, Figures):
            state, figures = locked(limit, state, figures)
        state, breached = _held(limit, state, figures, sampled=status is not None)
        if limit.resets_below and not breached and isinstance(figures, Figures):
            state = evolve(state, latched=None, latched_at=None)
        reached = _reached(limit, figures, breached)
        state = _kept(limit, state, reached, figures)
    return _judgement(limit, state, reached, figures)


def next_due(limit: Limit, state: LimitState) -> datetime | None:
    """Return when the clock alone must judge the limit next, in UTC: at its reset, or when a hold is over."""
    reset = None if limit.reset is None else following_reset(limit.reset, state.judged_at)
    held = None
    if limit.hold is not None and state.breaching_from is not None and state.latched is not LimitStage.BREACHED:
        held = state.breaching_from + limit.hold
        held = held if held > state.judged_at else None
    return min((due for due in (reset, held) if due is not None), default=None)


def worst(*stages: LimitStage) -> LimitStage:
    """Return the severest of the stages: an account's stage is the worst of its limits'. OK when there are none."""
    return max(stages, key=_SEVERITY.__getitem__, default=LimitStage.OK)


def ruling(judged: Iterable[tuple[Limit, Judgement]]) -> Limit | None:
    """Return the account's ruling limit: of the losses, the one with the least headroom in money."""
    known = [
        (judgement.headroom, limit)
        for limit, judgement in judged
        if judgement.headroom is not None and not limit.is_target
    ]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def cleared(state: LimitState) -> LimitState:
    """Return the state after a person reset the limit: nothing stays in force, anchors and marks are as they were.

    A limit that is still in breach is breached again by the next judgement.
    """
    return evolve(state, latched=None, latched_at=None, halted_at=None, breaching_from=None)


def is_news(before: LimitState | None, after: LimitState) -> bool:
    """Tell whether more has changed than the last sample: a day, peak, mark, gap, estimate, or what is in force."""
    if before is None:
        return True
    sample = {name: getattr(before, name) for name in _SAMPLE}
    return evolve(after, **sample) != before


def denial(limit: Limit, judgement: Judgement) -> Denied:
    """Return why a judgement that forbids new risk does, with its numbers.

    Raises:
        ValueError: the judgement forbids nothing.
    """
    if not judgement.forbids:
        raise ValueError(f"limit {limit.limit_id} forbids nothing: its stage is {judgement.stage.value}")
    # A breach that is only told forbids nothing: beside it, it is the unknown that does, and may clear.
    told = judgement.stage is LimitStage.BREACHED and limit.on_breach is OnBreach.WARN
    unknown = told or judgement.stage is LimitStage.UNKNOWN
    reason = Reason.LIMIT_UNKNOWN if unknown else _REASONS[limit.kind]
    # Only what stays in force until a reset has a known end; a block can end with any report, a halt with a person.
    ends = judgement.stage in _STAYS and limit.begins_anew and judgement.state.halted_at is None and not unknown
    return Denied("limits", reason, _numbers(limit, judgement), until=judgement.resets_at if ends else None)


def _held(limit: Limit, state: LimitState, figures: Figures | str, *, sampled: bool) -> tuple[LimitState, bool]:
    """Return whether the limit is breached now, and since when its floor has been passed where that must last."""
    passed = isinstance(figures, Figures) and figures.passed(limit.comparator)
    if limit.hold is None:
        return state, passed
    if passed and state.breaching_from is None:
        state = evolve(state, breaching_from=state.judged_at)
    elif sampled and not passed and not isinstance(figures, str):
        state = evolve(state, breaching_from=None)
    over = state.breaching_from is not None and state.judged_at - state.breaching_from >= limit.hold
    return state, over and (passed or isinstance(figures, str))


def _reached(limit: Limit, figures: Figures | str, breached: bool) -> LimitStage:
    """Return the severest stage whose condition holds now. Call it in the exact context."""
    if breached:
        return LimitStage.BREACHED
    if isinstance(figures, str):
        return LimitStage.UNKNOWN
    stages = (
        (LimitStage.FLATTEN, limit.flatten_at),
        (LimitStage.HALT, limit.halt_at),
        (LimitStage.BLOCK, limit.block_at),
        (LimitStage.WARN, limit.warn_at),
    )
    if limit.is_target:
        return LimitStage.OK
    return next((stage for stage, fraction in stages if _lost(figures, fraction)), LimitStage.OK)


def _lost(figures: Figures, fraction: Decimal | None) -> bool:
    return fraction is not None and figures.headroom <= (1 - fraction) * figures.amount


def _kept(limit: Limit, state: LimitState, reached: LimitStage, figures: Figures | str) -> LimitState:
    """Return the state with what stays in force from now on. Call it in the exact context."""
    stage = reached if state.latched is None else worst(reached, state.latched)
    if stage in _STAYS and stage is not state.latched:
        state = evolve(state, latched=stage, latched_at=state.judged_at)
    halts = isinstance(figures, Figures) and _lost(figures, limit.halt_at)
    halts = halts or (reached is LimitStage.BREACHED and limit.on_breach is OnBreach.HALT)
    return evolve(state, halted_at=state.judged_at) if halts and state.halted_at is None else state


def _judgement(limit: Limit, state: LimitState, reached: LimitStage, figures: Figures | str) -> Judgement:
    in_force = [reached, *([state.latched] if state.latched else []), *([LimitStage.HALT] if state.halted_at else [])]
    stage = worst(*in_force)
    breaks = limit.on_breach is not OnBreach.WARN
    notes = [figures] if isinstance(figures, str) else []
    if state.latched is not None and state.latched is not reached:
        until = "until the reset" if limit.begins_anew else "until a person resets it"
        notes.append(f"{state.latched.value} since {_shown_time(state.latched_at)}, {until}")
    if state.halted_at is not None:
        notes.append(f"halted since {_shown_time(state.halted_at)}, until a person resets it")
    if limit.hold is not None and state.breaching_from is not None and state.latched is not LimitStage.BREACHED:
        notes.append(f"the floor has been passed since {_shown_time(state.breaching_from)}")
    if state.estimated:
        notes.append(f"the {'level' if limit.is_target else 'floor'} is an estimate, on the strict side")
    known = None if isinstance(figures, str) else figures
    return Judgement(
        state=state,
        stage=stage,
        forbids=any(_forbids(each) and (breaks or each is not LimitStage.BREACHED) for each in in_force),
        flattens=stage is LimitStage.FLATTEN or (stage in _STAYS and limit.on_breach is OnBreach.FLATTEN),
        amount=None if known is None else known.amount,
        floor=None if known is None else known.floor,
        metric=None if known is None else known.metric,
        headroom=None if known is None else known.headroom,
        estimated=state.estimated,
        resets_at=None if limit.reset is None else following_reset(limit.reset, state.judged_at),
        notes=tuple(notes),
    )


def _forbids(stage: LimitStage) -> bool:
    return _SEVERITY[stage] >= _SEVERITY[LimitStage.BLOCK]


def _numbers(limit: Limit, judgement: Judgement) -> Numbers:
    figures = {
        "level" if limit.is_target else "floor": judgement.floor,
        limit.compared.value: judgement.metric,
        "headroom": judgement.headroom,
        "amount": judgement.amount,
    }
    shown = tuple((name, "unknown" if value is None else plain(value)) for name, value in figures.items())
    ends = (("resets_at", _shown_time(judgement.resets_at)),) if limit.begins_anew else ()
    notes = (("note", "; ".join(judgement.notes)),) if judgement.notes else ()
    return (("limit", limit.limit_id), ("stage", judgement.stage.value), *shown, *ends, *notes)


def _shown_time(at: datetime | None) -> str:
    return "unknown" if at is None else at.isoformat(timespec="seconds")
