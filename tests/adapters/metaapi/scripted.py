"""A Socket.IO server that answers requests as a test says, over a network in memory, and keeps what it heard."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import trio
from attrs import evolve

from adapters.metaapi.config import Config
from adapters.secret import Secret
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.polling_server import EngineServer
from adapters.transport.serving import DropConnection, HttpService
from adapters.transport.socketio import Closed, Disconnected, Event, ServerSession
from tests.adapters.metaapi.frames import ACCOUNT, TOKEN

HOST, PORT = "scripted.test", 80
ORIGIN = f"http://{HOST}:{PORT}"
START = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

CONFIG = Config(account_id=ACCOUNT, token=TOKEN, socket_url=ORIGIN)


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


class Server:
    """`answers` has, by request type, a list of what is done with each request, in order; the last one stays.

    A dict is sent as `response`, a tuple (error, fields) as `processingError`, a list [seconds, what] is done later, a
    callable is called with the request, None is no answer, and "drop" cuts the connection.

    `refusal` closes the door to all, `upgrade_refusal` to WebSockets alone.
    """

    def __init__(self) -> None:
        self.answers = {}
        self.heard = []
        self.sockets = 0
        self.queries = []
        self.pings = 0
        self.silent = False
        self.refusal = None
        self.upgrade_refusal = None
        self.doors = []
        self._engine = EngineServer(self._serve, admit=self._admit)
        self.pages = {}
        self.page_requests = []
        self._sockets = set()

    @property
    def service(self) -> HttpService:
        return HttpService(self._http, {"/ws/": self._engine.websocket}, admit=self._upgrade)

    def count(self, kind) -> int:
        return sum(request["type"] == kind for request in self.heard)

    def cut(self) -> None:
        """Cut all connections."""
        for scope in self._sockets:
            scope.cancel()

    def _upgrade(self, request) -> HttpResponse | None:
        if self.upgrade_refusal is not None:
            self.doors.append("websocket refused")
        return self.upgrade_refusal or self._engine.admit(request)

    def _admit(self, request) -> HttpResponse | None:
        self.doors.append(request.query["transport"])
        return self.refusal

    async def _http(self, request) -> HttpResponse:
        if request.path == "/ws/":
            return await self._engine.http(request)
        self.page_requests.append((request.method, request.path, dict(request.headers)))
        answer = self.pages.get(request.path, HttpResponse(404, {}, b"{}"))
        return answer if isinstance(answer, HttpResponse) else HttpResponse(200, {}, json.dumps(answer).encode())

    async def _serve(self, websocket, request) -> None:
        self.sockets += 1
        self.queries.append((dict(request.query), dict(request.headers)))
        session = ServerSession(f"s{self.sockets}", eio_version=3, ping_interval_s=25.0, ping_timeout_s=60.0)
        with trio.CancelScope() as scope:
            self._sockets.add(scope)
            async with trio.open_nursery() as nursery:
                await self._flush(session, websocket)
                while True:
                    frame = await websocket.get_message()
                    self.pings += frame == "2"
                    match session.receive(frame):
                        case Event(args=(asked,)):
                            self.heard.append(asked)
                            nursery.start_soon(self._answer, session, websocket, asked)
                        case Closed() | Disconnected():
                            return
                    await self._flush(session, websocket)
        self._sockets.discard(scope)
        raise DropConnection

    async def _answer(self, session, websocket, asked) -> None:
        steps = self.answers[asked["type"]]
        step = steps.pop(0) if len(steps) > 1 else steps[0]
        if isinstance(step, list):
            pause_s, step = step
            await trio.sleep(pause_s)
        if callable(step):
            step = step(asked)
        about = {"requestId": asked["requestId"], "accountId": ACCOUNT}
        if step == "drop":
            self.cut()
        elif isinstance(step, tuple):
            session.emit("processingError", {"id": 1, "error": step[0], "message": "words", **about, **step[1]})
        elif step is not None:
            session.emit("response", {"type": "response", **about, **step})
        await self._flush(session, websocket)

    async def _flush(self, session, websocket) -> None:
        for frame in session.take_outbox():
            if not self.silent:
                await websocket.send_message(frame)


@asynccontextmanager
async def open_server() -> AsyncIterator[tuple[Server, MemoryNetwork]]:
    server = Server()
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen(HOST, PORT, server.service.serve_stream)
        yield server, network
        nursery.cancel_scope.cancel()


def config(**changes) -> Config:
    return evolve(CONFIG, **{key: Secret(value) if key == "token" else value for key, value in changes.items()})
