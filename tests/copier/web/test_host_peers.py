"""The host over real sockets, with clients that we did not write, and with none of their manners."""

import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from http.client import HTTPConnection
from pathlib import Path

import pytest
import trio
import trio.lowlevel
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from copier.web.asgi import App, Bounds, Receive, Scope, Send
from copier.web.host import Host
from copier.web.outbox import Outbox
from tests.copier.web.asgi_check import checked
from tests.copier.web.served import echo

pytestmark = [pytest.mark.slow, pytest.mark.peer]  # real sockets, and processes of their own

TLS = Path(__file__).parents[2] / "data" / "tls"


@asynccontextmanager
async def hosted(app: App = echo, *, bounds: Bounds | None = None, tls: bool = False) -> AsyncIterator[int]:
    """Serve an app on a port of loopback."""
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(checked(app), bounds=bounds).serve, listeners, context)
        await trio.testing.wait_all_tasks_blocked()
        with trio.fail_after(30):
            yield listeners[0].socket.getsockname()[1]
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Return when something is so that nobody tells."""
    while not condition():  # noqa: ASYNC110 - kernels and other tasks set no event
        await trio.sleep(0.001)


async def to_the_end(stream: trio.abc.Stream) -> int:
    """Return how many bytes came before the end."""
    size = 0
    while data := await stream.receive_some():
        size += len(data)
    return size


async def curl(*arguments: str | Path, stdin: bytes = b"") -> str:
    command = ["curl", "--silent", "--show-error", "--max-time", "10", *map(str, arguments)]
    done = await trio.run_process(command, stdin=stdin, capture_stdout=True)
    return done.stdout.decode()


@pytest.mark.parametrize("tls", [False, True])
async def test_curl_is_answered(tls: bool, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"x" * 300_000)
    async with hosted(tls=tls) as port:
        base = f"{'https' if tls else 'http'}://localhost:{port}"
        trust = ["--cacert", TLS / "certificate.pem", "--resolve", f"localhost:{port}:127.0.0.1"]
        assert await curl(*trust, f"{base}/a", f"{base}/b") == "GET /a GET /b ", "over one connection"
        said = await curl(*trust, "--data-binary", f"@{large}", "-H", "Expect: 100-continue", f"{base}/c")
        assert said == "POST /c " + "x" * 300_000
        said = await curl(*trust, "-T", "-", "-H", "Transfer-Encoding: chunked", f"{base}/d", stdin=b"y" * 100_000)
        assert said == "PUT /d " + "y" * 100_000
        assert (await curl(*trust, "--head", f"{base}/e")).startswith("HTTP/1.1 200")
        assert await curl(*trust, "--http2", f"{base}/f") == "GET /f ", "an offer of HTTP/2 is not taken"
        status = ["-o", "/dev/null", "-w", "%{http_code}"]
        assert await curl(*trust, *status, "-d", "x" * 100_000, "-H", "A: " + "b" * 40_000, f"{base}/g") == "431"
        large.write_bytes(b"x" * 2_000_000)
        assert await curl(*trust, *status, "--data-binary", f"@{large}", "-H", "Expect:", f"{base}/h") == "413"


async def test_http_client_keeps_its_connection() -> None:
    def ask(port: int) -> list[bytes]:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        answers = []
        for number in range(3):
            connection.request("POST", f"/{number}", body=iter([b"in ", b"chunks"]), encode_chunked=True)
            answers.append(connection.getresponse().read())
        connection.close()
        return answers

    async with hosted() as port:
        assert await trio.to_thread.run_sync(ask, port) == [b"POST /%d in chunks" % number for number in range(3)]


@pytest.mark.parametrize("tls", [False, True])
async def test_websockets_of_another_library_are_served(tls: bool) -> None:
    def visit(port: int) -> None:
        context = ssl.create_default_context(cafile=TLS / "certificate.pem") if tls else None
        uri = f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ws"
        with connect(uri, subprotocols=["v12.stomp"], ssl=context, max_size=None, open_timeout=30) as socket_:  # type: ignore[list-item]
            assert socket_.subprotocol == "v12.stomp"
            for message in ("", "hällo", "x" * 200_000, b"bytes \0"):
                socket_.send(message)
                assert socket_.recv(5) == message
            socket_.send(["one ", "message ", "in parts"])
            assert socket_.recv(5) == "one message in parts"
            assert socket_.ping().wait(5)
            socket_.send("y" * 300_000)  # beyond what is taken
            with pytest.raises(ConnectionClosed) as closed:
                socket_.recv(5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009

    async with hosted(tls=tls) as port:
        await trio.to_thread.run_sync(visit, port)


SHAKE = (
    "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n\r\n"
)


async def test_a_stray_byte_after_the_handshake_does_not_end_the_host() -> None:
    async with hosted() as port:
        for stray in ("x", "\r\n", "GET / HTTP/1.1\r\n\r\n", "\x81", "\xff" * 1000):
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            await stream.send_all((SHAKE + stray).encode("latin-1"))
            assert (await stream.receive_some()).startswith(b"HTTP/1.1 101")
            await stream.aclose()
            assert await curl(f"http://127.0.0.1:{port}/alive") == "GET /alive "


async def test_connections_that_end_anyhow_anywhere_leave_nothing_behind() -> None:
    """Half-closed, reset, cut within a head, a body, a handshake and a frame."""
    begun = [
        b"",
        b"G",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe",
        SHAKE[:-1].encode(),
        SHAKE.encode(),
    ]
    app_calls = 0

    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal app_calls
        app_calls += 1
        try:
            await echo(scope, receive, send)
        finally:
            app_calls -= 1

    async with hosted(counted) as port:
        before = trio.lowlevel.current_statistics().tasks_living
        for raw in [*begun, SHAKE.encode() + b"\x81\x85\0\0\0\0he"]:
            for ending in ("half", "reset", "close"):
                stream = await trio.open_tcp_stream("127.0.0.1", port)
                await stream.send_all(raw)
                if raw.endswith(b"\r\n\r\n"):
                    await stream.receive_some()
                if ending == "half":
                    await stream.send_eof()
                    await to_the_end(stream)
                elif ending == "reset":
                    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                await stream.aclose()
        await until(lambda: app_calls == 0 and trio.lowlevel.current_statistics().tasks_living <= before)
        assert await curl(f"http://127.0.0.1:{port}/alive") == "GET /alive "


async def test_a_slow_loris_holds_its_own_connection_and_no_other() -> None:
    async with hosted(bounds=Bounds(head_s_max=0.5)) as port, trio.open_nursery() as nursery:
        ended: list[float] = []

        async def dribble() -> None:
            stream = await trio.open_tcp_stream("127.0.0.1", port)
            begun = trio.current_time()
            try:
                for byte in b"GET / HTTP/1.1\r\nHost: x\r\nX-A: " + b"a" * 1000:
                    await stream.send_all(bytes([byte]))
                    await trio.sleep(0.02)
            except trio.BrokenResourceError:
                ended.append(trio.current_time() - begun)
            await trio.aclose_forcefully(stream)

        for _ in range(50):
            nursery.start_soon(dribble)
        assert await curl(f"http://127.0.0.1:{port}/alive") == "GET /alive "
        await until(lambda: len(ended) == 50)
        assert max(ended) < 1.5


@pytest.mark.parametrize("tls", [False, True])
async def test_who_reads_nothing_costs_its_bound_and_is_reset_and_others_read_on(tls: bool) -> None:
    outboxes: list[Outbox] = []

    async def pushed(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        outboxes.append(scope["extensions"]["copier.outbox"])
        await receive()

    bound = 100_000
    async with hosted(pushed, bounds=Bounds(outbox_bytes_max=bound), tls=tls) as port:
        context = ssl.create_default_context(cafile=TLS / "certificate.pem")
        streams: list[trio.abc.Stream] = []
        for _ in range(2):
            stream: trio.abc.Stream = await trio.open_tcp_stream("127.0.0.1", port)
            if tls:
                stream = trio.SSLStream(stream, context, server_hostname="localhost")
            await stream.send_all(SHAKE.encode())
            await stream.receive_some()
            streams.append(stream)
            await until(lambda: len(outboxes) == len(streams))
        read = 0

        async def reader() -> None:
            nonlocal read
            while data := await streams[1].receive_some():
                read += len(data)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(reader)
            sent, most = 0, 0
            while outboxes[0].put(b"x" * 10_000):
                assert outboxes[1].put(b"y" * 10_000)
                sent += 10_000
                most = max(most, outboxes[0].waiting_bytes)
                await trio.lowlevel.checkpoint()
                await until(lambda: outboxes[1].waiting_bytes == 0)
            assert most <= bound + 10_010
            await until(lambda: read >= sent)
            assert not outboxes[0].put(b"late")
            nursery.cancel_scope.cancel()
        with pytest.raises(trio.BrokenResourceError):
            await to_the_end(streams[0])
        for stream in streams:
            await trio.aclose_forcefully(stream)


async def test_a_port_serves_ipv6_too() -> None:
    listeners = await trio.open_tcp_listeners(0, host="::1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(Host(echo).serve, listeners))
        assert await curl(f"http://[::1]:{listeners[0].socket.getsockname()[1]}/six") == "GET /six "
        nursery.cancel_scope.cancel()
