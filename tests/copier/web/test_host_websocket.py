"""WebSockets of the host: handshakes, messages, goodbyes, and readers that do not read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
from trio.testing import MockClock
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Ping, Pong, Request, TextMessage

from adapters.transport.network import MemoryStream, memory_streams
from copier.web.asgi import App, Bounds, Receive, Scope, Send
from copier.web.host import Host
from copier.web.outbox import Outbox
from copier.web.traffic import Traffic
from tests.copier.web.asgi_check import checked
from tests.copier.web.served import LOCAL, answering, echo, everything, talk

SHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: bKdPyn3u98cTfZJSh4TNeQ==\r\n\r\n"
)


class Client:
    """The other end, by wsproto."""

    def __init__(self, stream: MemoryStream) -> None:
        self.stream = stream
        self.wire = WSConnection(ConnectionType.CLIENT)
        self.events: list[Event] = []

    async def send(self, event: Event) -> None:
        await self.stream.send_all(self.wire.send(event))

    async def next(self) -> Event:
        while not self.events:
            data = await self.stream.receive_some()
            self.wire.receive_data(bytes(data) or None)
            self.events += self.wire.events()
        return self.events.pop(0)


@asynccontextmanager
async def connected(
    app: App = echo, bounds: Bounds | None = None, traffic: Traffic | None = None
) -> AsyncIterator[Client]:
    near, far = memory_streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(checked(app), bounds=bounds, traffic=traffic).serve_stream, far, LOCAL)
        client = Client(near)
        await client.send(Request(host="x", target="/ws", subprotocols=["v12.stomp", "v11.stomp"]))
        accepted = await client.next()
        assert isinstance(accepted, AcceptConnection)
        assert accepted.subprotocol == "v12.stomp"
        yield client
        nursery.cancel_scope.cancel()


async def test_messages_of_every_size_come_back_as_they_were(autojump_clock: MockClock) -> None:
    async with connected() as client:
        for text in ("", "a", "b" * 125, "ü" * 100, "c" * 70_000):
            await client.send(TextMessage(data=text))
            said = ""
            while True:
                event = await client.next()
                assert isinstance(event, TextMessage)
                said += event.data
                if event.message_finished:
                    break
            assert said == text


async def test_fragments_make_one_message_and_pings_between_them_are_answered(autojump_clock: MockClock) -> None:
    async with connected() as client:
        await client.send(TextMessage(data="one ", message_finished=False))
        await client.send(Ping(payload=b"still there?"))
        await client.send(TextMessage(data="message"))
        assert await client.next() == Pong(payload=b"still there?")
        assert await client.next() == TextMessage(data="one message")


async def test_a_goodbye_is_answered_and_the_line_closed(autojump_clock: MockClock) -> None:
    async with connected() as client:
        await client.send(CloseConnection(code=3001, reason="enough"))
        assert await client.next() == CloseConnection(code=3001, reason="")
        assert await client.stream.receive_some() == b""


async def test_a_message_that_is_too_large_closes_with_1009(autojump_clock: MockClock) -> None:
    async with connected(bounds=Bounds(message_bytes_max=10)) as client:
        await client.send(TextMessage(data="x" * 11))
        assert await client.next() == CloseConnection(code=1009, reason="")


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x81\x01a", 1002),  # not masked
        (b"\xc1\x80\0\0\0\0", 1002),  # a reserved bit
        (b"\x83\x80\0\0\0\0", 1002),  # no such kind
        (b"\x09\x80\0\0\0\0", 1002),  # a ping in fragments
        (b"\x80\x80\0\0\0\0", 1002),  # continues nothing
        (b"\x89\xfe\x00\x7e\0\0\0\0", 1002),  # a ping of 126 bytes
        (b"\x81\x81\0\0\0\0\xff", 1007),  # no UTF-8
        (b"\x88\x81\0\0\0\0\x03", 1002),  # half a code
        (b"\x88\x82\0\0\0\0\x03\xed", 1002),  # 1005, which is never sent
    ],
)
async def test_a_frame_that_breaks_the_protocol_closes_with_its_code(
    autojump_clock: MockClock, frame: bytes, code: int
) -> None:
    async with connected() as client:
        await client.stream.send_all(frame)
        event = await client.next()
        assert isinstance(event, CloseConnection)
        assert event.code == code
        assert await client.stream.receive_some() == b""


async def test_a_byte_after_the_handshake_breaks_one_connection_and_not_the_host(autojump_clock: MockClock) -> None:
    assert (await talk(SHAKE + b"x")).startswith(b"HTTP/1.1 101")
    assert b"GET /a " in await talk(b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")


async def test_a_message_right_behind_the_handshake_is_heard(autojump_clock: MockClock) -> None:
    near, far = memory_streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(echo).serve_stream, far, LOCAL)
        await near.send_all(SHAKE + b"\x81\x82\0\0\0\0hi" + b"\x88\x80\0\0\0\0")
        assert b"\x81\x02hi" in await everything(near)


async def test_a_socket_that_is_refused_gets_a_problem(autojump_clock: MockClock) -> None:
    said = await talk(SHAKE, answering({"type": "websocket.close"}))
    assert said.startswith(b"HTTP/1.1 403")
    assert b"application/problem+json" in said


async def test_a_refusal_of_the_apps_own_is_sent_as_it_is(autojump_clock: MockClock) -> None:
    headers = [(b"content-length", b"4")]
    said = await talk(
        SHAKE,
        answering(
            {"type": "websocket.http.response.start", "status": 401, "headers": headers},
            {"type": "websocket.http.response.body", "body": b"keys"},
        ),
    )
    assert said.startswith(b"HTTP/1.1 401")
    assert said.endswith(b"keys")


async def test_a_bug_closes_with_1011(autojump_clock: MockClock) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "v12.stomp"})
        raise RuntimeError("a bug")

    async with connected(broken) as client:
        assert await client.next() == CloseConnection(code=1011, reason="")


async def test_who_is_silent_is_asked_and_cut_when_dead(autojump_clock: MockClock) -> None:
    async with connected() as client:
        begun = trio.current_time()
        assert await client.next() == Ping(payload=b"")
        assert trio.current_time() - begun == 30
        await client.send(Pong(payload=b""))
        assert await client.next() == Ping(payload=b""), "alive, and asked again after as long a silence"
        assert await client.stream.receive_some() == b""
        assert trio.current_time() - begun == 90


class Pusher:
    """An app that pushes by the outbox alone, when it is told to."""

    def __init__(self) -> None:
        self.outbox: Outbox | None = None
        self.ended: int | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept", "subprotocol": "v12.stomp"})
        self.outbox = scope["extensions"]["copier.outbox"]
        self.ended = (await receive())["code"]


async def test_what_is_pushed_arrives_in_order(autojump_clock: MockClock) -> None:
    pusher = Pusher()
    async with connected(pusher) as client:
        await trio.testing.wait_all_tasks_blocked()
        assert pusher.outbox is not None
        assert all(pusher.outbox.put(b"%d" % number) for number in range(50))
        assert [await client.next() for _ in range(50)] == [TextMessage(data=str(number)) for number in range(50)]
        await trio.testing.wait_all_tasks_blocked()
        assert pusher.outbox.waiting_bytes == 0
        pusher.outbox.close(4001, "revoked")
        assert not pusher.outbox.put(b"late")
        assert await client.next() == CloseConnection(code=4001, reason="revoked")


async def test_a_reader_that_reads_nothing_is_cut_within_its_bound(autojump_clock: MockClock) -> None:
    pusher = Pusher()
    traffic = Traffic()
    async with connected(pusher, Bounds(outbox_bytes_max=10_000), traffic):
        await trio.testing.wait_all_tasks_blocked()
        assert pusher.outbox is not None
        pushed = 0
        while pusher.outbox.put(b"x" * 1000):
            pushed += 1
        assert pushed in (10, 11)
        await trio.testing.wait_all_tasks_blocked()
        assert pusher.ended == 1006
    assert (traffic.readers_cut, traffic.sockets, traffic.connections) == (1, 0, 0)


async def test_a_reader_that_stopped_reading_is_cut_in_time_however_little_waits(autojump_clock: MockClock) -> None:
    pusher = Pusher()
    traffic = Traffic()
    async with connected(pusher, Bounds(answer_s_max=5), traffic):
        await trio.testing.wait_all_tasks_blocked()
        assert pusher.outbox is not None
        for _ in range(80):  # more than the network in memory takes
            pusher.outbox.put(b"x")
            await trio.testing.wait_all_tasks_blocked()
        assert (traffic.sockets, traffic.connections) == (1, 1)
        await trio.sleep(6)
        assert pusher.ended == 1006
    assert traffic.readers_cut == 1
