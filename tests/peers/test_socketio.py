"""Our Socket.IO halves against those of the Socket.IO project and of python-socketio, over real WebSockets."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial

import pytest
import trio
from trio_websocket import WebSocketConnection

from adapters.base import RemoteProtocolError, SessionLost
from adapters.transport import socketio
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.network import connect_tcp
from adapters.transport.serving import HttpRequest, HttpService, serve_tcp
from adapters.transport.socketio_packets import ConnectRequested, EioVersion
from adapters.transport.websocket import open_websocket
from rules.model.frozen import frozen
from tests.peers.programs import node, python, running

pytestmark = pytest.mark.peer

_PATIENCE_S = 60.0


@frozen
class Peer:
    """A running server and the Engine.IO version to speak with it."""

    port: int
    eio_version: EioVersion


_SERVERS: dict[str, tuple[Callable[[], list[str]], EioVersion]] = {
    "socket.io-4": (lambda: node("socketio_server.js", "socket.io"), 4),
    "socket.io-2": (lambda: node("socketio_server.js", "socket.io-2"), 3),
    "python-socketio": (lambda: python("socketio_server.py"), 4),
}


@pytest.fixture(scope="module", params=list(_SERVERS))
def peer(request: pytest.FixtureRequest) -> Iterator[Peer]:
    command, eio_version = _SERVERS[request.param]
    with running(command()) as port:
        yield Peer(port, eio_version)


class Talk:
    """A driver as small as it can be: reads until a message comes, sends what the session wants sent."""

    def __init__(self, websocket: FrameConnection, session: socketio.ClientSession) -> None:
        self._websocket = websocket
        self.session = session

    async def flush(self) -> None:
        for frame in self.session.take_outbox():
            await self._websocket.send_message(frame)

    async def next(self) -> socketio.Message:
        while True:
            await self.flush()
            with trio.move_on_after(self.session.silence_s_max or _PATIENCE_S):
                message = self.session.receive(await self._websocket.get_message())
                if message is not None:
                    return message
                continue
            raise SessionLost("the server was silent for too long")

    async def next_event(self, name: str) -> tuple[object, ...]:
        event = await self.next()
        assert isinstance(event, socketio.Event)
        assert event.name == name
        return event.args

    async def join(self, namespace: str, auth: dict[str, object] | None = None) -> socketio.Message:
        """Ask for a namespace; return Connected or Refused. Events that come before it are passed over."""
        self.session.connect(namespace, auth)
        while True:
            message = await self.next()
            if isinstance(message, socketio.Connected | socketio.Refused) and message.namespace == namespace:
                return message

    async def ping(self) -> None:
        while self.session.ping_every_s is not None:
            await trio.sleep(self.session.ping_every_s)
            self.session.ping()
            await self.flush()


@asynccontextmanager
async def talk_to(peer: Peer) -> AsyncGenerator[Talk, None]:
    query = {"auth-token": "tok en&1"}
    url = socketio.endpoint(f"http://127.0.0.1:{peer.port}", "ws", eio_version=peer.eio_version, query=query)
    headers = [("developer-api-key", "K1")]
    with trio.fail_after(_PATIENCE_S):
        async with open_websocket(url, connect=connect_tcp, headers=headers) as websocket:
            talk = Talk(websocket, socketio.ClientSession(eio_version=peer.eio_version))
            assert isinstance(await talk.next(), socketio.Opened)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(talk.ping)
                yield talk
                nursery.cancel_scope.cancel()


@asynccontextmanager
async def joined(peer: Peer) -> AsyncGenerator[Talk, None]:
    """A talk in `/`, with the server's hello read; it comes before or after Connected, as the server likes."""
    async with talk_to(peer) as talk:
        talk.session.connect("/")
        messages = [await talk.next(), await talk.next()]
        hello = socketio.Event("/", "hello", ({"header": "K1", "query": "tok en&1"},))
        assert socketio.Connected("/") in messages
        assert hello in messages
        yield talk


async def test_acknowledged_event_brings_the_answer_with_exact_numbers(peer: Peer) -> None:
    async with joined(peer) as talk:
        ack_id = talk.session.emit("subscriptions", {"lots": Decimal("0.10"), "name": "é"}, ack=True)
        answer = await talk.next()
    assert ack_id is not None
    assert answer == socketio.Ack(
        "/", ack_id, ({"status": "ok", "got": {"lots": Decimal("0.1"), "name": "é"}}, Decimal("1.5"))
    )


async def test_question_of_the_server_is_answered(peer: Peer) -> None:
    async with joined(peer) as talk:
        talk.session.emit("ask")
        question = await talk.next()
        assert isinstance(question, socketio.Event)
        assert question.args == ({"q": 1},)
        talk.session.acknowledge(question, 42)
        assert await talk.next_event("answered") == (42,)


