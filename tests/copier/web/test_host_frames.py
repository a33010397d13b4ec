"""RFC 6455 by vectors, in the sections of the Autobahn suite: sizes, pings, reserved bits, kinds, fragments, UTF-8,
goodbyes. Each is sent whole and byte by byte.
"""

import struct

import pytest
import trio
from trio.testing import MockClock

from adapters.transport.network import memory_streams
from copier.web.host import Host
from tests.copier.web.asgi_check import checked
from tests.copier.web.served import LOCAL, echo, everything
from tests.copier.web.test_host_websocket import SHAKE

TEXT, BINARY, CONTINUED, CLOSE, PING, PONG = 0x1, 0x2, 0x0, 0x8, 0x9, 0xA
MASK = b"\x37\xfa\x21\x3d"


def frame(kind: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
    """Return a client's frame."""
    first = (0x80 if fin else 0) | rsv << 4 | kind
    size = len(payload)
    head = bytes((first, 0x80 | size)) if size < 126 else b""
    if not head:
        head = struct.pack("!BBH", first, 0xFE, size) if size < 0x10000 else struct.pack("!BBQ", first, 0xFF, size)
    return head + MASK + bytes(byte ^ MASK[at % 4] for at, byte in enumerate(payload))


def said(kind: int, payload: bytes = b"") -> bytes:
    """Return a server's frame."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | kind, size)) + payload
    head = (
        struct.pack("!BBH", 0x80 | kind, 126, size) if size < 0x10000 else struct.pack("!BBQ", 0x80 | kind, 127, size)
    )
    return head + payload


def goodbye(code: int, reason: bytes = b"") -> bytes:
    return struct.pack("!H", code) + reason


BYE = frame(CLOSE, goodbye(1000))
BYE_SAID = said(CLOSE, goodbye(1000))
GREEK = "κόσμε".encode()

GOOD: dict[str, tuple[bytes, bytes]] = {
    **{
        f"1: {size} bytes of {name}": (frame(kind, b"*" * size) + BYE, said(kind, b"*" * size) + BYE_SAID)
        for name, kind in (("text", TEXT), ("binary", BINARY))
        for size in (0, 1, 125, 126, 127, 128, 65535, 65536)
    },
    "2: a ping": (frame(PING) + BYE, said(PONG) + BYE_SAID),
    "2: a ping with 125 bytes": (frame(PING, b"\xfe" * 125) + BYE, said(PONG, b"\xfe" * 125) + BYE_SAID),
    "2: a pong that nobody asked for": (frame(PONG, b"x") + BYE, BYE_SAID),
    "2: ten pings": (
        b"".join(frame(PING, b"%d" % number) for number in range(10)) + BYE,
        b"".join(said(PONG, b"%d" % number) for number in range(10)) + BYE_SAID,
    ),
    "5: two fragments": (frame(TEXT, b"a", fin=False) + frame(CONTINUED, b"b") + BYE, said(TEXT, b"ab") + BYE_SAID),
    "5: a ping between fragments": (
        frame(TEXT, b"a", fin=False) + frame(PING, b"p") + frame(CONTINUED, b"b") + BYE,
        said(PONG, b"p") + said(TEXT, b"ab") + BYE_SAID,
    ),
    "5: empty fragments": (
        frame(TEXT, fin=False) + frame(CONTINUED, fin=False) + frame(CONTINUED) + BYE,
        said(TEXT) + BYE_SAID,
    ),
    "6: a letter in two fragments": (
        frame(TEXT, GREEK[:3], fin=False) + frame(CONTINUED, GREEK[3:]) + BYE,
        said(TEXT, GREEK) + BYE_SAID,
    ),
    **{
        f"6: U+{ord(letter):04X}": (frame(TEXT, letter.encode()) + BYE, said(TEXT, letter.encode()) + BYE_SAID)
        for letter in "\0\x7f\x80\u07ff\u0800\ud7ff\ue000\ufffd\ufffe\uffff\U00010000\U0010ffff"
    },
    "7: no code": (frame(CLOSE), said(CLOSE, goodbye(1000))),
    **{
        f"7: {code}": (frame(CLOSE, goodbye(code)), said(CLOSE, goodbye(code)))
        for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
    },
    "7: a reason of 123 bytes": (frame(CLOSE, goodbye(1000, b"*" * 123)), BYE_SAID),
    "7: nothing is heard after the goodbye": (BYE + frame(TEXT, b"late"), BYE_SAID),
}

BAD: dict[str, tuple[bytes, int]] = {
    "2: a ping with 126 bytes": (frame(PING, b"x" * 126), 1002),
    **{f"3: reserved bits {rsv}": (frame(TEXT, b"a", rsv=rsv), 1002) for rsv in range(1, 8)},
    "3: a reserved bit of a ping": (frame(PING, rsv=4), 1002),
    **{f"4: kind {kind}": (frame(kind), 1002) for kind in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "5: a ping in fragments": (frame(PING, b"a", fin=False) + frame(CONTINUED, b"b"), 1002),
    "5: continues nothing": (frame(CONTINUED, b"a"), 1002),
    "5: begins anew within a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"b"), 1002),
    **{
        f"6: {payload.hex()}": (frame(TEXT, payload), 1007)
        for payload in (
            b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",  # half of a surrogate pair
            b"\xf4\x90\x80\x80",  # above U+10FFFF
            b"\xc0\xaf",  # a slash that is longer than it must be
            b"\xe0\x80\xaf",
            b"\xf8\x88\x80\x80\x80",  # five bytes
            b"\x80",
            b"\xff",
            b"\xce",  # half a letter
        )
    },
    "6: no UTF-8 in a later fragment": (frame(TEXT, b"a", fin=False) + frame(CONTINUED, b"\xff"), 1007),
    "7: half a code": (frame(CLOSE, b"\x03"), 1002),
    **{
        f"7: {code}": (frame(CLOSE, goodbye(code)), 1002)
        for code in (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999, 5000, 65535)
    },
    "7: a reason that is no UTF-8": (frame(CLOSE, goodbye(1000, b"\xff")), 1007),
    "7: a goodbye of 126 bytes": (frame(CLOSE, goodbye(1000, b"x" * 124)), 1002),
    "a size in more bytes than it needs": (b"\x81\xfe\x00\x7d" + MASK + b"x" * 125, 1002),
    "a size in eight bytes that two would hold": (b"\x81\xff" + (200).to_bytes(8, "big") + MASK, 1002),
    "a size with the highest bit": (b"\x82\xff\x80" + b"\0" * 7 + MASK, 1002),
    "not masked": (b"\x81\x01a", 1002),
}


async def answer_to(raw: bytes, piece: int) -> bytes:
    """Return what the host says behind its handshake."""
    near, far = memory_streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(checked(echo)).serve_stream, far, LOCAL)
        await near.send_all(SHAKE)
        head = b""
        while b"\r\n\r\n" not in head:
            head += await near.receive_some()

        async def send() -> None:
            try:
                for begin in range(0, len(raw), piece):
                    await near.send_all(raw[begin : begin + piece])
            except trio.BrokenResourceError:
                pass  # it was ended before all was sent

        nursery.start_soon(send)
        return head.partition(b"\r\n\r\n")[2] + await everything(near)


@pytest.mark.parametrize(("raw", "expected"), GOOD.values(), ids=GOOD)
async def test_what_is_right_is_answered(autojump_clock: MockClock, raw: bytes, expected: bytes) -> None:
    assert await answer_to(raw, 100_000) == expected
    if len(raw) < 1000:
        assert await answer_to(raw, 1) == expected


@pytest.mark.parametrize("piece", [100_000, 1])
@pytest.mark.parametrize(("raw", "code"), BAD.values(), ids=BAD)
async def test_what_is_wrong_ends_with_its_code(autojump_clock: MockClock, raw: bytes, code: int, piece: int) -> None:
    answer = await answer_to(raw, piece)
    assert answer[:1] == b"\x88", answer
    assert struct.unpack("!H", answer[2:4]) == (code,)
