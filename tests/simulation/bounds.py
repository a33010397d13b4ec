"""How late is too late: bounds of the auditor, each justified by what was in the way."""

from datetime import datetime

from rules.deciding.settling import RETRY_S_MAX
from rules.model.frozen import frozen
from rules.model.values import AccountId, OmsType
from rules.policy.links import CopyLink
from tests.simulation.run import Outcome
from tests.simulation.weather import DELAY_S_MAX

IN_FLIGHT_S = 10.0 + DELAY_S_MAX
"""An order may be on its way for as long as its answer is waited for (10 s: a slow sign-in comes before it), and lie at
a slow venue for the longest delay. Whoever closes the source meanwhile comes too late to stop it."""

IN_FLIGHT_CALM_S = 2.0
"""In fine weather everything happens at once, but for our own pace: five orders a second, after a burst of five. A
trader who closes all at once, on copies in several pieces, fills two seconds so."""

UNTIL_DEALS_CALM_S = 3.0
"""Copies that end together out of one netted position: where the venue's deals tell a moment later which lots went, the
next close waits for them, and is tried again after a second, and after two more."""

CLOSING_S = 2 * DELAY_S_MAX
"""From a look at a position to the execution of the close that goes by it: the answer may be slow, and the order."""

LOOK_S = 5.0
"""The longest pause between two looks for an order without an answer."""

PROOF_S = 15.0
"""A close without an answer is sent again when the open positions prove that it was not executed: after 10 s at
MetaCopier, looked at every 5 s."""


@frozen
class Bounds:
    """The bounds of one simulation, in seconds."""

    outcome: Outcome

    def late_s(self, link: CopyLink, since: datetime, until: datetime) -> float:
        """Return how long after a change of the source what follows from the state before may still be executed.

        The order may be in flight; a lost message about the change is made up for by the next regular look; a look
        fails while the venue cannot be seen, and is then tried again after at most as long again (the waits double);
        while the service was dead, nobody looked.
        """
        return self._late_s(link, link.source, since, until)

    def unseen_s(self, link: CopyLink, since: datetime, until: datetime) -> float:
        """Return how long after a copy lost a piece at the target what reckons with that piece may be executed."""
        return self._late_s(link, link.target, since, until)

    def _late_s(self, link: CopyLink, looked_at: AccountId, since: datetime, until: datetime) -> float:
        outcome = self.outcome
        if outcome.scenario.calm:
            nets, kind = outcome.scenario.oms[link.target] is OmsType.NETTING, outcome.scenario.kind(link.target)
            return IN_FLIGHT_CALM_S + (UNTIL_DEALS_CALM_S if nets and not kind.by_symbol else 0.0)
        span = self._clock_s(since), self._clock_s(until)
        blind_s = outcome.weather.blind_s(link.source, *span) + outcome.weather.blind_s(link.target, *span)
        down_s = sum(max(min(end, span[1]) - max(start, span[0]), 0.0) for start, end in outcome.down)
        return IN_FLIGHT_S + outcome.scenario.reconcile_every_s[looked_at] + 2 * blind_s + down_s

    def retry_s(self, link: CopyLink, since: datetime, until: datetime) -> float:
        """Return how long a close that was refused, or got no answer, may wait for its next try.

        On a netting target the open positions prove nothing of one order: it must have had its time to be seen. Each
        life of the service waits for that anew.
        """
        scenario = self.outcome.scenario
        if scenario.calm:
            return 0.0
        if scenario.oms[link.target] is OmsType.HEDGING:
            return RETRY_S_MAX + PROOF_S
        span = self._clock_s(since), self._clock_s(until)
        lives = 1 + sum(span[0] <= start <= span[1] for start, _ in self.outcome.down)
        return RETRY_S_MAX + lives * (scenario.kind(link.target).settle_s + LOOK_S)

    def excess_s(self, link: CopyLink, since: datetime, until: datetime) -> float:
        """Return how long a copy may be too large.

        A source that shrinks and grows again at once has the reduction under way when the increase is sized, and that
        may have to be tried again.
        """
        return IN_FLIGHT_CALM_S if self.outcome.scenario.calm else IN_FLIGHT_S + self.retry_s(link, since, until)

    def _clock_s(self, at: datetime) -> float:
        """Return an instant on trio's clock."""
        return self.outcome.ended_s - (self.outcome.ended_at - at).total_seconds()
