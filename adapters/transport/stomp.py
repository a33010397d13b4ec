"""STOMP 1.0, 1.1 and 1.2 frames, sans-IO: bytes in, frames out, and back; client and server halves share it.

It is lenient where hand-written clients are known to be sloppy (line ends, line feeds between frames, a frame that
ends without its blank line) and strict where a mistake would change the meaning of a message.

Source: the STOMP 1.0, 1.1 and 1.2 specifications (stomp.github.io).
"""

import re
from collections.abc import Mapping
from enum import Enum
from typing import Final, TypeAlias

from attrs import define, field

from adapters.base import LocalProtocolError, RemoteProtocolError
from rules.model.frozen import frozen


class Version(Enum):
    """A version of the protocol; the value is its name on the wire."""

    V1_0 = "1.0"
    V1_1 = "1.1"
    V1_2 = "1.2"


@frozen
class Frame:
    """A command with headers and a body. Of a header that was sent twice, the first counts."""

    command: str
    headers: Mapping[str, str] = field(factory=dict)
    body: bytes = b""


class HeartBeat:
    """A line feed between two frames: the peer lives."""

    def __repr__(self) -> str:
        return "HeartBeat()"


Item: TypeAlias = Frame | HeartBeat

HEART_BEAT: Final = HeartBeat()
HEART_BEAT_WIRE: Final = "\n"

_FROM_CLIENT = {"CONNECT", "STOMP", "SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN", "COMMIT", "ABORT"}
_FROM_SERVER = {"CONNECTED", "MESSAGE", "RECEIPT", "ERROR"}
_COMMANDS = frozenset(_FROM_CLIENT | _FROM_SERVER | {"DISCONNECT"})
_WITH_BODY = frozenset({"SEND", "MESSAGE", "ERROR"})
_NEVER_ESCAPED = frozenset({"CONNECT", "STOMP", "CONNECTED"})  # so that 1.0 peers can read them

_ESCAPES: Mapping[Version, Mapping[str, str]] = {
    Version.V1_0: {},
    Version.V1_1: {"\\": "\\\\", "\n": "\\n", ":": "\\c"},
    Version.V1_2: {"\\": "\\\\", "\n": "\\n", ":": "\\c", "\r": "\\r"},
}
_UNESCAPES = {version: {code: text for text, code in table.items()} for version, table in _ESCAPES.items()}
_ESCAPED = re.compile(r"\\.?", re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,9}")

HEADERS_MAX = 64
"""Our venues send at most 8; this only bounds a hostile peer."""


