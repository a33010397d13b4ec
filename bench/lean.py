"""The load generator's server half: HTTP/1.1 requests and WebSocket text straight on a trio stream.

It does no more than the relays under test need (no fragments, no close handshake), so that what is measured is theirs.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from time import perf_counter
from urllib.parse import parse_qsl, unquote

import trio

from adapters.transport.http import HttpResponse
from adapters.transport.serving import HttpRequest

_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_READ_BYTES = 64 * 1024
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

HttpHandler = Callable[[HttpRequest, float], Awaitable[HttpResponse]]
"""Answers a request; the number is `perf_counter()` when its last byte was there."""


class LeanSocket:
    """The server's end of one WebSocket."""

    def __init__(self, stream: trio.SocketStream, early: bytes) -> None:
        self._stream = stream
        self._buffer = bytearray(early)

    async def send(self, frame: bytes) -> None:
        """Send what `text_frame` made."""
        await self._stream.send_all(frame)

    async def receive(self) -> bytes | None:
        """Return the next text message and pass over control frames; None at the end."""
        while True:
            head = await self._take(2)
            if head is None:
                return None
            length = head[1] & 127
            if length >= 126:
                extended = await self._take(2 if length == 126 else 8)
                length = int.from_bytes(extended or b"")
            mask = await self._take(4)
            body = await self._take(length)
            if mask is None or body is None or head[0] & 15 == 8:
                return None
            if head[0] & 15 in (1, 2):
                key = (mask * (length // 4 + 1))[:length]
                return (int.from_bytes(body) ^ int.from_bytes(key)).to_bytes(length)

    async def _take(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            data = await self._stream.receive_some(_READ_BYTES)
            if not data:
                return None
            self._buffer += data
        taken = bytes(self._buffer[:count])
        del self._buffer[:count]
        return taken


def text_frame(payload: bytes) -> bytes:
    """Return a server's frame of one text message."""
    length = len(payload)
    if length < 126:
        return bytes((0x81, length)) + payload
    if length < 65536:
        return b"\x81\x7e" + length.to_bytes(2) + payload
    return b"\x81\x7f" + length.to_bytes(8) + payload


SocketHandler = Callable[[LeanSocket, str], Awaitable[None]]
"""Owns a WebSocket that was opened at a path."""


async def serve(nursery: trio.Nursery, http: HttpHandler, socket: SocketHandler) -> int:
    """Serve on a free loopback port until the nursery ends; return the port."""
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    nursery.start_soon(trio.serve_listeners, partial(_converse, http, socket), listeners)
    return int(listeners[0].socket.getsockname()[1])


async def _converse(http: HttpHandler, socket: SocketHandler, stream: trio.SocketStream) -> None:
    buffer = b""
    try:
        while True:
            while (end := buffer.find(b"\r\n\r\n")) < 0:
                data = await stream.receive_some(_READ_BYTES)
                if not data:
                    return
                buffer += data
            method, target, headers = _head(buffer[:end])
            buffer = buffer[end + 4 :]
            if "sec-websocket-key" in headers:
                await stream.send_all(_switching(headers))
                await socket(LeanSocket(stream, buffer), target)
                return
            length = int(headers.get("content-length", "0"))
            while len(buffer) < length:
                buffer += await stream.receive_some(_READ_BYTES)
            at = perf_counter()
            path, _, query = target.partition("?")
            request = HttpRequest(method, unquote(path), dict(parse_qsl(query)), headers, buffer[:length])
            buffer = buffer[length:]
            await stream.send_all(_answer(await http(request, at)))
    except _GONE:
        return


def _head(raw: bytes) -> tuple[str, str, dict[str, str]]:
    lines = raw.decode("latin-1").split("\r\n")
    method, target, _ = lines[0].split(" ", 2)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return method, target, headers


def _switching(headers: dict[str, str]) -> bytes:
    digest = hashlib.sha1(headers["sec-websocket-key"].encode() + _KEY_SUFFIX).digest()
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    return upgrade + b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"


def _answer(response: HttpResponse) -> bytes:
    lines = [f"HTTP/1.1 {response.status} -"]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    if response.status != 204:
        lines.append(f"content-length: {len(response.body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + response.body
