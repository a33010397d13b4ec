"""Which way to a Socket.IO server: a WebSocket at once, and long polling where an edge lets no WebSocket through."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final, TypeVar
from urllib.parse import urlsplit, urlunsplit

import trio

from adapters.base import RequestNotSent, SessionLost, SignInRefused
from adapters.transport.frames import ClientConnection
from adapters.transport.network import Connect
from adapters.transport.polling import open_polling
from adapters.transport.socketio import endpoint
from adapters.transport.socketio_packets import EioVersion
from adapters.transport.websocket import MESSAGE_BYTES_MAX, UpgradeForbidden, UpgradeRefused, open_websocket

# Who says so wants fewer requests, not another one.
_TOO_MANY_REQUESTS = 429

# An edge's rules are changed by people. A connection that is opened meanwhile, perhaps for an order, should not pay for
# a vain try; and after an hour one try costs nothing.
_POLLING_S: Final = 3600.0

T = TypeVar("T")
U = TypeVar("U")


class Passage:
    """What gets through to one server, for all connections to it: that polling was needed is remembered for an hour."""

    def __init__(self) -> None:
        self._polling_until_s = float("-inf")

    @property
    def is_polling(self) -> bool:
        """Whether a WebSocket was refused, and polling was not, within the last hour."""
        return trio.current_time() < self._polling_until_s

    async def through(self, websocket: Callable[[], Awaitable[T]], polling: Callable[[], Awaitable[U]]) -> T | U:
        """Open a WebSocket, or polling where an HTTP status refuses the WebSocket (401 and 429 aside).

        Raises:
            what the two raise; SessionLost for a SignInRefused of polling where the WebSocket has not been asked.
        """
        known = self.is_polling
        if not known:
            try:
                return await websocket()
            except UpgradeForbidden:
                pass  # polling tells whether it was us or the WebSocket
            except UpgradeRefused as refusal:
                if refusal.status == _TOO_MANY_REQUESTS:
                    raise
        try:
            opened = await polling()
        except RequestNotSent:
            raise
        except (SessionLost, SignInRefused) as error:
            self._polling_until_s = float("-inf")
            if known and isinstance(error, SignInRefused):
                raise SessionLost(f"{error}; the next try is a WebSocket") from None
            raise
        if not known:
            self._polling_until_s = trio.current_time() + _POLLING_S
        return opened


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
    passage: Passage | None = None,
) -> AsyncGenerator[ClientConnection, None]:
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
        passage: remembers for the next connections that this one had to poll.
    Raises:
        RequestNotSent: no connection. SessionLost: no handshake, or the connection was lost within the block.
        SignInRefused: the handshake was refused with 401, or that of polling with 403.
    """
    given = dict(headers or {})
    async with AsyncExitStack() as stack:
        websocket = open_websocket(
            endpoint(origin, path, eio_version=eio_version, query=query),
            connect=connect,
            headers=given.items(),
            timeout_s=timeout_s,
            message_bytes_max=message_bytes_max,
        )
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
        enter = stack.enter_async_context
        yield await (passage or Passage()).through(partial(enter, websocket), partial(enter, polling))


def _http(origin: str) -> str:
    parts = urlsplit(origin)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, "", "", ""))
