"""The clock: the only place where wall time comes from. Everything else is handed a `UtcNow`."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

import trio

from rules.model.frozen import frozen


class Clock(Protocol):
    """Tells the present instant. Its method is the `UtcNow` that adapters take."""

    def utc_now(self) -> datetime:
        """Return the present instant, UTC, aware."""
        ...


def utc_now() -> datetime:
    """Return the present instant, UTC, aware. It may jump when the machine's clock is set: measure waits by trio's."""
    return datetime.now(UTC)


class SystemClock:
    """The machine's wall time."""

    def utc_now(self) -> datetime:
        return utc_now()


@frozen
class VirtualClock:
    """Wall time that starts at `start` and goes exactly as fast as trio's own clock: under a mock clock, as told.

    Made inside `trio.run`, so that it starts when it is made.
    """

    start: datetime
    _started_s: float

    @classmethod
    def starting(cls, start: datetime) -> "VirtualClock":
        """Return a clock that shows `start` (aware) now.

        Raises:
            ValueError: `start` is naive.
        """
        if start.tzinfo is None:
            raise ValueError(f"expected an aware instant, found the naive {start.isoformat()}")
        return cls(start.astimezone(UTC), trio.current_time())

    def utc_now(self) -> datetime:
        """Return the virtual instant, UTC, to the microsecond."""
        return self.start + timedelta(seconds=trio.current_time() - self._started_s)
