"""A thin HTTP/1.1 client: sends a request at most once and says honestly whether it may have left.

Our own, on h11, for two reasons: an order must never be sent again behind our back, and a general client costs more
time per order than the rest of this process.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from urllib.parse import urlsplit

import h11
import trio

from adapters.base import LocalProtocolError, RemoteProtocolError, RequestNotSent, SessionLost
from adapters.transport.http_link import HttpLink, HttpResponse
from adapters.transport.network import Connect, is_quiet

__all__ = ["HttpClient", "HttpExchange", "HttpResponse", "authority"]

_NONE: Mapping[str, str] = MappingProxyType({})


class HttpClient:
    """Requests to one origin over a few kept connections.

    Args:
        origin: `https://host[:port]` or `http://host[:port]`.
        connections: at once; a request that finds all busy waits for its turn within its own timeout.
        timeout_s: for a whole request, from the wait for a connection to the last byte of the answer.
        body_bytes_max: of an answer.
    """

    def __init__(
        self,
        origin: str,
        *,
        connect: Connect,
        connections: int = 4,
        timeout_s: float = 10.0,
        body_bytes_max: int = 16 * 1024 * 1024,
    ) -> None:
        self._host, self._port, self._tls = _parse_origin(origin)
        self._authority = authority(self._host, self._port, self._tls)
        self._connect = connect
        self._timeout_s = timeout_s
        self.body_bytes_max = body_bytes_max
        self._slots = trio.Semaphore(connections)
        self._idle: list[HttpLink] = []
        self._closed = False

    async def request(
        self,
        method: str,
        target: str,
        *,
        headers: Mapping[str, str] = _NONE,
        body: bytes | None = None,
        timeout_s: float | None = None,
    ) -> HttpResponse:
        """Send one request, once, and return the answer, whatever its status. Redirects are not followed.

        Args:
            target: path and query, percent-encoded.
            timeout_s: instead of the client's.
        Raises:
            RequestNotSent: no connection could be had; nothing of this request left.
            SessionLost: the request may have left and there is no answer (timeout included).
            RemoteProtocolError: the answer is not HTTP/1.1, or too large.
            LocalProtocolError: the request cannot be written as HTTP.
        """
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        deadline = trio.current_time() + limit_s
        what = f"{method} {self._authority}{target.partition('?')[0]}"
        head = self._head(method, target, headers, body, what)
        link = await self._taken(deadline, limit_s, what)
        try:
            with _said(what), trio.move_on_at(deadline):
                await link.send(head, body)
                return await link.answer(self.body_bytes_max)
            raise SessionLost(f"{what}: no answer within {limit_s:g} s")
        finally:
            await self.give_back(link)

    async def begin(
        self, method: str, target: str, *, headers: Mapping[str, str] = _NONE, body: bytes | None = None
    ) -> "HttpExchange":
        """Send one request, once, and return it without its answer, which may be waited for in parts.

        Cancelled, it sends nothing or all: the writing is not interrupted, for the client's timeout at most.

        Raises:
            as `request`; SessionLost: not all could be written.
        """
        limit_s = self._timeout_s
        deadline = trio.current_time() + limit_s
        what = f"{method} {self._authority}{target.partition('?')[0]}"
        head = self._head(method, target, headers, body, what)
        exchange = HttpExchange(self, await self._taken(deadline, limit_s, what), what)
        try:
            with _said(what), trio.CancelScope(deadline=deadline, shield=True):
                await exchange.link.send(head, body)
                return exchange
            raise SessionLost(f"{what}: could not be written within {limit_s:g} s")
        except BaseException:
            await exchange.aclose()
            raise

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their answer has come."""
        self._closed = True
        while self._idle:
            await trio.aclose_forcefully(self._idle.pop().stream)

    def _head(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, what: str) -> h11.Request:
        if self._closed:
            raise LocalProtocolError(f"request to {self._authority} after the client was closed")
        lines = [("Host", self._authority), ("Accept-Encoding", "identity"), *headers.items()]
        if body is not None:
            lines.append(("Content-Length", str(len(body))))
        try:
            return h11.Request(method=method, target=target, headers=lines)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            # Not chained and not quoted: a header may hold a token.
            raise LocalProtocolError(f"{what}: method, target or a header cannot be written as HTTP/1.1") from None

    async def _taken(self, deadline: float, limit_s: float, what: str) -> HttpLink:
        with trio.move_on_at(deadline):
            return await self._take()
        raise RequestNotSent(f"{what}: no connection within {limit_s:g} s")

    async def _take(self) -> HttpLink:
        try:
            self._slots.acquire_nowait()  # saves a turn of the scheduler; the exchange is the checkpoint
        except trio.WouldBlock:
            await self._slots.acquire()
        try:
            while self._idle:
                link = self._idle.pop()  # the one used last: the least likely to be closed by the server
                if link.is_fit():
                    return link
                await trio.aclose_forcefully(link.stream)
            return HttpLink(await self._connect(self._host, self._port, self._tls))
        except BaseException:
            self._slots.release()
            raise

    async def give_back(self, link: HttpLink) -> None:
        """Let go of a connection: it is kept where another request may follow on it."""
        self._slots.release()
        if link.is_reusable() and not self._closed:
            self._idle.append(link)
        else:
            await trio.aclose_forcefully(link.stream)


