"""The server half: what clients, polite and rude, get from it; over memory and over TCP."""

from functools import partial

import pytest
import trio
from trio.testing import MockClock
from trio_websocket import WebSocketConnection

from adapters.base import SessionLost
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import MemoryNetwork, MemoryStream, connect_tcp, memory_streams
from adapters.transport.serving import DropConnection, HttpRequest, HttpService, serve_tcp
from adapters.transport.websocket import open_websocket


async def show(request: HttpRequest) -> HttpResponse:
    """Answer with what was asked; /drop loses the answer, /bug is a bug."""
    if request.path == "/drop":
        raise DropConnection
    if request.path == "/bug":
        raise RuntimeError("a bug")
    if request.path == "/nothing":
        return HttpResponse(204)
    fields = "&".join(f"{name}={value}" for name, value in request.query.items())
    text = f"{request.method} {request.path}?{fields} {request.headers.get('x-a')} {request.body.decode()}"
    return HttpResponse(200, {"content-type": "text/plain"}, text.encode())


async def shout(websocket: WebSocketConnection, request: HttpRequest) -> None:
    message = await websocket.get_message()
    await websocket.send_message(f"{message} from {request.query['who']}")


SERVICE = HttpService(show, {"/ws": shout}, body_bytes_max=100)


async def talk(raw: bytes, service: HttpService = SERVICE) -> bytes:
    """Return all that the service says to `raw` until it closes the line or wants more."""
    near, far = memory_streams()
    said = b""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(service.serve_stream, far)
        await near.send_all(raw)
        with trio.move_on_after(5):
            async for chunk in near:
                said += chunk
        nursery.cancel_scope.cancel()
    return said


async def test_one_tcp_port_serves_requests_and_websockets() -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_tcp, SERVICE, "127.0.0.1", 0))
            http = HttpClient(f"http://127.0.0.1:{port}", connect=connect_tcp)
            for number in range(2):
                response = await http.request("PUT", f"/a%20b?q=%26&q={number}", headers={"X-A": "v"}, body=b"body")
                assert response.body == b"PUT /a b?q=%d v body" % number
                assert response.headers["content-type"] == "text/plain"
            async with open_websocket(f"ws://127.0.0.1:{port}/ws?who=me", connect=connect_tcp) as websocket:
                await websocket.send_message("hello")
                assert await websocket.get_message() == "hello from me"
            await http.aclose()
            nursery.cancel_scope.cancel()


async def test_websocket_follows_a_request_on_one_connection(nursery: trio.Nursery) -> None:
    near, far = memory_streams()
    nursery.start_soon(SERVICE.serve_stream, far)

    class Kept:
        """A connection that lives on after its first request."""

        async def connect(self, host: str, port: int, tls: bool) -> MemoryStream:
            return near

    http = HttpClient("http://x", connect=Kept().connect)
    assert (await http.request("GET", "/")).status == 200
    async with open_websocket("ws://x/ws?who=you", connect=Kept().connect) as websocket:
        await websocket.send_message("again")
        assert await websocket.get_message() == "again from you"


async def test_pipelined_requests_are_answered_in_order(autojump_clock: MockClock) -> None:
    said = await talk(b"GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.index(b"GET /1? None ") < said.index(b"GET /2? None ")


async def test_dropped_request_gets_no_answer(nursery: trio.Nursery) -> None:
    network = MemoryNetwork(nursery)
    network.listen("x", 80, SERVICE.serve_stream)
    with pytest.raises(SessionLost, match="connection lost before the answer"):
        await HttpClient("http://x", connect=network.connect).request("POST", "/drop")


async def test_bug_in_a_handler_ends_the_server() -> None:
    near, far = memory_streams()
    await near.send_all(b"GET /bug HTTP/1.1\r\nHost: x\r\n\r\n")
    with pytest.raises(RuntimeError, match="a bug"):
        await SERVICE.serve_stream(far)


async def test_bug_in_a_websocket_handler_ends_the_server_and_comes_out_alone(nursery: trio.Nursery) -> None:
    async def broken(websocket: WebSocketConnection, request: HttpRequest) -> None:
        raise RuntimeError("a bug")

    near, far = memory_streams()

    async def connect(host: str, port: int, tls: bool) -> trio.abc.Stream:
        return near

    async def visit() -> None:
        with pytest.raises(SessionLost):
            async with open_websocket("ws://x/ws", connect=connect) as websocket:
                await websocket.get_message()

    nursery.start_soon(visit)
    with pytest.raises(RuntimeError, match="a bug"):
        await HttpService(show, {"/ws": broken}).serve_stream(far)


async def test_task_that_a_request_started_outlives_its_connection(autojump_clock: MockClock) -> None:
    done: list[float] = []

    async def work() -> None:
        await trio.sleep(3)
        done.append(trio.current_time())

    async def begin(request: HttpRequest) -> HttpResponse:
        assert request.start_task is not None
        request.start_task(work)
        return HttpResponse(200)

    near, far = memory_streams()
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(HttpService(begin).serve_stream, far)
        await near.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        async for _ in near:  # to the end of the connection
            assert done == []
    assert done == [started + 3]


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000, b"431"),
        (b"GET /?" + b"a&" * 2000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n" + b"a" * 101, b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"a" * 101, b"413"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n", b"400"),
    ],
    ids=["nonsense", "no-host", "no-key", "endless-head", "fields", "large", "large-chunked", "two-lengths"],
)
async def test_bad_request_is_refused_and_the_line_closed(autojump_clock: MockClock, raw: bytes, status: bytes) -> None:
    said = await talk(raw)
    assert said.startswith(b"HTTP/1.1 " + status)
    assert trio.current_time() < 5, "the line was not closed"


async def test_head_and_204_answers_have_no_body(autojump_clock: MockClock) -> None:
    said = await talk(b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n")
    first, second, rest = said.split(b"\r\n\r\n")
    assert b"content-length: 13" in first.lower()
    assert second.startswith(b"HTTP/1.1 204")
    assert rest == b""


async def test_client_that_waits_for_100_is_told_to_go_on(autojump_clock: MockClock) -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert (await talk(head)).startswith(b"HTTP/1.1 100")


@pytest.mark.parametrize(
    ("raw", "limit_s"),
    [(b"", 75), (b"GET / HTT", 30), (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n1", 30)],
    ids=["idle", "half-a-head", "half-a-body"],
)
async def test_slow_client_is_left_after_its_time(autojump_clock: MockClock, raw: bytes, limit_s: float) -> None:
    near, far = memory_streams()
    await near.send_all(raw)
    started = trio.current_time()
    await SERVICE.serve_stream(far)
    assert trio.current_time() - started == limit_s


async def test_connections_beyond_the_most_are_closed() -> None:
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_tcp, SERVICE, "127.0.0.1", 0, connections_max=1))
            first = HttpClient(f"http://127.0.0.1:{port}", connect=connect_tcp)
            assert (await first.request("GET", "/")).status == 200
            second = HttpClient(f"http://127.0.0.1:{port}", connect=connect_tcp)
            with pytest.raises(SessionLost):
                await second.request("GET", "/")
            await first.aclose()
            nursery.cancel_scope.cancel()


def test_request_does_not_show_what_may_be_secret() -> None:
    request = HttpRequest("POST", "/orders", {"auth-token": "sesame"}, {"api-key": "sesame"}, b"sesame")
    assert "sesame" not in repr(request)
