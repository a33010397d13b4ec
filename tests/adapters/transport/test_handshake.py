"""The stream under a WebSocket handshake: replay, the end, and the bound."""

import pytest
import trio
from trio.testing import MockClock

from adapters.base import SessionLost
from adapters.transport.handshake import HandshakeStream
from adapters.transport.network import memory_streams


async def test_replayed_bytes_come_before_those_of_the_stream() -> None:
    near, far = memory_streams()
    await far.send_all(b"later")
    stream = HandshakeStream(near, b"first")
    assert [await stream.receive_some(3), await stream.receive_some(), await stream.receive_some()] == [
        b"fir",
        b"st",
        b"later",
    ]
    assert not stream.ended.is_set()


async def test_handshake_gives_its_result_and_lifts_the_bound() -> None:
    near, far = memory_streams()
    stream = HandshakeStream(near)

    async def shake() -> bytes:
        return bytes(await stream.receive_some())

    await far.send_all(b"101")
    assert await stream.shake(shake) == b"101"
    for _ in range(2):
        await far.send_all(b"x" * 1024 * 1024)
        assert len(await stream.receive_some()) == 1024 * 1024


@pytest.mark.parametrize("chunk", [b"", b"x" * (1024 * 1024 + 1)], ids=["cut", "flood"])
async def test_stream_that_ends_or_floods_within_the_handshake_is_a_lost_session(
    autojump_clock: MockClock, chunk: bytes
) -> None:
    near, far = memory_streams()
    stream = HandshakeStream(near)

    async def shake() -> None:
        await stream.receive_some()
        await trio.sleep_forever()  # as trio-websocket does: its handshake never comes

    await far.send_all(chunk)
    if not chunk:
        far.close()
    with pytest.raises(SessionLost, match="ended within the WebSocket handshake"):
        await stream.shake(shake)
    assert trio.current_time() == 0
