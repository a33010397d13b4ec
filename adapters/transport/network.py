"""How a stream to a venue is made: real TCP and TLS, or a network in memory for the simulation."""

import operator
import select
import ssl
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import trio

from adapters.base import RequestNotSent
from adapters.transport.tcp import TcpStream

Connect: TypeAlias = Callable[[str, int, bool], Awaitable[trio.abc.Stream]]
"""`(host, port, tls)` to a connected stream. Raises RequestNotSent with host:port and why."""

Serve: TypeAlias = Callable[[trio.abc.Stream], Awaitable[None]]
"""Serves one connection until it ends."""

# Chunks on their way in one direction before the sender has to wait: enough to never matter to a well-behaved pair,
# and a bound where one side does not read.
_CHUNKS_IN_FLIGHT_MAX = 64


async def connect_tcp(host: str, port: int, tls: bool) -> trio.abc.Stream:
    """Open a TCP connection, with TLS and verified certificates where `tls`; the handshake is done on return.

    The caller bounds the wait.

    Raises:
        RequestNotSent: no such host, refused, unreachable, or the certificate is not valid for `host`.
    """
    try:
        tcp = TcpStream(await trio.open_tcp_stream(host, port))
    except OSError as error:
        raise RequestNotSent(f"cannot connect to {host}:{port}: {error}") from error
    if not tls:
        return tcp
    stream = trio.SSLStream(tcp, _verifying(), server_hostname=host, https_compatible=True)
    try:
        await stream.do_handshake()
    except BaseException as error:
        await trio.aclose_forcefully(stream)
        if isinstance(error, trio.BrokenResourceError | ssl.SSLError | OSError):
            why = error.__cause__ or error
            raise RequestNotSent(f"no TLS with {host}:{port}: {why}") from error
        raise
    return stream


def _verifying() -> ssl.SSLContext:
    """Return what verifies certificates, and takes a line that is cut for no end (as trio's own does)."""
    context = ssl.create_default_context()
    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
    return context


def is_quiet(stream: trio.abc.Stream) -> bool:
    """Tell whether an idle stream is still fit for a request: open, and nothing has come in unasked.

    Never waits. A stream of a kind that cannot be asked is not fit.
    """
    if isinstance(stream, MemoryStream):
        return stream.is_quiet()
    if isinstance(stream, trio.SSLStream):
        return is_quiet(stream.transport_stream)
    if isinstance(stream, TcpStream):
        poll = select.poll()  # unlike select(), good for descriptors above 1023
        poll.register(stream.socket.fileno(), select.POLLIN)
        return not poll.poll(0)
    return False


class MemoryStream(trio.abc.Stream):
    """One end of a connection in memory. Bytes keep their order; a full pipe makes the sender wait."""

    def __init__(self, outgoing: trio.MemorySendChannel[bytes], incoming: trio.MemoryReceiveChannel[bytes]) -> None:
        self._outgoing = outgoing
        self._incoming = incoming
        self._rest = bytearray()  # of a chunk that was larger than asked for; cheap to cut at the front
        self._reading = False
        self._closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self._check_open()
        if data:
            await self._outgoing.send(bytes(data))
        else:
            await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        self._check_open()
        await trio.lowlevel.checkpoint()

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        if max_bytes is not None and operator.index(max_bytes) < 1:
            raise ValueError(f"max_bytes must be >= 1, was {max_bytes}")
        self._check_open()
        if self._reading:
            raise trio.BusyResourceError("another task is reading this stream")
        if self._rest:
            await trio.lowlevel.checkpoint()
        else:
            self._reading = True
            try:
                data = await self._incoming.receive()
            except trio.EndOfChannel:
                await trio.lowlevel.checkpoint()  # a loop that reads on must not starve the other tasks
                return b""
            finally:
                self._reading = False
            if max_bytes is None or len(data) <= max_bytes:
                return data
            self._rest += data
        taken = bytes(self._rest[:max_bytes])
        del self._rest[: len(taken)]
        return taken

    def is_quiet(self) -> bool:
        state = self._incoming.statistics()
        return not self._rest and state.current_buffer_used == 0 and state.open_send_channels > 0

    def close(self) -> None:
        """Close at once: the other end reads what was sent, then the end."""
        self._closed = True
        self._outgoing.close()
        self._incoming.close()

    async def aclose(self) -> None:
        self.close()
        await trio.lowlevel.checkpoint()

    def _check_open(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError("this end was closed")


def memory_streams() -> tuple[MemoryStream, MemoryStream]:
    """Return the two ends of a new connection in memory."""
    there, here_in = trio.open_memory_channel[bytes](_CHUNKS_IN_FLIGHT_MAX)
    here, there_in = trio.open_memory_channel[bytes](_CHUNKS_IN_FLIGHT_MAX)
    return MemoryStream(there, there_in), MemoryStream(here, here_in)


class MemoryNetwork:
    """Hosts and ports in one process: no sockets, no threads, no time of its own.

    Given the same order of task steps it does the same again; only trio's scheduler, which the simulation seeds,
    can reorder anything.
    """

    def __init__(self, nursery: trio.Nursery) -> None:
        self._nursery = nursery
        self._listeners: dict[tuple[str, int], Serve] = {}
        self._refused: set[tuple[str, int]] = set()

    def listen(self, host: str, port: int, serve: Serve) -> None:
        """Serve every connection to `host:port`; an error of `serve` ends the nursery."""
        if (host, port) in self._listeners:
            raise ValueError(f"{host}:{port} is served already")
        self._listeners[host, port] = serve

    def refuse(self, host: str, port: int, on: bool) -> None:
        """Refuse new connections to `host:port`, or stop refusing; connections that exist live on."""
        if on:
            self._refused.add((host, port))
        else:
            self._refused.discard((host, port))

    async def connect(self, host: str, port: int, tls: bool) -> trio.abc.Stream:
        """Connect (a `Connect`); `tls` changes nothing here.

        Raises:
            RequestNotSent: nobody listens there, or connections are refused.
        """
        await trio.lowlevel.checkpoint()
        serve = self._listeners.get((host, port))
        if serve is None or (host, port) in self._refused:
            raise RequestNotSent(f"cannot connect to {host}:{port}: connection refused")
        near, far = memory_streams()
        self._nursery.start_soon(self._run, serve, far)
        return near

    @staticmethod
    async def _run(serve: Serve, stream: MemoryStream) -> None:
        try:
            await serve(stream)
        finally:
            stream.close()
