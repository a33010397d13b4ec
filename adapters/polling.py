"""The client half of Engine.IO long polling: what a WebSocket would carry, by GETs that wait and POSTs.

Nothing is ever asked twice: whatever goes wrong with a request ends the connection. A POST whose answer is lost leaves
open whether its frames arrived, as a WebSocket does that breaks after a frame was sent.
"""

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final
from urllib.parse import urlencode

import trio
from attrs import evolve, frozen

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.engineio_payload import (
    FRAMING_BYTES_MAX,
    PACKETS_OUT_MAX,
    PAYLOAD_BYTES_MAX,
    content_type,
    decode_payload,
    encode_payload,
)
from adapters.frames import FrameQueue, frame_bytes
from adapters.http import HttpClient, HttpResponse
from adapters.network import Connect
from adapters.socketio_packets import EioVersion, broken_frame, check_frame, read_json
from adapters.websocket import MESSAGE_BYTES_MAX, as_session_lost

# Frames that wait for a slow reader before no further poll is made; and for a slow POST before the sender waits.
_FRAMES_WAITING_MAX = 16

# A server that does not take our last frames and the close is left after this time (a WebSocket's is as long).
_CLOSE_S_MAX = 1.0

# Of what the server promises to say something within (ping interval and timeout): an hour of patience is none.
_SILENCE_MS_MAX = 3_600_000

# Ours and npm's have 20 to 30; some hundred hold whatever an edge puts in front.
_SID_CHARS_MAX = 500

# What browsers keep of one cookie, twice.
_COOKIE_CHARS_MAX = 8192

# A comma that a further `name=` follows; the one in a date is followed by a day and a blank.
_BETWEEN_COOKIES = re.compile(r",\s*(?=[^;,=\s]+=)")

_CLOSE: Final = "1"


@asynccontextmanager
async def open_polling(
    origin: str,
    path: str,
    *,
    connect: Connect,
    eio_version: EioVersion = 4,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
    message_bytes_max: int = MESSAGE_BYTES_MAX,
) -> AsyncGenerator["PollingConnection", None]:
    """Open an Engine.IO connection by long polling for the length of the block; leaving the block closes it.

    Errors of the block come out as they are (not in a group), but groups of nothing but SessionLost as one.

    Args:
        origin: http(s)://host[:port].
        path: the server's path, as `/socket.io`; the closing slash is added.
        query: further fields, before EIO and transport.
        timeout_s: for the handshake, and for each POST.
        message_bytes_max: of the body that answers one poll.
    Raises:
        RequestNotSent: no connection. SessionLost: no handshake, or the connection was lost within the block.
        SignInRefused: the handshake was refused with 401 or 403.
    """
    # One connection polls while the other posts.
    http = HttpClient(origin, connect=connect, connections=2, timeout_s=timeout_s, body_bytes_max=message_bytes_max)
    place = f"/{path.strip('/')}/"
    where = f"{origin.rstrip('/')}{place}"
    target = f"{place}?{urlencode({**(query or {}), 'EIO': str(eio_version), 'transport': 'polling'})}"
    failure: Exception | None = None
    try:
        wire = _Wire(http, target, {"cache-control": "no-cache", **_lower(headers or {})}, eio_version, where)
        connection = await PollingConnection.begun(wire)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.run)
            try:
                try:
                    yield connection
                finally:
                    with trio.move_on_after(_CLOSE_S_MAX, shield=True):
                        await connection.aclose()
            except Exception as error:  # noqa: BLE001 - raised below, outside of the nursery and so not in a group
                failure = error
            nursery.cancel_scope.cancel()
    finally:
        with trio.CancelScope(shield=True):  # waits for nobody, and would leave sockets open if it were cancelled
            await http.aclose()
    if failure is not None:
        raise as_session_lost(failure, where)


