"""How near an account came to a limit: its states as the ledger keeps them, and the figures that were sampled between.

A state is kept when anything of it but the figures changes, and once in some minutes while these move. So the floor
stays where it is from one kept state to the next, and what was sampled meanwhile tells the headroom by the minute.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from attrs import define, field

from copier.web.store import Sample
from rules.limits.limits import Judgement, judge
from rules.limits.outlook import headroom_share
from rules.limits.policy import EVERYTHING, Limit
from rules.limits.state import LimitStage, LimitState
from rules.model.frozen import frozen
from rules.model.values import AccountId

# A limit whose figures have not come yet is unknown at each start: that is told only where it never was anything else.
_STAGES: Final = {stage.value: 0 if stage is LimitStage.UNKNOWN else rank for rank, stage in enumerate(LimitStage, 1)}

_MINUTE: Final = timedelta(minutes=1)
"""A sample's time is cut to its minute: it was taken within the minute after."""

_FLOW_SEEN: Final = timedelta(minutes=2)
"""Money that came or went shows in the figures before the history tells of it, and the limit is moved."""


@frozen
class Headroom:
    """How a limit stood; None: not known."""

    headroom: Decimal
    share: Decimal | None
    floor: Decimal | None
    metric: Decimal | None
    at: datetime


@define
class LimitPast:
    """What rows told of one limit; `limit` None: it is not known what it allows."""

    limit_id: str
    account: AccountId
    limit: Limit | None
    worst: str | None = None
    """The severest stage within the time; None: none was told."""
    currency: str | None = None
    states: list[tuple[datetime, LimitState]] = field(factory=list)
    """Oldest first; of those before the time only the last."""

    def take(self, at: datetime, state: LimitState, stage: str | None, *, within: bool) -> None:
        """Take a state, in their order; `within`: it is of the time that is asked about."""
        self.currency = state.currency or self.currency
        if within and stage is not None:
            self.worst = stage if self.worst is None else max(self.worst, stage, key=lambda each: _STAGES.get(each, 0))
        if not within:
            self.states.clear()
        self.states.append((at, state))

    def lowest(self, samples: Sequence[Sample], since: datetime | None) -> Headroom | None:
        """Return how it stood at its nearest; None: that is not known."""
        found = [*self._kept(since), *self._sampled(samples, since)]
        return min(found, key=lambda each: each.headroom, default=None)

    def _kept(self, since: datetime | None) -> Iterator[Headroom]:
        for at, state in self.states:
            judgement = self._judged(state)
            if judgement is not None and judgement.headroom is not None and (since is None or at >= since):
                share, floor, metric = headroom_share(judgement), judgement.floor, judgement.metric
                yield Headroom(judgement.headroom, share, floor, metric, state.judged_at)

    def _sampled(self, samples: Sequence[Sample], since: datetime | None) -> Iterator[Headroom]:
        limit = self.limit
        if limit is None or limit.include != EVERYTHING:  # what is booked for costs moves the one figure, not the other
            return
        rest = iter(samples)
        sample = next(rest, None)
        for number, (at, state) in enumerate(self.states):
            after = self.states[number + 1] if number + 1 < len(self.states) else None
            end = None if after is None else after[0] - (_FLOW_SEEN if after[1].flows != state.flows else _MINUTE)
            figures: list[tuple[Decimal, datetime]] = []
            while sample is not None and (after is None or sample.at < after[0]):
                figure = sample.equity if limit.counts_floating else sample.balance
                is_of = sample.at >= at and (end is None or sample.at <= end) and (since is None or sample.at >= since)
                if is_of and figure is not None:
                    figures.append((figure, sample.at))
                sample = next(rest, None)
            if figures:
                yield from self._at(limit, state, *(max(figures) if limit.is_target else min(figures)))

    def _at(self, limit: Limit, state: LimitState, figure: Decimal, at: datetime) -> Iterator[Headroom]:
        """Yield how a state would have stood with another figure."""
        judgement, base = self._judged(state), state.equity if limit.counts_floating else state.balance
        if judgement is None or judgement.headroom is None or judgement.metric is None or base is None:
            return
        moved = figure - base
        headroom = judgement.headroom + (-moved if limit.is_target else moved)
        share = None if not judgement.amount else headroom / judgement.amount
        yield Headroom(headroom, share, judgement.floor, judgement.metric + moved, at)

    def _judged(self, state: LimitState) -> Judgement | None:
        return None if self.limit is None else judge(self.limit, state, None, state.judged_at)
