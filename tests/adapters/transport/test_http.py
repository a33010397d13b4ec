"""The HTTP client against scripted servers: what was sent, and what each way of failing means."""

import pytest
import trio
from trio.testing import MockClock

from adapters.base import LocalProtocolError, RemoteProtocolError, RequestNotSent, SessionLost
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import memory_streams
from tests.adapters.venues import ORIGIN, Venue, answers, ok, read_request


def client(venue: Venue, **options: int) -> HttpClient:
    return HttpClient(ORIGIN, connect=venue.network.connect, **options)


async def test_request_is_written_once_with_host_length_and_headers(nursery: trio.Nursery) -> None:
    seen: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(await read_request(stream))
        await stream.send_all(ok(b"{}", b"X-Limit: 3", b"X-Limit: 4"))

    venue = Venue(nursery, serve)
    http = HttpClient("http://venue.test:80/", connect=venue.network.connect)
    response = await http.request("POST", "/orders?a=1", headers={"Authorization": "Bearer t"}, body=b'{"v":"0.10"}')
    assert (response.status, response.body) == (200, b"{}")
    assert response.headers == {"content-length": "2", "x-limit": "3, 4"}
    [request] = seen
    head, _, body = request.partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /orders?a=1 HTTP/1.1",
        b"Host: venue.test",
        b"Accept-Encoding: identity",
        b"Authorization: Bearer t",
        b"Content-Length: 12",
    ]
    assert body == b'{"v":"0.10"}'


async def test_connection_is_kept_for_the_next_request(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"1"), ok(b"2")))
    http = client(venue)
    assert [(await http.request("GET", "/")).body for _ in range(2)] == [b"1", b"2"]
    assert venue.connections == 1


async def test_chunked_and_unframed_answers_are_read_whole(nursery: trio.Nursery) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    venue = Venue(nursery, answers(chunked, b"HTTP/1.1 200 OK\r\n\r\nto the end", then_close=True))
    http = client(venue)
    assert (await http.request("GET", "/")).body == b"abcde"
    assert (await http.request("GET", "/")).body == b"to the end"


async def test_idle_connection_that_the_server_closed_is_not_used_again(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"x"), then_close=True))
    http = client(venue)
    for _ in range(3):
        assert (await http.request("GET", "/")).status == 200
        await trio.testing.wait_all_tasks_blocked()  # the server closes now
    assert venue.connections == 3


async def test_idle_connection_with_unasked_bytes_is_not_used_again(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"x") + ok(b"smuggled"), ok(b"late")))
    http = client(venue)
    assert (await http.request("GET", "/")).body == b"x"
    assert (await http.request("GET", "/")).body == b"x"
    assert venue.connections == 2


async def test_idle_connection_is_not_used_beyond_the_time_that_the_server_names(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    venue = Venue(nursery, answers(ok(b"1", b"Keep-Alive: timeout=5"), ok(b"2", b"Keep-Alive: timeout=5")))
    http = client(venue)
    await http.request("GET", "/")
    await trio.sleep(3.9)
    assert (await http.request("GET", "/")).body == b"2"
    await trio.sleep(4.1)
    assert (await http.request("GET", "/")).body == b"1"
    assert venue.connections == 2


async def test_connection_close_is_obeyed(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"1", b"Connection: close"), ok(b"2")))
    http = client(venue)
    assert [(await http.request("GET", "/")).body for _ in range(2)] == [b"1", b"1"]


async def test_refused_connection_is_not_sent(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers())
    venue.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent, match=r"venue\.test:80"):
        await client(venue).request("POST", "/orders")


async def test_connecting_too_slowly_is_not_sent(autojump_clock: MockClock) -> None:
    async def never(host: str, port: int, tls: bool) -> trio.abc.Stream:
        await trio.sleep_forever()
        raise AssertionError

    http = HttpClient(ORIGIN, connect=never, connections=1)
    for _ in range(2):  # the second proves that the first gave its slot back
        with pytest.raises(RequestNotSent, match="no connection within 3 s"):
            await http.request("POST", "/orders", timeout_s=3)


