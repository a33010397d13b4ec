"""Limits as they are shown: how far each is used up, what it will do next, what the stops would leave."""

from typing import Annotated

from attrs import frozen

from copier.web.dto.words import Amount, Count, Time, about


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
