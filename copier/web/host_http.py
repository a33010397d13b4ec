"""One HTTP request and its answer, as ASGI has them, over a served connection."""

from datetime import datetime
from email.utils import format_datetime
from typing import Final

import h11
import trio

from adapters.transport.served_link import BODYLESS, ServedLink
from copier.clock import utc_now
from copier.web.asgi import Bounds, ClientGone, Message
from copier.web.problems import MEDIA_TYPE, problem, problem_body

_PIPELINED_BYTES_MAX: Final = 64 * 1024
"""Of requests that come before the one before is answered; what is more waits in the socket."""

_LINE_LOST = (trio.BrokenResourceError, trio.ClosedResourceError)


class HttpExchange:
    """One request and its answer."""

    def __init__(self, link: ServedLink, bounds: Bounds) -> None:
        self._link = link
        self._bounds = bounds
        self._body_s_left = bounds.body_s_max
        self._body_bytes = 0
        self._told_end = False
        self._gone = False
        self._refused: int | None = None
        self._head: h11.Response | None = None
        self._ended = False

    async def receive(self) -> Message:
        """Return the next piece of the body; after its end, wait until the client is gone."""
        if not (self._told_end or self._gone or self._ended):
            return await self._receive_body()
        if not (self._gone or self._ended):
            await self._link.wait_gone(_PIPELINED_BYTES_MAX)
            self._gone = True
        await trio.lowlevel.checkpoint()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Send a part of the answer.

        Raises:
            ClientGone: nobody is there to take it.
        """
        if self._gone or self._ended:
            raise ClientGone("the client is gone, or was answered")
        try:
            if message["type"] == "http.response.start":
                self._head = h11.Response(status_code=message["status"], headers=self._headers(message))
                await trio.lowlevel.checkpoint()
            else:
                await self._send_body(message.get("body", b""), more=message.get("more_body", False))
        except _LINE_LOST as error:
            self._gone = True
            raise ClientGone("the client is gone, or takes nothing") from error

    def refuse(self, status: int) -> None:
        """Have `finish` answer with a problem, where nothing was answered yet."""
        self._refused = status
        self._gone = True

    async def finish(self) -> bool:
        """End the answer after the app has returned; False where the connection ends with it."""
        if self._refused is None and self._head is None and not self._gone:
            self._refused = 500  # the app answered nothing: a bug, which a client must not wait for
        if self._refused is not None:
            body = problem_body(problem(self._refused))
            kind = ("content-type", MEDIA_TYPE)
            await self._link.answer(self._refused, [kind], body, close=True, timeout_s=self._bounds.answer_s_max)
            return False
        if not self._link.is_heard and self._ended:
            await self._link.linger()
        return self._ended and self._link.next_cycle()

    async def _receive_body(self) -> Message:
        chunk = b""
        if not self._link.is_heard:
            started = trio.current_time()
            with trio.move_on_after(self._body_s_left) as patience:
                try:
                    chunk = await self._link.body_chunk()
                except h11.RemoteProtocolError as error:
                    return self._refuse_body(error.error_status_hint)
                except _LINE_LOST:
                    self._gone = True
                    return {"type": "http.disconnect"}
            self._body_s_left -= trio.current_time() - started
            self._body_bytes += len(chunk)
            if patience.cancelled_caught:
                return self._refuse_body(408)
            if self._body_bytes > self._bounds.body_bytes_max:
                return self._refuse_body(413)
        else:
            await trio.lowlevel.checkpoint()
        self._told_end = self._link.is_heard
        return {"type": "http.request", "body": chunk, "more_body": not self._told_end}

    def _refuse_body(self, status: int) -> Message:
        self.refuse(status)
        return {"type": "http.disconnect"}

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        headers = [*message.get("headers", ()), (b"date", http_date(utc_now()))]
        if not self._link.is_heard:  # what is still to come cannot be told from a next request without reading it
            headers.append((b"connection", b"close"))
        return headers

    async def _send_body(self, body: bytes, *, more: bool) -> None:
        assert self._head is not None, "expected http.response.start first"
        events: list[h11.Event] = []
        if self._link.http.our_state is not h11.SEND_BODY:
            events.append(self._head)
        if body and not self._link.wants_head and self._head.status_code not in BODYLESS:
            events.append(h11.Data(data=body))
        if not more:
            self._ended = True
            events.append(h11.EndOfMessage())
        await self._link.send(*events, timeout_s=self._bounds.answer_s_max)


def http_date(at: datetime) -> bytes:
    """Return an instant as HTTP writes it (RFC 9110, 5.6.7)."""
    return format_datetime(at, usegmt=True).encode("ascii")
