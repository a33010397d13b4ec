"""A WebSocket to a venue over an injected stream; every way of losing it is a SessionLost."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import cast
from urllib.parse import urlsplit

import h11
import trio
import wsproto.utilities
from trio_websocket import (
    CloseReason,
    ConnectionClosed,
    ConnectionRejected,
    HandshakeError,
    wrap_client_stream,
)

from adapters.base import LocalProtocolError, RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.transport.http import authority
from adapters.transport.network import Connect
from adapters.transport.plain_frames import READ_BYTES, FrameStream, VenueSocket
from rules.model.frozen import frozen

MESSAGE_BYTES_MAX = 16 * 1024 * 1024

# Messages that wait for a slow reader before back-pressure reaches the socket. More would only hold more memory.
MESSAGES_WAITING_MAX = 16

# A venue that does not answer our close frame is left after this time; the session is over either way.
_CLOSE_S_MAX = 1.0

# What the library raises when the line is gone or garbage came over it. The local errors too: its reader answers pings
# in a closing connection, and tries to send an HTTP refusal to a server whose handshake is garbage.
_BROKEN = (
    ConnectionClosed,
    HandshakeError,
    trio.BrokenResourceError,
    trio.ClosedResourceError,
    wsproto.utilities.LocalProtocolError,
    wsproto.utilities.RemoteProtocolError,
    h11.ProtocolError,
)


class UpgradeRefused(SessionLost):
    """The handshake was answered by another HTTP status than 101, 401 and 403: perhaps no WebSocket gets through."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


class UpgradeForbidden(SignInRefused):
    """The handshake was answered by 403: bad credentials, or an edge that lets no WebSocket through."""


@asynccontextmanager
async def open_websocket(
    url: str,
    *,
    connect: Connect,
    headers: Iterable[tuple[str, str]] = (),
    subprotocols: Iterable[str] = (),
    timeout_s: float = 10.0,
    message_bytes_max: int = MESSAGE_BYTES_MAX,
) -> AsyncGenerator[VenueSocket, None]:
    """Open a WebSocket for the length of the block; leaving the block closes it.

    Errors of the block come out as they are (not in a group), but ConnectionClosed as SessionLost, also out of
    nurseries inside the block.

    Args:
        url: ws:// or wss:// with path and query.
        timeout_s: for connecting and the handshake together.
        message_bytes_max: a larger message from the venue ends the connection.
    Raises:
        RequestNotSent: no connection. SessionLost: no handshake, or the connection was lost within the block.
        SignInRefused: the handshake was refused with 401, or 403 (UpgradeForbidden).
        UpgradeRefused: it was refused with any other status.
        LocalProtocolError: the headers cannot be written as HTTP.
    """
    place = _parse(url)
    opening = partial(
        wrap_client_stream,
        host=place.authority,
        resource=place.resource,
        subprotocols=list(subprotocols),
        extra_headers=[_header(name, value) for name, value in headers],
        message_queue_size=MESSAGES_WAITING_MAX,
        max_message_size=message_bytes_max,
        receive_buffer_size=READ_BYTES,
    )
    deadline = trio.current_time() + timeout_s
    stream = FrameStream(await _connected(place, connect, deadline, timeout_s), message_bytes_max)
    failure: Exception | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                socket: VenueSocket | None = None
                with trio.move_on_at(deadline):
                    # The library's annotation is narrower than what it uses.
                    open_it = partial(opening, nursery, cast("trio.SocketStream", stream))
                    socket = VenueSocket(stream, await stream.shake(open_it))
                if socket is None:
                    raise SessionLost(f"{place}: no WebSocket handshake within {timeout_s:g} s")
                try:
                    yield socket
                finally:
                    with trio.move_on_after(_CLOSE_S_MAX, shield=True):
                        await socket.aclose()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the nursery and so not in a group
                failure = error
            nursery.cancel_scope.cancel()
    except* _BROKEN as group:
        # From the library's reader: the cause where nothing else failed, and of every refused handshake.
        cause = _first(group)
        if failure is None or isinstance(cause, ConnectionRejected):
            failure = cause
    finally:
        await trio.aclose_forcefully(stream)
    if failure is not None:
        lost = as_session_lost(failure, str(place))
        if lost is failure:
            raise failure
        raise lost from None  # not chained: a refusal's headers and body may echo a token


def as_session_lost(error: Exception, where: str) -> Exception:
    """Return what an error of a WebSocket means: SessionLost or SignInRefused, or the error itself if it is not of it.

    A group is looked through: one that holds nothing but lost connections (as a nursery raises it) becomes one error.
    """
    if isinstance(error, ExceptionGroup):
        weather, bugs = error.split((SessionLost, *_BROKEN))
        return error if bugs is not None or weather is None else as_session_lost(_first(weather), where)
    if isinstance(error, ConnectionRejected):
        text = f"{where}: expected 101 (a WebSocket), found HTTP {error.status_code}"
        if error.status_code == 401:
            return SignInRefused(text)
        return UpgradeForbidden(text) if error.status_code == 403 else UpgradeRefused(text, error.status_code)
    if isinstance(error, ConnectionClosed):
        return SessionLost(f"{where}: {_why_closed(error.reason)}")
    if isinstance(error, h11.ProtocolError):
        return RemoteProtocolError(f"{where}: expected a WebSocket handshake, found garbage")
    if isinstance(error, wsproto.utilities.RemoteProtocolError | wsproto.utilities.LocalProtocolError):
        return RemoteProtocolError(f"{where}: expected a WebSocket, found {str(error)[:100]!r}")
    if isinstance(error, _BROKEN):
        return SessionLost(f"{where}: connection lost")
    return error


@frozen
class _Place:
    host: str
    port: int
    tls: bool
    resource: str

    @property
    def authority(self) -> str:
        return authority(self.host, self.port, self.tls)

    def __str__(self) -> str:
        # Without the query, where some venues want a token.
        return f"{'wss' if self.tls else 'ws'}://{self.authority}{self.resource.partition('?')[0]}"


def _parse(url: str) -> _Place:
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss") or not parts.hostname or parts.username is not None:
        raise ValueError("url must be ws(s)://host[:port]/path without user and password")
    tls = parts.scheme == "wss"
    resource = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Place(parts.hostname, parts.port or (443 if tls else 80), tls, resource)


def _header(name: str, value: str) -> tuple[bytes, bytes]:
    try:
        line = (name.encode("ascii"), value.encode("latin-1"))
    except UnicodeEncodeError:
        line = (b"", b"\n")
    if not line[0] or any(byte in part for part in line for byte in b"\r\n\0"):
        raise LocalProtocolError(f"header {name[:40]!r} cannot be written as HTTP/1.1")  # the value may be a token
    return line


async def _connected(place: _Place, connect: Connect, deadline: float, timeout_s: float) -> trio.abc.Stream:
    stream: trio.abc.Stream | None = None
    with trio.move_on_at(deadline):
        stream = await connect(place.host, place.port, place.tls)
    if stream is None:
        raise RequestNotSent(f"{place}: no connection within {timeout_s:g} s")
    return stream


def _first(group: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error


def _why_closed(reason: CloseReason | None) -> str:
    if reason is None:
        return "connection closed"
    return f"connection closed with code {reason.code}" + (f" {reason.reason[:100]!r}" if reason.reason else "")
