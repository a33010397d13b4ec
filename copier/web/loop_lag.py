"""How late the loop comes to what is due: what every wait in this process pays beside its own."""

from collections import deque
from typing import Final

import trio

EVERY_S: Final = 0.25
KEPT: Final = 40
"""Measurements: the last ten seconds."""


class LoopLag:
    """Sleeps for a moment again and again, and notes how much longer it took."""

    def __init__(self) -> None:
        self._late_s: deque[float] = deque(maxlen=KEPT)

    @property
    def worst_s(self) -> float:
        """The longest of the last ten seconds."""
        return max(self._late_s, default=0.0)

    async def run(self) -> None:
        """Measure until cancelled."""
        while True:
            due = trio.current_time() + EVERY_S
            await trio.sleep_until(due)
            self._late_s.append(trio.current_time() - due)
