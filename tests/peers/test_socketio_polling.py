"""Both halves of long polling against the Socket.IO project and python-socketio, over real HTTP and WebSockets."""

import json
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

import pytest
import trio

from adapters.base import RemoteProtocolError, SessionLost
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.network import connect_tcp
from adapters.transport.polling import PollingConnection, open_polling
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import HttpRequest, HttpService, serve_tcp
from adapters.transport.socketio import (
    Ack,
    ClientSession,
    Closed,
    Connected,
    Disconnected,
    Event,
    Opened,
    Refused,
    ServerSession,
)
from adapters.transport.socketio_packets import ConnectRequested, EioVersion
from adapters.transport.socketio_transport import open_socketio
from tests.peers.programs import node, python, running
from tests.peers.test_socketio import Peer, Talk

pytestmark = pytest.mark.peer

_PATIENCE_S = 60.0


# Our client half.

_SERVERS: dict[str, tuple[Callable[[str], list[str]], EioVersion]] = {
    "socket.io-4": (lambda transports: node("socketio_server.js", "socket.io", transports), 4),
    "socket.io-2": (lambda transports: node("socketio_server.js", "socket.io-2", transports), 3),
    "python-socketio": (lambda transports: python("socketio_server.py", transports), 4),
}


@pytest.fixture(scope="module", params=list(_SERVERS))
def polling_peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    command, eio_version = _SERVERS[request.param]
    with running(command("polling")) as port:
        yield Peer(port, eio_version)


@pytest.fixture(scope="module", params=list(_SERVERS))
def full_peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    command, eio_version = _SERVERS[request.param]
    with running(command("polling,websocket")) as port:
        yield Peer(port, eio_version)


@asynccontextmanager
async def joined(peer: Peer, *, polls: bool) -> AsyncGenerator[Talk, None]:
    """A talk in `/` with the server's hello read, over polling at once, or over what `open_socketio` finds."""
    opened = (open_polling if polls else open_socketio)(
        f"http://127.0.0.1:{peer.port}",
        "ws",
        connect=connect_tcp,
        eio_version=peer.eio_version,
        query={"auth-token": "tok en&1"},
        headers={"developer-api-key": "K1"},
    )
    with trio.fail_after(_PATIENCE_S):
        async with opened as connection, trio.open_nursery() as nursery:
            assert isinstance(connection, PollingConnection)
            talk = Talk(connection, ClientSession(eio_version=peer.eio_version))
            assert isinstance(await talk.next(), Opened)
            nursery.start_soon(talk.ping)
            talk.session.connect("/")
            messages = [await talk.next(), await talk.next()]
            assert Connected("/") in messages
            assert Event("/", "hello", ({"header": "K1", "query": "tok en&1"},)) in messages
            yield talk
            nursery.cancel_scope.cancel()


async def test_refused_websocket_is_followed_by_polling(polling_peer: Peer) -> None:
    async with joined(polling_peer, polls=False) as talk:
        ack_id = talk.session.emit("subscriptions", {"lots": Decimal("0.10"), "name": "é𝄞😀"}, ack=True)
        answer = await talk.next()
    got = {"status": "ok", "got": {"lots": Decimal("0.1"), "name": "é𝄞😀"}}
    assert answer == Ack("/", ack_id or 0, (got, Decimal("1.5")))


async def test_thousand_polled_events_arrive_in_order_and_exact(polling_peer: Peer) -> None:
    async with joined(polling_peer, polls=True) as talk:
        talk.session.emit("stream", 1000)
        for seq in range(1000):
            expected = {"seq": seq, "lots": Decimal("0.1"), "id": "144115188076017329"}
            assert await talk.next_event("position") == (expected,)


async def test_hundred_posted_questions_are_answered_in_order(full_peer: Peer) -> None:
    async with joined(full_peer, polls=True) as talk:
        for number in range(100):
            talk.session.emit("subscriptions", {"number": number}, ack=True)
        await talk.flush()
        for number in range(100):
            answer = await talk.next()
            assert isinstance(answer, Ack)
            assert answer.args[0]["got"] == {"number": number}


@pytest.mark.slow  # more than the server's ping interval and timeout passes in real time
async def test_polling_outlives_the_servers_patience(polling_peer: Peer) -> None:
    async with joined(polling_peer, polls=True) as talk:
        assert talk.session.silence_s_max is not None
        talk.session.emit("later", int(talk.session.silence_s_max * 1200))
        await talk.next_event("here")


async def test_namespace_opens_over_polling_with_the_token_and_only_with_it(polling_peer: Peer) -> None:
    async with joined(polling_peer, polls=True) as talk:
        refused = await talk.join("/secure", {"token": "bad"})
        assert isinstance(refused, Refused)
        assert "bad token" in str(refused.error)
        assert await talk.join("/secure", {"token": "good"}) == Connected("/secure")


async def test_polling_client_that_is_kicked_learns_it_at_once(full_peer: Peer) -> None:
    async with joined(full_peer, polls=True) as talk:
        talk.session.emit("kick")
        while not isinstance(await talk.next(), Disconnected | Closed):
            continue


