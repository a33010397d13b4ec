"""One client of the server half of Engine.IO: it begins with long polling, and may move to a WebSocket.

Its handler sees none of that: it calls `get_message` and `send_message` as with a WebSocket.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

import msgspec
import trio

from adapters.base import LocalProtocolError, RemoteProtocolError, SessionLost
from adapters.transport.engineio_payload import (
    FRAMING_BYTES_MAX,
    PACKETS_OUT_MAX,
    content_type,
    decode_payload,
    encode_payload,
)
from adapters.transport.frames import FrameConnection, FrameQueue
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection
from adapters.transport.socketio_packets import EioVersion

T = TypeVar("T")

# As many messages as serving.py lets wait for a WebSocket's handler; a poll takes most of them at once.
_FRAMES_WAITING_MAX = 16

# A poll that finds nothing is answered by a noop after this time: python-engineio 3.14 gives a poll up after 30 s, and
# load balancers commonly after 60 s.
_POLL_S_MAX: Final = 20.0

# The client has this long to complete the move to a WebSocket (npm's `upgradeTimeout`).
_UPGRADE_S_MAX = 10.0

# What is left when the handler has ended waits this long for a last poll (npm's `closeTimeout`).
_LAST_POLL_S_MAX: Final = 30.0

_CLOSE, _NOOP = "1", "6"
_PROBE, _PROBE_ANSWER, _UPGRADE = "2probe", "3probe", "5"

_ERRORS: Final = {
    0: "Transport unknown",
    1: "Session ID unknown",
    2: "Bad handshake method",
    3: "Bad request",
    4: "Forbidden",
    5: "Unsupported protocol version",
}
"""npm's engine.io 6 (`Server.errorMessages`)."""


def refusal(code: int) -> HttpResponse:
    """Return Engine.IO's answer to a request that cannot be served."""
    body = msgspec.json.encode({"code": code, "message": _ERRORS[code]})
    return HttpResponse(400, {"content-type": "application/json"}, body)


