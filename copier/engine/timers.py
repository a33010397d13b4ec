"""Due moments by key: set, moved and taken in logarithmic time, one timer for all."""

import heapq
from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class Timers(Generic[K]):
    """At most one due moment a key; the latest `set` wins."""

    def __init__(self) -> None:
        self._heap: list[tuple[datetime, int, K]] = []
        self._at: dict[K, datetime] = {}
        self._count = 0  # breaks ties in the order of setting: keys need not be comparable

    def set(self, key: K, at: datetime) -> None:
        if self._at.get(key) != at:
            self._at[key] = at
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, key))

    def at(self, key: K) -> datetime | None:
        """Return when the key is due, None when it is not set."""
        return self._at.get(key)

    def first(self) -> datetime | None:
        """Return the next due moment, None when nothing is set."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def due(self, now: datetime) -> Iterator[K]:
        """Take and yield the keys whose moment has come, earliest first; what is set meanwhile stays."""
        ready: list[K] = []
        while (first := self.first()) is not None and first <= now:
            key = heapq.heappop(self._heap)[2]
            del self._at[key]
            ready.append(key)
        yield from ready
