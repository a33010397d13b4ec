"""A WebSocket without a task of its own, against a server half that does as the test says."""

import pytest
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Ping, Pong, Request, TextMessage

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost
from adapters.metaapi.link import open_link
from adapters.transport.network import memory_streams

URL = "ws://host.test:8080/ws/?auth-token=hidden-word"


class Far:
    """The server's end."""

    def __init__(self, stream) -> None:
        self.stream = stream
        self.socket = WSConnection(ConnectionType.SERVER)
        self.request = None

    async def read(self):
        """Return the events in the next bytes."""
        self.socket.receive_data(await self.stream.receive_some())
        return list(self.socket.events())

    async def accept(self, *more) -> None:
        [self.request] = await self.read()
        assert isinstance(self.request, Request)
        await self.send(AcceptConnection(), *more)

    async def send(self, *events) -> None:
        await self.stream.send_all(b"".join(self.socket.send(event) for event in events))


async def opened(*more, accept=True):
    """Return both ends, and the messages that came with the handshake."""
    near, far_stream = memory_streams()
    far = Far(far_stream)
    found = []

    async def connect(host, port, tls):
        await trio.lowlevel.checkpoint()
        assert (host, port, tls) == ("host.test", 8080, False)
        return near

    async def open_it():
        found.extend(await open_link(URL, connect, [("Client-Id", "0.5")]))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(open_it)
        await far.accept(*more)
    return found[0], far, found[1]


async def test_the_handshake_names_host_path_query_and_headers(autojump_clock):
    _, far, messages = await opened()
    assert far.request.host == "host.test:8080"
    assert far.request.target == "/ws/?auth-token=hidden-word"
    assert (b"client-id", b"0.5") in [(name.lower(), value) for name, value in far.request.extra_headers]
    assert messages == []


async def test_messages_right_behind_the_handshake_are_not_lost(autojump_clock):
    _, _, messages = await opened(TextMessage(data="one"), TextMessage(data="two"))
    assert messages == ["one", "two"]


async def test_a_message_in_fragments_is_whole(autojump_clock):
    link, far, _ = await opened()
    await far.send(TextMessage(data="on", message_finished=False))
    assert await link.receive() == []
    await far.send(TextMessage(data="e"), TextMessage(data="two"))
    assert await link.receive() == ["one", "two"]


@pytest.mark.parametrize("size", [1, 3])
async def test_bytes_in_any_cut_give_the_same_messages(autojump_clock, size):
    link, far, _ = await opened()
    data = far.socket.send(TextMessage(data="żółć")) + far.socket.send(TextMessage(data="x" * 300))
    messages = []
    for start in range(0, len(data), size):
        await far.stream.send_all(data[start : start + size])
        messages += await link.receive()
    assert messages == ["żółć", "x" * 300]


async def test_messages_are_sent_whole_and_in_order(autojump_clock):
    link, far, _ = await opened()
    await link.send(["one", "two"])
    assert [event.data for event in await far.read()] == ["one", "two"]
    assert link.is_quiet


async def test_a_ping_is_answered(autojump_clock):
    link, far, _ = await opened()
    await far.send(Ping(payload=b"x"))
    assert await link.receive() == []
    [pong] = await far.read()
    assert isinstance(pong, Pong)
    assert bytes(pong.payload) == b"x"


async def test_a_close_is_a_loss_that_names_its_code_and_no_token(autojump_clock):
    link, far, _ = await opened()
    await far.send(CloseConnection(code=1013))
    assert not link.is_quiet
    with pytest.raises(SessionLost, match="code 1013") as lost:
        await link.receive()
    assert "hidden-word" not in str(lost.value)
    with pytest.raises(RequestNotSent):
        await link.send(["late"])
    with pytest.raises(SessionLost):
        await link.receive()


async def test_the_end_of_the_stream_is_a_loss(autojump_clock):
    link, far, _ = await opened()
    far.stream.close()
    assert not link.is_quiet
    with pytest.raises(SessionLost, match="closed"):
        await link.receive()


async def test_writing_into_a_broken_stream_may_have_sent_something(autojump_clock):
    link, far, _ = await opened()
    far.stream.close()
    with pytest.raises(SessionLost) as lost:
        await link.send(["x"])
    assert not isinstance(lost.value, RequestNotSent)


async def test_garbage_is_the_end_of_the_connection(autojump_clock):
    link, far, _ = await opened()
    await far.stream.send_all(b"\xff" * 100)
    with pytest.raises(SessionLost, match="code 1002"):
        await link.receive()


async def test_binary_messages_are_passed_over(autojump_clock):
    link, far, _ = await opened()
    await far.send(BytesMessage(data=b"x"), TextMessage(data="one"))
    assert await link.receive() == ["one"]


@pytest.mark.slow  # sixteen million characters
async def test_a_message_without_end_breaks_the_protocol(autojump_clock):
    link, far, _ = await opened()

    async def send():
        chunk = "x" * 1_000_000
        while True:
            await far.send(TextMessage(data=chunk, message_finished=False))

    async def read():
        while True:
            assert await link.receive() == []

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        with pytest.raises(RemoteProtocolError, match="at most"):
            await read()
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("answer", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", b"", b"x" * 100_000])
async def test_a_server_that_is_none_gives_no_connection(autojump_clock, answer):
    near, far = memory_streams()

    async def connect(*_):
        await trio.lowlevel.checkpoint()
        return near

    async def serve():
        await far.receive_some()
        if answer:
            await far.send_all(answer)
        far.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(SessionLost) as lost:
            await open_link(URL, connect, [])
        assert "hidden-word" not in str(lost.value)


async def test_a_send_is_not_cut_off_by_its_callers_end(autojump_clock):
    link, far, _ = await opened()
    started = trio.current_time()
    for _ in range(64):  # as many as the pipe takes
        await link.send(["x"])
    events = []

    async def read_later():
        await trio.sleep(1)
        while len(events) < 65:
            events.extend(await far.read())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_later)
        with trio.move_on_after(0.5):
            await link.send(["last"])
        assert trio.current_time() == pytest.approx(started + 1)
    assert events[-1].data == "last"
    await link.send(["more"])


async def test_a_pipe_that_takes_nothing_is_given_up(autojump_clock):
    link, _, _ = await opened()
    started = trio.current_time()
    for _ in range(64):  # as many as it takes
        await link.send(["x"])
    with pytest.raises(SessionLost, match="10 s") as lost:
        await link.send(["x"])
    assert not isinstance(lost.value, RequestNotSent)
    assert trio.current_time() - started == pytest.approx(10)
    with pytest.raises(RequestNotSent):
        await link.send(["x"])
