"""Long polling without a task of its own, against servers that do as the test says."""

import pytest
import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused
from adapters.metaapi.polling_link import open_polling_link
from adapters.transport.engineio_payload import decode_payload, encode_payload
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import DropConnection, HttpService

ORIGIN = "http://venue.test"
OPEN = '0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":60000}'


class Server:
    """Makes the handshake, answers polls by `polls`, one after the other, and takes posts."""

    def __init__(self, nursery) -> None:
        self.network = MemoryNetwork(nursery)
        self.network.listen("venue.test", 80, HttpService(self._answer).serve_stream)
        self.requests = []
        self.handshake = HttpResponse(200, {"set-cookie": "edge=7; Path=/"}, encode_payload([OPEN, "40"], 3))
        self.send_poll, self._polls = trio.open_memory_channel(100)
        self.on_post = self._ok
        self.polling = 0

    async def opened(self, **options):
        query, headers = {"auth-token": "sesame", **options}, {"Client-Id": "0.5"}
        return await open_polling_link(ORIGIN, "/ws", self.network.connect, query, headers)

    def say(self, *frames) -> None:
        self.send_poll.send_nowait(encode_payload(frames, 3))

    async def _answer(self, request) -> HttpResponse:
        self.requests.append(request)
        if request.method == "POST":
            return await self.on_post()
        if "sid" not in request.query:
            return self.handshake
        self.polling += 1
        try:
            body = await self._polls.receive()
        finally:
            self.polling -= 1
        return HttpResponse(body) if isinstance(body, int) else HttpResponse(200, {}, body)

    async def _ok(self) -> HttpResponse:
        return HttpResponse(200, {}, b"ok")

    @property
    def posts(self):
        return [decode_payload(request.body, 3) for request in self.requests if request.method == "POST"]

    def count(self, method) -> int:
        return sum(request.method == method for request in self.requests)


@pytest.fixture
async def server(nursery):
    return Server(nursery)


async def test_the_handshake_names_query_and_headers_and_gives_its_messages(server, autojump_clock):
    link, messages = await server.opened()
    assert messages == [OPEN, "40"]
    await trio.testing.wait_all_tasks_blocked()
    first, poll = server.requests
    fields = {"auth-token": "sesame", "EIO": "3", "transport": "polling"}
    assert (first.path, first.query, first.headers["client-id"]) == ("/ws/", fields, "0.5")
    assert (poll.query, poll.headers["cookie"]) == ({**fields, "sid": "s1"}, "edge=7")
    await link.aclose()


async def test_a_poll_is_under_way_also_while_nobody_reads(server, autojump_clock):
    link, _ = await server.opened()
    await trio.testing.wait_all_tasks_blocked()
    assert (server.polling, link.is_quiet) == (1, True)
    server.say("one", "two")
    await trio.testing.wait_all_tasks_blocked()
    assert (server.polling, link.is_quiet) == (0, False)
    assert await link.receive() == ["one", "two"]
    await trio.testing.wait_all_tasks_blocked()
    assert (server.polling, link.is_quiet) == (1, True)
    await link.aclose()


async def test_a_reader_that_is_cancelled_loses_nothing(server, autojump_clock):
    link, _ = await server.opened()
    for _ in range(3):
        with trio.move_on_after(1):
            await link.receive()
    server.say("one")
    with trio.CancelScope() as scope:
        scope.cancel()
        await link.receive()
    assert await link.receive() == ["one"]
    await trio.testing.wait_all_tasks_blocked()
    assert server.count("GET") == 3
    await link.aclose()


async def test_noops_and_binary_packets_are_no_messages(server, autojump_clock):
    link, _ = await server.opened()
    server.say("6")
    assert await link.receive() == []
    server.send_poll.send_nowait(b"\x01\x01\xffx" + b"\x00\x01\xffy")
    assert await link.receive() == ["y"]
    await link.aclose()


async def test_what_is_sent_is_posted_once_and_in_order(server, autojump_clock):
    link, _ = await server.opened()
    await link.send([str(number) for number in range(40)])
    await link.send(["żółć"])
    assert [len(post) for post in server.posts] == [16, 16, 8, 1]
    assert [frame for post in server.posts for frame in post] == [*map(str, range(40)), "żółć"]
    await link.aclose()


async def test_a_sender_that_is_cancelled_has_sent_and_the_next_one_waits_for_its_answer(server, autojump_clock):
    link, _ = await server.opened()
    posting = []

    async def slow():
        assert not posting, "two at once"
        posting.append(1)
        await trio.sleep(5)
        posting.clear()
        return HttpResponse(200, {}, b"ok")

    server.on_post = slow
    started = trio.current_time()
    with trio.move_on_after(1):
        await link.send(["one"])
    assert trio.current_time() - started == pytest.approx(1)
    await link.send(["two"])
    assert trio.current_time() - started == pytest.approx(10)
    assert server.posts == [["one"], ["two"]]
    await link.aclose()


