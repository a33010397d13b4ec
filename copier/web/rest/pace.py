"""How often one key may ask: a bucket each, so that no client takes the engine's thread from trading."""

from datetime import datetime
from math import ceil
from typing import Final

from attrs import define

from adapters.base import UtcNow
from copier.web.rest.refusals import Refused

KEYS_MAX: Final = 1000
"""Buckets that are remembered; the one that was idle longest is forgotten, which is full by then."""


@define
class _Bucket:
    left: float
    at: datetime


class Paces:
    """Buckets by name, each of `burst` requests that fills up by `per_s`."""

    def __init__(self, now: UtcNow, *, per_s: float, burst: float) -> None:
        self._now = now
        self._per_s = per_s
        self._burst = burst
        self._buckets: dict[str, _Bucket] = {}

    def take(self, name: str) -> None:
        """Count one request.

        Raises:
            Refused: too many came, with when to ask again.
        """
        now = self._now()
        bucket = self._buckets.pop(name, None) or _Bucket(self._burst, now)
        self._buckets[name] = bucket  # last in line again
        if len(self._buckets) > KEYS_MAX:
            del self._buckets[next(iter(self._buckets))]
        gone_s = max((now - bucket.at).total_seconds(), 0.0)
        bucket.left, bucket.at = min(bucket.left + gone_s * self._per_s, self._burst), now
        if bucket.left < 1:
            wait_s = ceil((1 - bucket.left) / self._per_s)
            expected = f"expected at most {self._per_s:g} requests a second"
            raise Refused(429, f"{expected}, found more; ask again in {wait_s} s", headers={"retry-after": str(wait_s)})
        bucket.left -= 1
