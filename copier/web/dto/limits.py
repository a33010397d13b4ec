"""Limits as they are shown: how far each is used up, what it will do next, what the stops would leave."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

from copier.config.checks import duration_text
from copier.web.dto.words import Amount, Count, Time, about, amount, utc
from rules.limits import policy as limits_policy
from rules.limits.conduct import budget_stage, counted, flat_stage
from rules.limits.conduct_policy import Budget, Conduct, FlatBy, PositionRule
from rules.limits.days import following_reset
from rules.limits.limits import Judgement
from rules.limits.outlook import ahead, headroom_share
from rules.limits.results_policy import Results
from rules.limits.state import LimitStage, LimitState
from rules.model.frozen import frozen
from rules.model.values import plain


@frozen
class NextStage:
    """A stage that has not been reached: at which figure it is, and how far that is."""

    stage: str
    at: Amount
    away: Amount


@frozen
class Limit:
    """A rule of an account: a loss limit, a profit target, or a rule on conduct or results.

    Rules on conduct and results have no floor; `says` tells how they stand.
    """

    limit: Annotated[str, about("Its id, stable from one run to the next: `prop/max_loss`.")]
    account: str
    kind: str
    stage: Annotated[
        str | None, about("ok, warn, block, unknown, halt, flatten, breached; null where the rule has no stages.")
    ]
    rules: Annotated[bool, about("It is the account's loss limit with the least headroom in money.")]
    metric: Annotated[str | None, about("Which figure is compared: equity, balance, day_net_pnl.")]
    value: Amount | None
    floor: Annotated[Amount | None, about("Reached, the limit is breached; of a profit target its level.")]
    estimated: Annotated[bool, about("The floor rests on an estimate, on the strict side.")]
    headroom: Amount | None
    headroom_percent: Annotated[Amount | None, about("Of the limit's whole amount.")]
    currency: str | None
    next: Annotated[list[NextStage], about("The stages still ahead, the nearest first.")]
    on_breach: Annotated[str | None, about("What a breach does.")]
    resets_at: Time | None
    resets_in_s: int | None
    figures_of: Annotated[Time | None, about("When the last complete figures came.")]
    equity_if_stops_hit: Amount | None
    headroom_if_stops_hit: Annotated[Amount | None, about("<= 0: the limit would be breached.")]
    without_stop: Annotated[Count | None, about("Positions without a stop-loss, for which the worst is not known.")]
    of_unknown_worth: Count | None
    notes: list[str]
    says: Annotated[str, about("How it stands, in words; empty for loss limits.")]


def limit_of(limit: limits_policy.Limit, judgement: Judgement, *, rules: bool, now: datetime) -> Limit:
    """Return a loss limit or profit target as it is shown; `rules`: it is its account's ruling one."""
    state, stops = judgement.state, judgement.state.at_stops
    share, resets_at = headroom_share(judgement), judgement.resets_at
    left = None if stops is None or stops.equity is None else headroom_at(limit, judgement, stops.equity)
    return Limit(
        limit=limit.limit_id,
        account=limit.account,
        kind=limit.kind.value,
        stage=judgement.stage.value,
        rules=rules,
        metric=limit.compared.value,
        value=amount(judgement.metric),
        floor=amount(judgement.floor),
        estimated=judgement.estimated,
        headroom=amount(judgement.headroom),
        headroom_percent=None if share is None else f"{share * 100:.2f}",
        currency=state.currency,
        next=[NextStage(each.stage.value, plain(each.metric), plain(each.away)) for each in ahead(limit, judgement)],
        on_breach=limit.on_breach.value,
        resets_at=utc(resets_at),
        resets_in_s=None if resets_at is None else int((resets_at - now).total_seconds()),
        figures_of=state.seen_at,
        equity_if_stops_hit=None if stops is None else amount(stops.equity),
        headroom_if_stops_hit=amount(left),
        without_stop=None if stops is None else stops.unstopped,
        of_unknown_worth=None if stops is None else stops.unpriced,
        notes=list(judgement.notes),
        says="",
    )


def headroom_at(limit: limits_policy.Limit, judgement: Judgement, equity: Decimal) -> Decimal | None:
    """Return the headroom that the limit would have at that equity; None where it counts something else."""
    now = judgement.state.equity if limit.counts_floating else judgement.state.balance
    if limit.is_target or judgement.headroom is None or now is None:
        return None
    return judgement.headroom + equity - now


def conduct_of(rule: Conduct, states: Mapping[str, LimitState], now: datetime) -> Limit:
    """Return a rule on conduct as it is shown."""
    match rule:
        case Budget():
            state = counted(rule, states.get(rule.rule_id), now, None)
            left = about_time(following_reset(rule.reset, now) - now)
            says = f"{plain(state.count)} of {plain(rule.amount)} used, begins anew in {left}"
            return _without_floor(rule.rule_id, rule.account, rule.kind.value, budget_stage(rule, state).value, says)
        case FlatBy():
            stage, until = flat_stage(rule, now)
            what = {LimitStage.OK: "open", LimitStage.BLOCK: "no new risk"}.get(stage, "flat")
            says = f"{what} for {about_time(until - now)}"
            return _without_floor(rule.rule_id, rule.account, "flat_by", stage.value, says)
        case PositionRule():
            says = f"{rule.follow.value} what offends"
            return _without_floor(rule.rule_id, rule.account, rule.kind.value, None, says)


def results_of(rule: Results, states: Mapping[str, LimitState]) -> Limit:
    """Return a rule on results as it is shown."""
    state = states.get(rule.rule_id)
    says = "not counted yet" if state is None else state.said
    return _without_floor(rule.rule_id, rule.account, rule.rule_id.split("/")[1], None, says)


def about_time(left: timedelta) -> str:
    """Return a time to the minute; the last minute to the second."""
    unit = timedelta(minutes=1) if left >= timedelta(minutes=1) else timedelta(seconds=1)
    return duration_text(left // unit * unit)


def about_seconds(left: int) -> str:
    """Return a number of seconds as `about_time` does."""
    return about_time(timedelta(seconds=left))


def _without_floor(rule_id: str, account: str, kind: str, stage: str | None, says: str) -> Limit:
    return Limit(
        limit=rule_id,
        account=account,
        kind=kind,
        stage=stage,
        rules=False,
        metric=None,
        value=None,
        floor=None,
        estimated=False,
        headroom=None,
        headroom_percent=None,
        currency=None,
        next=[],
        on_breach=None,
        resets_at=None,
        resets_in_s=None,
        figures_of=None,
        equity_if_stops_hit=None,
        headroom_if_stops_hit=None,
        without_stop=None,
        of_unknown_worth=None,
        notes=[],
        says=says,
    )
