"""Servers that misbehave to order, for tests of the client half, over memory streams."""

from collections.abc import Awaitable, Callable

import trio

from adapters.transport.network import MemoryNetwork

HOST, PORT = "venue.test", 80
ORIGIN = f"http://{HOST}:{PORT}"

Script = Callable[[trio.abc.Stream], Awaitable[None]]


async def read_request(stream: trio.abc.Stream) -> bytes:
    """Return the bytes of one request: head, and body as Content-Length says; b"" when the client closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = await stream.receive_some()
        if not chunk:
            return b""
        data += bytes(chunk)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    while len(body) < int(lengths[0] if lengths else 0):
        body += bytes(await stream.receive_some())
    return head + b"\r\n\r\n" + body


def answers(*raw: bytes, then_close: bool = False) -> Script:
    """Return a server that answers the n-th request of a connection with the n-th bytes, then holds the line."""

    async def serve(stream: trio.abc.Stream) -> None:
        for answer in raw:
            if not await read_request(stream):
                return
            await stream.send_all(answer)
        if not then_close:
            await read_request(stream)

    return serve


def ok(body: bytes, *headers: bytes) -> bytes:
    """Return the bytes of a 200 answer."""
    lines = [b"HTTP/1.1 200 OK", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


class Venue:
    """A memory network with one scripted server; counts connections."""

    def __init__(self, nursery: trio.Nursery, script: Script) -> None:
        self.network = MemoryNetwork(nursery)
        self.connections = 0
        self._script = script
        self.network.listen(HOST, PORT, self._serve)

    async def _serve(self, stream: trio.abc.Stream) -> None:
        self.connections += 1
        await self._script(stream)
