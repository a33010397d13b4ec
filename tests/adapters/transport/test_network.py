"""Streams: memory networks and real loopback TCP."""

import pytest
import trio
from trio.testing import check_two_way_stream, wait_all_tasks_blocked

from adapters.base import RequestNotSent
from adapters.transport.network import MemoryNetwork, MemoryStream, connect_tcp, is_quiet, memory_streams
from adapters.transport.tcp import TcpStream


async def test_memory_stream_passes_trios_own_checks_for_two_way_streams(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async def make() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        return memory_streams()

    await check_two_way_stream(make, None)


async def test_full_pipe_makes_the_sender_wait_and_loses_nothing() -> None:
    near, far = memory_streams()
    sent = 0

    async def send() -> None:
        nonlocal sent
        for number in range(200):
            await near.send_all(b"%03d" % number)
            sent += 1
        near.close()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        await wait_all_tasks_blocked()
        assert sent == 64
        received = b"".join([chunk async for chunk in far])
    assert received == b"".join(b"%03d" % number for number in range(200))


async def test_stream_is_quiet_until_something_comes_in_or_the_peer_closes() -> None:
    near, far = memory_streams()
    assert is_quiet(near)
    await far.send_all(b"ab")
    assert not is_quiet(near)
    assert await near.receive_some(1) == b"a"
    assert not is_quiet(near)
    assert await near.receive_some(1) == b"b"
    assert is_quiet(near)
    far.close()
    assert not is_quiet(near)


async def test_tcp_stream_is_quiet_until_something_comes_in_or_the_peer_closes() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        stream = await connect_tcp("127.0.0.1", listener.socket.getsockname()[1], False)
        peer = await listener.accept()
        async with stream, peer:
            assert is_quiet(stream)
            await peer.send_all(b"x")
            with trio.fail_after(5):
                assert await stream.receive_some() == b"x"
            assert is_quiet(stream)
            await peer.aclose()
            assert isinstance(stream, TcpStream)
            with trio.fail_after(5):
                await trio.lowlevel.wait_readable(stream.socket)
            assert not is_quiet(stream)


def test_stream_of_an_unknown_kind_is_never_quiet() -> None:
    near, _ = trio.testing.memory_stream_pair()
    assert not is_quiet(near)


async def test_refused_tcp_connection_is_not_sent_and_names_the_address() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    with pytest.raises(RequestNotSent, match=rf"127\.0\.0\.1:{port}: "):
        await connect_tcp("127.0.0.1", port, False)


async def test_tls_with_a_server_that_speaks_none_is_not_sent() -> None:
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]

    async def answer() -> None:
        async with await listener.accept() as stream:
            await stream.receive_some()
            await stream.send_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(answer)
        with trio.fail_after(5), pytest.raises(RequestNotSent, match=f"no TLS with 127.0.0.1:{port}: "):
            await connect_tcp("127.0.0.1", port, True)


async def test_memory_network_refuses_where_nobody_listens_and_where_told_to(nursery: trio.Nursery) -> None:
    network = MemoryNetwork(nursery)

    async def echo(stream: trio.abc.Stream) -> None:
        async for chunk in stream:
            await stream.send_all(chunk)

    with pytest.raises(RequestNotSent, match=r"venue:80.*refused"):
        await network.connect("venue", 80, False)
    network.listen("venue", 80, echo)
    stream = await network.connect("venue", 80, True)
    network.refuse("venue", 80, True)
    with pytest.raises(RequestNotSent, match=r"venue:80.*refused"):
        await network.connect("venue", 80, False)
    await stream.send_all(b"still here")
    assert await stream.receive_some() == b"still here"
    network.refuse("venue", 80, False)
    assert isinstance(await network.connect("venue", 80, False), MemoryStream)
    with pytest.raises(ValueError, match="served already"):
        network.listen("venue", 80, echo)


async def test_client_reads_the_end_when_the_server_is_done(nursery: trio.Nursery) -> None:
    network = MemoryNetwork(nursery)

    async def greet(stream: trio.abc.Stream) -> None:
        await stream.send_all(b"bye")

    network.listen("venue", 80, greet)
    stream = await network.connect("venue", 80, False)
    assert [chunk async for chunk in stream] == [b"bye"]
