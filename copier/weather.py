"""Living with bad weather: how long to wait before the next try, and who is told."""

from random import Random

BACKOFF_S_MIN = 0.5
BACKOFF_S_MAX = 60.0
"""Full jitter between nothing and this, doubling from half a second: many accounts come back spread out."""


class Backoff:
    """Waits that double with full jitter; `reset` after a success."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ceiling_s = BACKOFF_S_MIN

    def reset(self) -> None:
        self._ceiling_s = BACKOFF_S_MIN

    def next_s(self) -> float:
        """Return how long to wait now, in seconds."""
        ceiling, self._ceiling_s = self._ceiling_s, min(self._ceiling_s * 2, BACKOFF_S_MAX)
        return self._random.uniform(0.1 * ceiling, ceiling)
