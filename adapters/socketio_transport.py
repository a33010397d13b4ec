"""Which way to a Socket.IO server: a WebSocket at once, and long polling where an edge lets no WebSocket through."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from adapters.frames import FrameConnection
from adapters.network import Connect
from adapters.polling import open_polling
from adapters.socketio import endpoint
from adapters.socketio_packets import EioVersion
from adapters.websocket import MESSAGE_BYTES_MAX, UpgradeForbidden, UpgradeRefused, open_websocket

# Who says so wants fewer requests, not another one.
_TOO_MANY_REQUESTS = 429


@asynccontextmanager
async def open_socketio(
    origin: str,
    path: str,
    *,
    connect: Connect,
    eio_version: EioVersion = 4,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    message_bytes_max: int = MESSAGE_BYTES_MAX,
) -> AsyncGenerator[FrameConnection, None]:
    """Open a connection for a `ClientSession` for the length of the block; leaving the block closes it.

    A WebSocket is tried first. Where an HTTP status refuses it (401 and 429 aside, which are meant for us), polling is
    tried once; no connection, or one that is lost in the handshake, is not answered by polling. Nothing was said on the
    WebSocket by then, so nothing is said twice.

    Args:
        origin: http(s):// or ws(s)://host[:port].
        path: the server's path, as `/socket.io`; the closing slash is added.
        query: further fields, before EIO and transport.
        timeout_s: for connecting and each handshake; when polling, for each POST.
        message_bytes_max: of a WebSocket message; when polling, of the answer to one poll.
    Raises:
        RequestNotSent: no connection. SessionLost: no handshake, or the connection was lost within the block.
        SignInRefused: the handshake was refused with 401, or that of polling with 403.
    """
    given = dict(headers or {})
    async with AsyncExitStack() as stack:
        connection: FrameConnection | None = None
        try:
            url = endpoint(origin, path, eio_version=eio_version, query=query)
            websocket = open_websocket(
                url,
                connect=connect,
                headers=given.items(),
                timeout_s=timeout_s,
                message_bytes_max=message_bytes_max,
            )
            connection = await stack.enter_async_context(websocket)
        except UpgradeForbidden:
            pass  # polling tells whether it was us or the WebSocket
        except UpgradeRefused as refusal:
            if refusal.status == _TOO_MANY_REQUESTS:
                raise
        if connection is None:
            polling = open_polling(
                _http(origin),
                path,
                connect=connect,
                eio_version=eio_version,
                query=query,
                headers=given,
                timeout_s=timeout_s,
                message_bytes_max=message_bytes_max,
            )
            connection = await stack.enter_async_context(polling)
        yield connection


def _http(origin: str) -> str:
    parts = urlsplit(origin)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, "", "", ""))
