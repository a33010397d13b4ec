"""A WebSocket without a task of its own: it reads only while somebody asks it to. For requests, which come and go."""

from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit

import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, RejectConnection, Request, TextMessage
from wsproto.events import Event as SocketEvent
from wsproto.utilities import LocalProtocolError as SocketMisuse
from wsproto.utilities import RemoteProtocolError as SocketGarbage

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.transport.http import authority
from adapters.transport.network import Connect, is_quiet
from adapters.transport.websocket import UpgradeForbidden, UpgradeRefused

_READ_BYTES: Final = 64 * 1024
_MESSAGE_CHARS_MAX: Final = 16 * 1024 * 1024

_SEND_S_MAX: Final = 10.0
"""For writing one message, which is not interrupted: half a message would end the connection for all who wait on it."""

_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class Link:
    """An open WebSocket. One task reads at a time; any may send.

    `lost` is why it is of no more use, once it is.
    """

    def __init__(self, stream: trio.abc.Stream, where: str) -> None:
        self.lost: SessionLost | None = None
        self._stream = stream
        self._where = where
        self._socket = WSConnection(ConnectionType.CLIENT)
        self._turn = trio.Lock()
        self._parts: list[str] = []
        self._chars = 0

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing waits to be read, the other side's end included."""
        return is_quiet(self._stream)

    async def shake(self, target: str, headers: Iterable[tuple[str, str]]) -> list[str]:
        """Make the handshake; returns the messages that came right behind it.

        Raises:
            SignInRefused: 401, or 403 (UpgradeForbidden). UpgradeRefused: any other status. SessionLost: no answer.
        """
        lines = [(name.encode("ascii"), value.encode("ascii")) for name, value in headers]
        host = self._where.partition("://")[2].partition("/")[0]
        await self._write(lambda: self._socket.send(Request(host=host, target=target, extra_headers=lines)))
        while True:
            events = await self._events()
            for number, event in enumerate(events):
                if isinstance(event, RejectConnection):
                    raise self._fail(self._refused(event.status_code))
                if isinstance(event, AcceptConnection):
                    return await self._messages(events[number + 1 :])

    async def send(self, messages: Iterable[str]) -> None:
        """Send messages, each whole, also when the caller is cancelled meanwhile.

        Raises:
            RequestNotSent: nothing of them left. SessionLost: something may have.
        """
        await self._write(lambda: b"".join(self._socket.send(TextMessage(data=message)) for message in messages))

    async def receive(self) -> list[str]:
        """Wait for bytes and return the messages that they complete; safe to cancel.

        Raises:
            SessionLost: the other side is gone.
        """
        return await self._messages(await self._events())

    async def aclose(self) -> None:
        """Cut the connection."""
        self.lost = self.lost or SessionLost(f"{self._where}: closed by us")
        await trio.aclose_forcefully(self._stream)

    async def _write(self, make: Callable[[], bytes]) -> None:
        async with self._turn:
            if self.lost is not None:
                raise RequestNotSent(str(self.lost))
            try:
                data = make()  # in turn, since the protocol counts on the order
            except SocketMisuse:
                raise self._fail(RequestNotSent(f"{self._where}: the connection is closing")) from None
            try:
                with trio.move_on_after(_SEND_S_MAX, shield=True):
                    await self._stream.send_all(data)
                    return
            except _GONE:
                raise self._fail(SessionLost(f"{self._where}: connection lost")) from None
            raise self._fail(SessionLost(f"{self._where}: could not be written to within {_SEND_S_MAX:g} s"))

    async def _events(self) -> list[SocketEvent]:
        if self.lost is not None:
            raise SessionLost(str(self.lost))
        try:
            data = await self._stream.receive_some(_READ_BYTES)
        except _GONE:
            raise self._fail(SessionLost(f"{self._where}: connection lost")) from None
        if not data:
            raise self._fail(SessionLost(f"{self._where}: connection closed"))
        try:
            self._socket.receive_data(bytes(data))
            return list(self._socket.events())
        except SocketGarbage as error:
            text = f"{self._where}: expected a WebSocket, found {str(error)[:100]!r}"
            raise self._fail(RemoteProtocolError(text)) from None

    async def _messages(self, events: Iterable[SocketEvent]) -> list[str]:
        messages: list[str] = []
        for event in events:
            match event:
                case TextMessage(data=data, message_finished=finished):
                    self._parts.append(data)
                    self._chars += len(data)
                    if self._chars > _MESSAGE_CHARS_MAX:
                        text = (
                            f"{self._where}: expected messages of at most {_MESSAGE_CHARS_MAX} characters, found more"
                        )
                        raise self._fail(RemoteProtocolError(text))
                    if finished:
                        messages.append("".join(self._parts))
                        self._parts, self._chars = [], 0
                case Ping():
                    answer = event.response()
                    await self._write(lambda answer=answer: self._socket.send(answer))  # type: ignore[misc] # bound now
                case CloseConnection(code=code):
                    raise self._fail(SessionLost(f"{self._where}: connection closed with code {code}"))
        return messages

    def _refused(self, status: int) -> Exception:
        text = f"{self._where}: expected 101 (a WebSocket), found HTTP {status}"
        if status == 401:
            return SignInRefused(text)
        return UpgradeForbidden(text) if status == 403 else UpgradeRefused(text, status)

    def _fail(self, error: Exception) -> Exception:
        self.lost = self.lost or (error if isinstance(error, SessionLost) else SessionLost(str(error)))
        return error


async def open_link(url: str, connect: Connect, headers: Iterable[tuple[str, str]]) -> tuple[Link, list[str]]:
    """Open a WebSocket; returns it and the messages that came right behind the handshake. The caller bounds the wait.

    Args:
        url: ws:// or wss:// with path and query; the query is in no error.
    Raises:
        as `Link.shake`. SessionLost: no connection, or no WebSocket there.
    """
    parts = urlsplit(url)
    tls, host = parts.scheme == "wss", parts.hostname or ""
    port = parts.port or (443 if tls else 80)
    where = f"{parts.scheme}://{authority(host, port, tls)}{parts.path}"
    link = Link(await connect(host, port, tls), where)
    try:
        return link, await link.shake(f"{parts.path}?{parts.query}", headers)
    except BaseException:
        await link.aclose()
        raise