async def test_thousand_events_arrive_in_order_and_exact(peer: Peer) -> None:
    async with joined(peer) as talk:
        talk.session.emit("stream", 1000)
        for seq in range(1000):
            expected = {"seq": seq, "lots": Decimal("0.1"), "id": "144115188076017329"}
            assert await talk.next_event("position") == (expected,)


@pytest.mark.slow  # more than the server's ping interval and timeout passes in real time
async def test_connection_outlives_the_servers_patience(peer: Peer) -> None:
    async with joined(peer) as talk:
        assert talk.session.silence_s_max is not None
        talk.session.emit("later", int(talk.session.silence_s_max * 1200))
        await talk.next_event("here")


async def test_namespace_opens_with_the_token_and_only_with_it(peer: Peer) -> None:
    async with talk_to(peer) as talk:
        refused = await talk.join("/secure", {"token": "bad"})
        assert isinstance(refused, socketio.Refused)
        assert "bad token" in str(refused.error)
    async with talk_to(peer) as talk:
        assert await talk.join("/secure", {"token": "good"}) == socketio.Connected("/secure")


async def until_lost(talk: Talk) -> None:
    while not isinstance(await talk.next(), socketio.Disconnected | socketio.Closed):
        continue


async def test_kicked_client_learns_it_at_once(peer: Peer) -> None:
    async with joined(peer) as talk:
        talk.session.emit("kick")
        await until_lost(talk)


async def test_binary_event_is_refused_by_name(peer: Peer) -> None:
    async with joined(peer) as talk:
        talk.session.emit("binary")
        with pytest.raises(RemoteProtocolError, match="without binary attachments"):
            await talk.next()


# Our server half.


async def serve_client(
    websocket: WebSocketConnection, request: HttpRequest, until: Callable[[], Awaitable[None]]
) -> None:
    """Serve one client of `/streams-api`: early event, acks both ways, pings, and a goodbye after `until`."""
    session = socketio.ServerSession("sid-1", ping_interval_s=0.2, ping_timeout_s=0.2)

    async def flush() -> None:
        for frame in session.take_outbox():
            await websocket.send_message(frame)

    async def ping() -> None:
        assert session.ping_every_s is not None
        while True:
            await trio.sleep(session.ping_every_s)
            session.ping()
            await flush()

    async def part(nursery: trio.Nursery) -> None:
        await until()
        session.emit("bye", namespace="/streams-api")
        session.disconnect("/streams-api")
        await flush()
        nursery.cancel_scope.cancel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ping)
        while True:
            await flush()
            match session.receive(await websocket.get_message()):
                case ConnectRequested(namespace, auth) if namespace == "/streams-api" and auth == {"token": "good"}:
                    session.accept(namespace)
                    session.emit("connection", {"status": "ok"}, namespace=namespace)
                case ConnectRequested(namespace):
                    session.refuse(namespace, "bad token")
                case socketio.Event(name="subscriptions", args=args) as event:
                    session.acknowledge(event, {"got": args[0]})
                case socketio.Event(name="ready"):
                    session.emit("question", 41, namespace="/streams-api", ack=True)
                case socketio.Ack(args=args):
                    session.emit("stream", {"answer": args[0], "price": Decimal("1.10")}, namespace="/streams-api")
                    nursery.start_soon(part, nursery)


async def run_npm_client(token: str, until: Callable[[], Awaitable[None]]) -> dict[str, object]:
    """Serve npm's client once; return what it saw."""

    async def no_http(request: HttpRequest) -> HttpResponse:
        return HttpResponse(404)

    service = HttpService(no_http, {"/streams-api/socket.io/": partial(serve_client, until=until)})
    with trio.fail_after(_PATIENCE_S):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_tcp, service, "127.0.0.1", 0))
            command = node("socketio_client.js", str(port), "/streams-api", token)
            finished = await trio.run_process(command, capture_stdout=True)
            nursery.cancel_scope.cancel()
    seen: dict[str, object] = json.loads(finished.stdout)
    return seen


@pytest.mark.slow  # the client must outlive two of its ping intervals in real time
async def test_npm_client_accepts_our_server_half() -> None:
    assert await run_npm_client("good", partial(trio.sleep, 0.9)) == {
        "connected": True,
        "answer": {"got": {"action": "SUBSCRIBE", "lots": 0.1}},
        "events": [["connection", {"status": "ok"}], ["stream", {"answer": 42, "price": 1.1}], ["bye"]],
        "end": "io server disconnect",
    }


async def test_npm_client_understands_our_refusal() -> None:
    assert await run_npm_client("bad", trio.lowlevel.checkpoint) == {"events": [], "end": "refused: bad token"}
