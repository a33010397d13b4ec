"""The weather that a simulated venue is told to make: counters that its simulator uses up.

A count belongs to requests that move money (orders and position changes) and to stream messages, never to polling,
so that "the next one" means the same in every run. What a venue does not honour stands in its README.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from attrs import define, field

T = TypeVar("T")

REJECTIONS_MAX = 10_000
"""Waiting rejections; more is a mistake of the one who asks for them."""


@define(eq=False)
class Faults:
    """What shall go wrong next. Set by tests and by the control API, used up by a simulator."""

    lose_requests: int = 0
    """Drop the connection on the next N money-moving requests, before anything is executed."""
    lose_answers: int = 0
    """Execute the next N money-moving requests, then drop the connection instead of answering."""
    throttle: int = 0
    """Refuse the next N money-moving requests by the venue's rate-limit answer; nothing is executed."""
    delay_s: float = 0.0
    """Every answer comes this many seconds late."""
    refuse_sign_in: bool = False
    """Refuse every sign-in, as for wrong credentials."""
    maintenance: bool = False
    """Answer every request with the venue's maintenance (503) answer."""
    drop_messages: int = 0
    """Lose the next N stream messages: a gap."""
    duplicate_messages: int = 0
    """Send the next N stream messages twice."""
    reorder_messages: int = 0
    """Send each of the next N stream messages after the one that follows it."""
    half_open: bool = False
    """Streams stay connected and send nothing, heartbeats included."""
    rejections: deque[str] = field(factory=deque)
    """Texts with which the next orders are refused; see `reject`."""
    _cutters: list[Callable[[], None]] = field(factory=list, init=False)
    _expirers: list[Callable[[], None]] = field(factory=list, init=False)

    def reject(self, text: str, count: int = 1) -> None:
        """Refuse the next `count` orders in the venue's way, with `text`.

        Raises:
            ValueError: more than REJECTIONS_MAX would be waiting.
        """
        if count < 1 or len(self.rejections) + count > REJECTIONS_MAX:
            raise ValueError(f"count must be from 1 to {REJECTIONS_MAX - len(self.rejections)}, was {count}")
        self.rejections.extend([text] * count)

    def take_lost_request(self) -> bool:
        """Tell whether this request is to be lost before it is executed, and use that up."""
        if self.lose_requests <= 0:
            return False
        self.lose_requests -= 1
        return True

    def take_lost_answer(self) -> bool:
        """Tell whether the answer to this executed request is to be lost, and use that up."""
        if self.lose_answers <= 0:
            return False
        self.lose_answers -= 1
        return True

    def take_throttle(self) -> bool:
        """Tell whether this request is to be refused by rate limit, and use that up."""
        if self.throttle <= 0:
            return False
        self.throttle -= 1
        return True

    def take_rejection(self) -> str | None:
        """Return the text with which this order is to be refused, and use it up; None: let it pass."""
        return self.rejections.popleft() if self.rejections else None

    def on_drop_streams(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called when streams are to be cut; returns what ends that."""
        return _register(self._cutters, callback)

    def on_expire_tokens(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Have `callback` called when all access tokens are to expire; returns what ends that."""
        return _register(self._expirers, callback)

    def drop_streams(self) -> None:
        """Cut all streams that are open now."""
        for callback in tuple(self._cutters):
            callback()

    def expire_tokens(self) -> None:
        """Make all access tokens that were given out invalid now."""
        for callback in tuple(self._expirers):
            callback()


class StreamFaults(Generic[T]):
    """The message faults of one open stream: every outgoing message passes through `deliveries`."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._held: list[T] = []

    def deliveries(self, message: T) -> list[T]:
        """Return what to send, in order, in place of `message`: nothing, it, it twice, or it before the one held back.

        A message that is held back waits for the next one of this stream; when the stream ends first, it is lost.
        """
        faults = self._faults
        if faults.half_open:
            return []
        if faults.drop_messages > 0:
            faults.drop_messages -= 1
            return []
        if faults.reorder_messages > 0 and not self._held:
            faults.reorder_messages -= 1
            self._held.append(message)
            return []
        sent = [message]
        if faults.duplicate_messages > 0:
            faults.duplicate_messages -= 1
            sent.append(message)
        sent.extend(self._held)
        self._held.clear()
        return sent


def _register(callbacks: list[Callable[[], None]], callback: Callable[[], None]) -> Callable[[], None]:
    callbacks.append(callback)

    def stop() -> None:
        if callback in callbacks:
            callbacks.remove(callback)

    return stop
