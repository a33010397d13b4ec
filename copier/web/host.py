"""An ASGI 3 host on trio and h11: HTTP/1.1 and WebSockets on one port, every wait and every buffer with a bound.

A bug of the app costs the connection that met it, never the service: it is answered with 500, logged with its traceback
and told to `failed`. What a client does wrong costs that client only.
"""

import socket
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import h11
import structlog
import trio
from starlette.requests import ClientDisconnect
from starlette.websockets import WebSocketDisconnect

from adapters.transport.served_link import ServedLink
from copier.web.asgi import App, Bounds, ClientGone, Peer, Scope, is_loopback
from copier.web.host_http import HttpExchange
from copier.web.host_websocket import WebSocketExchange, read_handshake
from copier.web.problems import MEDIA_TYPE, problem, problem_body
from copier.web.traffic import Traffic

_DEPARTED = (ClientGone, ClientDisconnect, WebSocketDisconnect)
"""What the app lets through when its client is gone: no bug."""

_log = structlog.get_logger("web")


class Host:
    """Serves an app on any number of streams.

    Args:
        app: an ASGI 3 application; its lifespan is not called, it lives with the service.
        failed: told one sentence of each bug that the app showed.
        traffic: where to count.
    """

    def __init__(
        self,
        app: App,
        *,
        bounds: Bounds | None = None,
        failed: Callable[[str], None] = lambda _: None,
        traffic: Traffic | None = None,
    ) -> None:
        self._traffic = traffic or Traffic()
        self.bounds = bounds or Bounds()
        self._app = app
        self._failed = failed
        self._by_ip: Counter[str] = Counter()

    async def serve(
        self,
        listeners: Sequence[trio.SocketListener],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve until cancelled."""
        serve = partial(self._serve_socket, tls=tls)
        await trio.serve_listeners(serve, list(listeners))

    async def _serve_socket(self, stream: trio.SocketStream, tls: ssl.SSLContext | None) -> None:
        try:
            name = stream.socket.getpeername()
        except OSError:  # gone before it was looked at
            await trio.aclose_forcefully(stream)
            return
        peer = (str(name[0]), int(name[1]))
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; elsewhere what is sent into the void is noticed in minutes
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(self.bounds.silence_s_max * 1000))
        if tls is None:
            await self.serve_stream(stream, peer)
            return
        secured = trio.SSLStream(stream, tls, server_side=True, https_compatible=True)
        await self.serve_stream(secured, peer, secured=secured)

    async def serve_stream(
        self, stream: trio.abc.Stream, peer: Peer, secured: "trio.SSLStream[Any] | None" = None
    ) -> None:
        """Serve one connection until either side ends it; the stream is closed on return."""
        ip = peer[0]
        traffic = self._traffic
        full = traffic.connections >= self.bounds.connections_max
        if full or (self._by_ip[ip] >= self.bounds.connections_per_ip_max and not is_loopback(ip)):
            traffic.refused += 1
            await trio.aclose_forcefully(stream)
            return
        traffic.connections += 1
        traffic.accepted += 1
        self._by_ip[ip] += 1
        try:
            if secured is not None:
                with trio.fail_after(self.bounds.head_s_max):
                    await secured.do_handshake()
            await _Connection(self._app, self.bounds, stream, peer, secured is not None, self._bug, traffic).run()
        except (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            pass  # the client went away, spoke no TLS, or was too slow
        except Exception:  # noqa: BLE001 - nothing that a client sends may end the service
            self._bug("a connection")
        finally:
            traffic.connections -= 1
            self._by_ip[ip] -= 1
            if not self._by_ip[ip]:
                del self._by_ip[ip]
            await trio.aclose_forcefully(stream)

    def _bug(self, where: str) -> None:
        """Tell of the exception that is being handled."""
        self._traffic.bugs += 1
        _log.error("a bug in what serves clients; trading goes on", request=where, exc_info=True)
        self._failed(f"{where} failed by a bug; see the log")


class _Connection:
    """One connection: requests one after the other, or one WebSocket."""

    def __init__(
        self,
        app: App,
        bounds: Bounds,
        stream: trio.abc.Stream,
        peer: Peer,
        tls: bool,
        bug: Callable[[str], None],
        traffic: Traffic,
    ) -> None:
        self._traffic = traffic
        self._app = app
        self._bounds = bounds
        self._peer = peer
        self._tls = tls
        self._bug = bug
        self._link = ServedLink(stream, head_bytes_max=bounds.head_bytes_max)

    async def run(self) -> None:
        try:
            await self._run()
        finally:
            self._traffic.readers_cut += self._link.was_too_slow

    async def _run(self) -> None:
        link, bounds = self._link, self._bounds
        while True:
            try:
                event = await link.next_request(idle_s_max=bounds.idle_s_max, head_s_max=bounds.head_s_max)
                if event is None:
                    return
                _check_framing(event, bounds.body_bytes_max)
                if _wants_websocket(event):
                    await self._serve_websocket(event)
                    return
                scope = self._scope(event)
                exchange = HttpExchange(link, bounds)
            except h11.RemoteProtocolError as error:
                await self._refuse(error.error_status_hint)
                return
            await self._call(scope, exchange)
            if not await exchange.finish():
                return

    async def _call(self, scope: Scope, exchange: "HttpExchange") -> None:
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is logged, told, and costs this connection only
            if not _is_departure(error):
                self._bug(f"{scope['method']} {scope['path']}")
                exchange.refuse(500)

    async def _serve_websocket(self, event: h11.Request) -> None:
        handshake, scope = read_handshake(event), self._scope(event)
        async with trio.open_nursery() as nursery:
            exchange = WebSocketExchange(self._link, self._bounds, nursery, handshake)
            del scope["method"]
            scope["type"] = "websocket"
            scope["scheme"] = "wss" if self._tls else "ws"
            scope["subprotocols"] = list(handshake.subprotocols)
            scope["extensions"] = {"copier.outbox": exchange.outbox, "websocket.http.response": {}}
            failed = False
            self._traffic.sockets += 1
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Exception as error:  # noqa: BLE001 - as above
                failed = not _is_departure(error)
                if failed:
                    self._bug(f"WebSocket {scope['path']}")
            finally:
                self._traffic.sockets -= 1
                self._traffic.readers_cut += exchange.outbox.was_too_slow
            await exchange.finish(failed=failed)
            nursery.cancel_scope.cancel()

    def _scope(self, event: h11.Request) -> Scope:
        path, _, query = _path_of(event).partition(b"?")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": event.http_version.decode("ascii"),
            "method": event.method.decode("ascii"),
            "scheme": "https" if self._tls else "http",
            "path": unquote(path.decode("ascii")),
            "raw_path": path,
            "query_string": query,
            "root_path": "",
            "headers": list(event.headers),
            "client": self._peer,
            "server": None,
            "state": {},
            "extensions": {},
        }

    async def _refuse(self, status: int) -> None:
        headers = [("content-type", MEDIA_TYPE)]
        if status == HTTPStatus.UPGRADE_REQUIRED:
            headers += [("upgrade", "websocket"), ("sec-websocket-version", "13")]
        body = problem_body(problem(status))
        await self._link.answer(status, headers, body, close=True, timeout_s=self._bounds.answer_s_max)


def _is_departure(error: Exception) -> bool:
    """Tell whether the app ended because its client is gone, out of a nursery or not."""
    if isinstance(error, ExceptionGroup):
        return error.split(_DEPARTED)[1] is None
    return isinstance(error, _DEPARTED)


def _path_of(event: h11.Request) -> bytes:
    """Return a request's path and query, of whatever form its target has.

    Raises:
        h11.RemoteProtocolError: it names another host than the header does, or nothing of ours.
    """
    target = event.target
    if target.startswith(b"/") or (target == b"*" and event.method == b"OPTIONS"):
        return target
    scheme, colon, rest = target.partition(b"://")
    authority, slash, path = rest.partition(b"/")
    hosts = [value for name, value in event.headers if name == b"host"]
    if colon and scheme.lower() in (b"http", b"https") and [authority] == hosts:
        return slash + path or b"/"
    raise h11.RemoteProtocolError("a target of no form that is served here", error_status_hint=400)


def _check_framing(event: h11.Request, body_bytes_max: int) -> None:
    """Refuse what two readers could understand in two ways (RFC 9112, 6.1), and a body that is declared too large.

    Raises:
        h11.RemoteProtocolError: it is such a one.
    """
    values = dict(event.headers)
    length = values.get(b"content-length")
    if event.http_version not in (b"1.0", b"1.1"):
        raise h11.RemoteProtocolError("another version", error_status_hint=505)
    if b"transfer-encoding" in values and (length is not None or event.http_version == b"1.0"):
        raise h11.RemoteProtocolError("two ways to find the body's end", error_status_hint=400)
    if length is not None and int(length) > body_bytes_max:
        raise h11.RemoteProtocolError("the body is too large", error_status_hint=413)


def _wants_websocket(event: h11.Request) -> bool:
    return any(name == b"upgrade" and value.lower() == b"websocket" for name, value in event.headers)
