"""The host: requests one after the other, bodies of every shape, bounds, bugs and departures."""

import pytest
import structlog
import trio
from trio.testing import MockClock

from adapters.transport.network import memory_streams
from copier.web.asgi import Bounds, Receive, Scope, Send
from copier.web.host import Host
from copier.web.traffic import Traffic
from tests.copier.web.served import LOCAL, answering, echo, everything, talk

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /z HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


async def test_pipelined_requests_are_answered_in_order(autojump_clock: MockClock) -> None:
    said = await talk(GET + LAST)
    assert said.count(b"HTTP/1.1 200") == 2
    assert said.index(b"GET /a ") < said.index(b"GET /z ")


async def test_a_body_comes_whole_in_one_piece_in_chunks_or_byte_by_byte(autojump_clock: MockClock) -> None:
    plain = b"POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    chunked = b"POST /b HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n"
    for raw in (plain, chunked):
        assert b"POST /b hello" in await talk(raw + LAST)
        near, far = memory_streams()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Host(echo).serve_stream, far, LOCAL)
            for at in range(len(raw)):
                await near.send_all(raw[at : at + 1])
            await near.send_all(LAST)
            assert b"POST /b hello" in await everything(near)


async def test_head_is_answered_without_the_body(autojump_clock: MockClock) -> None:
    said = await talk(b"HEAD /h HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200")
    assert said.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        (b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: " + b"b" * 40_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 426),
    ],
)
async def test_a_request_that_cannot_be_served_gets_a_problem_and_ends_the_connection(
    autojump_clock: MockClock, raw: bytes, status: int
) -> None:
    said = await talk(raw)
    assert said.startswith(b"HTTP/1.1 %d" % status)
    assert b"application/problem+json" in said
    assert b"onnection: close" in said


async def test_a_body_that_grows_too_large_in_chunks_is_refused(autojump_clock: MockClock) -> None:
    chunks = b"".join(b"a\r\n0123456789\r\n" for _ in range(20))
    raw = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    assert (await talk(raw, bounds=Bounds(body_bytes_max=100))).startswith(b"HTTP/1.1 413")


async def test_who_never_ends_a_head_or_a_body_is_cut(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    assert await talk(b"GET / HTT") == b""
    assert trio.current_time() - begun == Bounds().head_s_max
    begun = trio.current_time()
    assert (await talk(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe")).startswith(b"HTTP/1.1 408")
    assert trio.current_time() - begun == pytest.approx(Bounds().body_s_max, abs=2)


async def test_a_bug_is_answered_with_500_told_and_costs_one_connection(autojump_clock: MockClock) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("a bug")

    told: list[str] = []
    host = Host(broken, failed=told.append)
    near, far = memory_streams()
    await near.send_all(GET)
    with structlog.testing.capture_logs() as lines:
        await host.serve_stream(far, LOCAL)
    said = await everything(near)
    assert said.startswith(b"HTTP/1.1 500")
    assert b"a bug" not in said
    assert told == ["GET /a failed by a bug; see the log"]
    assert [(line["request"], line["exc_info"]) for line in lines] == [("GET /a", True)]


@pytest.mark.parametrize("leaves_by", ["closing", "reading nothing"])
async def test_a_client_that_goes_is_no_bug_also_out_of_a_nursery(autojump_clock: MockClock, leaves_by: str) -> None:
    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        async with trio.open_nursery():
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"beat", "more_body": True})
                await trio.sleep(0.1)

    told: list[str] = []
    near, far = memory_streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(stream, failed=told.append).serve_stream, far, LOCAL)
        await near.send_all(GET)
        await near.receive_some()
        if leaves_by == "closing":
            near.close()
    assert told == []


async def test_an_app_that_answers_nothing_does_not_keep_its_client_waiting(autojump_clock: MockClock) -> None:
    assert (await talk(GET, answering())).startswith(b"HTTP/1.1 500")


async def test_who_listens_to_a_stream_and_goes_is_told_of_at_once(autojump_clock: MockClock) -> None:
    seen: list[str] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await receive()
        seen.append((await receive())["type"])

    near, far = memory_streams()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Host(stream).serve_stream, far, LOCAL)
        await near.send_all(GET)
        said = b""
        while b"first" not in said:
            said += await near.receive_some()
        near.close()
    assert seen == ["http.disconnect"]


async def test_connections_of_one_address_are_bounded_but_not_this_machines_own(autojump_clock: MockClock) -> None:
    host = Host(echo, bounds=Bounds(connections_per_ip_max=1, connections_max=3))
    async with trio.open_nursery() as nursery:

        async def connect(ip: str) -> bool:
            near, far = memory_streams()
            nursery.start_soon(host.serve_stream, far, (ip, 1))
            await trio.testing.wait_all_tasks_blocked()
            try:
                await near.send_all(GET)
            except trio.BrokenResourceError:
                return False
            return bool(await near.receive_some())

        assert [await connect(ip) for ip in ("10.0.0.1", "10.0.0.1", "10.0.0.2", "127.0.0.1")] == [
            True,
            False,
            True,
            True,
        ]
        assert not await connect("127.0.0.1"), "all places are taken"
        nursery.cancel_scope.cancel()


async def test_a_client_that_does_not_take_its_answer_is_cut_and_counted(autojump_clock: MockClock) -> None:
    traffic = Traffic()
    near, far = memory_streams()
    large = answering(
        {"type": "http.response.start", "status": 200, "headers": []},
        {"type": "http.response.body", "body": b"x" * 10_000_000},
    )
    async with trio.open_nursery() as nursery:
        host = Host(large, bounds=Bounds(answer_s_max=5), traffic=traffic)
        nursery.start_soon(host.serve_stream, far, LOCAL)
        await near.send_all(GET)
        await trio.sleep(100)
        assert (traffic.readers_cut, traffic.accepted, traffic.connections) == (1, 1, 0)
