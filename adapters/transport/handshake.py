"""The stream under a WebSocket: replays bytes that were read already, and tells when it ended.

trio-websocket waits for its handshake for ever when the line is cut or garbage comes before it is complete; whoever
shakes hands over this stream waits for `ended` at the same time.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from adapters.base import SessionLost

T = TypeVar("T")

# Of everything that comes before the handshake is complete; a refusal's body is buffered whole by the library.
_HANDSHAKE_BYTES_MAX = 1024 * 1024


class HandshakeStream(trio.abc.Stream):
    """`stream`, but reading gives `replay` first; `shaken` lifts the bound on what may come in."""

    def __init__(self, stream: trio.abc.Stream, replay: bytes = b"") -> None:
        self.ended = trio.Event()
        self._stream = stream
        self._replay = replay
        self._left: float = _HANDSHAKE_BYTES_MAX

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._replay:
            await trio.lowlevel.checkpoint()
            data: bytes | bytearray = self._replay[:max_bytes]
            self._replay = self._replay[len(data) :]
            return data
        try:
            data = await self._stream.receive_some(max_bytes)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self.ended.set()
            raise
        self._left -= len(data)
        if not data or self._left < 0:
            self.ended.set()
            return b""
        return data

    async def aclose(self) -> None:
        self.ended.set()
        await self._stream.aclose()

    async def shake(self, handshake: Callable[[], Awaitable[T]]) -> T:
        """Run `handshake` to its end, unless the stream ends first; the caller bounds the wait.

        Raises:
            SessionLost: the stream ended (cut, garbage, or more than 1 MiB) before the handshake was complete.
        """
        results: list[T] = []

        async def watch(nursery: trio.Nursery) -> None:
            await self.ended.wait()
            nursery.cancel_scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, nursery)
            results.append(await handshake())
            nursery.cancel_scope.cancel()
        if not results:
            raise SessionLost("the connection ended within the WebSocket handshake")
        self._left = float("inf")
        return results[0]
