"""Engine.IO long-polling payloads: several packets in one HTTP body and back, Engine.IO 3 and 4, bounded.

Engine.IO 4 sets a separator between packets. Engine.IO 3 sets each packet's length before it: in a text form, in UTF-16
code units (so count npm's engine.io-parser 2.2 and every browser), and in a binary form, in bytes. python-engineio 3.14
writes the binary form always, reads both, and counts characters in the text. So text that npm and it count differently,
with characters beyond the basic plane, is written in the binary form, where the peer takes it.
"""

from collections.abc import Iterable
from typing import Final

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.socketio_packets import EioVersion

PACKETS_OUT_MAX: Final = 16
"""python-engineio, client and server, 3.14 to 4.15, refuses a payload of more (`Payload.max_decode_packets`)."""

PAYLOAD_BYTES_MAX: Final = 1_000_000
"""What npm's and Python's servers take in one body where nobody configures it (`maxHttpBufferSize`)."""

FRAMING_BYTES_MAX: Final = 16 * PACKETS_OUT_MAX
"""What the lengths or separators of a whole payload take at most (in fact, 10 bytes a packet)."""

# npm's servers put all that waits into one payload, so a burst of thousands is honest; a body of nothing but tiny
# packets is not, and each costs some hundred bytes of memory.
_PACKETS_IN_MAX = 20_000

# A length of more digits is beyond every body that is ever read.
_DIGITS_MAX = 9

_SEPARATOR = "\x1e"
_BASIC_PLANE_END = "\uffff"


def encode_payload(packets: Iterable[str], eio_version: EioVersion, *, may_be_binary: bool = False) -> bytes:
    """Return the HTTP body that carries `packets`, which are at most PACKETS_OUT_MAX.

    Args:
        may_be_binary: the peer takes the binary form of Engine.IO 3; a client that does not says `b64=1` at first.
    Raises:
        LocalProtocolError: no packets or too many, or one that cannot be carried (empty, a separator, not Unicode).
    """
    whole = list(packets)
    if not 0 < len(whole) <= PACKETS_OUT_MAX:
        raise LocalProtocolError(f"a payload must have 1 to {PACKETS_OUT_MAX} packets, has {len(whole)}")
    if not all(whole) or (eio_version == 4 and any(_SEPARATOR in packet for packet in whole)):
        raise LocalProtocolError("a packet of a payload must not be empty or hold the separator")
    try:
        if eio_version == 4:
            return _SEPARATOR.join(whole).encode()
        if may_be_binary and max(map(max, whole)) > _BASIC_PLANE_END:
            return b"".join(_as_binary(packet.encode()) for packet in whole)
        return "".join(f"{_utf16_units(packet)}:{packet}" for packet in whole).encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError("a packet of a payload must be Unicode text") from error


def content_type(body: bytes) -> str:
    """Return the Content-Type of a payload; npm's servers and browsers know the binary form by it."""
    return "application/octet-stream" if body[0] <= 1 else "text/plain; charset=UTF-8"


def decode_payload(body: bytes, eio_version: EioVersion) -> list[str | bytes]:
    """Return the packets of an HTTP body, as a WebSocket would have brought them; bytes for the binary ones.

    Binary packets that were written as text (`b` and base64) stay text; sessions refuse both.

    Raises:
        RemoteProtocolError: lengths that do not fit the body, an empty packet or body, too many packets, or not UTF-8.
    """
    if not body:
        raise RemoteProtocolError("expected a payload of packets, found an empty body")
    read = _split if eio_version == 4 else _read_binary if body[0] <= 1 else _read_lengths
    try:
        return read(body)
    except UnicodeDecodeError as error:
        # Not quoted and not chained: there are tokens in some, and the error holds the whole body.
        raise RemoteProtocolError(f"expected a payload in UTF-8, found another byte at {error.start}") from None


def _split(body: bytes) -> list[str | bytes]:
    separators = body.count(_SEPARATOR.encode())
    if separators >= _PACKETS_IN_MAX:
        raise _too_many()
    packets: list[str | bytes] = [*body.decode().split(_SEPARATOR)]
    if not all(packets):
        raise RemoteProtocolError("expected packets between the separators of a payload, found an empty one")
    return packets


def _read_lengths(body: bytes) -> list[str | bytes]:
    text = body.decode()
    # Sliced by code units, not by characters, of which one beyond the basic plane has two.
    encoding, width = ("ascii", 1) if text.isascii() else ("utf-16-le", 2)
    units = text.encode(encoding)
    packets: list[str | bytes] = []
    place = 0
    while place < len(units):
        head = units[place : place + (_DIGITS_MAX + 1) * width].decode(encoding, "replace")
        digits, colon, _ = head.partition(":")
        start = place + (len(digits) + 1) * width
        place = start + _length(digits if colon else "") * width
        packets.append(_checked(units, start, place, packets).decode(encoding))
    return packets


def _read_binary(body: bytes) -> list[str | bytes]:
    """Read `<0 text, 1 binary><digits as bytes 0 to 9><255><packet>`."""
    packets: list[str | bytes] = []
    place = 0
    while place < len(body):
        kind = body[place]
        if kind > 1:
            raise RemoteProtocolError(f"expected a packet's kind of 0 or 1 in a binary payload, found {kind}")
        found = max(body.find(b"\xff", place + 1, place + _DIGITS_MAX + 2), place + 1)
        digits = "".join(str(byte) if byte <= 9 else "?" for byte in body[place + 1 : found])
        place = found + 1 + _length(digits)
        packet = _checked(body, found + 1, place, packets)
        packets.append(packet if kind else packet.decode())
    return packets


def _length(digits: str) -> int:
    if not (digits.isascii() and digits.isdigit()):
        raise RemoteProtocolError(
            f"expected a length of 1 to {_DIGITS_MAX} digits before each packet, found something else"
        )
    return int(digits)


def _checked(units: bytes, start: int, end: int, packets: list[str | bytes]) -> bytes:
    """Return the units of the next packet if it is there and not one too many."""
    if len(packets) >= _PACKETS_IN_MAX:
        raise _too_many()
    if not start < end <= len(units):
        raise RemoteProtocolError("expected packet lengths that fit their payload, found one that does not")
    return units[start:end]


def _as_binary(packet: bytes) -> bytes:
    return bytes([0, *map(int, str(len(packet))), 255]) + packet


def _utf16_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _too_many() -> RemoteProtocolError:
    return RemoteProtocolError(f"expected at most {_PACKETS_IN_MAX} packets in a payload, found more")