async def test_waiting_too_long_for_a_free_connection_is_not_sent(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def hold(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await trio.sleep(20)
        await stream.send_all(ok(b"slow"))

    http = client(Venue(nursery, hold), connections=1)

    async def first() -> None:
        assert (await http.request("GET", "/slow", timeout_s=30)).body == b"slow"

    nursery.start_soon(first)
    await trio.testing.wait_all_tasks_blocked()
    with pytest.raises(RequestNotSent, match="no connection within 5 s"):
        await http.request("POST", "/orders", timeout_s=5)


async def test_slow_answer_is_a_lost_session_and_its_connection_is_dropped(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    slow = True

    async def serve(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        if slow:
            await trio.sleep(60)
        await stream.send_all(ok(b"fast"))

    venue = Venue(nursery, serve)
    http = client(venue)
    with pytest.raises(SessionLost, match=r"POST venue\.test/orders: no answer within 10 s") as caught:
        await http.request("POST", "/orders?token=hidden")
    assert not isinstance(caught.value, RequestNotSent)
    assert "hidden" not in str(caught.value)
    slow = False
    assert (await http.request("GET", "/")).body == b"fast"
    assert venue.connections == 2


@pytest.mark.parametrize(
    "raw", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"], ids=["nothing", "head", "body"]
)
async def test_line_cut_before_the_whole_answer_is_a_lost_session(nursery: trio.Nursery, raw: bytes) -> None:
    http = client(Venue(nursery, answers(raw, then_close=True)))
    with pytest.raises(SessionLost, match="connection lost") as caught:
        await http.request("POST", "/orders")
    assert type(caught.value) is SessionLost


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000,
    ],
    ids=["no-http", "length", "upgrade", "endless-head"],
)
async def test_garbage_is_a_broken_protocol(nursery: trio.Nursery, raw: bytes) -> None:
    http = client(Venue(nursery, answers(raw)))
    with pytest.raises(RemoteProtocolError, match="expected"):
        await http.request("POST", "/orders")


async def test_oversize_answer_is_refused_and_its_connection_dropped(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"x" * 101), ok(b"y")))
    http = client(venue, body_bytes_max=100)
    for _ in range(2):
        with pytest.raises(RemoteProtocolError, match="body of at most 100 bytes, found more"):
            await http.request("GET", "/")
    assert venue.connections == 2


async def test_interim_answers_are_passed_over(nursery: trio.Nursery) -> None:
    http = client(Venue(nursery, answers(b"HTTP/1.1 103 Early Hints\r\n\r\n" + ok(b"real"))))
    assert (await http.request("GET", "/")).body == b"real"


async def test_redirect_is_handed_back_not_followed(nursery: trio.Nursery) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\nContent-Length: 0\r\n\r\n"
    response = await client(Venue(nursery, answers(moved))).request("POST", "/orders")
    assert (response.status, response.headers["location"]) == (302, "http://elsewhere/")


async def test_at_most_so_many_connections_are_open_at_once(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    now_open = most = 0

    async def serve(stream: trio.abc.Stream) -> None:
        nonlocal now_open, most
        now_open += 1
        most = max(most, now_open)
        while await read_request(stream):
            await trio.sleep(1)
            await stream.send_all(ok(b"x"))
        now_open -= 1

    http = client(Venue(nursery, serve), connections=2)
    async with trio.open_nursery() as callers:
        for _ in range(6):
            callers.start_soon(http.request, "GET", "/")
    assert most == 2


async def test_header_that_would_split_the_request_is_our_bug_and_its_value_is_not_shown(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers())
    with pytest.raises(LocalProtocolError) as caught:
        await client(venue).request("GET", "/", headers={"Authorization": "sesame\r\nX: y"})
    assert "sesame" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert venue.connections == 0


async def test_cancelled_request_drops_its_connection(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    near, far = memory_streams()

    async def connect(host: str, port: int, tls: bool) -> trio.abc.Stream:
        return near

    http = HttpClient(ORIGIN, connect=connect)
    with trio.move_on_after(1) as scope:
        await http.request("GET", "/")
    assert scope.cancelled_caught
    assert (await far.receive_some()).startswith(b"GET / HTTP/1.1\r\n")
    assert await far.receive_some() == b""


async def test_closed_client_takes_no_request_and_keeps_no_connection(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"1"), ok(b"2")))
    http = client(venue)
    await http.request("GET", "/")
    await http.aclose()
    with pytest.raises(LocalProtocolError, match="closed"):
        await http.request("GET", "/")


@pytest.mark.parametrize(
    "origin", ["ftp://x", "venue.test", "http://u:p@venue.test", "http://venue.test/path", "http://"]
)
def test_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin must"):
        HttpClient(origin, connect=None)  # type: ignore[arg-type]