@define
class FrameReader:
    """Cuts a byte stream into frames, however it arrives; never keeps more than its limits allow.

    `version` decides how headers are unescaped; a session sets it once it is agreed, between two frames.
    """

    head_bytes_max: int = 16 * 2**10
    body_bytes_max: int = 16 * 2**20
    version: Version = Version.V1_2
    _buffer: bytearray = field(factory=bytearray, init=False, repr=False)
    _head: "_Head | None" = field(default=None, init=False, repr=False)
    _searched: int = field(default=0, init=False, repr=False)

    def receive(self, data: bytes | str) -> None:
        """Take in what arrived. The caller bounds one piece (a WebSocket message has a size limit)."""
        self._buffer += data.encode() if isinstance(data, str) else data

    def next_frame(self) -> Item | None:
        """Return the next frame or heart-beat, or None when more bytes are needed.

        Raises:
            RemoteProtocolError: what arrived is not STOMP, or larger than the limits.
        """
        if self._head is None:
            if not self._buffer:
                return None
            if self._skip_line_feed():
                return HEART_BEAT
            self._head = self._read_head()
            if self._head is None:
                return None
        body = self._read_body(self._head)
        if body is None:
            return None
        head, self._head = self._head, None
        if body and head.command not in _WITH_BODY:
            raise RemoteProtocolError(f"expected no body in a STOMP {head.command}, found {len(body)} bytes")
        return Frame(head.command, head.headers, body)

    def _skip_line_feed(self) -> bool:
        for line_feed in (b"\n", b"\r\n"):
            if self._buffer.startswith(line_feed):
                del self._buffer[: len(line_feed)]
                return True
        return False

    def _read_head(self) -> "_Head | None":
        end = _find_head_end(self._buffer, self._searched)
        if end is None:
            self._searched = max(0, len(self._buffer) - 3)
            if len(self._buffer) > self.head_bytes_max:
                raise RemoteProtocolError(f"expected a STOMP head of at most {self.head_bytes_max} bytes, found more")
            return None
        text_end, body_start = end
        if text_end > self.head_bytes_max:
            raise RemoteProtocolError(f"expected a STOMP head of at most {self.head_bytes_max} bytes, found {text_end}")
        head = _parse_head(bytes(self._buffer[:text_end]), self.version)
        del self._buffer[:body_start]
        self._searched = 0
        if head.content_length is not None and head.content_length > self.body_bytes_max:
            limit, found = self.body_bytes_max, head.content_length
            raise RemoteProtocolError(f"expected a STOMP body of at most {limit} bytes, found content-length {found}")
        return head

    def _read_body(self, head: "_Head") -> bytes | None:
        length = head.content_length
        if length is None:
            length = self._buffer.find(0, self._searched)
            kept = len(self._buffer) if length < 0 else length
            if kept > self.body_bytes_max:
                raise RemoteProtocolError(f"expected a STOMP body of at most {self.body_bytes_max} bytes, found more")
            if length < 0:
                self._searched = kept
                return None
        elif len(self._buffer) <= length:
            return None
        elif self._buffer[length] != 0:
            raise RemoteProtocolError(f"expected NUL after content-length {length} bytes, found other data")
        with memoryview(self._buffer) as buffer:
            body = bytes(buffer[:length])
        del self._buffer[: length + 1]
        self._searched = 0
        return body


def encode(frame: Frame, version: Version) -> str:
    """Return the frame as text for one WebSocket message. Nothing follows the NUL, no line ends in CR LF.

    Hand-written clients split on NUL and take the first line of a piece as the command, so a stray line feed after a
    frame would cost them the next one. The body must be UTF-8: all bodies of our venues are.

    Raises:
        LocalProtocolError: the frame cannot be said in this version.
    """
    if frame.command not in _COMMANDS:
        raise LocalProtocolError(f"expected a STOMP command, was {frame.command!r}")
    if frame.body and frame.command not in _WITH_BODY:
        raise LocalProtocolError(f"a STOMP {frame.command} cannot have a body")
    table = {} if frame.command in _NEVER_ESCAPED else _ESCAPES[version]
    lines = [frame.command]
    lines += [f"{_escape(name, table)}:{_escape_value(value, table)}" for name, value in frame.headers.items()]
    if frame.body and "content-length" not in frame.headers:
        lines.append(f"content-length:{len(frame.body)}")
    return "\n".join(lines) + "\n\n" + frame.body.decode() + "\0"


def negotiate_version(accept_version: str | None) -> Version | None:
    """Return the highest version that a CONNECT's `accept-version` shares with us; without the header it is 1.0.

    None means that there is none: the server answers ERROR.
    """
    if accept_version is None:
        return Version.V1_0
    offered = {part.strip() for part in accept_version.split(",")}
    return next((version for version in reversed(Version) if version.value in offered), None)


@frozen
class HeartBeatOffer:
    """What one side offers: the shortest interval at which it can send beats, and how often it wants them, in ms.

    Zero is "cannot" and "does not want".
    """

    send_ms: int
    want_ms: int

    def header(self) -> str:
        return f"{self.send_ms},{self.want_ms}"


@frozen
class Pace:
    """What two offers come to, in seconds; None: no beats in that direction."""

    send_every_s: float | None
    expect_every_s: float | None


