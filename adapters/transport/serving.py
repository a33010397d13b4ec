"""The server half: HTTP/1.1 requests and WebSockets on one port, over any stream."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

import h11
import trio
from attrs import field
from trio_websocket import ConnectionClosed, HandshakeError, WebSocketConnection, WebSocketRequest, wrap_server_stream
from wsproto.utilities import LocalProtocolError as WebSocketMisuse
from wsproto.utilities import RemoteProtocolError as WebSocketGarbage

from adapters.base import SessionLost
from adapters.transport.handshake import HandshakeStream
from adapters.transport.http_link import HttpResponse, header_mapping
from adapters.transport.served_link import ServedLink
from rules.model.frozen import frozen

_HEAD_BYTES_MAX = 64 * 1024
_READ_BYTES = 64 * 1024
_QUERY_FIELDS_MAX = 1000
_CLOSE_S_MAX = 1.0
_MESSAGES_WAITING_MAX = 16
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)

StartTask: TypeAlias = Callable[[Callable[[], Awaitable[None]]], None]


@frozen
class HttpRequest:
    """A request as a handler sees it: path decoded, header names lower case, of repeated query fields the last."""

    method: str
    path: str
    query: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)  # may hold a token
    headers: Mapping[str, str] = field(default=MappingProxyType({}), repr=False)
    body: bytes = field(default=b"", repr=False)
    start_task: StartTask | None = field(default=None, repr=False, eq=False)
    """Starts what may outlive the answer and the connection; `serve_stream` returns only after it has ended."""


class DropConnection(Exception):
    """Raised by a handler: cut the connection, without an answer or a close frame (a lost answer)."""


_DEPARTED = (
    ConnectionClosed,
    HandshakeError,
    SessionLost,
    WebSocketMisuse,
    WebSocketGarbage,
    h11.ProtocolError,
    DropConnection,
    *_GONE,
)

HttpHandler: TypeAlias = Callable[[HttpRequest], Awaitable[HttpResponse]]
"""Answers one request. Any exception but DropConnection is a bug and ends the server."""

WebSocketHandler: TypeAlias = Callable[[WebSocketConnection, HttpRequest], Awaitable[None]]
"""Owns one open WebSocket; returning closes it. ConnectionClosed out of it means that the client went away."""

Admit: TypeAlias = Callable[[HttpRequest], HttpResponse | None]
"""Looks at a WebSocket's handshake: None to accept, or the refusal."""


@frozen
class HttpService:
    """What is served on one port.

    Args:
        http: answers every request that is not a WebSocket handshake to one of `websockets`.
        websockets: path to handler.
        subprotocols: path to the subprotocols that are spoken there, best first; the first that the client offers
            too is chosen.
        admit: may refuse a WebSocket handshake (401, 403, ...).
        body_bytes_max: of a request; more is answered with 413.
        message_bytes_max: of a WebSocket message; more ends the connection with 1009.
        request_s_max: for a started request to be complete, and for an answer to be taken by the client.
        idle_s_max: for the next request on a kept connection to start.
    """

    http: HttpHandler
    websockets: Mapping[str, WebSocketHandler] = field(default=MappingProxyType({}))
    subprotocols: Mapping[str, Sequence[str]] = field(default=MappingProxyType({}))
    admit: Admit | None = None
    body_bytes_max: int = 1024 * 1024
    message_bytes_max: int = 16 * 1024 * 1024
    request_s_max: float = 30.0
    idle_s_max: float = 75.0

    async def serve_stream(self, stream: trio.abc.Stream) -> None:
        """Serve one connection until either side ends it; the stream is closed on return."""
        bug: Exception | None = None
        async with trio.open_nursery() as nursery:
            try:
                await _Conversation(self, stream, nursery.start_soon).run()
            except (*_GONE, DropConnection):
                pass  # the client went away, or the handler wants it to look so
            except Exception as error:  # noqa: BLE001 - raised below, outside of the nursery and so not in a group
                bug = error
                nursery.cancel_scope.cancel()
            finally:
                await trio.aclose_forcefully(stream)
        if bug is not None:
            raise bug


