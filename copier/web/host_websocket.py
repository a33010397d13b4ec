"""One WebSocket as ASGI has it: the handshake, what comes in (frames by wsproto), and its outbox."""

import base64
import binascii
from contextlib import suppress
from typing import Final

import h11
import trio
from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import generate_accept_token, split_comma_header

from adapters.transport.served_link import ServedLink
from copier.web.asgi import Bounds, ClientGone, Message
from copier.web.outbox import Outbox
from copier.web.problems import MEDIA_TYPE, problem, problem_body
from rules.model.frozen import frozen

_READ_BYTES: Final = 64 * 1024
_GOODBYE_S_MAX: Final = 1.0
"""For the reader to take what waits, and then for its own close frame, before the line is cut."""

_NONCE_BYTES: Final = 16  # RFC 6455, 4.1
_LINE_LOST = (trio.BrokenResourceError, trio.ClosedResourceError)


@frozen
class Handshake:
    """What a client asks for (RFC 6455, 4.2.1)."""

    key: bytes
    subprotocols: tuple[str, ...]


def read_handshake(event: h11.Request) -> Handshake:
    """Return the handshake that a request is.

    Raises:
        h11.RemoteProtocolError: it is none.
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in event.headers:
        values.setdefault(name, []).append(value)
    connection = [token.lower() for value in values.get(b"connection", []) for token in split_comma_header(value)]
    keys = values.get(b"sec-websocket-key", [])
    if values.get(b"sec-websocket-version") != [b"13"]:
        raise h11.RemoteProtocolError("expected version 13", error_status_hint=426)
    has_body = b"transfer-encoding" in values or values.get(b"content-length", [b"0"]) != [b"0"]
    if has_body or event.method != b"GET" or "upgrade" not in connection or len(keys) != 1 or not _is_nonce(keys[0]):
        raise h11.RemoteProtocolError("expected a WebSocket handshake", error_status_hint=400)
    offers = values.get(b"sec-websocket-protocol", [])
    offered = tuple(name for value in offers for name in split_comma_header(value))
    return Handshake(keys[0], offered)


class WebSocketExchange:
    """One WebSocket, from its handshake to its end."""

    def __init__(self, link: ServedLink, bounds: Bounds, nursery: trio.Nursery, handshake: Handshake) -> None:
        self._handshake = handshake
        self._link = link
        self._bounds = bounds
        self._incoming = _Incoming(bounds.message_bytes_max)
        self._incoming.feed(link.http.trailing_data[0])
        self._told_connect = False
        self._denial: h11.Response | None = None
        self._over: Message | None = None
        """What the app is told, for ever, once it is over."""
        self._reading = trio.CancelScope()
        self.outbox = Outbox(
            link.stream,
            bytes_max=bounds.outbox_bytes_max,
            piece_s_max=bounds.answer_s_max,
            start_task=nursery.start_soon,
            cut=self._cut,
        )

    # For the app

    async def receive(self) -> Message:
        """Return the next thing that happened to the socket."""
        await trio.lowlevel.checkpoint()  # many small messages in one read must not starve the others
        if not self._told_connect:
            self._told_connect = True
            return {"type": "websocket.connect"}
        while self._over is None:
            found = self._incoming.next(self.outbox)
            if isinstance(found, int):
                self.outbox.close(1000 if found == CloseReason.NO_STATUS_RCVD else found)
                self._end(found)
            elif found is not None:
                return found
            elif not await self._read():
                self.outbox.end()
                self._end(CloseReason.ABNORMAL_CLOSURE)
        return dict(self._over)

    async def send(self, message: Message) -> None:
        """Do what the app says.

        Raises:
            ClientGone: nobody is there to hear it.
        """
        await trio.lowlevel.checkpoint()
        match message["type"]:
            case "websocket.accept":
                self._accept(message)
            case "websocket.send":
                await self._send(message)
            case "websocket.close" if self.outbox.is_open:
                self.outbox.close(message.get("code", 1000), message.get("reason") or "")
            case "websocket.close":
                self._end(CloseReason.ABNORMAL_CLOSURE)  # before it was accepted: the host refuses it
            case "websocket.http.response.start":
                headers = [*message.get("headers", ()), (b"connection", b"close")]
                self._denial = h11.Response(status_code=message["status"], headers=headers)
            case "websocket.http.response.body":
                await self._deny(message.get("body", b""), more=message.get("more_body", False))

    # For the host

    async def finish(self, *, failed: bool) -> None:
        """End the socket after the app has returned: with a refusal, or a goodbye."""
        with suppress(*_LINE_LOST):
            await self._finish(failed=failed)

    # Within

    async def _finish(self, *, failed: bool) -> None:
        if self._link.http.our_state is h11.SEND_RESPONSE:
            status = 500 if failed else 403
            kind, body = ("content-type", MEDIA_TYPE), problem_body(problem(status))
            await self._link.answer(status, [kind], body, close=True, timeout_s=self._bounds.answer_s_max)
        elif self._link.http.our_state is not h11.SWITCHED_PROTOCOL:
            await self._link.linger()  # over a refusal of the app's own
        else:
            self.outbox.close(CloseReason.INTERNAL_ERROR if failed else CloseReason.NORMAL_CLOSURE)
            with trio.move_on_after(_GOODBYE_S_MAX):
                await self.outbox.emptied()
                while not (self._incoming.is_closed or self.outbox.is_lost):
                    if not await self._read():
                        return
                    self._incoming.skip()

    def _accept(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = [
            (b"upgrade", b"websocket"),
            (b"connection", b"Upgrade"),
            (b"sec-websocket-accept", generate_accept_token(self._handshake.key)),
            *message.get("headers", ()),
        ]
        if message.get("subprotocol"):
            headers.append((b"sec-websocket-protocol", message["subprotocol"].encode("ascii")))
        switch = h11.InformationalResponse(status_code=101, headers=headers, reason=b"Switching Protocols")
        self.outbox.open(self._link.http.send(switch) or b"")

    async def _send(self, message: Message) -> None:
        """Send as ASGI has it: slowly to a slow reader."""
        text = message.get("text")
        sent = self.outbox.put(text.encode()) if text is not None else self.outbox.put_binary(message["bytes"])
        if not sent:
            raise ClientGone("the client is gone, or takes nothing")
        await self.outbox.emptied()

    async def _deny(self, body: bytes, *, more: bool) -> None:
        assert self._denial is not None, "expected websocket.http.response.start first"
        events: list[h11.Event] = []
        if self._link.http.our_state is h11.SEND_RESPONSE:
            events.append(self._denial)
        if body:
            events.append(h11.Data(data=body))
        if not more:
            events.append(h11.EndOfMessage())
        try:
            await self._link.send(*events, timeout_s=self._bounds.answer_s_max)
        except _LINE_LOST as error:
            raise ClientGone("the client is gone, or takes nothing") from error

    async def _read(self) -> bool:
        """Read more; False when the line is lost, was cut, or is dead."""
        for last in (False, True):
            data: bytes | bytearray | None = None
            with trio.CancelScope(deadline=trio.current_time() + self._bounds.silence_s_max / 2) as self._reading:
                try:
                    data = await self._link.stream.receive_some(_READ_BYTES)
                except _LINE_LOST:
                    return False
            if data is not None:
                self._incoming.feed(bytes(data))
                return bool(data)
            if last or self.outbox.is_lost:
                return False
            self.outbox.ping()
        return False

    def _cut(self) -> None:
        self._end(CloseReason.ABNORMAL_CLOSURE)
        self._reading.cancel()

    def _end(self, code: int) -> None:
        if self._over is None:
            self._over = {"type": "websocket.disconnect", "code": code, "reason": ""}


class _Incoming:
    """Bytes in, whole messages out; pings are answered on the way."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._protocol = Connection(ConnectionType.SERVER)
        self._part = bytearray()
        self._failed = False

    @property
    def is_closed(self) -> bool:
        """Whether the client has said goodbye."""
        return self._protocol.state is not ConnectionState.OPEN

    def feed(self, data: bytes) -> None:
        """Take what was read; what comes after a failure, or after the goodbye, is nothing any more."""
        if not (self._failed or self.is_closed):
            self._protocol.receive_data(data)

    def next(self, outbox: Outbox) -> Message | int | None:
        """Return the next message, the code that it ends with, or None: read on."""
        for event in self._protocol.events():
            if isinstance(event, Ping):
                outbox.pong(bytes(event.payload))
            elif isinstance(event, CloseConnection):
                self._failed = not self.is_closed
                return int(event.code)
            elif isinstance(event, TextMessage | BytesMessage):
                is_text = isinstance(event, TextMessage)
                self._part += event.data.encode() if isinstance(event, TextMessage) else event.data
                if len(self._part) > self._bytes_max:
                    self._failed = True
                    return int(CloseReason.MESSAGE_TOO_BIG)
                if event.message_finished:
                    whole, self._part = bytes(self._part), bytearray()
                    return {
                        "type": "websocket.receive",
                        "text": whole.decode() if is_text else None,
                        "bytes": None if is_text else whole,
                    }
        return None

    def skip(self) -> None:
        """Look only for the goodbye in what was read."""
        if not self._failed:
            for event in self._protocol.events():
                if isinstance(event, CloseConnection):
                    self._failed = not self.is_closed


def _is_nonce(key: bytes) -> bool:
    try:
        return len(base64.b64decode(key, validate=True)) == _NONCE_BYTES
    except binascii.Error:
        return False
