"""The client half of Engine.IO long polling: what a WebSocket would carry, by GETs that wait and POSTs.

Nothing is ever asked twice: whatever goes wrong with a request ends the connection. A POST whose answer is lost leaves
open whether its frames arrived, as a WebSocket does that breaks after a frame was sent.
"""

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Final

import trio

from adapters.base import RemoteProtocolError, SessionLost
from adapters.transport.engineio_payload import FRAMING_BYTES_MAX, PACKETS_OUT_MAX, PAYLOAD_BYTES_MAX, encode_payload
from adapters.transport.frames import FrameQueue, frame_bytes
from adapters.transport.http import HttpClient
from adapters.transport.network import Connect
from adapters.transport.polling_wire import PollingWire, Shaken
from adapters.transport.socketio_packets import EioVersion
from adapters.transport.websocket import MESSAGE_BYTES_MAX, as_session_lost

# Frames that wait for a slow reader before no further poll is made; and for a slow POST before the sender waits.
_FRAMES_WAITING_MAX = 16

# A server that does not take our last frames and the close is left after this time (a WebSocket's is as long).
_CLOSE_S_MAX = 1.0

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
    wire = PollingWire.to(origin, path, http, eio_version, query, headers)
    failure: Exception | None = None
    try:
        connection = PollingConnection(await wire.shake())
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
        raise as_session_lost(failure, wire.where)


class PollingConnection:
    """An open connection; a `ClientConnection`, so that a session runs over it as over a WebSocket."""

    def __init__(self, shaken: Shaken) -> None:
        self._wire = shaken.wire
        self._first = shaken.frames
        self._silence_s_max = shaken.silence_s_max
        self._frame_bytes_max = shaken.frame_bytes_max
        self._incoming: FrameQueue[str | bytes] = FrameQueue(_FRAMES_WAITING_MAX)
        self._outgoing: FrameQueue[str] = FrameQueue(_FRAMES_WAITING_MAX)
        self._sent_all = trio.Event()
        self._lost = SessionLost(f"{shaken.wire.where}: connection closed")

    async def get_message(self) -> str | bytes:
        """Return the server's next frame.

        Raises:
            SessionLost: the connection is gone; never RequestNotSent, since what was sent before may have arrived.
        """
        frames = await self._incoming.take(1, 0)
        if not frames:
            raise self._loss()
        return frames[0]

    async def message_by(self, deadline: float) -> str | bytes | None:
        """Return the server's next frame, or None when it has not come by `deadline` (`trio.current_time`).

        Raises:
            as `get_message`.
        """
        with trio.move_on_at(deadline):
            return await self.get_message()
        return None

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
            frames = self._wire.frames(answer)

    async def _post(self) -> None:
        bytes_max = min(self._frame_bytes_max, PAYLOAD_BYTES_MAX) - FRAMING_BYTES_MAX
        while frames := await self._outgoing.take(PACKETS_OUT_MAX, bytes_max):
            body = encode_payload(frames, self._wire.eio_version, may_be_binary=True)
            self._wire.check(await self._wire.ask("POST", body))
        self._sent_all.set()

    def _loss(self) -> SessionLost:
        return type(self._lost)(str(self._lost))  # a new one for each task that raises it
