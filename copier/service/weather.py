"""Living with bad weather: how long to wait before the next try, and who is told."""

from random import Random

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 60.0
"""Full jitter between nothing and this, doubling from half a second: many accounts come back spread out."""


REFUSED_S_MIN = 300.0
REFUSED_S_MAX = 3600.0
"""A refused sign-in is tried again after 5, 10, 20 and 40 minutes, then each hour: venues refuse good credentials too
while they mend something, and lock accounts out that try often."""


class Backoff:
    """Waits that double with full jitter, those after a refused sign-in without; `reset` after a success."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.reset()

    def reset(self) -> None:
        self._ceiling_s = BACKOFF_S_MIN
        self._refused_s = REFUSED_S_MIN

    def refused_s(self) -> float:
        """Return how long to wait after a refused sign-in, in seconds."""
        wait_s, self._refused_s = self._refused_s, min(self._refused_s * 2, REFUSED_S_MAX)
        return wait_s

    def next_s(self) -> float:
        """Return how long to wait now, in seconds."""
        ceiling, self._ceiling_s = self._ceiling_s, min(self._ceiling_s * 2, BACKOFF_S_MAX)
        return self._random.uniform(0.1 * ceiling, ceiling)
