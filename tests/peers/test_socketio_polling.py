"""Both halves of long polling against the Socket.IO project and python-socketio, over real HTTP and WebSockets."""

import json
from functools import partial

import pytest
import trio

from adapters.frames import FrameConnection
from adapters.http import HttpResponse
from adapters.polling_server import EngineServer
from adapters.serving import HttpRequest, HttpService, serve_tcp
from adapters.socketio import Closed, Disconnected, Event, ServerSession
from adapters.socketio_packets import ConnectRequested, EioVersion
from tests.peers.programs import node

pytestmark = pytest.mark.peer

_PATIENCE_S = 20.0


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
    """Serve npm's client once; return what it saw."""
    engine = EngineServer(Clerk().serve)

    async def http(request: HttpRequest) -> HttpResponse:
        return await engine.http(request) if request.path == "/ws/" else HttpResponse(404)

    service = HttpService(http, {"/ws/": engine.websocket}, admit=engine.admit)
    with trio.fail_after(_PATIENCE_S):
        async with trio.open_nursery() as nursery:
            port = await nursery.start(partial(serve_tcp, service, "127.0.0.1", 0))
            command = node("socketio_polling_client.js", str(port), *arguments)
            finished = await trio.run_process(command, capture_stdout=True)
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
