"""A thin HTTP/1.1 client: sends a request at most once and says honestly whether it may have left.

Our own, on h11, for two reasons: an order must never be sent again behind our back, and a general client costs more
time per order than the rest of this process.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

import h11
import trio
from attrs import field, frozen

from adapters.base import LocalProtocolError, RemoteProtocolError, RequestNotSent, SessionLost
from adapters.network import Connect, is_quiet

_NONE: Mapping[str, str] = MappingProxyType({})
_HEAD_BYTES_MAX = 64 * 1024
_READ_BYTES = 64 * 1024

# Load balancers commonly keep an idle connection for 60 s. We stop using ours sooner, since a request that meets the
# closing server has an unknown outcome. A server that names a shorter time (`Keep-Alive: timeout=5`) is believed.
_IDLE_S_MAX = 50.0


@frozen
class HttpResponse:
    """An answer. Header names are lower case; a repeated header's values are joined by `, `."""

    status: int
    headers: Mapping[str, str] = field(default=_NONE)
    body: bytes = b""


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
        self._body_bytes_max = body_bytes_max
        self._slots = trio.Semaphore(connections)
        self._idle: list[_Link] = []
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
        if self._closed:
            raise LocalProtocolError(f"request to {self._authority} after the client was closed")
        limit_s = self._timeout_s if timeout_s is None else timeout_s
        deadline = trio.current_time() + limit_s
        what = f"{method} {self._authority}{target.partition('?')[0]}"
        head = self._head(method, target, headers, body, what)
        link: _Link | None = None
        with trio.move_on_at(deadline):
            link = await self._take()
        if link is None:
            raise RequestNotSent(f"{what}: no connection within {limit_s:g} s")
        try:
            with trio.move_on_at(deadline):
                return await link.exchange(head, body, self._body_bytes_max)
            raise SessionLost(f"{what}: no answer within {limit_s:g} s")
        except h11.RemoteProtocolError as error:
            raise RemoteProtocolError(f"{what}: expected an HTTP/1.1 answer, found: {error}") from error
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise SessionLost(f"{what}: connection lost before the answer was complete") from error
        except RemoteProtocolError as error:
            raise RemoteProtocolError(f"{what}: {error}") from error
        finally:
            await self._give_back(link)

    async def aclose(self) -> None:
        """Close the idle connections; those in use are closed when their answer has come."""
        self._closed = True
        while self._idle:
            await trio.aclose_forcefully(self._idle.pop().stream)

    def _head(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, what: str) -> h11.Request:
        lines = [("Host", self._authority), ("Accept-Encoding", "identity"), *headers.items()]
        if body is not None:
            lines.append(("Content-Length", str(len(body))))
        try:
            return h11.Request(method=method, target=target, headers=lines)
        except (h11.LocalProtocolError, UnicodeEncodeError):
            # Not chained and not quoted: a header may hold a token.
            raise LocalProtocolError(f"{what}: method, target or a header cannot be written as HTTP/1.1") from None

    async def _take(self) -> "_Link":
        try:
            self._slots.acquire_nowait()  # saves a turn of the scheduler; `exchange` is the checkpoint
        except trio.WouldBlock:
            await self._slots.acquire()
        try:
            while self._idle:
                link = self._idle.pop()  # the one used last: the least likely to be closed by the server
                if link.is_fit():
                    return link
                await trio.aclose_forcefully(link.stream)
            return _Link(await self._connect(self._host, self._port, self._tls))
        except BaseException:
            self._slots.release()
            raise

    async def _give_back(self, link: "_Link") -> None:
        self._slots.release()
        if link.is_reusable() and not self._closed:
            self._idle.append(link)
        else:
            await trio.aclose_forcefully(link.stream)


class _Link:
    """One connection and where its HTTP stands."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self._idle_until = trio.current_time()
        self._reusable = False

    def is_reusable(self) -> bool:
        return self._reusable

    def is_fit(self) -> bool:
        return trio.current_time() < self._idle_until and is_quiet(self.stream)

    async def exchange(self, head: h11.Request, body: bytes | None, body_bytes_max: int) -> HttpResponse:
        """Send the request and read its answer; the link is reusable only after a whole answer."""
        self._reusable = False
        http = self._http
        data = http.send(head) or b""
        if body:
            data += http.send(h11.Data(data=body)) or b""
        data += http.send(h11.EndOfMessage()) or b""
        await self.stream.send_all(data)
        response = await self._response_head()
        chunks: list[bytes] = []
        size = 0
        while type(event := await self._next_event()) is h11.Data:
            size += len(event.data)
            if size > body_bytes_max:
                raise RemoteProtocolError(f"expected a body of at most {body_bytes_max} bytes, found more")
            chunks.append(bytes(event.data))
        headers = header_mapping(response.headers)
        if http.our_state is h11.DONE and http.their_state is h11.DONE and http.trailing_data == (b"", False):
            http.start_next_cycle()
            self._reusable = True
            self._idle_until = trio.current_time() + _keep_alive_s(headers.get("keep-alive"))
        return HttpResponse(response.status_code, headers, b"".join(chunks))

    async def _response_head(self) -> h11.Response:
        while type(event := await self._next_event()) is h11.InformationalResponse:
            if event.status_code == 101:
                raise RemoteProtocolError("expected an answer, found 101 Switching Protocols, which nobody asked for")
        if not isinstance(event, h11.Response):
            raise RemoteProtocolError(f"expected the head of an answer, found {type(event).__name__}")
        return event

    async def _next_event(self) -> h11.Event:
        ended = False
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                data = await self.stream.receive_some(_READ_BYTES)
                ended = not data
                if ended and self._http.their_state is h11.SEND_RESPONSE:
                    raise trio.BrokenResourceError("closed before the answer")
                self._http.receive_data(bytes(data))
        except h11.RemoteProtocolError as error:
            if ended:  # a line cut within the answer is weather, not a broken word
                raise trio.BrokenResourceError("closed within the answer") from error
            raise
        if isinstance(event, h11.Event):
            return event
        raise RemoteProtocolError(f"expected an HTTP/1.1 answer, found {event!r}")


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


def header_mapping(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return raw headers as text; a repeated header's values are joined by `, `."""
    result: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("ascii"), raw_value.decode("latin-1")
        result[name] = f"{result[name]}, {value}" if name in result else value
    return result


def _keep_alive_s(header: str | None) -> float:
    """Return how long an idle connection may be used: a second less than the server says it keeps it."""
    for part in (header or "").split(","):
        name, _, value = part.strip().partition("=")
        if name.lower() == "timeout" and value.isascii() and value.isdigit() and len(value) <= 6:
            return min(_IDLE_S_MAX, float(value) - 1.0)
    return _IDLE_S_MAX
