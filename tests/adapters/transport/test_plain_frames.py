"""Plain messages cut out of the bytes of a WebSocket, and everything else left to the library."""

from collections import deque

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock
from trio_websocket import ConnectionClosed
from wsproto.frame_protocol import FrameDecoder, FrameProtocol, Opcode

from adapters.transport.plain_frames import FrameCutter
from adapters.transport.websocket import open_websocket
from tests.adapters.transport.test_websocket import URL, handshake
from tests.adapters.venues import Venue, read_request

BYTES_MAX = 200_000
CLOSE = b"\x88\x02\x03\xe8"
PING = b"\x89\x02hi"


def frame(text: str) -> bytes:
    """Return a frame as a server writes it, by the library's own hand."""
    return bytes(FrameProtocol(client=False, extensions=[]).send_data(text))


def cut_all(cutter: FrameCutter) -> tuple[list[str | bytes], bytes | None]:
    """Cut until there is nothing more to cut; return messages, pings and pongs, and what the end of them was."""
    found: list[str | bytes] = []
    while True:
        texts: deque[str] = deque()
        other = cutter.cut(texts)
        found += texts
        if not other:
            return found, other
        found.append(other)


@given(
    st.lists(st.tuples(st.text(max_size=9), st.sampled_from("xé"), st.sampled_from((0, 62, 125, 126, 40_000, 65_536)))),
    st.lists(st.integers(min_value=1, max_value=5000), min_size=1),
)
def test_messages_are_the_same_however_the_bytes_are_cut(parts: list[tuple[str, str, int]], cuts: list[int]) -> None:
    texts = [text + character * count for text, character, count in parts]
    wire = b"".join(frame(text) for text in texts)
    cutter, found, at, turn = FrameCutter(BYTES_MAX), [], 0, 0
    while at < len(wire):
        cutter.feed(wire[at : at + cuts[turn % len(cuts)]])
        at += cuts[turn % len(cuts)]
        turn += 1
        messages, end = cut_all(cutter)
        assert end is None
        found += messages
    assert found == texts
    assert cutter.rest() == b""


def test_pings_and_pongs_come_out_as_they_are_and_messages_go_on() -> None:
    cutter = FrameCutter(BYTES_MAX)
    cutter.feed(frame("a") + PING + b"\x8a\x00" + frame("b"))
    assert cut_all(cutter) == (["a", PING, b"\x8a\x00", "b"], None)


def test_a_ping_waits_until_it_is_complete() -> None:
    cutter = FrameCutter(BYTES_MAX)
    cutter.feed(PING[:3])
    assert cut_all(cutter) == ([], None)
    cutter.feed(PING[3:])
    assert cut_all(cutter) == ([PING], None)


@pytest.mark.parametrize(
    "wire",
    [
        CLOSE,
        b"\x82\x01x",
        b"\x01\x01x",
        b"\x80\x01x",
        b"\xc1\x01x",
        b"\x81\x81mask\x00",
        b"\x81\x7e\x00\x7dshort",
        b"\x81\x7f" + (0xFFFF).to_bytes(8, "big"),
        b"\x81\x7f" + (BYTES_MAX + 1).to_bytes(8, "big"),
        b"\x81\xff" + bytes(20),
        b"\x89\x7e\x00\x7e",
        b"\x89\x82maskhi",
        b"\x81\x02\xc3\x28",
        b"\x83\x00",
    ],
    ids=[
        "close",
        "binary",
        "fragment",
        "continuation",
        "reserved-bit",
        "masked",
        "long-size-of-a-short-one",
        "longest-size-of-a-short-one",
        "too-large",
        "masked-longest",
        "long-ping",
        "masked-ping",
        "not-utf-8",
        "unknown-kind",
    ],
)
def test_every_other_frame_is_left_whole_to_the_library(wire: bytes) -> None:
    cutter = FrameCutter(BYTES_MAX)
    cutter.feed(frame("before") + wire + frame("after"))
    assert cut_all(cutter) == (["before"], b"")
    assert cutter.rest() == wire + frame("after")


