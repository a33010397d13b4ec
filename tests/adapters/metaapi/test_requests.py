"""The request connection: opened when needed, shared by all who wait, checked before use, and honest about loss."""

import json

import pytest
import trio

from adapters.base import RequestNotSent, SessionLost, SignInRefused
from adapters.metaapi.requests import Failed, Requests
from adapters.transport.engineio_payload import decode_payload, encode_payload
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.socketio_transport import Passage
from tests.adapters.metaapi.frames import ACCOUNT, TOKEN
from tests.adapters.metaapi.scripted import HOST, ORIGIN, PORT, config, now, open_server
from tests.adapters.venues import ok, read_request


async def place() -> str:
    await trio.lowlevel.checkpoint()
    return ORIGIN


@pytest.fixture(params=["websocket", "polling"])
async def world(request):
    async with open_server() as (server, network):
        if request.param == "polling":
            server.upgrade_refusal = HttpResponse(403)
        requests = Requests(config(), place, Passage(), network.connect, now)
        server.answers = {"getPositions": [{"positions": []}], "trade": [{"response": {"numericCode": 0}}]}
        yield server, network, requests
        await requests.aclose()


async def ask(requests, kind="getPositions", **fields):
    return await requests.ask(kind, fields, application="RPC")


async def test_the_connection_is_opened_by_the_first_request_and_kept(world, autojump_clock):
    server, _, requests = world
    assert server.sockets == 0
    for _ in range(3):
        assert (await ask(requests))["positions"] == []
    assert server.sockets == 1
    [(query, headers)] = server.queries
    assert server.doors == (["websocket refused", "polling"] if server.upgrade_refusal else ["websocket"])
    assert (query["auth-token"], query["protocol"], query["EIO"]) == (TOKEN.reveal(), "3", "3")
    assert headers["client-id"] == query["clientId"]
    first, *_ = server.heard
    assert first == {
        "type": "getPositions",
        "accountId": ACCOUNT,
        "requestId": first["requestId"],
        "application": "RPC",
        "instanceIndex": 0,
    }
    assert len({request["requestId"] for request in server.heard}) == 3


async def test_many_requests_at_once_share_one_connection_and_each_has_its_own_answer(world, autojump_clock):
    server, _, requests = world
    server.answers["getPosition"] = [[0.5, lambda asked: {"position": asked["positionId"]}]]
    found = {}

    async def one(number):
        found[number] = (await ask(requests, "getPosition", positionId=number))["position"]

    async with trio.open_nursery() as nursery:
        for number in range(20):
            nursery.start_soon(one, number)
    assert found == {number: number for number in range(20)}
    assert server.sockets == 1


async def test_the_one_who_reads_hands_over_when_it_has_its_answer_or_is_cancelled(world, autojump_clock):
    server, _, requests = world
    server.answers["trade"] = [[2.0, {"response": {"late": True}}]]
    server.answers["slow"] = [[5.0, {"done": True}]]
    found = []

    async def cancelled_reader():
        with trio.move_on_after(0.5):
            await ask(requests, "never")

    async def one(kind):
        found.append((kind, trio.current_time(), await ask(requests, kind)))

    server.answers["never"] = [None]
    started = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(cancelled_reader)
        await trio.sleep(0.1)
        nursery.start_soon(one, "trade")
        nursery.start_soon(one, "slow")
    assert [kind for kind, _, _ in found] == ["trade", "slow"]
    assert 5 <= trio.current_time() - started < 6
    assert server.sockets == 1


async def test_a_late_answer_to_a_cancelled_request_is_passed_over(world, autojump_clock):
    server, _, requests = world
    server.answers["slow"] = [[1.0, {"positions": ["old"]}]]
    with trio.move_on_after(0.5):
        await ask(requests, "slow")
    await trio.sleep(2)
    assert (await ask(requests))["positions"] == []
    assert server.sockets == 1


async def test_a_refused_connection_sends_nothing(world, autojump_clock):
    server, network, requests = world
    network.refuse(HOST, PORT, True)
    with pytest.raises(RequestNotSent, match=f"{HOST}:{PORT}"):
        await ask(requests, "trade")
    network.refuse(HOST, PORT, False)
    await ask(requests, "trade")
    assert server.count("trade") == 1


@pytest.mark.parametrize("status", [500, 503, 400, 302])
async def test_a_door_that_stays_closed_means_that_nothing_was_sent(world, autojump_clock, status):
    server, _, requests = world
    server.refusal = HttpResponse(status, {}, TOKEN.reveal().encode())
    with pytest.raises(RequestNotSent, match=f"found HTTP {status}") as refused:
        await ask(requests, "trade")
    assert TOKEN.reveal() not in str(refused.value)
    assert server.heard == []


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_is_refused_at_the_door_is_final(world, autojump_clock, status):
    server, _, requests = world
    server.refusal = HttpResponse(status, {}, b"no")
    with pytest.raises(SignInRefused) as refused:
        await ask(requests)
    assert TOKEN.reveal() not in str(refused.value)


async def test_a_server_that_never_opens_means_that_nothing_was_sent(world, autojump_clock):
    server, _, requests = world
    server.silent = True
    with pytest.raises(RequestNotSent, match="10 s"):
        await ask(requests, "trade")


async def test_a_lost_answer_is_an_unknown_outcome(world, autojump_clock):
    server, _, requests = world
    server.answers["trade"] = ["drop"]
    with pytest.raises(SessionLost) as lost:
        await ask(requests, "trade")
    assert not isinstance(lost.value, RequestNotSent)
    assert server.count("trade") == 1
    assert (await ask(requests))["positions"] == []
    assert server.sockets == 2


