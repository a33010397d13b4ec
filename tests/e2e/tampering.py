"""A wire that can be tampered with: what a venue sends over WebSockets is changed on its way to one account."""

import struct
from collections.abc import Callable

import trio
from attrs import define, field

from adapters.transport.network import Connect

Change = Callable[[bytes], bytes | None]
"""Given a text frame's payload: what is put in its place, None to let it pass."""

_TEXT, _FINAL = 0x1, 0x80


@define(eq=False)
class Wire:
    """A `Connect` for one account. While `change` is set, each text frame is shown to it until it changes one."""

    connect_to: Connect
    change: Change | None = None
    raw: bytes | None = None
    """Bytes that go in front of the next frame, as they are."""
    tampered: int = 0
    connections: int = 0
    seen: list[bytes] = field(factory=list)

    async def connect(self, host: str, port: int, tls: bool) -> trio.abc.Stream:
        stream = await self.connect_to(host, port, tls)
        self.connections += 1
        return _Tampered(self, stream)

    def pass_on(self, data: bytes) -> bytes:
        """Return what arrives in place of `data`: whole WebSocket frames from the server."""
        if self.raw is not None:
            data, self.raw = self.raw + data, None
            self.tampered += 1
            return data
        result = b""
        while data:
            frame, data = _split(data)
            result += self._changed(frame)
        return result

    def _changed(self, frame: bytes) -> bytes:
        payload = _payload(frame)
        if self.change is None or frame[0] != _FINAL | _TEXT:
            return frame
        changed = self.change(payload)
        if changed is None:
            return frame
        self.change = None
        self.tampered += 1
        return _frame(changed)


class _Tampered(trio.abc.Stream):
    """A client's stream; once its server has switched to WebSocket, frames pass through the wire."""

    def __init__(self, wire: Wire, stream: trio.abc.Stream) -> None:
        self._wire = wire
        self._stream = stream
        self._switched = False
        self._rest = b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if not self._rest:
            data = bytes(await self._stream.receive_some())
            if self._switched and data:
                data = self._wire.pass_on(data)
            self._switched = self._switched or data.startswith(b"HTTP/1.1 101")
            self._rest = data
        taken = self._rest if max_bytes is None else self._rest[:max_bytes]
        self._rest = self._rest[len(taken) :]
        return taken

    async def aclose(self) -> None:
        await self._stream.aclose()


def _split(data: bytes) -> tuple[bytes, bytes]:
    """Cut the first frame off; simulated venues send whole frames in one piece."""
    start, length = _head(data)
    assert len(data) >= start + length, "a frame came in pieces"
    return data[: start + length], data[start + length :]


def _head(data: bytes) -> tuple[int, int]:
    """Return where the payload starts, and its length."""
    length = data[1] & 0x7F
    if length == 126:
        return 4, struct.unpack(">H", data[2:4])[0]
    if length == 127:
        return 10, struct.unpack(">Q", data[2:10])[0]
    return 2, length


def _payload(frame: bytes) -> bytes:
    return frame[_head(frame)[0] :]


def _frame(payload: bytes) -> bytes:
    first = bytes([_FINAL | _TEXT])
    if len(payload) < 126:
        return first + bytes([len(payload)]) + payload
    if len(payload) < 2**16:
        return first + b"\x7e" + struct.pack(">H", len(payload)) + payload
    return first + b"\x7f" + struct.pack(">Q", len(payload)) + payload