async def cut():
    raise DropConnection


async def refused():
    return HttpResponse(400, {}, b'{"code":1,"message":"Session ID unknown"}')


async def never():
    await trio.sleep_forever()


@pytest.mark.parametrize(("answer", "text"), [(cut, "lost"), (refused, "HTTP 400"), (never, "within 10 s")])
async def test_a_post_that_may_have_arrived_is_an_unknown_outcome_and_not_repeated(
    server, autojump_clock, answer, text
):
    link, _ = await server.opened()
    server.on_post = answer
    with pytest.raises(SessionLost, match=text) as lost:
        await link.send(["trade"])
    assert not isinstance(lost.value, RequestNotSent)
    assert "sesame" not in str(lost.value)
    with pytest.raises(RequestNotSent):
        await link.send(["later"])
    with pytest.raises(SessionLost) as lost:
        await link.receive()
    assert not isinstance(lost.value, RequestNotSent)
    assert server.posts == [["trade"]]
    await link.aclose()


async def test_after_a_cancelled_post_that_failed_nothing_is_sent(server, autojump_clock):
    link, _ = await server.opened()

    async def fail_later():
        await trio.sleep(5)
        raise DropConnection

    server.on_post = fail_later
    with trio.move_on_after(1):
        await link.send(["one"])
    with pytest.raises(RequestNotSent):
        await link.send(["two"])
    assert server.posts == [["one"]]
    await link.aclose()


async def test_without_a_connection_nothing_is_sent(server, autojump_clock):
    link, _ = await server.opened()
    server.network.refuse("venue.test", 80, True)
    with pytest.raises(RequestNotSent):
        await link.send(["trade"])
    assert server.posts == []
    assert link.lost is not None
    assert not isinstance(link.lost, RequestNotSent)  # of what was sent earlier this says nothing
    await link.aclose()


@pytest.mark.parametrize(
    ("answer", "kind"), [(502, SessionLost), (400, SessionLost), (b"garbage", RemoteProtocolError)]
)
async def test_a_poll_that_fails_is_the_end(server, autojump_clock, answer, kind):
    link, _ = await server.opened()
    server.send_poll.send_nowait(answer)
    with pytest.raises(kind):
        await link.receive()
    assert not link.is_quiet
    with pytest.raises(RequestNotSent):
        await link.send(["late"])
    assert server.count("GET") == 2
    await link.aclose()


async def test_messages_are_not_lost_where_the_next_poll_cannot_be_made(server, autojump_clock):
    link, _ = await server.opened()
    server.network.refuse("venue.test", 80, True)
    server.send_poll.send_nowait(encode_payload(["one"], 3))
    await trio.testing.wait_all_tasks_blocked()
    await trio.sleep(60)  # the connection is too old to be used again
    assert await link.receive() == ["one"]
    await trio.sleep(60)
    server.say("two")
    assert await link.receive() == ["two"]
    await link.aclose()


async def test_closing_ends_who_reads_and_who_sends(server, autojump_clock):
    link, _ = await server.opened()
    server.on_post = never
    ended = []

    async def expect(wait, *args):
        with pytest.raises(SessionLost) as lost:
            await wait(*args)
        ended.append(type(lost.value))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(expect, link.receive)
        nursery.start_soon(expect, link.send, ["one"])
        await trio.sleep(1)
        await link.aclose()
    assert ended == [SessionLost, SessionLost]
    with pytest.raises(RequestNotSent, match="closed by us"):
        await link.send(["late"])


@pytest.mark.parametrize(
    ("status", "kind"), [(401, SignInRefused), (403, SignInRefused), (404, SessionLost), (503, SessionLost)]
)
async def test_a_refused_handshake_is_named_without_its_query(server, autojump_clock, status, kind):
    server.handshake = HttpResponse(status, {}, b"sesame")
    with pytest.raises(kind, match=f"found HTTP {status}") as refusal:
        await server.opened()
    assert "sesame" not in f"{refusal.value!r} {refusal.value.__context__!r}"


@pytest.mark.parametrize("body", [b"", b"<html>", encode_payload(["40"], 3), encode_payload(['0{"sid":7}'], 3)])
async def test_a_handshake_without_an_open_packet_is_none(server, autojump_clock, body):
    server.handshake = HttpResponse(200, {}, body)
    with pytest.raises(RemoteProtocolError, match=ORIGIN):
        await server.opened()