class HttpExchange:
    """A request that was sent, until its answer has come or `aclose` is called."""

    def __init__(self, client: HttpClient, link: HttpLink, what: str) -> None:
        self.link = link
        self._client = client
        self._what = what
        self._over = False

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing of the answer waits to be read, the connection's end included."""
        return not self._over and is_quiet(self.link.stream)

    async def answer(self) -> HttpResponse:
        """Wait for the answer. A call that was cancelled has lost nothing: a later one goes on.

        Raises:
            SessionLost, RemoteProtocolError: as `HttpClient.request`.
        """
        try:
            with _said(self._what):
                response = await self.link.answer(self._client.body_bytes_max)
        except SessionLost:
            await self.aclose()
            raise
        await self.aclose()
        return response

    async def head(self) -> HttpResponse:
        """Wait for the head of an answer that goes on; its body comes by `part`, or as a whole by `answer`.

        Raises:
            SessionLost, RemoteProtocolError: as `HttpClient.request`.
        """
        with _said(self._what):
            return await self.link.head()

    async def part(self) -> bytes:
        """Wait for what comes next of the body; empty at its end. A call that was cancelled has lost nothing.

        Raises:
            SessionLost, RemoteProtocolError: as `HttpClient.request`.
        """
        with _said(self._what):
            return await self.link.part()

    async def aclose(self) -> None:
        """Give the connection back where the answer has come whole; else cut it."""
        if not self._over:
            self._over = True
            with trio.CancelScope(shield=True):  # waits for nobody, and an answer must not be lost over it
                await self._client.give_back(self.link)


@contextmanager
def _said(what: str) -> Generator[None, None, None]:
    """Say in our own errors what went wrong with the request `what`, which may have left."""
    try:
        yield
    except h11.RemoteProtocolError as error:
        raise RemoteProtocolError(f"{what}: expected an HTTP/1.1 answer, found: {error}") from error
    except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
        raise SessionLost(f"{what}: connection lost before the answer was complete") from error
    except RemoteProtocolError as error:
        raise RemoteProtocolError(f"{what}: {error}") from error


def _parse_origin(origin: str) -> tuple[str, int, bool]:
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ValueError("origin must be http(s)://host[:port] without user and password")
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError(f"origin must have no path, query or fragment, was {parts.hostname}{parts.path}")
    tls = parts.scheme == "https"
    return parts.hostname, parts.port or (443 if tls else 80), tls


def authority(host: str, port: int, tls: bool) -> str:
    """Return the text of a Host header: the port only where it is not the scheme's own, IPv6 in brackets."""
    name = f"[{host}]" if ":" in host else host
    return name if port == (443 if tls else 80) else f"{name}:{port}"
