"""The WebSocket client half: handshakes that fail, connections that break, and which error comes out."""

import base64
import hashlib

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from adapters.base import LocalProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import DropConnection, HttpRequest, HttpService, WebSocketHandler
from adapters.transport.websocket import open_websocket
from tests.adapters.venues import HOST, PORT, Venue, answers, read_request

URL = f"ws://{HOST}/stream?token=hidden"


async def no_http(request: HttpRequest) -> HttpResponse:
    return HttpResponse(404)


def serve(nursery: trio.Nursery, handler: WebSocketHandler, refusal: HttpResponse | None = None) -> MemoryNetwork:
    network = MemoryNetwork(nursery)
    service = HttpService(no_http, {"/stream": handler}, {"/stream": ["v12.stomp"]}, admit=lambda request: refusal)
    network.listen(HOST, PORT, service.serve_stream)
    return network


async def echo(websocket: WebSocketConnection, request: HttpRequest) -> None:
    while True:
        await websocket.send_message(await websocket.get_message())


async def read_into(messages: list[str | bytes], websocket: FrameConnection) -> None:
    while True:
        messages.append(await websocket.get_message())


def handshake(request: bytes) -> bytes:
    key = next(line for line in request.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
    digest = hashlib.sha1(key.partition(b":")[2].strip() + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    lines = [b"HTTP/1.1 101 Switching Protocols", b"Upgrade: websocket", b"Connection: Upgrade"]
    return b"\r\n".join([*lines, b"Sec-WebSocket-Accept: " + base64.b64encode(digest), b"", b""])


async def test_messages_headers_query_and_subprotocol_reach_the_other_side(nursery: trio.Nursery) -> None:
    seen: list[HttpRequest] = []

    async def handler(websocket: WebSocketConnection, request: HttpRequest) -> None:
        seen.append(request)
        await echo(websocket, request)

    network = serve(nursery, handler)
    options = {"headers": [("api-key", "k")], "subprotocols": ["v11.stomp", "v12.stomp"]}
    async with open_websocket(URL, connect=network.connect, **options) as websocket:  # type: ignore[arg-type]
        assert websocket.subprotocol == "v12.stomp"
        await websocket.send_message("grüezi")
        assert await websocket.get_message() == "grüezi"
    [request] = seen
    assert (request.path, request.query["token"], request.headers["api-key"]) == ("/stream", "hidden", "k")


async def test_messages_sent_with_the_handshake_are_not_lost(nursery: trio.Nursery) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        await stream.send_all(handshake(await read_request(stream)) + b"\x81\x05hello" + b"\x88\x02\x03\xe8")

    venue = Venue(nursery, script)
    messages: list[str | bytes] = []
    with pytest.raises(SessionLost, match="connection closed with code 1000"):
        async with open_websocket(URL, connect=venue.network.connect) as websocket:
            await read_into(messages, websocket)
    assert messages == ["hello"]


@pytest.mark.parametrize("status", [401, 403])
async def test_unauthorized_handshake_is_a_refused_sign_in_without_its_body(nursery: trio.Nursery, status: int) -> None:
    network = serve(nursery, echo, HttpResponse(status, body=b"bad token: hidden"))
    with pytest.raises(SignInRefused, match=rf"/stream: expected 101 .*, found HTTP {status}") as caught:
        async with open_websocket(URL, connect=network.connect):
            raise AssertionError
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_other_refused_handshake_is_a_lost_session(nursery: trio.Nursery, status: int) -> None:
    network = serve(nursery, echo, HttpResponse(status))
    with pytest.raises(SessionLost, match=f"found HTTP {status}"):
        async with open_websocket(URL, connect=network.connect):
            raise AssertionError


@pytest.mark.parametrize(
    ("raw", "close"),
    [
        (b"", True),
        (b"HTTP/1.1 101 Switch", True),
        (b"SSH-2.0-x\r\n\r\n", False),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", False),
        (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + b"x" * 2_000_000, False),
    ],
    ids=["cut", "cut-in-head", "garbage", "wrong-accept", "endless-refusal"],
)
async def test_broken_handshake_is_a_lost_session_at_once(
    nursery: trio.Nursery, autojump_clock: MockClock, raw: bytes, close: bool
) -> None:
    venue = Venue(nursery, answers(raw, then_close=close))
    started = trio.current_time()
    with pytest.raises(SessionLost):
        async with open_websocket(URL, connect=venue.network.connect):
            raise AssertionError
    assert trio.current_time() == started


async def test_slow_handshake_is_a_lost_session(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    venue = Venue(nursery, answers(b""))
    with pytest.raises(SessionLost, match="no WebSocket handshake within 7 s"):
        async with open_websocket(URL, connect=venue.network.connect, timeout_s=7):
            raise AssertionError


async def test_slow_or_refused_connection_is_not_sent(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def never(host: str, port: int, tls: bool) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    for connect in (never, MemoryNetwork(nursery).connect):
        with pytest.raises(RequestNotSent):
            async with open_websocket(URL, connect=connect):
                raise AssertionError


async def test_cut_line_is_a_lost_session_also_out_of_nurseries_in_the_block(nursery: trio.Nursery) -> None:
    async def drop(websocket: WebSocketConnection, request: HttpRequest) -> None:
        await websocket.get_message()
        raise DropConnection

    network = serve(nursery, drop)

    async def stream(websocket: FrameConnection) -> None:
        async with trio.open_nursery() as inner:
            inner.start_soon(read_into, [], websocket)
            while True:
                await websocket.send_message("x")

    with pytest.raises(SessionLost, match="code 1006"):
        async with open_websocket(URL, connect=network.connect) as websocket:
            await stream(websocket)


async def test_broken_frames_are_a_lost_session(nursery: trio.Nursery) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        await stream.send_all(handshake(await read_request(stream)) + b"\xff\xff\xff\xff")
        await read_request(stream)

    venue = Venue(nursery, script)
    with pytest.raises(SessionLost):
        async with open_websocket(URL, connect=venue.network.connect) as websocket:
            await websocket.get_message()


async def test_oversize_message_ends_the_connection(nursery: trio.Nursery) -> None:
    async def flood(websocket: WebSocketConnection, request: HttpRequest) -> None:
        await websocket.send_message("x" * 2000)
        await websocket.get_message()

    network = serve(nursery, flood)
    with pytest.raises(SessionLost, match="code 1009"):
        async with open_websocket(URL, connect=network.connect, message_bytes_max=1000) as websocket:
            await websocket.get_message()


async def test_errors_of_the_block_come_out_as_they_are(nursery: trio.Nursery) -> None:
    network = serve(nursery, echo)
    error = KeyError("a bug")
    with pytest.raises(KeyError) as caught:
        async with open_websocket(URL, connect=network.connect):
            raise error
    assert caught.value is error
    with pytest.raises(ExceptionGroup) as group:
        async with open_websocket(URL, connect=network.connect), trio.open_nursery():
            raise error
    assert group.value.exceptions == (error,)


async def test_cancelling_the_block_closes_the_connection(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    gone = trio.Event()

    async def handler(websocket: WebSocketConnection, request: HttpRequest) -> None:
        try:
            await websocket.get_message()
        finally:
            gone.set()

    network = serve(nursery, handler)
    with trio.move_on_after(1) as scope:
        async with open_websocket(URL, connect=network.connect):
            await trio.sleep_forever()
    assert scope.cancelled_caught
    await gone.wait()


async def test_header_that_would_split_the_request_is_our_bug_and_its_value_is_not_shown() -> None:
    async def unused(host: str, port: int, tls: bool) -> trio.abc.Stream:
        raise AssertionError

    for value in ("sesame\r\nX: y", "sesame\u20ac"):
        with pytest.raises(LocalProtocolError, match="api-key") as caught:
            async with open_websocket(URL, connect=unused, headers=[("api-key", value)]):
                raise AssertionError
        assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://x/", "ws://", "ws://u:p@x/", "stream"])
async def test_url_that_is_no_websocket_is_refused(url: str) -> None:
    async def unused(host: str, port: int, tls: bool) -> trio.abc.Stream:
        raise AssertionError

    with pytest.raises(ValueError, match="url must be"):
        async with open_websocket(url, connect=unused):
            raise AssertionError
