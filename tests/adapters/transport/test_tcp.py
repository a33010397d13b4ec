"""A TCP connection that waits before it reads."""

import socket
import struct

import pytest
import trio
from trio.testing import check_two_way_stream, wait_all_tasks_blocked

from adapters.transport.tcp import TcpStream


async def connected() -> tuple[TcpStream, trio.SocketStream]:
    """Return both ends of a connection, the far one as trio makes it."""
    [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener:
        near = await trio.open_tcp_stream("127.0.0.1", listener.socket.getsockname()[1])
        return TcpStream(near), await listener.accept()


async def test_passes_trios_own_checks_for_two_way_streams() -> None:
    async def make() -> tuple[trio.abc.Stream, trio.abc.Stream]:
        near, far = await connected()
        return near, TcpStream(far)

    await check_two_way_stream(make, None)


async def test_a_read_that_waits_gets_what_comes() -> None:
    near, far = await connected()
    async with near, far, trio.open_nursery() as nursery:

        async def read() -> None:
            assert await near.receive_some(3) == b"abc"
            assert await near.receive_some() == b"d"

        nursery.start_soon(read)
        await wait_all_tasks_blocked()
        await far.send_all(b"abcd")


async def test_a_line_that_was_cut_is_broken_and_no_end() -> None:
    near, far = await connected()
    async with near:
        far.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # the end is told by RST
        await far.aclose()
        with pytest.raises(trio.BrokenResourceError):
            await near.receive_some()


async def test_closed_between_the_news_of_bytes_and_the_read_it_reads_no_other_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    near, far = await connected()

    async def close_it(_: object) -> None:
        near.socket.close()

    monkeypatch.setattr(trio.lowlevel, "wait_readable", close_it)
    async with far:
        with pytest.raises(trio.ClosedResourceError):
            await near.receive_some()
