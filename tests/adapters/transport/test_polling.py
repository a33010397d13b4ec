"""The client half of long polling: joined to our own server half, and against servers that misbehave to order."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.transport.engineio_payload import decode_payload, encode_payload
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.polling import PollingConnection, open_polling
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import DropConnection, HttpRequest, HttpService
from adapters.transport.socketio import ClientSession, Connected, Event, Opened, ServerSession
from adapters.transport.socketio_packets import ConnectRequested, EioVersion

ORIGIN = "http://venue.test"
OPEN = '0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}'

Answerer = Callable[[HttpRequest], Awaitable[HttpResponse]]


class Server:
    """Makes the handshake, gives `polls` one by one, and takes posts; the requests are kept."""

    def __init__(self, nursery: trio.Nursery, *polls: list[str], open_packet: str = OPEN) -> None:
        self.network = MemoryNetwork(nursery)
        self.network.listen("venue.test", 80, HttpService(self._answer).serve_stream)
        self.requests: list[HttpRequest] = []
        self.headers: dict[str, str] = {}
        self.open_packet = open_packet
        self.on_poll: Answerer = self._next_poll
        self.on_post: Answerer = self._ok
        self._polls = list(polls)

    async def _answer(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if request.method == "POST":
            return await self.on_post(request)
        if "sid" in request.query:
            return await self.on_poll(request)
        return HttpResponse(200, self.headers, self.open_packet.encode())

    async def _next_poll(self, request: HttpRequest) -> HttpResponse:
        if self._polls:
            return HttpResponse(200, {}, encode_payload(self._polls.pop(0), 4))
        await trio.sleep_forever()
        raise AssertionError

    async def _ok(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(200, {}, b"ok")

    @property
    def posts(self) -> list[list[str | bytes]]:
        return [decode_payload(request.body, 4) for request in self.requests if request.method == "POST"]

    @asynccontextmanager
    async def opened(self) -> AsyncGenerator[PollingConnection, None]:
        async with open_polling(
            ORIGIN, "ws", connect=self.network.connect, query={"auth-token": "sesame"}, headers={"Client-Id": "7"}
        ) as connection:
            assert await connection.get_message() == self.open_packet
            yield connection


@pytest.mark.parametrize(
    ("version", "content_type"), [(3, "application/octet-stream"), (4, "text/plain; charset=UTF-8")]
)
async def test_text_beyond_the_basic_plane_is_posted_as_every_server_counts_it(
    nursery: trio.Nursery, version: EioVersion, content_type: str
) -> None:
    server = Server(nursery, open_packet=OPEN if version == 4 else f"{len(OPEN)}:{OPEN}")
    async with open_polling(ORIGIN, "ws", connect=server.network.connect, eio_version=version) as connection:
        assert await connection.get_message() == OPEN
        await connection.send_message("4𝄞")
        await wait_all_tasks_blocked()
    post = next(request for request in server.requests if request.method == "POST")
    assert decode_payload(post.body, version)[0] == "4𝄞"
    assert post.headers["content-type"] == content_type


@pytest.mark.parametrize("version", [3, 4])
async def test_sessions_of_both_halves_talk_over_polling(nursery: trio.Nursery, version: EioVersion) -> None:
    async def serve(connection: FrameConnection, request: HttpRequest) -> None:
        server = ServerSession("s1", eio_version=version)
        while True:
            for frame in server.take_outbox():
                await connection.send_message(frame)
            match server.receive(await connection.get_message()):
                case ConnectRequested(namespace):
                    server.accept(namespace)
                case Event(name="echo", args=args):
                    server.emit("echoed", *args)

    engine = EngineServer(serve)
    network = MemoryNetwork(nursery)
    network.listen("venue.test", 80, HttpService(engine.http).serve_stream)
    client = ClientSession(eio_version=version)
    async with open_polling(ORIGIN, "/ws/", connect=network.connect, eio_version=version) as connection:
        assert client.receive(await connection.get_message()) == Opened("s1", 25.0, 20.0)
        client.connect("/")
        for frame in client.take_outbox():
            await connection.send_message(frame)
        assert client.receive(await connection.get_message()) == Connected("/")
        client.emit("echo", "é𝄞")
        client.ping()
        for frame in client.take_outbox():
            await connection.send_message(frame)
        messages = [client.receive(await connection.get_message()) for _ in range(2)]
        assert messages == [Event("/", "echoed", ("é𝄞",)), None]


async def test_every_request_names_version_transport_session_and_what_was_given(nursery: trio.Nursery) -> None:
    server = Server(nursery, ["6"], open_packet=OPEN.replace("s1", "s 1&x=é"))
    server.headers["set-cookie"] = "io=a; Path=/, AWSALB=b==; Expires=Sat, 28 Nov 2026 09:00:00 GMT; Path=/"
    async with server.opened() as connection:
        assert await connection.get_message() == "6"
        await connection.send_message("4a")
    first, *others = server.requests
    assert {request.path for request in server.requests} == {"/ws/"}
    assert first.query == {"auth-token": "sesame", "EIO": "4", "transport": "polling"}
    assert "cookie" not in first.headers
    assert {request.method for request in others} == {"GET", "POST"}
    for request in others:
        assert request.query == {**first.query, "sid": "s 1&x=é"}
        assert request.headers["cookie"] == "io=a; AWSALB=b=="
    for request in server.requests:
        assert request.headers["client-id"] == "7"
        assert request.headers["cache-control"] == "no-cache"


async def test_frames_are_posted_in_order_one_post_at_a_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = Server(nursery)
    at_once = 0

    async def slow(request: HttpRequest) -> HttpResponse:
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        await trio.sleep(1)
        at_once -= 1
        return HttpResponse(200)

    server.on_post = slow
    async with server.opened() as connection:
        for number in range(40):
            await connection.send_message(f"4{number}")
        await trio.sleep(10)
    posts = server.posts
    assert [frame for post in posts for frame in post] == [*(f"4{number}" for number in range(40)), "1"]
    assert max(len(post) for post in posts) == 16
    assert len(posts) == 5


async def test_post_is_kept_within_the_servers_bound(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    async with server.opened() as connection:
        for _ in range(5):
            await connection.send_message("4" + "é" * 200)
    assert [len(post) for post in server.posts] == [1, 1, 1, 1, 2]
    assert all(len(request.body) <= 1000 for request in server.requests)


async def test_frame_that_the_server_does_not_take_is_not_posted(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    with pytest.raises(RemoteProtocolError, match="expected a maxPayload of at least 1001, found 1000"):
        async with server.opened() as connection:
            await connection.send_message("4" + "é" * 500)
    assert server.posts == [["1"]]


async def test_leaving_the_block_posts_what_waits_and_a_close(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    async with server.opened() as connection:
        await connection.send_message("4a")
    assert [frame for post in server.posts for frame in post] == ["4a", "1"]


async def test_server_that_does_not_take_the_close_is_left(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    server = Server(nursery)
    server.on_post = server.on_poll
    async with server.opened():
        started = trio.current_time()
    assert trio.current_time() - started == 1


async def test_no_poll_is_made_while_nobody_reads(nursery: trio.Nursery) -> None:
    server = Server(nursery, *[[f"4{number}"] for number in range(30)])
    async with server.opened() as connection:
        await wait_all_tasks_blocked()
        asked = len(server.requests)
        assert asked < 20
        assert [await connection.get_message() for _ in range(30)] == [f"4{number}" for number in range(30)]
    assert len(server.requests) > 30


# Losses.


async def lost(server: Server, *sent: str) -> Exception:
    """Return what ends a connection that sends frames and then only listens."""

    async def listen() -> None:
        async with server.opened() as connection:
            for frame in sent:
                await connection.send_message(frame)
            while True:
                await connection.get_message()

    with pytest.raises(SessionLost) as caught:
        await listen()
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"
    return caught.value


async def drop(request: HttpRequest) -> HttpResponse:
    raise DropConnection


def status(code: int, body: bytes = b"") -> Answerer:
    async def answer(request: HttpRequest) -> HttpResponse:
        return HttpResponse(code, {}, body)

    return answer


async def test_post_whose_answer_is_lost_is_not_sent_again(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.on_post = drop
    error = await lost(server, "4order")
    assert type(error) is SessionLost
    assert server.posts == [["4order"]]


async def test_post_that_is_not_answered_in_time_is_not_sent_again(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    server = Server(nursery)
    server.on_post = server.on_poll
    assert "no answer within 10 s" in str(await lost(server, "4order"))
    assert server.posts == [["4order"]]


async def test_refused_post_ends_the_connection(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.on_post = status(413)
    assert "found HTTP 413" in str(await lost(server, "4order"))
    assert server.posts == [["4order"]]


async def test_loss_is_never_taken_for_a_request_that_was_not_sent(nursery: trio.Nursery) -> None:
    # What the driver sent before may have arrived, although the poll that fails now has not left.
    server = Server(nursery)

    async def last(request: HttpRequest) -> HttpResponse:
        await wait_all_tasks_blocked()
        server.network.refuse("venue.test", 80, True)
        return HttpResponse(200, {"connection": "close"}, b"6")

    server.on_poll = last
    error = await lost(server, "4order")
    assert "connection refused" in str(error)
    assert not isinstance(error, RequestNotSent)
    assert server.posts == [["4order"]]


async def test_lost_connection_takes_no_frames(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.on_poll = drop
    async with server.opened() as connection:
        await wait_all_tasks_blocked()
        with pytest.raises(SessionLost, match="connection lost"):
            await connection.send_message("4a")
    assert server.posts == []


async def test_what_came_before_the_loss_can_still_be_read(nursery: trio.Nursery) -> None:
    server = Server(nursery, ["4a", "4b", "1", "4c"])
    async with server.opened() as connection:
        await wait_all_tasks_blocked()
        assert [await connection.get_message() for _ in range(3)] == ["4a", "4b", "1"]
        with pytest.raises(SessionLost, match="the server closed the connection"):
            await connection.get_message()
    assert server.posts == []


async def test_silent_server_is_given_up(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    assert "no answer within 45 s" in str(await lost(Server(nursery)))


@pytest.mark.parametrize("body", [b"", b"4sesame\x1e", b"\xff"])
async def test_broken_payload_breaks_the_protocol(nursery: trio.Nursery, body: bytes) -> None:
    server = Server(nursery)
    server.on_poll = status(200, body)
    error = await lost(server)
    assert isinstance(error, RemoteProtocolError)
    assert str(error).startswith("http://venue.test/ws/: expected ")


async def test_poll_that_is_refused_ends_the_connection(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.on_poll = status(400, b'{"code":1,"message":"Session ID unknown"}')
    assert "found HTTP 400" in str(await lost(server))


async def test_answer_that_is_too_large_ends_the_connection(nursery: trio.Nursery) -> None:
    server = Server(nursery, ["4" + "a" * 1000])
    with pytest.raises(RemoteProtocolError, match="at most 1000 bytes"):
        async with open_polling(ORIGIN, "ws", connect=server.network.connect, message_bytes_max=1000) as connection:
            assert [await connection.get_message() for _ in range(2)] == []


# The handshake.


async def test_refused_connection_is_not_sent(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent, match="connection refused"):
        async with server.opened():
            pass


@pytest.mark.parametrize(
    ("code", "kind"), [(401, SignInRefused), (403, SignInRefused), (400, SessionLost), (503, SessionLost)]
)
async def test_refused_handshake_says_its_status(nursery: trio.Nursery, code: int, kind: type[Exception]) -> None:
    network = MemoryNetwork(nursery)
    network.listen("venue.test", 80, HttpService(status(code, b"sesame")).serve_stream)
    with pytest.raises(kind, match=f"http://venue.test/ws/: expected 200 .*, found HTTP {code}") as caught:
        async with open_polling(ORIGIN, "ws", connect=network.connect, query={"token": "sesame"}):
            pass
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


@pytest.mark.parametrize(
    "open_packet",
    [
        "",
        "2",
        "0",
        "0{",
        "0[]",
        '0{"sid":1,"pingInterval":1,"pingTimeout":1}',
        '0{"sid":"' + "a" * 501 + '","pingInterval":1,"pingTimeout":1}',
        '0{"sid":"s","pingInterval":1}',
        '0{"sid":"s","pingInterval":0,"pingTimeout":1}',
        '0{"sid":"s","pingInterval":1e9,"pingTimeout":1}',
        '0{"sid":"s","pingInterval":3600001,"pingTimeout":1}',
        '0{"sid":"s","pingInterval":1,"pingTimeout":1,"maxPayload":-1}',
        '0{"sid":"s","pingInterval":1,"pingTimeout":1,"maxPayload":"1"}',
        "<html>",
    ],
)
async def test_broken_open_packet_breaks_the_protocol(nursery: trio.Nursery, open_packet: str) -> None:
    server = Server(nursery, open_packet=open_packet)
    with pytest.raises(RemoteProtocolError, match=r"http://venue.test/ws/: expected .*, found "):
        async with server.opened():
            pass


async def test_binary_open_packet_breaks_the_protocol(nursery: trio.Nursery) -> None:
    network = MemoryNetwork(nursery)
    network.listen("venue.test", 80, HttpService(status(200, b"\x01\x02\xff\x000")).serve_stream)
    with pytest.raises(RemoteProtocolError, match="expected a text frame, found 2 bytes"):
        async with open_polling(ORIGIN, "ws", connect=network.connect, eio_version=3):
            pass


# The block.


async def test_error_of_the_block_comes_out_alone(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    with pytest.raises(ValueError, match="a bug"):
        async with server.opened():
            raise ValueError("a bug")
    assert server.posts == [["1"]]


async def test_loss_comes_out_of_a_nursery_in_the_block_as_one_error(nursery: trio.Nursery) -> None:
    server = Server(nursery)
    server.on_poll = drop

    async def listen_twice() -> None:
        async with server.opened() as connection, trio.open_nursery() as inner:
            inner.start_soon(connection.get_message)
            inner.start_soon(connection.get_message)

    with pytest.raises(SessionLost):
        await listen_twice()


async def test_hostile_cookies_are_not_given_back(nursery: trio.Nursery) -> None:
    server = Server(nursery, ["6"])
    server.headers["set-cookie"] = "a=" + "b" * 9000
    async with server.opened() as connection:
        await connection.get_message()
    assert all("cookie" not in request.headers for request in server.requests)
