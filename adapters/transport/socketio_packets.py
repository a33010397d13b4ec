"""Socket.IO packets: text to words and back, for Engine.IO 3 and 4, with bounds on everything that comes in.

Reading is our own, writing is python-socketio's codec; why is told in docs/decisions/socketio-session.md.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

import msgspec
from attrs import field
from socketio import packet as codec

from adapters.base import LocalProtocolError, RemoteProtocolError
from rules.model.frozen import frozen

EioVersion: TypeAlias = Literal[3, 4]
"""4 is spoken by Socket.IO 3 and 4; 3 by Socket.IO 2."""

FRAME_CHARS_MAX: Final = 16 * 1024 * 1024

# A namespace ends at the first comma or with the packet; in Socket.IO 2 it may carry a query. The library's ids count
# from 0 and fit a double (2^53), so 15 digits hold all that can be meant.
_PACKET = re.compile(r"([0-6])(?:(/[^,]{0,255})(?:,|\Z))?([0-9]{0,15})(.*)", re.DOTALL)
_EVENT_HEAD = re.compile(r"2(?:(/[^,]{0,255}),)?([0-9]{0,15})")
_HEAD_CHARS_MAX = 1 + 257 + 15
_NAME_CHARS_MAX = 200
_SHOWN_CHARS = 40

_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_encode = msgspec.json.Encoder(decimal_format="number").encode


@frozen
class Opened:
    """The Engine.IO connection is up. Times are the server's, in seconds."""

    sid: str
    ping_interval_s: float
    ping_timeout_s: float


@frozen
class Connected:
    """The server took us into a namespace."""

    namespace: str


@frozen
class Refused:
    """The server does not let us into a namespace; `error` is its own JSON (4: an object with `message`)."""

    namespace: str
    error: Any


@frozen
class ConnectRequested:
    """A client wants into a namespace (seen by a server). `auth` is its JSON; in Engine.IO 3 always None."""

    namespace: str
    auth: Any = field(default=None, repr=False)  # tokens


class Event(msgspec.Struct, frozen=True):
    """An event with its arguments; numbers with a point are Decimal, exactly as written.

    A Struct where the others are attrs: a beginning has thousands, and this one is made in two thirds of the time.
    """

    namespace: str
    name: str
    args: tuple[Any, ...]
    ack_id: int | None = None


@frozen
class Ack:
    """The answer to our event that asked for one under `ack_id`."""

    namespace: str
    ack_id: int
    args: tuple[Any, ...]


@frozen
class Disconnected:
    """The peer left a namespace."""

    namespace: str


@frozen
class Closed:
    """The peer ended the Engine.IO connection."""


ReadJson: TypeAlias = Callable[[str, str], Any]
"""`(text, shown)` to the value in `text`; raises as `read_json`. An event's may be a tuple, its name first, where its
types have been looked at."""

PacketMessage: TypeAlias = Connected | Refused | ConnectRequested | Event | Ack | Disconnected


class _Packet(codec.Packet):
    """The library's packet, writing JSON with exact numbers (its own JSON module is a process-wide global)."""

    class json:
        @staticmethod
        def dumps(data: object, **_: object) -> str:
            return _encode(data).decode()


def write_packet(kind: int, namespace: str, data: object = None, ack_id: int | None = None) -> str:
    """Return the frame of a Socket.IO packet that we send (Engine.IO type 4 in front).

    Raises:
        LocalProtocolError: the data is not JSON, or holds bytes.
    """
    try:
        packet: Any = _Packet  # the library has no annotations
        text = packet(kind, data, namespace, ack_id).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise LocalProtocolError(f"cannot write Socket.IO packet {kind}: {type(error).__name__}") from error
    if not isinstance(text, str):  # the library split off attachments
        raise LocalProtocolError(f"cannot write Socket.IO packet {kind}: it holds bytes")
    return f"4{text}"


