"""A TCP connection that waits for bytes before it reads them.

trio's own reads first, finds nothing, and waits then: of a venue that says something now and then, each message would
cost a call of the kernel and an exception more.
"""

import errno
import operator
import os
from typing import Final

import trio

_READ_BYTES: Final = 64 * 1024
"""Where the reader names no bound."""


class TcpStream(trio.abc.Stream):
    """A stream that takes over `stream`, and differs from it in how it reads."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.socket = stream.socket
        self._stream = stream

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        bytes_max = _READ_BYTES if max_bytes is None else operator.index(max_bytes)
        if bytes_max < 1:
            raise ValueError(f"max_bytes must be >= 1, was {max_bytes}")
        if self.socket.fileno() < 0:
            raise trio.ClosedResourceError("this end was closed")
        while True:
            await trio.lowlevel.wait_readable(self.socket)
            try:
                return os.read(self.socket.fileno(), bytes_max)  # asked for anew: another task may just have closed it
            except BlockingIOError:
                continue  # the kernel thought better of what it had announced
            except OSError as error:
                if error.errno == errno.EBADF:
                    raise trio.ClosedResourceError("this end was closed") from None
                raise trio.BrokenResourceError(f"connection broken: {error}") from error

    async def aclose(self) -> None:
        await self._stream.aclose()