async def serve_tcp(
    service: HttpService,
    host: str,
    port: int,
    *,
    connections_max: int = 1024,
    task_status: trio.TaskStatus[int] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Serve `service` on a TCP port until cancelled; reports the bound port by `task_status.started(port)`.

    Args:
        port: 0 for any free one.
        connections_max: at once; further ones are closed at once.
    Raises:
        OSError: the port cannot be bound.
    """
    listeners = await trio.open_tcp_listeners(port, host=host)
    slots = trio.Semaphore(connections_max)

    async def serve(stream: trio.abc.Stream) -> None:
        try:
            slots.acquire_nowait()
        except trio.WouldBlock:
            await trio.aclose_forcefully(stream)
            return
        try:
            await service.serve_stream(stream)
        finally:
            slots.release()

    async with trio.open_nursery() as nursery:
        await nursery.start(trio.serve_listeners, serve, listeners)
        task_status.started(int(listeners[0].socket.getsockname()[1]))


class _Conversation:
    """One connection: requests one after the other, or one WebSocket."""

    def __init__(self, service: HttpService, stream: trio.abc.Stream, start_task: StartTask) -> None:
        self._service = service
        self._stream = stream
        self._start_task = start_task
        self._link = ServedLink(stream, head_bytes_max=_HEAD_BYTES_MAX)

    async def run(self) -> None:
        service, link = self._service, self._link
        while True:
            try:
                event = await link.next_request(idle_s_max=service.idle_s_max, head_s_max=service.request_s_max)
                if event is None:
                    return
                request = _as_request(event)
                handler = service.websockets.get(request.path)
                if handler is not None and _wants_websocket(request):
                    refusal = None if service.admit is None else service.admit(request)
                    if refusal is None:
                        await self._serve_websocket(handler, request)
                        return
                    await self._answer(refusal, close=True)
                    return
                body = await self._receive_body()
            except h11.RemoteProtocolError as error:
                await self._answer(HttpResponse(error.error_status_hint, body=b"bad request\n"), close=True)
                return
            if body is None:
                await self._answer(HttpResponse(413, body=b"request body too large\n"), close=True)
                return
            response = await service.http(
                HttpRequest(request.method, request.path, request.query, request.headers, body, self._start_task)
            )
            await self._answer(response, close=False)
            if not link.next_cycle():
                return

    async def _receive_body(self) -> bytes | None:
        """Return the request's body; None when it is too large.

        Raises:
            trio.BrokenResourceError: it does not come within its time.
        """
        body = bytearray()
        with trio.move_on_after(self._service.request_s_max):
            while not self._link.is_heard:
                body += await self._link.body_chunk()
                if len(body) > self._service.body_bytes_max:
                    return None
            return bytes(body)
        raise trio.BrokenResourceError("the request's body did not come in time")

    async def _answer(self, response: HttpResponse, *, close: bool) -> None:
        await self._link.answer(
            response.status, response.headers.items(), response.body, close=close, timeout_s=self._service.request_s_max
        )

    async def _serve_websocket(self, handler: WebSocketHandler, request: HttpRequest) -> None:
        stream = HandshakeStream(self._stream, bytes(self._link.head))
        failure: Exception | None = None
        try:
            async with trio.open_nursery() as nursery:
                try:
                    connection = await self._accept(nursery, stream, request.path)
                    if connection is not None:
                        await handler(connection, request)
                        with trio.move_on_after(_CLOSE_S_MAX, shield=True):
                            await connection.aclose()
                except Exception as error:  # noqa: BLE001 - raised below, outside of the nursery
                    failure = error
                nursery.cancel_scope.cancel()
        except* _DEPARTED as group:  # from the library's reader: the line was cut, or garbage came over it
            failure = failure or group
        if failure is not None and not is_departure(failure):
            raise failure

    async def _accept(self, nursery: trio.Nursery, stream: HandshakeStream, path: str) -> WebSocketConnection | None:
        wrap = partial(
            wrap_server_stream,
            nursery,
            stream,
            message_queue_size=_MESSAGES_WAITING_MAX,
            max_message_size=self._service.message_bytes_max,
            receive_buffer_size=_READ_BYTES,
        )
        proposal: WebSocketRequest | None = None
        with trio.move_on_after(self._service.request_s_max):
            proposal = await stream.shake(wrap)
        if proposal is None:
            return None
        offered = set(proposal.proposed_subprotocols)
        chosen = next((name for name in self._service.subprotocols.get(path, ()) if name in offered), None)
        return await proposal.accept(subprotocol=chosen)


def _wants_websocket(request: HttpRequest) -> bool:
    return request.headers.get("upgrade", "").lower() == "websocket"


def _as_request(event: h11.Request) -> HttpRequest:
    target = event.target.decode("ascii")
    path, _, query = target.partition("?")
    try:
        fields = dict(parse_qsl(query, keep_blank_values=True, max_num_fields=_QUERY_FIELDS_MAX))
    except ValueError as error:
        raise h11.RemoteProtocolError(str(error), error_status_hint=400) from error
    return HttpRequest(event.method.decode("ascii"), unquote(path), fields, header_mapping(event.headers))


def is_departure(error: Exception) -> bool:
    """Tell whether a handler ended because its client went away or is to be dropped, in a group or not."""
    if isinstance(error, ExceptionGroup):
        return error.split(_DEPARTED)[1] is None
    return isinstance(error, _DEPARTED)
