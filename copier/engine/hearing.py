"""One event as the policies of its links hear it: each is asked once, by the first of its links."""

from datetime import datetime

from rules.gates.heard import Heard
from rules.gates.judge import hear
from rules.model.observed import Position
from rules.model.state import AccountView
from rules.policy.links import CopyPolicy


class Hearing:
    """What policies say of one source position at one moment; made for one event, and dropped after it."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._heard: dict[int, tuple[CopyPolicy, CopyPolicy, Heard]] = {}
        """By the policy's identity: to compare policies would cost more than to ask. Each is kept beside its answer, so
        that no other one can get its identity."""

    def of(self, policy: CopyPolicy, source: AccountView, position: Position) -> tuple[CopyPolicy, Heard]:
        """Return what a policy of a link is for the position's symbol, and what that says of the position."""
        asked = self._heard.get(id(policy))
        if asked is None:
            held = policy.for_symbol(position.symbol)
            asked = self._heard[id(policy)] = policy, held, hear(held, source, position, self._now)
        return asked[1:]