def read_event_packet(text: str, begin: int, read: ReadJson) -> Event | None:
    """Return the event that a Socket.IO packet is; None: it is another packet, or is not written as events are.

    Nearly all packets are events, and some are long lists: these are not copied more than once.

    Args:
        begin: where the packet begins in `text`, behind the Engine.IO type.
        read: reads the event's list.
    Raises:
        RemoteProtocolError: as `read_packet`.
    """
    at = text.find("[", begin, begin + _HEAD_CHARS_MAX + 1)
    head = _event_head(text[begin:at]) if at > 0 else None
    if head is None:
        return None
    shown = text[begin : begin + _SHOWN_CHARS]
    return _as_event(*head, read(text[at:], shown), shown)


def read_packet(text: str, *, from_client: bool, eio_version: EioVersion) -> PacketMessage:
    """Return what a Socket.IO packet (without the Engine.IO type) says.

    Args:
        from_client: who wrote it: a CONNECT is a request from a client, and an admission from a server.
    Raises:
        RemoteProtocolError: it is not a packet of this protocol, or carries binary attachments.
    """
    match = _PACKET.fullmatch(text)
    if match is None:
        raise broken_frame("a Socket.IO packet of type 0 to 6", text)
    kind, place, digits, rest = match.groups()
    namespace = (place or "/").partition("?")[0]
    ack_id = int(digits) if digits else None
    if kind in "56":
        raise broken_frame("a packet without binary attachments", text)
    data = read_json(rest, text) if rest else None
    match int(kind):
        case codec.CONNECT if from_client:
            return ConnectRequested(namespace, data if eio_version == 4 else None)
        case codec.CONNECT:
            return Connected(namespace)
        case codec.DISCONNECT:
            return Disconnected(namespace)
        case codec.EVENT:
            return _as_event(namespace, ack_id, data, text)
        case codec.ACK if ack_id is not None and isinstance(data, list):
            return Ack(namespace, ack_id, tuple(data))
        case codec.CONNECT_ERROR if not from_client:
            return Refused(namespace, data)
    raise broken_frame("an ACK with an id and a list of arguments, or an error from a server", text)


@lru_cache(maxsize=64)
def _event_head(head: str) -> tuple[str, int | None] | None:
    """Return namespace and ack id of an event's head, None where it is none. Kept: a stream repeats its own."""
    match = _EVENT_HEAD.fullmatch(head)
    if match is None:
        return None
    place, digits = match.groups()
    return (place or "/").partition("?")[0], int(digits) if digits else None


def _as_event(namespace: str, ack_id: int | None, data: object, text: str) -> Event:
    if isinstance(data, tuple):
        return Event(namespace, data[0], data[1:], ack_id)
    if not isinstance(data, list) or not data or not isinstance(data[0], str) or len(data[0]) > _NAME_CHARS_MAX:
        raise broken_frame("an event's list that starts with its name", text)
    return Event(namespace, data[0], tuple(data[1:]), ack_id)


def read_json(text: str, shown: str) -> Any:
    """Return the JSON value in `text`, with exact numbers.

    Raises:
        RemoteProtocolError: not JSON, too deep, or not Unicode; `shown` is quoted in part.
    """
    try:
        return _decode(text)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise broken_frame("JSON", shown) from error


def check_frame(frame: str | bytes, chars_max: int) -> str:
    """Return `frame` if it is text of a bearable size.

    Raises:
        RemoteProtocolError: binary, empty or too large.
    """
    if not isinstance(frame, str):
        raise RemoteProtocolError(f"expected a text frame, found {len(frame)} bytes of binary")
    if not 0 < len(frame) <= chars_max:
        raise RemoteProtocolError(f"expected a frame of 1 to {chars_max} characters, found {len(frame)}")
    return frame


def check_namespace(namespace: str) -> str:
    """Return `namespace` if it can be written.

    Raises:
        LocalProtocolError: it does not start with `/`, holds a comma or a query, or is too long.
    """
    if not namespace.startswith("/") or len(namespace) > 256 or "," in namespace or "?" in namespace:
        raise LocalProtocolError(f"a namespace must be /name without comma and query, was {namespace[:40]!r}")
    return namespace


def broken_frame(expected: str, text: str) -> RemoteProtocolError:
    """Return the error for a frame that is not what the protocol asks for at this point."""
    # Nothing from inside an object is quoted: there are tokens in some.
    return RemoteProtocolError(f"expected {expected}, found {text[:_SHOWN_CHARS].partition('{')[0]!r}")
