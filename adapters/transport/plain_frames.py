"""Plain text messages of a WebSocket, cut out of its bytes by the task that wants them.

Nearly everything that a venue sends is a whole text message in one frame. Handed over by the library's own reader task,
each costs two turns of the scheduler, which is half of what it costs until it is an event. So these are cut here, and
pings and pongs are handed to the library. The first frame of any other kind (a closing, a fragment, binary, or one that
breaks the protocol) gives the line back to it for good: what such frames mean is the library's to say.
"""

from collections import deque
from struct import Struct
from typing import Final

import trio
from trio_websocket import WebSocketConnection

from adapters.transport.handshake import HandshakeStream

READ_BYTES: Final = 64 * 1024
"""Read at once; also what is taken from a busy line before other tasks have their turn: some 130 messages, 2 ms."""

_TEXT: Final = 0x81  # the first byte of a frame that is final, has no reserved bit, and holds text
_PING_PONG: Final = frozenset({0x89, 0x8A})
_SIZE_16: Final = 126
_SIZE_64: Final = 127
_SHORT_HEAD: Final = Struct(">BBH")  # of a message below 64 kB: its kind, its size, and the size behind a 126
_LONG: Final = 64 * 1024  # from here on a copy costs more than a view
_HEAD_END: Final = b"\r\n\r\n"
_SWITCHING: Final = b"HTTP/1.1 101"


class FrameCutter:
    """Bytes in, plain messages out; no stream, no clock."""

    def __init__(self, message_bytes_max: int) -> None:
        self._bytes_max = message_bytes_max
        self._buffer = bytearray()
        self._at = 0

    def feed(self, data: bytes | bytearray) -> None:
        """Take what was read."""
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data

    def cut(self, texts: deque[str]) -> bytes | None:
        """Add the next plain messages to `texts`, up to the first other frame.

        Returns:
            the bytes of a ping or pong; b"" before any other frame; None: read on.
        """
        self._cut_short(texts)
        while isinstance(found := self._next(), str):
            texts.append(found)
            self._cut_short(texts)
        return found

    def rest(self) -> bytes:
        """Take everything that was not cut."""
        return self._take(self._at, len(self._buffer))

    def _cut_short(self, texts: deque[str]) -> None:
        """Cut whole messages of less than 64 kB, as nearly all are, in one loop."""
        buffer, at, have, bytes_max = self._buffer, self._at, len(self._buffer), self._bytes_max
        unpack, head_bytes = _SHORT_HEAD.unpack_from, _SHORT_HEAD.size
        while have - at >= head_bytes:
            kind, size, size_16 = unpack(buffer, at)
            if kind != _TEXT:
                break
            begin = at + 2
            if size == _SIZE_16:
                size, begin = size_16, at + head_bytes
                if not _SIZE_16 <= size <= bytes_max:
                    break
            elif size > _SIZE_16:
                break
            end = begin + size
            if end > have:
                break
            try:
                texts.append(buffer[begin:end].decode())
            except UnicodeDecodeError:
                break
            at = end
        self._pass(at)

    def _next(self) -> str | bytes | None:
        """Return the next message, whatever its size; else as `cut`."""
        buffer, at = self._buffer, self._at
        have = len(buffer) - at
        if have < 2:
            return None
        kind, size, begin = buffer[at], buffer[at + 1], at + 2
        if size >= _SIZE_16:
            if kind != _TEXT or size > _SIZE_64:  # a long ping, or masked
                return b""
            begin += 2 if size == _SIZE_16 else 8
            if begin > len(buffer):
                return None
            least = _SIZE_16 if size == _SIZE_16 else 0x10000
            size = int.from_bytes(buffer[at + 2 : begin], "big")
            if not least <= size <= self._bytes_max:
                return b""
        end = begin + size
        if kind == _TEXT:
            return self._text(begin, end) if end <= len(buffer) else None
        if kind not in _PING_PONG:
            return b""
        return self._take(at, end) if end <= len(buffer) else None

    def _text(self, begin: int, end: int) -> str | bytes:
        try:
            text = self._buffer[begin:end].decode() if end - begin < _LONG else self._long_text(begin, end)
        except UnicodeDecodeError:
            return b""
        self._pass(end)
        return text

    def _long_text(self, begin: int, end: int) -> str:
        """Return a long text without a copy of its bytes, which would leave a hole in the heap."""
        with memoryview(self._buffer) as buffer, buffer[begin:end] as data:
            return str(data, "utf-8")

    def _take(self, begin: int, end: int) -> bytes:
        taken = bytes(self._buffer[begin:end])
        self._pass(end)
        return taken

    def _pass(self, end: int) -> None:
        self._at = end
        if end == len(self._buffer):  # an idle line keeps nothing of what may have been a long list
            self._buffer.clear()
            self._at = 0


