"""A Socket.IO session without I/O, client half: frames in, messages and frames out. Engine.IO 3 and 4, text only.

The driver feeds each WebSocket message to `receive` and then sends what `take_outbox` gives. It gives up after
`silence_s_max` without a frame, and calls `ping` every `ping_every_s` where that is not None.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias
from urllib.parse import urlencode, urlsplit, urlunsplit

from socketio import packet as codec

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.socketio_packets import (
    FRAME_CHARS_MAX,
    Ack,
    Closed,
    Connected,
    Disconnected,
    EioVersion,
    Event,
    Opened,
    ReadJson,
    Refused,
    broken_frame,
    check_frame,
    check_namespace,
    read_event_packet,
    read_json,
    read_packet,
    write_packet,
)
from adapters.transport.socketio_server import ServerSession

__all__ = [
    "Ack",
    "ClientSession",
    "Closed",
    "Connected",
    "Disconnected",
    "Event",
    "Message",
    "Opened",
    "Refused",
    "ServerSession",
    "endpoint",
]

Message: TypeAlias = Opened | Connected | Refused | Event | Ack | Disconnected | Closed

# A server that never acknowledges is broken; so many unanswered questions prove it.
_ACKS_WAITING_MAX: Final = 1024

# Of a ping interval and a ping timeout: an hour of patience is none.
_PING_MS_MAX: Final = 3_600_000


def endpoint(origin: str, path: str, *, eio_version: EioVersion = 4, query: Mapping[str, str] | None = None) -> str:
    """Return the WebSocket URL of a Socket.IO server.

    Args:
        origin: http(s):// or ws(s)://host[:port].
        path: the server's path, as `/socket.io`; the closing slash is added.
        query: further fields, before EIO and transport.
    """
    parts = urlsplit(origin)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    fields = {**(query or {}), "EIO": str(eio_version), "transport": "websocket"}
    return urlunsplit((scheme, parts.netloc, f"/{path.strip('/')}/", urlencode(fields), ""))


class ClientSession:
    """The state of one connection to a Socket.IO server, carrying any number of namespaces.

    Args:
        read_event: reads the JSON list of an event, its name first, where the venue's own types save time.
    """

    def __init__(
        self,
        *,
        eio_version: EioVersion = 4,
        frame_chars_max: int = FRAME_CHARS_MAX,
        read_event: ReadJson = read_json,
    ) -> None:
        self._read_event = read_event
        self._eio_version: EioVersion = eio_version
        self._frame_chars_max = frame_chars_max
        self._opened: Opened | None = None
        self._outbox: list[str] = []
        self._asked: set[str] = set()
        self._joined: set[str] = set()
        self._acks_waiting: dict[int, str] = {}
        self._next_ack_id = 0
        if eio_version == 3:
            self._asked.add("/")  # there the server opens it unasked

    @property
    def silence_s_max(self) -> float | None:
        """How long the server may send nothing, seconds, before it must be held for gone; None before Opened."""
        return None if self._opened is None else self._opened.ping_interval_s + self._opened.ping_timeout_s

    @property
    def ping_every_s(self) -> float | None:
        """How often to call `ping`, seconds: only in Engine.IO 3, where the client is the one who pings."""
        return None if self._opened is None or self._eio_version == 4 else self._opened.ping_interval_s

    def take_outbox(self) -> list[str]:
        """Return the frames to send now, in order."""
        frames, self._outbox = self._outbox, []
        return frames

    def connect(self, namespace: str = "/", auth: Mapping[str, object] | None = None) -> None:
        """Ask for a namespace; the answer is Connected or Refused.

        Args:
            auth: sent as JSON; in Engine.IO 3 as the namespace's query.
        Raises:
            LocalProtocolError: before Opened, or asked already.
        """
        check_namespace(namespace)
        if self._opened is None:
            raise LocalProtocolError(f"namespace {namespace} was asked for before the connection was open")
        if self._eio_version == 3:
            if namespace == "/":
                return
            self._ask(namespace)
            query = f"?{urlencode(auth)}" if auth else ""
            self._outbox.append(f"40{namespace}{query},")
            return
        self._ask(namespace)
        self._outbox.append(write_packet(codec.CONNECT, namespace, dict(auth) if auth is not None else None))

    def emit(self, name: str, *args: object, namespace: str = "/", ack: bool = False) -> int | None:
        """Send an event; with `ack`, return the id that the server's Ack will carry.

        Raises:
            LocalProtocolError: the namespace is not connected.
            RemoteProtocolError: the server owes 1024 acknowledgements.
        """
        if namespace not in self._joined:
            raise LocalProtocolError(f"event {name[:40]!r} for namespace {namespace}, which is not connected")
        ack_id: int | None = None
        if ack:
            if len(self._acks_waiting) >= _ACKS_WAITING_MAX:
                raise RemoteProtocolError(f"expected acknowledgements, found {_ACKS_WAITING_MAX} events without")
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

    def leave(self, namespace: str = "/") -> None:
        """Leave a namespace; nothing answers."""
        self._joined.discard(namespace)
        self._asked.discard(namespace)
        self._outbox.append(write_packet(codec.DISCONNECT, namespace))

    def ping(self) -> None:
        """Ping the server (Engine.IO 3)."""
        self._outbox.append("2")

    def receive(self, frame: str | bytes) -> Message | None:
        """Take one WebSocket message; None for those that only keep the connection alive.

        An event may come before its namespace's Connected: servers send some while they still connect us.

        Raises:
            RemoteProtocolError: the frame breaks the protocol.
        """
        text = check_frame(frame, self._frame_chars_max)
        if self._opened is None:
            return self._receive_open(text)
        match text[0]:
            case "4":
                return self._receive_packet(text)
            case "2" if len(text) <= 125:
                self._outbox.append(f"3{text[1:]}")
                return None
            case "3" | "6":  # pong, noop
                return None
            case "1":
                return Closed()
        raise broken_frame("Engine.IO close, ping, pong, message or noop", text)

    def _receive_open(self, text: str) -> Opened:
        if text[0] != "0":
            raise broken_frame("an Engine.IO open packet first", text)
        data = read_json(text[1:], text)
        if not isinstance(data, dict) or not isinstance(data.get("sid"), str):
            raise broken_frame("an open packet with a sid", text)
        self._opened = Opened(data["sid"], _seconds(data, "pingInterval"), _seconds(data, "pingTimeout"))
        return self._opened

    def _receive_packet(self, text: str) -> Message:
        event = read_event_packet(text, 1, self._read_event)
        if event is not None:
            return event
        message = read_packet(text[1:], from_client=False, eio_version=self._eio_version)
        match message:
            case Connected(namespace):
                if namespace not in self._asked:
                    raise broken_frame("the connection of a namespace that was asked for", text)
                self._joined.add(namespace)
            case Refused(namespace) | Disconnected(namespace):
                self._joined.discard(namespace)
                self._asked.discard(namespace)
            case Ack(namespace, ack_id):
                if self._acks_waiting.pop(ack_id, None) != namespace:
                    raise broken_frame("an acknowledgement that was asked for", text)
            case Event():
                pass
            case _:
                raise broken_frame("a packet that a server sends", text)
        return message

    def _ask(self, namespace: str) -> None:
        if namespace in self._asked:
            raise LocalProtocolError(f"namespace {namespace} was asked for already")
        self._asked.add(namespace)


def _seconds(data: Mapping[str, Any], name: str) -> float:
    value = data.get(name)
    if type(value) is not int or not 0 < value <= _PING_MS_MAX:
        raise RemoteProtocolError(f"expected {name} of 1 to {_PING_MS_MAX} ms in the open packet, found {value!r:.40}")
    return value / 1000