# python-socketio only puts the client out of its namespace.
@pytest.mark.parametrize("polling_peer", ["socket.io-4", "socket.io-2"], indirect=True)
async def test_connection_that_the_server_ended_is_lost(polling_peer: Peer) -> None:
    with pytest.raises(SessionLost):
        await listen_after("kick", polling_peer)


async def test_polled_binary_event_is_refused_by_name(polling_peer: Peer) -> None:
    with pytest.raises(RemoteProtocolError, match="without binary attachments"):
        await listen_after("binary", polling_peer)


async def listen_after(event: str, peer: Peer) -> None:
    async with joined(peer, polls=True) as talk:
        talk.session.emit(event)
        while True:
            await talk.next()


# Our server half.


class Clerk:
    """The same handler for both transports: answers, counts, streams, and says farewell."""

    def __init__(self) -> None:
        self.clients = 0

    async def serve(self, connection: FrameConnection, request: HttpRequest) -> None:
        self.clients += 1
        version: EioVersion = 3 if request.query["EIO"] == "3" else 4
        session = ServerSession(f"s{self.clients}", eio_version=version, ping_interval_s=0.3, ping_timeout_s=0.3)

        async def flush() -> None:
            for frame in session.take_outbox():
                await connection.send_message(frame)

        async def ping() -> None:
            while session.ping_every_s is not None:
                await trio.sleep(session.ping_every_s)
                session.ping()
                await flush()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            counted: list[object] = []
            while True:
                await flush()
                with trio.fail_after(session.silence_s_max):
                    message = session.receive(await connection.get_message())
                match message:
                    case ConnectRequested(namespace):
                        session.accept(namespace)
                    case Event(name="echo", args=args) as event:
                        session.acknowledge(event, {"got": args[0], "token": request.query["auth-token"]})
                    case Event(name="count", args=args):
                        counted.append(args[0])
                    case Event(name="counted") as event:
                        session.acknowledge(event, len(counted) if counted == list(range(40)) else counted)
                    case Event(name="stream", args=args) as event:
                        for seq in range(args[0]):
                            session.emit("position", {"seq": seq, "text": "é𝄞"})
                        session.acknowledge(event)
                    case Event(name="bye"):
                        session.emit("farewell", "😀")
                        session.disconnect()
                    case Disconnected() | Closed():
                        break
            nursery.cancel_scope.cancel()


async def run_npm_client(*arguments: str) -> dict[str, object]:
    return await run_client(partial(node, "socketio_polling_client.js"), *arguments)


async def run_client(command: Callable[..., list[str]], *arguments: str) -> dict[str, object]:
    """Serve a client program once; return what it saw."""
    engine = EngineServer(Clerk().serve)

    async def http(request: HttpRequest) -> HttpResponse:
        return await engine.http(request) if request.path == "/ws/" else HttpResponse(404)

    service = HttpService(http, {"/ws/": engine.websocket}, admit=engine.admit)
    with trio.fail_after(_PATIENCE_S):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_tcp, service, "127.0.0.1", 0))
            finished = await trio.run_process(command(str(port), *arguments), capture_stdout=True)
            nursery.cancel_scope.cancel()
    seen: dict[str, object] = json.loads(finished.stdout)
    return seen


_LIBRARIES = ["socket.io-client", "socket.io-client-2"]


def everything(first: str, last: str) -> dict[str, object]:
    return {
        "first": first,
        "answer": {"got": {"text": "é𝄞😀", "lots": 0.1}, "token": "t 1"},
        "counted": 40,
        "transport": last,
        "positions": "50 in order",
        "farewell": "😀",
        "errors": [],
        "end": "io server disconnect",
    }


@pytest.mark.parametrize("library", _LIBRARIES)
async def test_npm_client_polls_from_beginning_to_end(library: str) -> None:
    assert await run_npm_client(library, "polling") == everything("polling", "polling")


@pytest.mark.parametrize("library", _LIBRARIES)
async def test_npm_client_begins_with_polling_and_moves_to_a_websocket(library: str) -> None:
    assert await run_npm_client(library, "polling,websocket") == everything("polling", "websocket")


@pytest.mark.parametrize("library", _LIBRARIES)
async def test_npm_client_comes_by_websocket_at_once(library: str) -> None:
    assert await run_npm_client(library, "websocket") == everything("websocket", "websocket")


@pytest.mark.slow  # more than the ping interval and timeout passes in real time
@pytest.mark.parametrize("transports", ["polling", "polling,websocket"])
@pytest.mark.parametrize("library", _LIBRARIES)
async def test_npm_client_outlives_pings(library: str, transports: str) -> None:
    last = transports.rpartition(",")[2]
    assert await run_npm_client(library, transports, "0.9") == everything("polling", last)


@pytest.mark.slow  # the program imports much, and a client of python-socketio has no event for its move
@pytest.mark.parametrize("transports", ["polling", "polling,websocket"])
async def test_python_client_takes_our_payloads(transports: str) -> None:
    last = transports.rpartition(",")[2]
    seen = await run_client(partial(python, "socketio_polling_client.py"), transports)
    expected = everything(last, last)  # its connect() returns after the move
    assert seen == {name: expected[name] for name in ("answer", "transport", "positions", "farewell")}