class FrameStream(HandshakeStream):
    """The line of a client: the library reads the handshake, then what it is handed, and everything once given back."""

    def __init__(self, stream: trio.abc.Stream, message_bytes_max: int) -> None:
        super().__init__(stream)
        self._cutter = FrameCutter(message_bytes_max)
        self.texts: deque[str] = deque()
        """Plain messages that have been read: of one reading, so 64 kB and what a long one began with."""
        self.is_ours = False
        self._head: bytes | None = b""
        self._handed = b""
        self._news = trio.Event()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Read for the library."""
        while self.is_ours and not self._handed:
            await self._news.wait()
            self._news = trio.Event()
        if self._handed:
            await trio.lowlevel.checkpoint()
            taken = self._handed[:max_bytes]
            self._handed = self._handed[len(taken) :]
            return taken
        data = await super().receive_some(max_bytes)
        return data if self._head is None else self._without_frames(self._head, bytes(data))

    async def read(self) -> None:
        """Read more. When nothing more comes, the line is given back to the library, which is to find out why."""
        try:
            data = await super().receive_some(READ_BYTES)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            data = b""
        self._take(data)
        if not data:
            self.give_back()

    def give_back(self) -> None:
        """Let the library read everything from now on."""
        if self.is_ours:
            self.is_ours = False
            self._hand(self._cutter.rest())

    def _take(self, data: bytes | bytearray) -> None:
        """Cut what was read; pings and pongs are handed on, and the line goes back with any other frame."""
        self._cutter.feed(data)
        while self.is_ours and (other := self._cutter.cut(self.texts)) is not None:
            if other:
                self._hand(other)
            else:
                self.give_back()

    def _hand(self, data: bytes) -> None:
        self._handed += data
        self._news.set()

    def _without_frames(self, head: bytes, data: bytes) -> bytes:
        """Return what of `data` belongs to the answer's head. Frames that come with it are for the cutter."""
        seen = head + data
        end = seen.find(_HEAD_END, max(len(head) - len(_HEAD_END), 0))
        if end < 0:
            self._head = seen
            return data
        self._head = None
        if not seen.startswith(_SWITCHING):
            return data
        self.is_ours = True
        end += len(_HEAD_END)
        self._take(seen[end:])
        return seen[len(head) : end]


class VenueSocket:
    """An open WebSocket to a venue (an `adapters.transport.frames.ClientConnection`).

    One task at a time may wait for messages.
    What has been read already is given at once, without a turn of the scheduler. Reading takes one.
    """

    def __init__(self, stream: FrameStream, connection: WebSocketConnection) -> None:
        self._stream = stream
        self._texts = stream.texts
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        chosen: str | None = self._connection.subprotocol
        return chosen

    async def get_message(self) -> str | bytes:
        """Return the next message.

        Raises:
            trio_websocket.ConnectionClosed: it is closed, or lost.
        """
        while not self._texts:
            if not self._stream.is_ours:
                return await self._connection.get_message()
            await self._stream.read()
        return self._texts.popleft()

    def ready_message(self) -> str | None:
        """Return the next message of what has been read already; never waits, for anything. None: wait for the next."""
        return self._texts.popleft() if self._texts else None

    async def message_by(self, deadline: float) -> str | bytes | None:
        """Return the next message, or None when it has not come by `deadline` (`trio.current_time`).

        Raises:
            trio_websocket.ConnectionClosed: it is closed, or lost.
        """
        if self._texts:
            return self._texts.popleft()
        with trio.move_on_at(deadline):
            return await self.get_message()
        return None

    async def send_message(self, message: str | bytes) -> None:
        await self._connection.send_message(message)

    async def aclose(self) -> None:
        """Close it, with the closing handshake; the caller bounds the wait."""
        self._stream.give_back()
        await self._connection.aclose()