class PollingSession:
    """The state of one client, between its requests and its handler (a FrameConnection for the latter).

    Args:
        eio_version: as the client's `EIO` query field says.
        register: called with the sid of the handler's open packet, which is its first frame.
        may_be_binary: the client takes the binary form of a payload.
        payload_bytes_max: of one HTTP body, either way.
        idle_s_max: how long the client may ask nothing at all while it is polling.
    """

    def __init__(
        self,
        eio_version: EioVersion,
        register: Callable[[str, "PollingSession"], None],
        *,
        may_be_binary: bool,
        payload_bytes_max: int,
        idle_s_max: float,
    ) -> None:
        self.sid: str | None = None
        self.has_upgraded = False
        self.is_upgrading = False
        self._eio_version: EioVersion = eio_version
        self._register = register
        self._may_be_binary = may_be_binary
        self._payload_bytes_max = payload_bytes_max
        self._idle_s_max = idle_s_max
        self._incoming: FrameQueue[str | bytes] = FrameQueue(_FRAMES_WAITING_MAX)
        self._outgoing: FrameQueue[str] = FrameQueue(_FRAMES_WAITING_MAX)
        self._drained = trio.Event()
        self._poll: trio.CancelScope | None = None
        self._is_posting = False
        self._is_lost = False
        self._is_dropped = False
        self._has_client_closed = False
        self._last_frame = ""
        self._why_lost = "the client went away"
        self._give_up_at = trio.current_time() + idle_s_max

    # For the handler

    async def get_message(self) -> str | bytes:
        """Return the client's next frame.

        Raises:
            SessionLost: the client went away, was silent for too long, or broke the protocol.
        """
        frames = await self._patiently(partial(self._incoming.take, 1, 0))
        if not frames:
            raise SessionLost(self._why_lost)
        return frames[0]

    async def send_message(self, message: str) -> None:
        """Leave a frame for the client; waits while sixteen others wait.

        Raises:
            SessionLost: the client went away, was silent for too long, or broke the protocol.
            LocalProtocolError: the first frame is not an open packet with a sid of its own.
        """
        frame = self._opened(message) if self.sid is None else message
        if not await self._patiently(partial(self._outgoing.put, frame)):
            raise SessionLost(self._why_lost)
        self._last_frame = frame

    async def finish(self) -> None:
        """Give the client a while to take what is left, the handler having returned; then forget it."""
        self._incoming.close()
        is_told = self.has_upgraded or self._last_frame == _CLOSE  # a WebSocket has a close frame of its own
        self._outgoing.close(None if is_told else _CLOSE)
        if self.sid is not None and not self._has_client_closed:
            with trio.move_on_after(_LAST_POLL_S_MAX):
                await self._drained.wait()

    def drop(self) -> None:
        """Cut the client off, without a further word; one that is lost anyway may have what was left for it."""
        if not self._is_lost:
            self._is_dropped = True
            self.lose("cut off")
            self._outgoing.clear()
        self._drained.set()

    # For the client's requests

    def lose(self, why: str) -> None:
        """End it for the handler, too."""
        if not self._is_lost:
            self._is_lost = True
            self._why_lost = why
        self._incoming.close()
        self._outgoing.close()

    async def poll(self) -> HttpResponse:
        """Answer a GET: with what waits, as soon as something does.

        Raises:
            DropConnection: the handler wants the client cut off.
        """
        if self._poll is not None:
            self.lose("the client polled twice at once")
            return refusal(3)
        if self.is_upgrading:
            return self._payload([_NOOP])
        frames: list[str] = []
        try:
            with trio.move_on_after(_POLL_S_MAX) as self._poll:
                self._hear()
                frames = await self._outgoing.take(PACKETS_OUT_MAX, self._payload_bytes_max - FRAMING_BYTES_MAX)
        finally:
            self._poll = None
            self._hear()
        if self._is_dropped:
            raise DropConnection
        if self._outgoing.is_done:
            self._drained.set()
        return self._payload(frames or [_CLOSE if self._outgoing.is_done else _NOOP])

    async def post(self, body: bytes) -> HttpResponse:
        """Answer a POST: take its packets, waiting for the handler where it is slow."""
        if self._is_posting:
            self.lose("the client posted twice at once")
            return refusal(3)
        if len(body) > self._payload_bytes_max:
            self.lose("the client posted too much")
            return HttpResponse(413)
        try:
            frames = decode_payload(body, self._eio_version)
        except RemoteProtocolError as error:
            self.lose(str(error))
            return refusal(3)
        self._is_posting = True
        self._hear()
        try:
            for frame in frames:
                self._has_client_closed |= frame == _CLOSE
                if not await self._patiently(partial(self._incoming.put, frame)):
                    break  # the handler has ended, and nobody wants this
        except SessionLost:
            return refusal(3)
        finally:
            self._is_posting = False
            self._hear()
        return HttpResponse(200, {"content-type": "text/html"}, b"ok")

    async def upgrade(self, websocket: FrameConnection) -> None:
        """Move to `websocket` if the client completes the probe, and serve it to its end.

        Raises:
            DropConnection: the handler wants the client cut off.
            ConnectionClosed: in a group; the client went away.
        """
        self.is_upgrading = True
        try:
            with trio.move_on_after(_UPGRADE_S_MAX):
                self.has_upgraded = await self._probe(websocket)
        finally:
            self.is_upgrading = False
        if not self.has_upgraded:
            return
        self._hear()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._read, websocket)
            try:
                await self._write(websocket)
            finally:
                self.lose("the WebSocket was closed")
                self._drained.set()
            nursery.cancel_scope.cancel()
        if self._is_dropped:
            raise DropConnection

    async def _probe(self, websocket: FrameConnection) -> bool:
        if await websocket.get_message() != _PROBE:
            return False
        await websocket.send_message(_PROBE_ANSWER)
        if self._poll is not None:
            self._poll.cancel()  # the client waits for its poll to end
        return await websocket.get_message() == _UPGRADE

    async def _read(self, websocket: FrameConnection) -> None:
        try:
            while True:
                await self._incoming.put(await websocket.get_message())
        finally:
            self.lose("the WebSocket was closed")

    async def _write(self, websocket: FrameConnection) -> None:
        while frames := await self._outgoing.take(1, 0):
            await websocket.send_message(frames[0])

    def _opened(self, message: str) -> str:
        """Return the handler's open packet, changed to what is true of a connection that polls."""
        try:
            fields = msgspec.json.decode(message[1:]) if message.startswith("0") else None
        except msgspec.DecodeError:
            fields = None
        if not isinstance(fields, dict) or not isinstance(fields.get("sid"), str):
            raise LocalProtocolError("the first frame of a handler must be an open packet with a sid")
        self._register(fields["sid"], self)
        self.sid = fields["sid"]
        fields["upgrades"] = ["websocket"]
        fields["maxPayload"] = self._payload_bytes_max
        return f"0{msgspec.json.encode(fields).decode()}"

    def _payload(self, frames: list[str]) -> HttpResponse:
        body = encode_payload(frames, self._eio_version, may_be_binary=self._may_be_binary)
        return HttpResponse(200, {"content-type": content_type(body), "cache-control": "no-store"}, body)

    def _hear(self) -> None:
        """Note a sign of life."""
        if self.has_upgraded:
            self._give_up_at = float("inf")  # the WebSocket tells
        else:
            since = trio.current_time() if self._poll is None else self._poll.deadline
            self._give_up_at = since + self._idle_s_max

    async def _patiently(self, wait: Callable[[], Awaitable[T]]) -> T:
        """Wait for the other side, but no longer than the client may ask nothing."""
        while True:
            with trio.move_on_at(self._give_up_at):
                return await wait()
            if trio.current_time() >= self._give_up_at:
                self.lose(f"the client asked nothing for {self._idle_s_max:g} s")
                raise SessionLost(self._why_lost)
