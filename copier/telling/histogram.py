"""How many times something took how long: fixed bounds, plain integers, so that counting costs the trading nothing."""

from bisect import bisect_left
from typing import Final

BOUNDS_MS: Final = (0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
"""From a commit on a good disk to `copier.service.dispatch.DEADLINE_S`, after which no answer is waited for."""


class Histogram:
    """Counts durations since the service began; one that is longer than every bound is counted in the last place."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_MS) + 1)
        self.sum_ms = 0.0

    def count(self, took_ms: float, times: int = 1) -> None:
        """Count a duration that was met so many times; at a bound it belongs to what is below."""
        self.counts[bisect_left(BOUNDS_MS, took_ms)] += times
        self.sum_ms += took_ms * times

    @property
    def total(self) -> int:
        return sum(self.counts)
