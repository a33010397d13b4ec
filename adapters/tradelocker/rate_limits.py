"""The broker's own limits on an account's requests, as `/trade/config` tells them: so many of a kind in some time."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from adapters.tradelocker.wire_rest import RateLimit

_SECONDS: Final = {"SECONDS": 1, "MINUTES": 60}
_WINDOW_S_MAX: Final = 86_400
_COUNT_MAX: Final = 10_000
"""A limit that allows more is none that an account could reach; this only bounds what is remembered."""

_READS: Final = {
    "positions": "GET_POSITIONS",
    "orders": "GET_ORDERS",
    "ordersHistory": "GET_ORDERS_HISTORY",
    "executions": "GET_EXECUTIONS",
    "state": "GET_ACCOUNTS_STATE",
    "instruments": "GET_INSTRUMENTS",
    "quotes": "QUOTES",
}


class RateLimits:
    """Counts requests by kind; what a broker does not limit, or limits absurdly, passes."""

    def __init__(self) -> None:
        self._windows: dict[str, _Window] = {}

    def learn(self, limits: Iterable[RateLimit]) -> None:
        """Keep to these limits from now on."""
        for limit in limits:
            seconds = _SECONDS.get(limit.measure, 0) * limit.interval_num
            if 0 < seconds <= _WINDOW_S_MAX and 0 < limit.limit <= _COUNT_MAX:
                self._windows[limit.rate_limit_type] = _Window(seconds, limit.limit)

    def take(self, kind: str | None, now_s: float) -> float:
        """Take the place of one request of that kind; returns 0, or in how many seconds to ask again for one.

        Args:
            now_s: a clock that never jumps, seconds.
        """
        window = None if kind is None else self._windows.get(kind)
        return 0.0 if window is None else window.take(now_s)


class _Window:
    """At most `count` requests within any `seconds`."""

    def __init__(self, seconds: float, count: int) -> None:
        self._seconds = seconds
        self._count = count
        self._taken: deque[float] = deque()

    def take(self, now_s: float) -> float:
        while self._taken and self._taken[0] <= now_s - self._seconds:
            self._taken.popleft()
        if len(self._taken) >= self._count:
            return self._taken[0] + self._seconds - now_s
        self._taken.append(now_s)
        return 0.0


def kind_of(method: str, path: str) -> str | None:
    """Return the broker's name of a request's kind; None for those that no limit is known for."""
    parts = path.strip("/").split("/")
    if method == "GET":
        return _READS.get(parts[-1])
    if method == "POST" and parts[-1] == "orders":
        return "PLACE_ORDER"
    changed = {"orders": "MODIFY_ORDER", "positions": "MODIFY_POSITION"}
    return changed.get(parts[-2]) if len(parts) > 1 else None
