"""What carries frames, whatever the transport; a bounded queue of them, emptied in batches; and whose turn it is."""

from collections import deque
from typing import Generic, Protocol, TypeVar

import trio

FrameT = TypeVar("FrameT", str, str | bytes)


class FrameConnection(Protocol):
    """What drivers and handlers need of a connection; WebSockets have it, and so have the ends of polling."""

    async def get_message(self) -> str | bytes: ...

    async def send_message(self, message: str) -> None: ...


class ClientConnection(FrameConnection, Protocol):
    """A connection to a venue."""

    async def message_by(self, deadline: float) -> str | bytes | None:
        """Return the next message, or None when it has not come by `deadline` (`trio.current_time`)."""


class EagerLock:
    """A lock for `async with` that costs no turn of the scheduler while it is free: every frame would pay for one."""

    def __init__(self) -> None:
        self._lock = trio.Lock()

    async def __aenter__(self) -> None:
        try:
            self._lock.acquire_nowait()
        except trio.WouldBlock:
            await self._lock.acquire()

    async def __aexit__(self, *_: object) -> None:
        self._lock.release()


class FrameQueue(Generic[FrameT]):
    """Frames in their order. Who puts waits while it is full, who takes while it is empty; both end at `close`."""

    def __init__(self, frames_max: int) -> None:
        self._frames_max = frames_max
        self._frames: deque[FrameT] = deque()
        self._waiting = trio.lowlevel.ParkingLot()  # for either side: they never wait at the same time
        self._closed = False

    @property
    def is_done(self) -> bool:
        """Whether it is closed and empty."""
        return self._closed and not self._frames

    async def put(self, frame: FrameT) -> bool:
        """Add a frame as soon as there is room; False when the queue is closed."""
        await trio.lowlevel.checkpoint()
        while len(self._frames) >= self._frames_max and not self._closed:
            await self._waiting.park()
        if self._closed:
            return False
        self._frames.append(frame)
        self._waiting.unpark_all()
        return True

    async def take(self, frames_max: int, bytes_max: int) -> list[FrameT]:
        """Remove and return what is there, at least one frame; nothing when the queue is closed and empty.

        A cancelled call has removed nothing.

        Args:
            bytes_max: of all frames together, where they are more than one.
        """
        await trio.lowlevel.checkpoint()
        while not self._frames and not self._closed:
            await self._waiting.park()
        taken: list[FrameT] = []
        size = 0
        while self._frames and len(taken) < frames_max:
            size += frame_bytes(self._frames[0])
            if taken and size > bytes_max:
                break
            taken.append(self._frames.popleft())
        self._waiting.unpark_all()
        return taken

    def close(self, last: FrameT | None = None) -> None:
        """Let nothing more in but `last`; what is in it can still be taken."""
        if last is not None and not self._closed:
            self._frames.append(last)
        self._closed = True
        self._waiting.unpark_all()

    def clear(self) -> None:
        """Close it and forget what is in it."""
        self._frames.clear()
        self.close()


def frame_bytes(frame: str | bytes) -> int:
    """Return what a frame weighs on the wire, without the few bytes of its framing."""
    return len(frame) if isinstance(frame, bytes) or frame.isascii() else len(frame.encode(errors="replace"))