class PollingConnection:
    """An open connection; a `FrameConnection`, so that a session runs over it as over a WebSocket."""

    def __init__(self, wire: "_Wire", first: list[str | bytes], silence_s_max: float, frame_bytes_max: int) -> None:
        self._wire = wire
        self._first = first
        self._silence_s_max = silence_s_max
        self._frame_bytes_max = frame_bytes_max
        self._incoming: FrameQueue[str | bytes] = FrameQueue(_FRAMES_WAITING_MAX)
        self._outgoing: FrameQueue[str] = FrameQueue(_FRAMES_WAITING_MAX)
        self._sent_all = trio.Event()
        self._lost = SessionLost(f"{wire.where}: connection closed")

    @classmethod
    async def begun(cls, wire: "_Wire") -> "PollingConnection":
        """Make the handshake; the open packet is the first message."""
        answer = await wire.ask("GET")
        if answer.status in (401, 403):
            raise SignInRefused(f"{wire.where}: expected 200 (an open packet), found HTTP {answer.status}")
        if answer.status != 200:
            raise SessionLost(f"{wire.where}: expected 200 (an open packet), found HTTP {answer.status}")
        with _named(wire.where):
            frames = decode_payload(answer.body, wire.eio_version)
            fields = _open_fields(frames[0])
            silence_ms_max = sum(_whole(fields, name, _SILENCE_MS_MAX) for name in ("pingInterval", "pingTimeout"))
            # Engine.IO 3 does not tell it.
            most = _whole(fields, "maxPayload", None) if "maxPayload" in fields else MESSAGE_BYTES_MAX
        return cls(wire.of(fields["sid"], answer), frames, silence_ms_max / 1000, most)

    async def get_message(self) -> str | bytes:
        """Return the server's next frame.

        Raises:
            SessionLost: the connection is gone; never RequestNotSent, since what was sent before may have arrived.
        """
        frames = await self._incoming.take(1, 0)
        if not frames:
            raise self._loss()
        return frames[0]

    async def send_message(self, message: str) -> None:
        """Have a frame posted, soon and in order; waits while sixteen others wait.

        Raises:
            SessionLost: the connection is gone. RemoteProtocolError: the server takes no frame as large as this.
        """
        size = frame_bytes(message)
        if size > self._frame_bytes_max:
            raise RemoteProtocolError(
                f"{self._wire.where}: expected a maxPayload of at least {size}, found {self._frame_bytes_max}"
            )
        if not await self._outgoing.put(message):
            raise self._loss()

    async def run(self) -> None:
        """Poll and post until the connection is lost or closed."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._poll)
                nursery.start_soon(self._post)
        except* SessionLost as group:
            error = as_session_lost(group, self._wire.where)
            # Never RequestNotSent, whatever became of the request that failed: frames have been posted before.
            self._lost = (RemoteProtocolError if isinstance(error, RemoteProtocolError) else SessionLost)(str(error))
        finally:
            self._incoming.close()
            self._outgoing.clear()
            self._sent_all.set()

    async def aclose(self) -> None:
        """Post what waits, and a close packet; the caller bounds the wait."""
        self._outgoing.close(_CLOSE)
        await self._sent_all.wait()

    async def _poll(self) -> None:
        frames = self._first
        while True:
            for frame in frames:
                await self._incoming.put(frame)
                if frame == _CLOSE:
                    raise SessionLost(f"{self._wire.where}: the server closed the connection")
            answer = await self._wire.ask("GET", timeout_s=self._silence_s_max)
            if answer.status != 200:
                raise SessionLost(f"{self._wire.where}: expected 200 (packets), found HTTP {answer.status}")
            with _named(self._wire.where):
                frames = decode_payload(answer.body, self._wire.eio_version)

    async def _post(self) -> None:
        bytes_max = min(self._frame_bytes_max, PAYLOAD_BYTES_MAX) - FRAMING_BYTES_MAX
        while frames := await self._outgoing.take(PACKETS_OUT_MAX, bytes_max):
            body = encode_payload(frames, self._wire.eio_version, may_be_binary=True)
            answer = await self._wire.ask("POST", body)
            if answer.status != 200:
                raise SessionLost(f"{self._wire.where}: expected 200 (packets taken), found HTTP {answer.status}")
        self._sent_all.set()

    def _loss(self) -> SessionLost:
        return type(self._lost)(str(self._lost))  # a new one for each task that raises it


@frozen
class _Wire:
    """How this connection's requests are written. Errors show nothing of the query, where some venues want a token."""

    http: HttpClient
    target: str
    headers: Mapping[str, str]
    eio_version: EioVersion
    where: str

    def of(self, sid: str, answer: HttpResponse) -> "_Wire":
        """Return the wire of the session that `answer` began: it names the session, and gives back its cookies."""
        # An edge with several servers behind it finds the one that knows the session by a cookie.
        cookies = [*_cookies(answer.headers.get("set-cookie", "")), self.headers.get("cookie", "")]
        cookie = "; ".join(part for part in cookies if part)
        headers = {**self.headers, "cookie": cookie} if cookie else self.headers
        return evolve(self, target=f"{self.target}&{urlencode({'sid': sid})}", headers=headers)

    async def ask(self, method: str, body: bytes | None = None, timeout_s: float | None = None) -> HttpResponse:
        headers = self.headers if body is None else {**self.headers, "content-type": content_type(body)}
        return await self.http.request(method, self.target, headers=headers, body=body, timeout_s=timeout_s)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Put `where` before what is wrong with an answer."""
    try:
        yield
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"{where}: {error}") from None


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _cookies(header: str) -> list[str]:
    """Return `name=value` of each cookie in one or more Set-Cookie headers, joined by commas as `Expires` has one."""
    if len(header) > _COOKIE_CHARS_MAX or not header.isascii() or not header.isprintable():
        return []
    return [part.partition(";")[0].strip() for part in _BETWEEN_COOKIES.split(header)]


def _open_fields(frame: str | bytes) -> dict[str, Any]:
    text = check_frame(frame, MESSAGE_BYTES_MAX)
    fields = read_json(text[1:], text) if text.startswith("0") else None
    if not isinstance(fields, dict) or not isinstance(fields.get("sid"), str) or len(fields["sid"]) > _SID_CHARS_MAX:
        raise broken_frame(f"an open packet with a sid of at most {_SID_CHARS_MAX} characters", text)
    return fields


def _whole(fields: Mapping[str, Any], name: str, most: int | None) -> int:
    value = fields.get(name)
    if type(value) is not int or value <= 0 or (most is not None and value > most):
        raise RemoteProtocolError(f"expected a whole {name} of at least 1 in the open packet, found {value!r:.40}")
    return value