@given(st.binary(max_size=400))
def test_what_is_cut_from_anything_is_what_the_library_would_have_read(wire: bytes) -> None:
    cutter, library = FrameCutter(BYTES_MAX), FrameDecoder(client=True)
    cutter.feed(wire)
    library.receive_bytes(wire)
    for cut in cut_all(cutter)[0]:
        read = library.process_buffer()
        assert read is not None
        assert read.frame_finished
        assert read.message_finished
        if isinstance(cut, str):
            assert (read.opcode, read.payload.decode()) == (Opcode.TEXT, cut)
        else:
            assert read.opcode in {Opcode.PING, Opcode.PONG}


async def test_messages_pings_and_fragments_come_through_byte_by_byte(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    pongs: list[bytes] = []

    async def script(stream: trio.abc.Stream) -> None:
        wire = handshake(await read_request(stream)) + frame("plain") + PING + frame("grüezi")
        wire += b"\x01\x02ab" + PING + b"\x80\x01c" + frame("later") + b"\x82\x01\xff" + CLOSE
        for byte in wire:
            await stream.send_all(bytes([byte]))
        pongs.append(await stream.receive_some())

    venue = Venue(nursery, script)
    messages: list[str | bytes] = []
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        for _ in range(5):
            messages.append(await websocket.get_message())
        with pytest.raises(ConnectionClosed):
            await websocket.get_message()
    assert messages == ["plain", "grüezi", "abc", "later", b"\xff"]
    assert pongs[0][:2] == b"\x8a\x82"


async def test_a_ping_is_answered_while_no_message_comes(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    answered: list[float] = []

    async def script(stream: trio.abc.Stream) -> None:
        await stream.send_all(handshake(await read_request(stream)) + PING)
        await stream.receive_some()
        answered.append(trio.current_time())
        await stream.send_all(frame("thanks"))
        await trio.sleep_forever()

    venue = Venue(nursery, script)
    begun = trio.current_time()
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        assert await websocket.get_message() == "thanks"
    assert answered == [begun]


async def test_a_wait_that_is_cancelled_loses_no_byte(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        wire = handshake(await read_request(stream)) + frame("first") + frame("second")
        await stream.send_all(wire[:-10])
        await trio.sleep(5)
        await stream.send_all(wire[-10:])
        await trio.sleep_forever()

    venue = Venue(nursery, script)
    messages: list[str | bytes] = []
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        while len(messages) < 2:
            with trio.move_on_after(1):
                messages.append(await websocket.get_message())
    assert messages == ["first", "second"]


async def test_leaving_shakes_hands_with_a_server_that_has_sent_more(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    heard: list[bytes] = []

    async def script(stream: trio.abc.Stream) -> None:
        await stream.send_all(handshake(await read_request(stream)) + frame("read") + frame("not read"))
        heard.append(await stream.receive_some())
        await stream.send_all(CLOSE)

    venue = Venue(nursery, script)
    begun = trio.current_time()
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        assert await websocket.get_message() == "read"
    assert heard[0][:2] == b"\x88\x82"
    assert trio.current_time() == begun


async def test_what_was_read_with_a_message_is_ready_and_nothing_else_is(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        wire = handshake(await read_request(stream)) + frame("first") + PING + frame("second") + frame("third")
        await stream.send_all(wire[:-2])
        await trio.sleep(5)
        await stream.send_all(wire[-2:] + b"\x01\x02ab" + b"\x80\x01c" + frame("for the library"))
        await trio.sleep_forever()

    venue = Venue(nursery, script)
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        assert await websocket.get_message() == "first"
        assert [websocket.ready_message(), websocket.ready_message()] == ["second", None]
        assert await websocket.get_message() == "third"
        assert websocket.ready_message() is None
        assert [await websocket.get_message(), await websocket.get_message()] == ["abc", "for the library"]


def test_a_short_message_beyond_the_bound_is_left_to_the_library() -> None:
    cutter = FrameCutter(1000)
    wire = frame("x" * 1000) + frame("x" * 1001)
    cutter.feed(wire)
    assert cut_all(cutter) == (["x" * 1000], b"")
    assert cutter.rest() == frame("x" * 1001)


async def test_messages_before_a_frame_for_the_library_come_first(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def script(stream: trio.abc.Stream) -> None:
        wire = frame("first") + frame("second") + b"\x82\x01\xff" + frame("last")
        await stream.send_all(handshake(await read_request(stream)) + wire)
        await trio.sleep_forever()

    venue = Venue(nursery, script)
    async with open_websocket(URL, connect=venue.network.connect) as websocket:
        assert [await websocket.get_message() for _ in range(4)] == ["first", "second", b"\xff", "last"]
