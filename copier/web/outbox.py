"""What goes out over one WebSocket: at once where the socket takes it, else queued up to a bound, never waited for.

Whoever pushes to many pays no turn of the scheduler for each: the bytes are given to the kernel where `put` is called.
Only for a reader that lags is there a queue, and a task that empties it.
"""

import os
import socket
import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import trio

_TEXT: Final = 0x81
_BINARY: Final = 0x82
_CLOSE: Final = 0x88
_PING: Final = 0x89
_PONG: Final = 0x8A
_CONTROL_BYTES_MAX: Final = 125
_PIECE_BYTES: Final = 64 * 1024


class Outbox:
    """Sends to one WebSocket; nothing here waits.

    Args:
        bytes_max: may wait for the reader, beside one message of any size.
        piece_s_max: for the reader to take 64 KiB of what waits.
        start_task: starts the task that empties the queue.
        cut: ends the connection at once.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        *,
        bytes_max: int,
        piece_s_max: float,
        start_task: Callable[[Callable[[], Any]], object],
        cut: Callable[[], None],
    ) -> None:
        self._stream = stream
        self._socket = stream.socket if isinstance(stream, trio.SocketStream) else None
        """Takes bytes at once; None where TLS lies between, or where there is no socket at all."""
        self._bytes_max = bytes_max
        self._piece_s_max = piece_s_max
        self._start_task = start_task
        self._cut = cut
        self._queue: deque[bytes] = deque()
        self._waiting = 0
        self._opened = False
        self._ended = False
        self._lost = False
        self.was_too_slow = False
        """Whether the reader was cut because it did not take what waited."""
        self._emptied = trio.Event()

    @property
    def waiting_bytes(self) -> int:
        """How much the reader has not taken yet."""
        return 0 if self._lost else self._waiting

    @property
    def is_lost(self) -> bool:
        """Whether the line is gone, so that nothing can be said any more."""
        return self._lost

    @property
    def is_open(self) -> bool:
        """Whether messages are taken: accepted, and neither closed nor cut."""
        return self._opened and not self._ended

    def put(self, payload: bytes) -> bool:
        """Send one text message; False: the reader is gone or too far behind, and the connection is being cut.

        Args:
            payload: UTF-8.
        """
        return self.is_open and self._frame(_TEXT, payload)

    def put_binary(self, payload: bytes) -> bool:
        """Send one binary message; False as for `put`."""
        return self.is_open and self._frame(_BINARY, payload)

    def close(self, code: int, reason: str = "") -> None:
        """Say goodbye after what waits; nothing more is taken. The host ends the connection soon after."""
        if self.is_open:
            text = reason.encode()[: _CONTROL_BYTES_MAX - 2].decode(errors="ignore").encode()
            self._frame(_CLOSE, struct.pack("!H", code) + text)
        self._ended = True

    # For the host

    def open(self, greeting: bytes) -> None:
        """Send the handshake's answer; from now on messages are taken."""
        self._opened = True
        self._send(greeting)

    def ping(self) -> None:
        if self.is_open:
            self._frame(_PING, b"")

    def pong(self, payload: bytes) -> None:
        if self.is_open:
            self._frame(_PONG, payload)

    def end(self) -> None:
        """Take nothing more, and forget what waits: the line is gone."""
        self._ended = self._lost = True
        self._queue.clear()
        self._emptied.set()

    async def emptied(self) -> None:
        """Return when nothing waits for the reader; the caller bounds the wait."""
        while self.waiting_bytes:
            await self._emptied.wait()

    def _frame(self, kind: int, payload: bytes) -> bool:
        size = len(payload)
        if size < 126:
            head = bytes((kind, size))
        elif size < 0x10000:
            head = struct.pack("!BBH", kind, 126, size)
        else:
            head = struct.pack("!BBQ", kind, 127, size)
        return self._send(head + payload)

    def _send(self, data: bytes) -> bool:
        if self._waiting:
            if self._waiting > self._bytes_max:
                self.was_too_slow = True
                self._give_up()
                return False
            self._queue.append(data)
            self._waiting += len(data)
            return True
        sent = 0
        if self._socket is not None:
            try:
                sent = os.write(self._socket.fileno(), data)
            except BlockingIOError:
                pass
            except OSError:
                self._give_up()
                return False
            if sent == len(data):
                return True
        self._queue.append(data[sent:])
        self._waiting = len(data) - sent
        self._emptied = trio.Event()
        self._start_task(self._empty)
        return True

    async def _empty(self) -> None:
        """Send what waits. What is being sent still counts as waiting, so that nothing overtakes it."""
        try:
            while self._queue:
                data = memoryview(self._queue.popleft())
                for begin in range(0, len(data), _PIECE_BYTES):
                    piece = data[begin : begin + _PIECE_BYTES]
                    with trio.fail_after(self._piece_s_max):
                        await self._stream.send_all(piece)
                    self._waiting -= len(piece)
        except trio.TooSlowError:
            self.was_too_slow = True
            self._give_up()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._give_up()
        self._emptied.set()

    def _give_up(self) -> None:
        """Cut the connection; what the kernel still holds for this reader goes with it."""
        line = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
        if isinstance(line, trio.SocketStream) and line.socket.fileno() >= 0:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end()
        self._cut()