async def test_an_answer_can_be_waited_for_in_parts(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    answer = ok(b"abc", b"Content-Type: text/plain")

    async def serve(stream: trio.abc.Stream) -> None:
        while await read_request(stream):
            for place in range(len(answer)):
                await stream.send_all(answer[place : place + 1])
                await trio.sleep(1)

    venue = Venue(nursery, serve)
    http = client(venue)
    for _ in range(2):
        exchange = await http.begin("GET", "/")
        waits = 0
        came: list[HttpResponse] = []
        while not came:
            waits += 1
            with trio.move_on_after(0.7):
                came.append(await exchange.answer())
        [response] = came
        assert waits > len(answer)
        assert (response.status, response.body, response.headers["content-type"]) == (200, b"abc", "text/plain")
    assert venue.connections == 1


async def test_an_exchange_tells_whether_its_answer_waits_to_be_read(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers(ok(b"1")))
    exchange = await client(venue).begin("POST", "/", body=b"x")
    quiet = [exchange.is_quiet]
    await trio.testing.wait_all_tasks_blocked()
    quiet.append(exchange.is_quiet)
    assert (await exchange.answer()).body == b"1"
    assert [*quiet, exchange.is_quiet] == [True, False, False]


async def test_an_exchange_that_is_given_up_gives_its_place_to_another(nursery: trio.Nursery) -> None:
    seen: list[bytes] = []

    async def serve(stream: trio.abc.Stream) -> None:
        seen.append(await read_request(stream))
        if len(seen) == 1:
            assert not await stream.receive_some()
        else:
            await stream.send_all(ok(b"2"))

    http = client(Venue(nursery, serve), connections=1)
    exchange = await http.begin("GET", "/")
    await trio.testing.wait_all_tasks_blocked()
    await exchange.aclose()
    await exchange.aclose()
    assert (await http.request("GET", "/")).body == b"2"


async def test_an_exchange_whose_line_is_cut_may_have_arrived(nursery: trio.Nursery) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")

    http = client(Venue(nursery, serve))
    exchange = await http.begin("GET", "/place?token=sesame")
    with pytest.raises(SessionLost, match=r"GET venue\.test/place") as lost:
        await exchange.answer()
    assert not isinstance(lost.value, RequestNotSent)
    assert "sesame" not in str(lost.value)


async def test_a_request_that_is_begun_is_written_whole_or_given_up(autojump_clock: MockClock) -> None:
    near, far = memory_streams()
    for _ in range(64):
        await near.send_all(b"x")  # as much as the pipe takes

    async def connect(host: str, port: int, tls: bool) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        return near

    http = HttpClient(ORIGIN, connect=connect, timeout_s=3)
    started = trio.current_time()
    with trio.move_on_after(1), pytest.raises(SessionLost, match="could not be written within 3 s") as lost:
        await http.begin("POST", "/", body=b"x")
    assert not isinstance(lost.value, RequestNotSent)
    assert trio.current_time() - started == pytest.approx(3)
    with pytest.raises(trio.BrokenResourceError):
        await far.send_all(b"x")


async def test_without_a_connection_nothing_is_begun(nursery: trio.Nursery) -> None:
    venue = Venue(nursery, answers())
    venue.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent):
        await client(venue).begin("POST", "/orders", body=b"x")


async def test_answer_that_goes_on_is_read_in_parts_up_to_its_end(nursery: trio.Nursery) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: events\r\n\r\n")
        for part in (b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n"):
            await stream.send_all(part)
        await trio.sleep_forever()

    http = client(Venue(nursery, serve))
    exchange = await http.begin("GET", "/events")
    head = await exchange.head()
    assert (head.status, head.headers["x-kind"], head.body) == (200, "events", b"")
    assert [await exchange.part() for _ in range(3)] == [b"abc", b"de", b""]
    await exchange.aclose()
    nursery.cancel_scope.cancel()


async def test_part_that_was_cancelled_has_lost_nothing_and_a_cut_line_is_a_lost_session(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    async def serve(stream: trio.abc.Stream) -> None:
        await read_request(stream)
        await stream.send_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na")
        await trio.sleep(10)
        await stream.send_all(b"bc\r\n")
        await stream.aclose()

    http = client(Venue(nursery, serve))
    exchange = await http.begin("GET", "/events")
    await exchange.head()
    assert await exchange.part() == b"a"
    with trio.move_on_after(5) as waiting:
        await exchange.part()
    assert waiting.cancelled_caught
    assert await exchange.part() == b"bc"
    with pytest.raises(SessionLost):
        await exchange.part()
    await exchange.aclose()
    nursery.cancel_scope.cancel()
