"""The pace of one account's requests: a token bucket that a venue's own refusal can stop for a while."""

import trio

BURST_S = 1.0
"""A pause of this long earns a full second's worth of requests at once."""


class Pace:
    """Lets `per_s` requests a second pass, with bursts of one second's worth (at least one)."""

    def __init__(self, per_s: float) -> None:
        if per_s <= 0:
            raise ValueError(f"requests_per_s must be > 0, was {per_s}")
        self._per_s = per_s
        self._burst = max(per_s * BURST_S, 1.0)
        self._tokens = self._burst
        self._at: float | None = None
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing pass for `seconds` from now on: the venue said so."""
        self._paused_until = max(self._paused_until, trio.current_time() + seconds)

    async def wait(self) -> None:
        """Return when the next request may leave."""
        now = trio.current_time()
        elapsed = 0.0 if self._at is None else now - self._at
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_s)
        self._at = now
        self._tokens -= 1
        if self._tokens < 0:
            await trio.sleep(-self._tokens / self._per_s)
        while True:  # a pause may have been asked for, or prolonged, meanwhile
            paused_until = self._paused_until
            if trio.current_time() >= paused_until:
                return
            await trio.sleep_until(paused_until)
