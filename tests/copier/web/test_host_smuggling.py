"""Requests whose end two readers could see in two places: a request hidden in another one's body never reaches the app.

Each case is sent in one piece and byte by byte; both must mean the same.
"""

import pytest
import trio
from trio.testing import MockClock

from adapters.transport.network import memory_streams
from copier.web.asgi import Receive, Scope, Send
from copier.web.host import Host
from tests.copier.web.asgi_check import checked
from tests.copier.web.served import LOCAL

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n"


class Ears:
    """An app that remembers what it was asked."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, bytes]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body, more = body + message["body"], message["more_body"]
        self.heard.append((scope["method"], scope["path"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})


def post(*lines: bytes, body: bytes = b"") -> bytes:
    return b"\r\n".join([b"POST /seen HTTP/1.1", b"Host: x", *lines, b"", b""]) + body


CHUNKED_HIDDEN = b"0\r\n\r\n" + HIDDEN

REFUSED = {
    "both lengths": post(b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKED_HIDDEN),
    "both lengths the other way round": post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=CHUNKED_HIDDEN),
    "two lengths": post(b"Content-Length: 0", b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
    "two lengths in one": post(b"Content-Length: 0, %d" % len(HIDDEN), body=HIDDEN),
    "a length with a sign": post(b"Content-Length: +%d" % len(HIDDEN), body=HIDDEN),
    "a length below zero": post(b"Content-Length: -1", body=HIDDEN),
    "a length in hex": post(b"Content-Length: 0x0", body=HIDDEN),
    "a length with an underscore": post(b"Content-Length: 1_0", body=HIDDEN),
    "a length of other digits": post("Content-Length: ٥".encode(), body=HIDDEN),
    "no length": post(b"Content-Length:", body=HIDDEN),
    "a space before the colon": post(b"Content-Length : %d" % len(HIDDEN), body=HIDDEN),
    "a space before the colon of the encoding": post(b"Transfer-Encoding : chunked", body=CHUNKED_HIDDEN),
    "another encoding": post(b"Transfer-Encoding: gzip, chunked", body=CHUNKED_HIDDEN),
    "chunked not last": post(b"Transfer-Encoding: chunked, identity", body=CHUNKED_HIDDEN),
    "chunked twice": post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", body=CHUNKED_HIDDEN),
    "nearly chunked": post(b"Transfer-Encoding: xchunked", body=CHUNKED_HIDDEN),
    "a control before chunked": post(b"Transfer-Encoding: \x0bchunked", body=CHUNKED_HIDDEN),
    "chunked in HTTP/1.0": post(b"Transfer-Encoding: chunked", body=CHUNKED_HIDDEN).replace(b"HTTP/1.1", b"HTTP/1.0"),
    "a chunk without size": post(b"Transfer-Encoding: chunked", body=b"\r\n" + CHUNKED_HIDDEN),
    "a chunk size with a sign": post(b"Transfer-Encoding: chunked", body=b"+0\r\n\r\n" + HIDDEN),
    "a chunk size with 0x": post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + HIDDEN),
    "a chunk size of 21 digits": post(b"Transfer-Encoding: chunked", body=b"0" * 21 + b"\r\n\r\n" + HIDDEN),
    "a chunk that is longer than it says": post(b"Transfer-Encoding: chunked", body=b"1\r\nabc" + CHUNKED_HIDDEN),
    "a chunk that ends with something else": post(b"Transfer-Encoding: chunked", body=b"1\r\naXX" + CHUNKED_HIDDEN),
    "a NUL in a header": post(b"A: \0", body=HIDDEN),
    "a CR in a header": post(b"A: b\rContent-Length: 5", body=HIDDEN),
    "a header without a name": post(b": a", body=HIDDEN),
    "a header without a colon": post(b"nothing", body=HIDDEN),
    "a space before the first header": b"GET /seen HTTP/1.1\r\n Host: x\r\n\r\n" + HIDDEN,
    "no version": b"GET /seen\r\n\r\n" + HIDDEN,
    "version 2": b"GET /seen HTTP/2.0\r\nHost: x\r\n\r\n" + HIDDEN,
    "spaces in the target": b"GET /seen /hidden HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "a line of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
    "a greeting of TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + HIDDEN,
    "a target of another host": b"GET http://y/seen HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "a tunnel": b"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n" + HIDDEN,
}

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n"
)
REFUSED |= {
    "a WebSocket with a body": UPGRADE + b"Content-Length: 1\r\n\r\na",
    "a WebSocket with a body in chunks": UPGRADE + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_HIDDEN,
    "a WebSocket with two keys": UPGRADE + b"Sec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n\r\n" + HIDDEN,
    "a WebSocket with a short key": UPGRADE.replace(b"bKdPyn3u98cTfZJSh4TNeQ==", b"bKdPyg==") + b"\r\n" + HIDDEN,
    "a WebSocket by POST": UPGRADE.replace(b"GET", b"POST") + b"\r\n" + HIDDEN,
    "a WebSocket that does not switch": UPGRADE.replace(b"Upgrade\r\n", b"close\r\n", 1) + b"\r\n" + HIDDEN,
}

TAKEN = {
    "a body that looks like a request": (
        post(b"Content-Length: %d" % len(HIDDEN), body=HIDDEN),
        [("POST", "/seen", HIDDEN)],
    ),
    "a chunk that looks like a request": (
        post(b"Transfer-Encoding: chunked", body=b"%x\r\n%s\r\n0\r\n\r\n" % (len(HIDDEN), HIDDEN)),
        [("POST", "/seen", HIDDEN)],
    ),
    "trailers": (
        post(b"Transfer-Encoding: chunked", body=b"1\r\na\r\n0\r\nContent-Length: 9\r\nX-Api-Key: k\r\n\r\n"),
        [("POST", "/seen", b"a")],
    ),
    "an extension of a chunk": (
        post(b"Transfer-Encoding: Chunked", body=b'1;a="b"\r\na\r\n0\r\n\r\n'),
        [("POST", "/seen", b"a")],
    ),
    "a whole address": (b"GET http://x/seen?a=b HTTP/1.1\r\nHost: x\r\n\r\n", [("GET", "/seen", b"")]),
    "an address without a path": (b"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", [("GET", "/", b"")]),
    "the server itself": (b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", [("OPTIONS", "*", b"")]),
    "two requests": (
        post(b"Content-Length: 1", body=b"a") + post(b"Content-Length: 1", body=b"b"),
        [("POST", "/seen", b"a"), ("POST", "/seen", b"b")],
    ),
    "the last of HTTP/1.0": (
        b"GET /seen HTTP/1.0\r\nHost: x\r\n\r\n" + HIDDEN,
        [("GET", "/seen", b"")],
    ),
}


async def hear(raw: bytes, piece: int) -> tuple[list[tuple[str, str, bytes]], bytes]:
    """Return what the app heard, and what the host said until it closed or had nothing more to do."""
    ears = Ears()
    near, far = memory_streams()
    said = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(checked(ears)).serve_stream, far, LOCAL)

        async def send() -> None:
            try:
                for begin in range(0, len(raw), piece):
                    await near.send_all(raw[begin : begin + piece])
            except trio.BrokenResourceError:
                pass  # refused before it was all sent

        nursery.start_soon(send)
        with trio.move_on_after(50):
            while chunk := await near.receive_some():
                said += chunk
        nursery.cancel_scope.cancel()
    return ears.heard, said


@pytest.mark.parametrize("piece", [10_000, 1])
@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
async def test_what_is_ambiguous_is_refused_and_nothing_behind_it_is_heard(
    autojump_clock: MockClock, raw: bytes, piece: int
) -> None:
    heard, said = await hear(raw, piece)
    assert heard == []
    assert said.startswith((b"HTTP/1.1 400", b"HTTP/1.1 501", b"HTTP/1.1 505")), said
    assert said.count(b"HTTP/1.1") == 1, "one answer, and the line is closed"


@pytest.mark.parametrize("piece", [10_000, 1])
@pytest.mark.parametrize(("raw", "expected"), TAKEN.values(), ids=TAKEN)
async def test_what_is_clear_is_heard_as_it_is(
    autojump_clock: MockClock, raw: bytes, expected: list[tuple[str, str, bytes]], piece: int
) -> None:
    heard, said = await hear(raw, piece)
    assert heard == expected
    assert said.count(b"HTTP/1.1 204") == len(expected)
