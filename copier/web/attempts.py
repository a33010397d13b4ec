"""How often one address may show a wrong key: some typing errors, and no guessing."""

from collections import OrderedDict
from typing import Final

from attrs import define

FREE: Final = 10
"""Wrong keys in a row before an address is made to wait."""

EVERY_S: Final = 6.0
"""After which one more is free: ten a minute."""

_ADDRESSES_MAX: Final = 10_000
"""Remembered at one time; the one that failed longest ago is forgotten."""


@define
class _Failures:
    count: float
    at: float


class Attempts:
    """Counts what failed, by address; `now` is trio's clock."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def wait_s(self, ip: str, now: float) -> float:
        """Return for how long an address must not try; 0: it may."""
        failures = self._failures.get(ip)
        if failures is None:
            return 0.0
        return max(0.0, (_left(failures, now) - FREE + 1) * EVERY_S)

    def failed(self, ip: str, now: float) -> None:
        """Count a wrong key."""
        known = self._failures.pop(ip, None)
        count = 1.0 if known is None else _left(known, now) + 1
        self._failures[ip] = _Failures(count, now)
        if len(self._failures) > _ADDRESSES_MAX:
            self._failures.popitem(last=False)


def _left(failures: _Failures, now: float) -> float:
    return max(0.0, failures.count - (now - failures.at) / EVERY_S)
