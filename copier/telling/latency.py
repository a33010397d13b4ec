"""How long each stage of a copied trade took: bounded samples, percentiles on demand."""

from collections import deque
from datetime import datetime
from itertools import repeat
from math import ceil
from typing import Final

from copier.telling.histogram import Histogram

SAMPLES_MAX: Final = 10_000
"""Of each stage, the latest: enough for a p99 with a hundred samples above it."""


OWN_SAMPLES_MAX: Final = 500
"""Of each stage of one account: enough for a p99."""


class Latency:
    """Samples by stage: `frame_to_intent`, `intent_to_durable`, `durable_to_sent`, `sent_to_report`.

    `histograms` count all of them, also those that are no longer among the samples.
    """

    def __init__(self, whole: "Latency | None" = None) -> None:
        """`whole`: the service's, of which this is one account's part; it gets every sample too."""
        self._whole = whole
        self._samples_max = SAMPLES_MAX if whole is None else OWN_SAMPLES_MAX
        self._samples: dict[str, deque[float]] = {}
        self.histograms: dict[str, Histogram] = {}

    def record(self, stage: str, begun_at: datetime, ended_at: datetime, times: int = 1) -> None:
        """Count what took so long; `times`: for so many orders at once."""
        if self._whole is not None:
            self._whole.record(stage, begun_at, ended_at, times)
        took_ms = (ended_at - begun_at).total_seconds() * 1000
        samples = self._samples.get(stage)
        if samples is None:
            samples = self._samples[stage] = deque(maxlen=self._samples_max)
            self.histograms[stage] = Histogram()
        samples.extend(repeat(took_ms, times))
        self.histograms[stage].count(took_ms, times)

    def percentile_ms(self, stage: str, share: float) -> float | None:
        """Return the given percentile in milliseconds (nearest rank); None without samples.

        Args:
            share: 0 < share <= 1, such as 0.5 or 0.99.
        """
        samples = sorted(self._samples.get(stage, ()))
        if not samples:
            return None
        return samples[ceil(len(samples) * share) - 1]

    def summary(self) -> dict[str, dict[str, float | int]]:
        """Return `{stage: {"count", "p50", "p99"}}`, milliseconds to three digits."""
        return {
            stage: {
                "count": len(samples),
                "p50": round(self.percentile_ms(stage, 0.50) or 0.0, 3),
                "p99": round(self.percentile_ms(stage, 0.99) or 0.0, 3),
            }
            for stage, samples in sorted(self._samples.items())
        }