async def test_all_who_wait_hear_that_the_connection_is_lost(world, autojump_clock):
    server, _, requests = world
    server.answers["slow"] = [None]
    lost = []

    async def one():
        try:
            await ask(requests, "slow")
        except SessionLost as error:
            lost.append(error)

    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(one)
        await trio.sleep(1)
        server.cut()
    assert len(lost) == 4
    assert not [error for error in lost if isinstance(error, RequestNotSent)]


async def test_no_answer_in_time_is_an_unknown_outcome_and_pings_kept_the_line(world, autojump_clock):
    server, _, requests = world
    server.answers["trade"] = [None]
    started = trio.current_time()
    with pytest.raises(SessionLost, match="60 s") as lost:
        await ask(requests, "trade")
    assert not isinstance(lost.value, RequestNotSent)
    assert trio.current_time() - started == pytest.approx(60)
    assert server.pings == 2
    await ask(requests)
    assert server.sockets == 1


async def test_a_line_that_was_closed_while_idle_is_replaced_before_an_order_is_written(world, autojump_clock):
    server, _, requests = world
    await ask(requests)
    server.cut()
    await trio.sleep(1)
    await ask(requests, "trade")
    assert server.count("trade") == 1
    assert server.sockets == 2


async def test_a_line_that_was_idle_for_long_is_checked_before_an_order_is_written(world, autojump_clock):
    server, _, requests = world
    await ask(requests)
    await trio.sleep(30)
    assert server.pings == 0
    await ask(requests, "trade")
    assert (server.pings, server.sockets) == (1, 1)


async def test_a_dead_line_is_replaced_before_an_order_is_written(world, autojump_clock):
    server, _, requests = world
    await ask(requests)
    server.silent = True
    await trio.sleep(30)

    async def heal():
        await trio.sleep(2)
        server.silent = False

    async with trio.open_nursery() as nursery:
        nursery.start_soon(heal)
        server.answers["trade"] = [{"response": {"numericCode": 0}}]
        await ask(requests, "trade")
    assert server.count("trade") == 1
    assert server.sockets == 2


async def test_a_silent_server_is_left_after_its_own_patience(world, autojump_clock):
    server, _, requests = world
    await ask(requests)
    server.silent = True
    server.answers["slow"] = [None]
    started = trio.current_time()
    with pytest.raises(SessionLost):
        await ask(requests, "slow")
    with pytest.raises(SessionLost):
        await ask(requests, "slow")
    assert trio.current_time() - started < 100


async def test_an_error_names_what_the_venue_says_and_shows_no_token(world, autojump_clock):
    server, _, requests = world
    details = [{"parameter": "symbol", "value": 1, "message": "unknown"}]
    server.answers["x"] = [("ValidationError", {"message": f"bad {TOKEN.reveal()}", "details": details})]
    with pytest.raises(Failed) as failed:
        await ask(requests, "x")
    assert failed.value.text == "ValidationError: bad ***; symbol: unknown"
    assert failed.value.error.error == "ValidationError"


async def test_an_error_about_nobody_in_particular_is_about_all_when_it_is_final(world, autojump_clock):
    server, _, requests = world
    server.answers["x"] = [("UnauthorizedError", {"requestId": None})]
    with pytest.raises(Failed, match="UnauthorizedError"):
        await ask(requests, "x")
    server.answers["y"] = [("InternalError", {"requestId": None})]
    with pytest.raises(SessionLost, match="60 s"):
        await ask(requests, "y")


async def test_a_request_that_is_cancelled_at_any_step_leaves_a_line_that_works(world, autojump_clock):
    server, _, requests = world
    for steps in range(40):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask, requests, "trade")
            for _ in range(steps):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
    assert (await ask(requests))["positions"] == []
    assert 0 < server.count("trade") <= 40


async def test_after_closing_a_later_request_opens_anew(world, autojump_clock):
    server, _, requests = world
    await ask(requests)
    await requests.aclose()
    await requests.aclose()
    await ask(requests)
    assert server.sockets == 2


async def test_closing_ends_those_who_wait(world, autojump_clock):
    server, _, requests = world
    server.answers["slow"] = [None]
    async with trio.open_nursery() as nursery:

        async def one():
            with pytest.raises(SessionLost):
                await ask(requests, "slow")

        nursery.start_soon(one)
        await trio.sleep(1)
        await requests.aclose()


async def test_a_poll_whose_answer_has_only_begun_does_not_make_a_line_unfit(nursery, autojump_clock):
    opened = '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":60000}'
    send_answer, answers = trio.open_memory_channel(1)
    doors = []

    async def serve(stream) -> None:
        while request := await read_request(stream):
            head, _, body = request.partition(b"\r\n\r\n")
            if b"transport=websocket" in head:
                doors.append("websocket")
                await stream.send_all(b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n")
            elif head.startswith(b"POST"):
                [frame] = decode_payload(body, 3)
                asked = json.loads(frame[2:])[1]
                answer = {"type": "response", "accountId": ACCOUNT, "requestId": asked["requestId"]}
                send_answer.send_nowait("42" + json.dumps(["response", answer]))
                await stream.send_all(ok(b"ok"))
            elif b"sid=" in head:
                await stream.send_all(b"HTTP/1.1 200 OK\r\n")
                payload = encode_payload([await answers.receive()], 3)
                await stream.send_all(ok(payload).partition(b"\r\n")[2])
            else:
                doors.append("polling")
                await stream.send_all(ok(encode_payload([opened, "40"], 3)))

    network = MemoryNetwork(nursery)
    network.listen(HOST, PORT, serve)
    requests = Requests(config(), place, Passage(), network.connect, now)
    for _ in range(3):
        started = trio.current_time()
        await ask(requests)
        assert trio.current_time() - started < 0.2
        await trio.sleep(1)
    assert doors == ["websocket", "polling"]
    await requests.aclose()
