"""The server's end of one HTTP/1.1 connection: heads, bodies, answers, each within its bound."""

import h11
import pytest
import trio
from trio.testing import MockClock

from adapters.transport.network import MemoryStream, memory_streams
from adapters.transport.served_link import ServedLink

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


def linked(head_bytes_max: int = 1000) -> tuple[MemoryStream, ServedLink]:
    near, far = memory_streams()
    return near, ServedLink(far, head_bytes_max=head_bytes_max)


async def asked(link: ServedLink) -> h11.Request | None:
    return await link.next_request(idle_s_max=75, head_s_max=10)


async def test_requests_come_one_after_the_other_however_they_are_cut(autojump_clock: MockClock) -> None:
    near, link = linked()
    await near.send_all(GET + POST + b"he")
    first = await asked(link)
    assert first is not None
    assert (first.target, link.is_heard) == (b"/a", True)
    await link.answer(204, [], b"", close=False, timeout_s=1)
    assert link.next_cycle()
    second = await asked(link)
    assert second is not None
    assert (second.target, link.is_heard) == (b"/b", False)
    assert await link.body_chunk() == b"he"
    await near.send_all(b"llo")
    assert await link.body_chunk() == b"llo"
    assert (await link.body_chunk(), link.is_heard) == (b"", True)


async def test_who_asks_nothing_has_longer_than_who_does_not_end_asking(autojump_clock: MockClock) -> None:
    for begun, patience_s in ((b"", 75), (b"GET / H", 10)):
        near, link = linked()
        if begun:
            await near.send_all(begun)
        at = trio.current_time()
        assert await asked(link) is None
        assert trio.current_time() - at == patience_s


async def test_a_head_that_is_too_large_is_refused_also_when_it_comes_whole(autojump_clock: MockClock) -> None:
    near, link = linked()
    await near.send_all(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 1000 + b"\r\n\r\n")
    with pytest.raises(h11.RemoteProtocolError) as refused:
        await asked(link)
    assert refused.value.error_status_hint == 431
    near, link = linked()
    await near.send_all(GET + b"x" * 2000)  # what comes behind a head is not of it
    assert await asked(link) is not None


async def test_a_client_that_waits_for_100_is_told_to_go_on(autojump_clock: MockClock) -> None:
    near, link = linked()
    await near.send_all(POST.replace(b"Host: x", b"Host: x\r\nExpect: 100-continue"))
    await asked(link)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.body_chunk)
        assert (await near.receive_some()).startswith(b"HTTP/1.1 100 ")
        await near.send_all(b"hello")


async def test_an_answer_that_nobody_takes_is_given_up(autojump_clock: MockClock) -> None:
    near, link = linked()
    await near.send_all(GET)
    await asked(link)
    begun = trio.current_time()
    with pytest.raises(trio.BrokenResourceError, match="did not take"):
        await link.answer(200, [], b"x" * 10_000_000, close=True, timeout_s=3)
    assert trio.current_time() - begun == 3


async def test_who_is_gone_is_told_of_while_an_answer_goes_on(autojump_clock: MockClock) -> None:
    near, link = linked()
    await near.send_all(GET)
    await asked(link)
    with trio.move_on_after(5) as waited:
        await link.wait_gone(100)
    assert waited.cancelled_caught, "it is there"
    await near.send_all(GET)  # asks on, which is no farewell
    async with trio.open_nursery() as nursery:
        nursery.start_soon(link.wait_gone, 100)
        await trio.testing.wait_all_tasks_blocked()
        near.close()
    assert link.http.trailing_data[0] == GET, "the next request is kept"
