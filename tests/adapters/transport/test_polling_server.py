"""The server half of long polling: one handler, whatever the transport; and clients that misbehave."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from adapters.base import LocalProtocolError, SessionLost
from adapters.transport.engineio_payload import decode_payload, encode_payload
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import DropConnection, HttpRequest, HttpService
from adapters.transport.socketio_packets import EioVersion
from adapters.transport.websocket import open_websocket

ORIGIN = "http://venue.test"
OPEN = '0{"sid":"s1","upgrades":[],"pingInterval":25000,"pingTimeout":20000}'


class Desk:
    """A handler that says what it is told to, and notes what it hears and how it ended."""

    def __init__(self, first: str | None = OPEN) -> None:
        self.heard: list[str | bytes] = []
        self.ended: list[object] = []
        self.connections: list[FrameConnection] = []
        self.first = first

    async def serve(self, connection: FrameConnection, request: HttpRequest) -> None:
        self.connections.append(connection)
        try:
            if self.first is not None:
                await connection.send_message(self.first)
            await self.talk(connection, request)
        except BaseException as error:
            self.ended.append(error)
            raise
        self.ended.append(None)

    async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
        """Echo; `4end` and a close end it, `4cut` cuts it, `4many` asks for 40 frames, `4bug` is a bug."""
        while True:
            frame = await connection.get_message()
            self.heard.append(frame)
            match frame:
                case "4end" | "1":
                    await connection.send_message("4bye")
                    return
                case "4cut":
                    raise DropConnection
                case "4bug":
                    raise RuntimeError("a bug")
                case "4many":
                    for number in range(40):
                        await connection.send_message(f"4{number}")
                case str(text):
                    await connection.send_message(text)


class Client:
    """Asks by hand, over a network in memory."""

    def __init__(
        self, nursery: trio.Nursery, handler: Callable[[FrameConnection, HttpRequest], Awaitable[None]], **options: Any
    ) -> None:
        engine = EngineServer(handler, **options)
        self.service = HttpService(engine.http, {"/ws/": engine.websocket}, admit=engine.admit)
        self.network = MemoryNetwork(nursery)
        self.network.listen("venue.test", 80, self.service.serve_stream)
        self.http = HttpClient(ORIGIN, connect=self.network.connect, timeout_s=100)
        self.version: EioVersion = 4
        self.open: dict[str, Any] = {}
        self.content_type = ""

    async def ask(self, method: str, query: str, body: bytes | None = None) -> HttpResponse:
        return await self.http.request(method, f"/ws/?{query}", body=body)

    async def begin(self, version: EioVersion = 4, more: str = "") -> None:
        self.version = version
        answer = await self.ask("GET", f"EIO={version}&transport=polling{more}")
        assert answer.status == 200
        [packet] = decode_payload(answer.body, version)
        assert isinstance(packet, str)
        self.open = msgspec.json.decode(packet[1:])

    async def poll(self) -> list[str | bytes]:
        answer = await self.ask("GET", f"EIO={self.version}&transport=polling&sid=s1")
        assert answer.status == 200
        self.content_type = answer.headers["content-type"]
        return decode_payload(answer.body, self.version)

    async def post(self, *packets: str) -> HttpResponse:
        body = encode_payload(packets, self.version)
        return await self.ask("POST", f"EIO={self.version}&transport=polling&sid=s1", body)

    async def is_forgotten(self) -> bool:
        answer = await self.ask("GET", f"EIO={self.version}&transport=polling&sid=s1")
        return (answer.status, answer.body) == (400, b'{"code":1,"message":"Session ID unknown"}')

    async def probe(self, *frames: str | bytes) -> None:
        """Send frames over a WebSocket of this session, and listen to its end."""
        async with open_websocket(self.upgrade_url(), connect=self.network.connect) as websocket:
            for frame in frames:
                await websocket.send_message(frame)
            while True:
                await websocket.get_message()

    def upgrade_url(self, sid: str = "s1") -> str:
        return f"ws://venue.test/ws/?EIO={self.version}&transport=websocket&sid={sid}"


@pytest.mark.parametrize("version", [3, 4])
async def test_client_that_polls_talks_with_the_handler(nursery: trio.Nursery, version: EioVersion) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin(version)
    assert client.open == {
        "sid": "s1",
        "upgrades": ["websocket"],
        "pingInterval": 25000,
        "pingTimeout": 20000,
        "maxPayload": 1_000_000,
    }
    answer = await client.post("4a", "4é𝄞")
    assert (answer.status, answer.body) == (200, b"ok")
    await wait_all_tasks_blocked()
    assert await client.poll() == ["4a", "4é𝄞"]
    assert desk.heard == ["4a", "4é𝄞"]


@pytest.mark.parametrize(
    ("version", "more", "content_type"),
    [
        (4, "", "text/plain; charset=UTF-8"),
        (3, "&b64=1", "text/plain; charset=UTF-8"),
        (3, "", "application/octet-stream"),
    ],
)
async def test_text_beyond_the_basic_plane_is_written_as_the_client_takes_it(
    nursery: trio.Nursery, version: EioVersion, more: str, content_type: str
) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin(version, more)
    await client.post("4𝄞")
    assert await client.poll() == ["4𝄞"]
    assert client.content_type == content_type


async def test_poll_waits_for_a_frame_and_ends_with_a_noop_when_there_is_none(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()

    async def say_late() -> None:
        await trio.sleep(5)
        await desk.connections[0].send_message("4late")

    nursery.start_soon(say_late)
    started = trio.current_time()
    assert await client.poll() == ["4late"]
    assert trio.current_time() - started == 5
    assert await client.poll() == ["6"]
    assert trio.current_time() - started == 25


async def test_burst_comes_in_order_at_most_sixteen_packets_a_poll(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    await client.post("4many")
    polls: list[list[str | bytes]] = []
    while sum(len(frames) for frames in polls) < 40:
        await wait_all_tasks_blocked()
        polls.append(await client.poll())
    assert [frame for frames in polls for frame in frames] == [f"4{number}" for number in range(40)]
    assert [len(frames) for frames in polls] == [16, 16, 8]


async def test_payload_is_kept_within_its_bytes(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve, payload_bytes_max=400)
    await client.begin()
    assert client.open["maxPayload"] == 400
    await client.post("4" + "a" * 99)
    await client.post("4" + "b" * 99)
    await wait_all_tasks_blocked()
    assert await client.poll() == ["4" + "a" * 99]
    assert await client.poll() == ["4" + "b" * 99]


async def test_session_outlives_the_connection_that_began_it(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    await client.http.aclose()
    client.http = HttpClient(ORIGIN, connect=client.network.connect)
    await client.post("4a")
    assert await client.poll() == ["4a"]


@pytest.mark.parametrize(
    ("method", "query", "code"),
    [
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=flashsocket", 0),
        ("GET", "EIO=4&transport=polling&sid=s2", 1),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling&sid=s1", 3),
        ("GET", "EIO=2&transport=polling", 5),
        ("GET", "transport=polling", 5),
    ],
)
async def test_request_that_cannot_be_served_is_refused_by_code(
    nursery: trio.Nursery, method: str, query: str, code: int
) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    answer = await client.ask(method, query, b"2" if method == "POST" else None)
    assert (answer.status, msgspec.json.decode(answer.body)["code"]) == (400, code)


async def test_second_poll_at_once_ends_the_session(nursery: trio.Nursery) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    first: list[list[str | bytes]] = []

    async def poll() -> None:
        first.append(await client.poll())

    nursery.start_soon(poll)
    await wait_all_tasks_blocked()
    assert (await client.ask("GET", "EIO=4&transport=polling&sid=s1")).status == 400
    await wait_all_tasks_blocked()
    assert first == [["1"]]
    assert "polled twice" in str(desk.ended[0])
    assert await client.is_forgotten()


async def test_second_post_at_once_ends_the_session(nursery: trio.Nursery) -> None:
    class Slow(Desk):
        async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
            await trio.sleep_forever()

    desk = Slow()
    client = Client(nursery, desk.serve)
    await client.begin()
    await client.post(*["4a"] * 16)
    nursery.start_soon(client.post, "4waits")
    await wait_all_tasks_blocked()
    assert (await client.post("4b")).status == 400
    assert [await desk.connections[0].get_message() for _ in range(16)] == ["4a"] * 16
    with pytest.raises(SessionLost, match="posted twice"):
        await desk.connections[0].get_message()


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"2\x1e", 400), (b"2" * 1_000_001, 413)])
async def test_broken_or_large_payload_ends_the_session(nursery: trio.Nursery, body: bytes, status: int) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    answer = await client.ask("POST", "EIO=4&transport=polling&sid=s1", body)
    assert answer.status == status
    await wait_all_tasks_blocked()
    assert isinstance(desk.ended[0], SessionLost)
    assert await client.is_forgotten()


async def test_client_that_asks_nothing_is_given_up(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    await trio.sleep(59)
    await client.post("4a")
    await trio.sleep(59)
    assert desk.ended == []
    await trio.sleep(2)
    assert "asked nothing for 60 s" in str(desk.ended[0])
    assert await client.is_forgotten()


async def test_client_that_only_polls_is_not_idle(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    for _ in range(10):
        assert await client.poll() == ["6"]
    assert desk.ended == []


async def test_client_whose_poll_is_pending_is_not_idle(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    class Quiet(Desk):
        async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
            while True:
                self.heard.append(await connection.get_message())

    desk = Quiet()
    client = Client(nursery, desk.serve, idle_s_max=5)
    await client.begin()
    nursery.start_soon(client.poll)
    await wait_all_tasks_blocked()
    await client.post("4a")
    await trio.sleep(19)
    assert (desk.heard, desk.ended) == (["4a"], [])


async def test_handler_that_never_reads_holds_a_post_no_longer_than_the_idle_time(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class Deaf(Desk):
        async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
            await trio.sleep_forever()

    client = Client(nursery, Deaf().serve)
    await client.begin()
    for _ in range(16):
        assert (await client.post("4a")).status == 200
    started = trio.current_time()
    assert (await client.post("4a")).status == 400
    assert trio.current_time() - started == 60


async def test_client_that_never_polls_is_given_up_by_a_handler_that_writes(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    await client.post("4many")
    await trio.sleep(61)
    assert isinstance(desk.ended[0], SessionLost)


async def test_pending_poll_brings_the_last_words_of_a_handler_that_returns(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    await client.post("4end")
    await wait_all_tasks_blocked()
    assert await client.poll() == ["4bye", "1"]
    await wait_all_tasks_blocked()
    assert await client.is_forgotten()


async def test_last_words_that_nobody_polls_for_are_forgotten(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    await client.post("4end")
    await trio.sleep(31)
    assert await client.is_forgotten()


async def test_close_of_the_handler_is_said_once(nursery: trio.Nursery) -> None:
    class Closing(Desk):
        async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
            await connection.send_message("1")

    client = Client(nursery, Closing().serve)
    answer = await client.ask("GET", "EIO=4&transport=polling")
    frames = decode_payload(answer.body, 4)
    while frames[-1] != "1":
        frames += await client.poll()
    assert frames[1:] == ["1"]
    await wait_all_tasks_blocked()
    assert await client.is_forgotten()


async def test_client_that_closes_gets_its_poll_back_and_is_forgotten_at_once(nursery: trio.Nursery) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    polled: list[list[str | bytes]] = []

    async def poll() -> None:
        polled.append(await client.poll())

    nursery.start_soon(poll)
    await wait_all_tasks_blocked()
    assert (await client.post("1")).status == 200
    await wait_all_tasks_blocked()
    assert [frame for frame in polled[0] if frame != "1"] == ["4bye"]
    assert desk.ended == [None]
    assert await client.is_forgotten()


async def test_client_that_is_cut_off_gets_no_answer(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    cut: list[str] = []

    async def poll() -> None:
        with pytest.raises(SessionLost, match="connection lost"):
            await client.poll()
        cut.append("cut")

    nursery.start_soon(poll)
    await wait_all_tasks_blocked()
    await client.post("4cut")
    await wait_all_tasks_blocked()
    assert cut == ["cut"]
    assert await client.is_forgotten()


async def test_bug_in_a_handler_ends_the_server() -> None:
    async def run() -> None:
        async with trio.open_nursery() as nursery:
            client = Client(nursery, Desk().serve)
            await client.begin()
            await client.post("4bug")
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert caught.group_contains(RuntimeError, match="a bug")


async def test_handler_that_says_nothing_refuses_the_client(nursery: trio.Nursery) -> None:
    async def refuse(connection: FrameConnection, request: HttpRequest) -> None:
        return

    client = Client(nursery, refuse)
    assert (await client.ask("GET", "EIO=4&transport=polling")).status == 400


async def test_handler_that_hesitates_too_long_refuses_the_client(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    desk = Desk(None)
    client = Client(nursery, desk.serve)
    assert (await client.ask("GET", "EIO=4&transport=polling")).status == 400
    await wait_all_tasks_blocked()
    assert isinstance(desk.ended[0], SessionLost)


@pytest.mark.parametrize("first", ["40", "0", "0[]", '0{"sid":1}', "0{"])
async def test_handler_that_does_not_begin_with_an_open_packet_is_our_bug(first: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with trio.open_nursery() as nursery:
            await Client(nursery, Desk(first).serve).begin()
    assert caught.group_contains(LocalProtocolError, match="open packet")


async def test_sid_given_out_twice_is_our_bug() -> None:
    async def run() -> None:
        async with trio.open_nursery() as nursery:
            client = Client(nursery, Desk().serve)
            await client.begin()
            await client.begin()

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert caught.group_contains(LocalProtocolError, match="of one client only")


async def test_client_that_is_not_admitted_is_refused_on_either_transport(nursery: trio.Nursery) -> None:
    def admit(request: HttpRequest) -> HttpResponse | None:
        return None if request.query.get("token") == "good" else HttpResponse(401)

    client = Client(nursery, Desk().serve, admit=admit)
    assert (await client.ask("GET", "EIO=4&transport=polling")).status == 401
    assert (await client.ask("GET", "EIO=4&transport=polling&token=good")).status == 200
    with pytest.raises(Exception, match="found HTTP 401"):
        async with open_websocket("ws://venue.test/ws/?EIO=4&transport=websocket", connect=client.network.connect):
            pass


async def test_clients_beyond_the_most_are_told_to_come_later(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve, sessions_max=1)
    await client.begin()
    assert (await client.ask("GET", "EIO=4&transport=polling")).status == 503
    await client.post("1")
    await wait_all_tasks_blocked()
    await client.begin()


# The move to a WebSocket.


async def test_session_moves_to_a_websocket_without_losing_a_frame(nursery: trio.Nursery) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    polled: list[list[str | bytes]] = []

    async def poll() -> None:
        polled.append(await client.poll())

    nursery.start_soon(poll)
    await wait_all_tasks_blocked()
    async with open_websocket(client.upgrade_url(), connect=client.network.connect) as websocket:
        await websocket.send_message("2probe")
        assert await websocket.get_message() == "3probe"
        await wait_all_tasks_blocked()
        assert polled == [["6"]]
        await client.post("4during")
        assert await client.poll() == ["6"]  # what waits is kept for the WebSocket
        await websocket.send_message("5")
        assert await websocket.get_message() == "4during"
        await websocket.send_message("4after")
        assert await websocket.get_message() == "4after"
        assert (await client.ask("GET", "EIO=4&transport=polling&sid=s1")).status == 400
        await websocket.send_message("4many")
        assert [await websocket.get_message() for _ in range(40)] == [f"4{number}" for number in range(40)]
        await websocket.send_message("4end")
        assert await websocket.get_message() == "4bye"
        with pytest.raises(Exception, match="1000"):
            await websocket.get_message()
    assert desk.ended == [None]
    assert await client.is_forgotten()


async def test_session_that_moved_may_be_silent_on_its_websocket(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    class Slow(Desk):
        async def talk(self, connection: FrameConnection, request: HttpRequest) -> None:
            await trio.sleep(5)
            await super().talk(connection, request)

    client = Client(nursery, Slow().serve)
    await client.begin()
    await client.post(*["4a"] * 16)
    nursery.start_soon(client.post, "4waits until after the move")
    async with open_websocket(client.upgrade_url(), connect=client.network.connect) as websocket:
        await websocket.send_message("2probe")
        assert await websocket.get_message() == "3probe"
        await websocket.send_message("5")
        heard = [await websocket.get_message() for _ in range(17)]
        assert heard == [*["4a"] * 16, "4waits until after the move"]
        await trio.sleep(1000)
        await websocket.send_message("4b")
        assert await websocket.get_message() == "4b"


async def test_websocket_that_is_closed_ends_a_session_that_moved_to_it(nursery: trio.Nursery) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    await client.begin()
    async with open_websocket(client.upgrade_url(), connect=client.network.connect) as websocket:
        await websocket.send_message("2probe")
        await websocket.get_message()
        await websocket.send_message("5")
        await websocket.send_message("4a")
        await websocket.get_message()
    await wait_all_tasks_blocked()
    assert isinstance(desk.ended[0], SessionLost)
    assert await client.is_forgotten()


async def test_handler_cuts_off_a_session_that_moved(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    with pytest.raises(SessionLost, match="closed"):
        await client.probe("2probe", "5", "4cut")


@pytest.mark.parametrize("frames", [["2"], [b"2probe"], ["2probe", "4x"]])
async def test_failed_probe_leaves_the_session_polling(nursery: trio.Nursery, frames: list[str | bytes]) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    with pytest.raises(SessionLost):
        await client.probe(*frames)
    await client.post("4a")
    assert await client.poll() == ["4a"]


async def test_probe_that_is_not_completed_is_ended_in_time(nursery: trio.Nursery, autojump_clock: MockClock) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    with pytest.raises(SessionLost):
        await client.probe("2probe")
    assert trio.current_time() < 12
    await client.post("4a")
    assert await client.poll() == ["4a"]


async def test_probe_that_is_cut_leaves_the_session_polling(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    async with open_websocket(client.upgrade_url(), connect=client.network.connect) as websocket:
        await websocket.send_message("2probe")
        assert await websocket.get_message() == "3probe"
    await wait_all_tasks_blocked()
    await client.post("4a")
    assert await client.poll() == ["4a"]


async def test_websocket_of_no_polling_session_is_refused(nursery: trio.Nursery) -> None:
    client = Client(nursery, Desk().serve)
    await client.begin()
    with pytest.raises(SessionLost, match="found HTTP 400"):
        async with open_websocket(client.upgrade_url("s2"), connect=client.network.connect):
            pass
    async with open_websocket(client.upgrade_url(), connect=client.network.connect) as websocket:
        await websocket.send_message("2probe")
        await websocket.get_message()
        with pytest.raises(SessionLost, match="found HTTP 400"):
            async with open_websocket(client.upgrade_url(), connect=client.network.connect):
                pass


async def test_client_that_comes_by_websocket_at_once_has_the_same_handler(nursery: trio.Nursery) -> None:
    desk = Desk()
    client = Client(nursery, desk.serve)
    url = "ws://venue.test/ws/?EIO=4&transport=websocket"
    async with open_websocket(url, connect=client.network.connect) as websocket:
        assert await websocket.get_message() == OPEN
        await websocket.send_message("4a")
        assert await websocket.get_message() == "4a"
    await wait_all_tasks_blocked()
    assert isinstance(desk.ended[0], SessionLost)
