"""One HTTP/1.1 connection on h11: a request out, its answer in, and whether another may follow on it."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import h11
import trio
from attrs import field

from adapters.base import RemoteProtocolError
from adapters.transport.network import is_quiet
from rules.model.frozen import frozen

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


class HttpLink:
    """One connection and where its HTTP stands."""

    def __init__(self, stream: trio.abc.Stream) -> None:
        self.stream = stream
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self._idle_until = trio.current_time()
        self._reusable = False
        self._response: h11.Response | None = None
        self._chunks: list[bytes] = []
        self._size = 0

    def is_reusable(self) -> bool:
        return self._reusable

    def is_fit(self) -> bool:
        return trio.current_time() < self._idle_until and is_quiet(self.stream)

    async def send(self, head: h11.Request, body: bytes | None) -> None:
        """Send a request; the link is reusable only after a whole answer."""
        self._reusable = False
        self._response, self._chunks, self._size = None, [], 0
        data = self._http.send(head) or b""
        if body:
            data += self._http.send(h11.Data(data=body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        await self.stream.send_all(data)

    async def answer(self, body_bytes_max: int) -> HttpResponse:
        """Read the answer; what a cancelled call has read is kept for the next one."""
        http = self._http
        response = await self.head()
        while type(event := await self._next_event()) is h11.Data:
            self._size += len(event.data)
            if self._size > body_bytes_max:
                raise RemoteProtocolError(f"expected a body of at most {body_bytes_max} bytes, found more")
            self._chunks.append(bytes(event.data))
        headers = response.headers
        if http.our_state is h11.DONE and http.their_state is h11.DONE and http.trailing_data == (b"", False):
            http.start_next_cycle()
            self._reusable = True
            self._idle_until = trio.current_time() + _keep_alive_s(headers.get("keep-alive"))
        body, self._chunks = b"".join(self._chunks), []  # an idle connection keeps nothing of it
        return HttpResponse(response.status, headers, body)

    async def head(self) -> HttpResponse:
        """Read the head of the answer, without its body."""
        if self._response is None:
            self._response = await self._response_head()
        return HttpResponse(self._response.status_code, header_mapping(self._response.headers))

    async def part(self) -> bytes:
        """Read what comes next of the body; empty at its end. A cancelled call has lost nothing."""
        event = await self._next_event()
        return bytes(event.data) if isinstance(event, h11.Data) else b""

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
