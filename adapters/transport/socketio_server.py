"""A Socket.IO session without I/O, server half: what a simulator needs so that a real Socket.IO client accepts it.

The driver feeds each WebSocket message to `receive`, sends what `take_outbox` gives (the open packet is there from the
start), calls `ping` every `ping_every_s` where that is not None, and gives up after `silence_s_max` without a frame.
For clients that begin with long polling, it is a handler of `adapters.transport.polling_server`.
"""

from typing import TypeAlias

from socketio import packet as codec

from adapters.base import LocalProtocolError
from adapters.transport.socketio_packets import (
    FRAME_CHARS_MAX,
    Ack,
    Closed,
    ConnectRequested,
    Disconnected,
    EioVersion,
    Event,
    broken_frame,
    check_frame,
    check_namespace,
    read_packet,
    write_packet,
)

ServerMessage: TypeAlias = ConnectRequested | Event | Ack | Disconnected | Closed


class ServerSession:
    """The state of one client's connection.

    Args:
        sid: names the connection; not secret, but not to be guessed either where that matters.
        eio_version: as the client's `EIO` query field says.
        ping_interval_s: between pings; the library's own servers use 25 s and 20 s.
    """

    def __init__(
        self,
        sid: str,
        *,
        eio_version: EioVersion = 4,
        ping_interval_s: float = 25.0,
        ping_timeout_s: float = 20.0,
        frame_chars_max: int = FRAME_CHARS_MAX,
    ) -> None:
        self._sid = sid
        self._eio_version: EioVersion = eio_version
        self._frame_chars_max = frame_chars_max
        self._asked: set[str] = set()
        self._joined: set[str] = set()
        self._acks_waiting: dict[int, str] = {}
        self._next_ack_id = 0
        self.ping_every_s = ping_interval_s if eio_version == 4 else None
        self.silence_s_max = ping_interval_s + ping_timeout_s
        times = f'"pingInterval":{round(ping_interval_s * 1000)},"pingTimeout":{round(ping_timeout_s * 1000)}'
        self._outbox = [f'0{{"sid":"{sid}","upgrades":[],{times},"maxPayload":{frame_chars_max}}}']
        if eio_version == 3:
            self._outbox.append("40")
            self._joined.add("/")

    @property
    def namespaces(self) -> frozenset[str]:
        """The namespaces that the client is in."""
        return frozenset(self._joined)

    def take_outbox(self) -> list[str]:
        """Return the frames to send now, in order."""
        frames, self._outbox = self._outbox, []
        return frames

    def accept(self, namespace: str) -> None:
        """Let the client into a namespace that it asked for."""
        self._answer(namespace)
        self._joined.add(namespace)
        sid = {"sid": f"{self._sid}:{namespace}"} if self._eio_version == 4 else None
        self._outbox.append(write_packet(codec.CONNECT, namespace, sid))

    def refuse(self, namespace: str, text: str) -> None:
        """Do not let the client into a namespace that it asked for."""
        self._answer(namespace)
        error: object = {"message": text} if self._eio_version == 4 else text
        self._outbox.append(write_packet(codec.CONNECT_ERROR, namespace, error))

    def emit(self, name: str, *args: object, namespace: str = "/", ack: bool = False) -> int | None:
        """Send an event, also before `accept`; with `ack`, return the id that the client's Ack will carry."""
        check_namespace(namespace)
        ack_id: int | None = None
        if ack:
            ack_id = self._next_ack_id
            self._next_ack_id += 1
            self._acks_waiting[ack_id] = namespace
        self._outbox.append(write_packet(codec.EVENT, namespace, [name, *args], ack_id))
        return ack_id

    def acknowledge(self, event: Event, *args: object) -> None:
        """Answer an event that asks for it.

        Raises:
            LocalProtocolError: it does not ask.
        """
        if event.ack_id is None:
            raise LocalProtocolError(f"event {event.name[:40]!r} asks for no acknowledgement")
        self._outbox.append(write_packet(codec.ACK, event.namespace, list(args), event.ack_id))

    def disconnect(self, namespace: str = "/") -> None:
        """Put the client out of a namespace."""
        self._joined.discard(namespace)
        self._outbox.append(write_packet(codec.DISCONNECT, namespace))

    def ping(self) -> None:
        """Ping the client (Engine.IO 4)."""
        self._outbox.append("2")

    def close(self) -> None:
        """End the connection; the WebSocket is closed after the outbox was sent."""
        self._outbox.append("1")

    def receive(self, frame: str | bytes) -> ServerMessage | None:
        """Take one WebSocket message; None for those that only keep the connection alive.

        Raises:
            RemoteProtocolError: the frame breaks the protocol.
        """
        text = check_frame(frame, self._frame_chars_max)
        match text[0]:
            case "4":
                return self._receive_packet(text)
            case "2" if len(text) <= 125:
                self._outbox.append(f"3{text[1:]}")
                return None
            case "3" | "6":
                return None
            case "1":
                return Closed()
        raise broken_frame("Engine.IO close, ping, pong, message or noop", text)

    def _receive_packet(self, text: str) -> ServerMessage:
        message = read_packet(text[1:], from_client=True, eio_version=self._eio_version)
        match message:
            case ConnectRequested(namespace):
                if namespace in self._asked or namespace in self._joined:
                    raise broken_frame("a namespace that was not asked for before", text)
                self._asked.add(namespace)
            case Disconnected(namespace):
                self._joined.discard(namespace)
            case Event(namespace):
                if namespace not in self._joined:
                    raise broken_frame("an event for a namespace that is connected", text)
            case Ack(namespace, ack_id):
                if self._acks_waiting.pop(ack_id, None) != namespace:
                    raise broken_frame("an acknowledgement that was asked for", text)
            case _:
                raise broken_frame("a packet that a client sends", text)
        return message

    def _answer(self, namespace: str) -> None:
        if namespace not in self._asked:
            raise LocalProtocolError(f"namespace {namespace} was answered without being asked for")
        self._asked.discard(namespace)