def read_heart_beat(header: str | None) -> HeartBeatOffer:
    """Return the offer in a `heart-beat` header; a missing one is `0,0`.

    Raises:
        RemoteProtocolError: not two numbers of at most nine digits.
    """
    if header is None:
        return HeartBeatOffer(0, 0)
    parts = [part.strip() for part in header.split(",")]
    if len(parts) != 2 or not all(_DIGITS.fullmatch(part) for part in parts):
        raise RemoteProtocolError(f"expected a STOMP heart-beat of two numbers in ms, found {header[:40]!r}")
    return HeartBeatOffer(int(parts[0]), int(parts[1]))


def agree(ours: HeartBeatOffer, theirs: HeartBeatOffer) -> Pace:
    """Return the pace of beats that follows from both offers, seen from our side."""
    return Pace(
        send_every_s=max(ours.send_ms, theirs.want_ms) / 1000 if ours.send_ms and theirs.want_ms else None,
        expect_every_s=max(ours.want_ms, theirs.send_ms) / 1000 if ours.want_ms and theirs.send_ms else None,
    )


@frozen
class _Head:
    command: str
    headers: Mapping[str, str]
    content_length: int | None


def _find_head_end(buffer: bytearray, start: int) -> tuple[int, int] | None:
    """Return where the head's text ends and where the body starts.

    A NUL right after a header line ends the head too: `stomper.disconnect()` leaves out the blank line.
    """
    found: tuple[int, int] | None = None
    stop = len(buffer)
    for mark, skip in ((b"\n\n", 2), (b"\n\r\n", 3), (b"\n\0", 1)):
        at = buffer.find(mark, start, stop)
        if at >= 0:
            found = (at, at + skip)
            stop = at + 2  # so far reaches a mark that begins earlier; a long body is not searched
    return found


def _parse_head(data: bytes, version: Version) -> _Head:
    try:
        command, *lines = data.decode().split("\n")
    except UnicodeDecodeError:
        raise RemoteProtocolError("expected a STOMP head in UTF-8, found other bytes") from None
    if b"\r" in data:
        command, *lines = [line.removesuffix("\r") for line in (command, *lines)]
    if b"\0" in data:
        raise RemoteProtocolError("expected a STOMP head without NUL, found one")
    if command not in _COMMANDS:
        raise RemoteProtocolError(f"expected a STOMP command, found {command[:40]!r}")
    if len(lines) > HEADERS_MAX:
        raise RemoteProtocolError(f"expected at most {HEADERS_MAX} STOMP headers, found {len(lines)}")
    table = {} if b"\\" not in data or command in _NEVER_ESCAPED else _UNESCAPES[version]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name:
            # The line itself may hold a key; its length is all that we show.
            raise RemoteProtocolError(f"expected a STOMP header line `name:value`, found {len(line)} other characters")
        if table:
            name, value = _unescape(name, table), _unescape(value, table)
        headers.setdefault(name, value)
    return _Head(command, headers, _content_length(headers))


def _content_length(headers: Mapping[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    if _DIGITS.fullmatch(text) is None:
        raise RemoteProtocolError(f"expected a STOMP content-length in digits, found {text[:40]!r}")
    return int(text)


def _escape(text: str, table: Mapping[str, str]) -> str:
    if not table and ":" in text:
        raise LocalProtocolError(f"STOMP header name {text[:40]!r} cannot hold a colon here")
    return _escape_value(text, table)


def _escape_value(text: str, table: Mapping[str, str]) -> str:
    escaped = "".join(table.get(character, character) for character in text)
    # Line ends and NUL that no escape covers would end the header or the frame; the text may hold a key: not shown.
    if any(character in escaped for character in "\n\r\0"):
        raise LocalProtocolError("a STOMP header cannot hold a line end or NUL here")
    return escaped


def _unescape(text: str, table: Mapping[str, str]) -> str:
    if "\\" not in text:
        return text

    def original(match: re.Match[str]) -> str:
        try:
            return table[match[0]]
        except KeyError:
            raise RemoteProtocolError(f"expected a STOMP escape, found {match[0]!r}") from None

    return _ESCAPED.sub(original, text)
