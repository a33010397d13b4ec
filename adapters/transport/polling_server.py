"""The server half of Engine.IO 3 and 4 on one path: long polling, WebSocket, and the move from the one to the other.

    engine = EngineServer(handler)
    HttpService(http=..., websockets={PATH: engine.websocket}, admit=engine.admit)

where `http` gives the requests of PATH to `engine.http`. The handler is one callable for both transports: it makes its
own ServerSession, and carries frames between that and its connection.
"""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from trio_websocket import ConnectionClosed

from adapters.base import LocalProtocolError, SessionLost
from adapters.transport.engineio_payload import PAYLOAD_BYTES_MAX
from adapters.transport.frames import FrameConnection
from adapters.transport.http import HttpResponse
from adapters.transport.polling_session import PollingSession, refusal
from adapters.transport.serving import Admit, HttpRequest, is_departure
from adapters.transport.socketio_packets import EioVersion

Handler: TypeAlias = Callable[[FrameConnection, HttpRequest], Awaitable[None]]
"""Serves one client until it returns, which closes the connection.

The first frame that it sends must be an open packet whose sid no other client has. SessionLost out of its connection
means that the client went away, and may come out of the handler, also in groups; DropConnection cuts the client off.
The request is the one that began the connection.
"""

# The default patience of the libraries' servers is 25 s + 20 s; their clients ask again within that.
_IDLE_S_MAX = 60.0

_VERSIONS: dict[str | None, EioVersion] = {"3": 3, "4": 4}


class EngineServer:
    """Serves one Engine.IO path.

    Args:
        handler: of each client.
        admit: may refuse a client's first request, polling or WebSocket.
        payload_bytes_max: of one HTTP body, either way; HttpService has a bound of its own (`body_bytes_max`).
        idle_s_max: how long a client that polls may ask nothing.
        sessions_max: clients that poll at once; further ones are answered with 503.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        admit: Admit | None = None,
        payload_bytes_max: int = PAYLOAD_BYTES_MAX,
        idle_s_max: float = _IDLE_S_MAX,
        sessions_max: int = 1024,
    ) -> None:
        self._handler = handler
        self._admit = admit
        self._payload_bytes_max = payload_bytes_max
        self._idle_s_max = idle_s_max
        self._sessions_max = sessions_max
        self._count = 0
        self._sessions: dict[str, PollingSession] = {}

    def admit(self, request: HttpRequest) -> HttpResponse | None:
        """Look at a WebSocket's handshake (an Admit): one that belongs to no polling client is refused."""
        if "sid" in request.query:
            return None if self._polling_session(request) is not None else refusal(1)
        return None if self._admit is None else self._admit(request)

    async def websocket(self, websocket: FrameConnection, request: HttpRequest) -> None:
        """Serve a WebSocket: of a new client, or of one that has polled until now (a WebSocketHandler)."""
        if "sid" not in request.query:
            await self._handler(_WebSocket(websocket), request)
            return
        session = self._polling_session(request)
        if session is not None:
            await session.upgrade(websocket)

    async def http(self, request: HttpRequest) -> HttpResponse:
        """Answer a request of a client that polls (an HttpHandler).

        Raises:
            DropConnection: the handler wants the client cut off.
        """
        if request.query.get("transport") != "polling":
            return refusal(0)
        if "sid" not in request.query:
            return await self._begin(request)
        session = self._sessions.get(request.query["sid"])
        if session is None:
            return refusal(1)
        if session.has_upgraded or request.method not in ("GET", "POST"):
            return refusal(3)
        return await (session.poll() if request.method == "GET" else session.post(request.body))

    def _polling_session(self, request: HttpRequest) -> PollingSession | None:
        session = self._sessions.get(request.query["sid"])
        return None if session is None or session.has_upgraded or session.is_upgrading else session

    async def _begin(self, request: HttpRequest) -> HttpResponse:
        version = _VERSIONS.get(request.query.get("EIO"))
        if version is None or request.method != "GET":
            return refusal(5 if version is None else 2)
        refused = None if self._admit is None else self._admit(request)
        if refused is not None:
            return refused
        if self._count >= self._sessions_max:
            return HttpResponse(503)
        if request.start_task is None:
            raise LocalProtocolError("a client that polls outlives its first request, which must have start_task")
        self._count += 1
        session = PollingSession(
            version,
            self._register,
            may_be_binary=request.query.get("b64") != "1",
            payload_bytes_max=self._payload_bytes_max,
            idle_s_max=self._idle_s_max,
        )
        request.start_task(partial(self._run, session, request))
        answer = await session.poll()
        if session.sid is None:  # the handler did not want this client, or does not speak to anybody
            session.drop()
            return refusal(3)
        return answer

    async def _run(self, session: PollingSession, request: HttpRequest) -> None:
        try:
            try:
                await self._handler(session, request)
            except Exception as error:
                if not is_departure(error):
                    raise
                session.drop()
            await session.finish()
        finally:
            self._count -= 1
            if session.sid is not None:
                del self._sessions[session.sid]

    def _register(self, sid: str, session: PollingSession) -> None:
        if sid in self._sessions:
            raise LocalProtocolError("the sid of an open packet must be of one client only, was given out before")
        self._sessions[sid] = session


class _WebSocket:
    """A client that came by WebSocket at once: the same to its handler as one that polls."""

    def __init__(self, websocket: FrameConnection) -> None:
        self._websocket = websocket

    async def get_message(self) -> str | bytes:
        try:
            return await self._websocket.get_message()
        except ConnectionClosed as error:
            raise SessionLost("the client went away") from error

    async def send_message(self, message: str) -> None:
        try:
            await self._websocket.send_message(message)
        except ConnectionClosed as error:
            raise SessionLost("the client went away") from error
