"""The server's end of one HTTP/1.1 connection on h11: heads and bodies in, answers out, all with bounds."""

from collections.abc import Iterable
from typing import Final

import h11
import trio

_READ_BYTES: Final = 64 * 1024
_WRITE_BYTES: Final = 64 * 1024
"""Sent within one deadline: what bounds how slowly an answer may be taken."""

_LINGER_S_MAX: Final = 1.0
BODYLESS: Final = (204, 304)
"""Answers that have no body, whatever is put into them."""


class ServedLink:
    """One connection and where its HTTP stands.

    Everything here raises h11.RemoteProtocolError where the client breaks the protocol, and trio's BrokenResourceError
    where it is gone or too slow.
    """

    def __init__(self, stream: trio.abc.Stream, *, head_bytes_max: int) -> None:
        self.stream = stream
        self.http = h11.Connection(h11.SERVER, max_incomplete_event_size=head_bytes_max)
        self.head = bytearray()
        """The raw bytes that came with the last request's head: a handshake can be replayed from them."""
        self.wants_head = False
        """Whether the last request asks for an answer without its body."""
        self.was_too_slow = False
        """Whether the client did not take an answer in time."""
        self._head_bytes_max = head_bytes_max

    # In

    async def next_request(self, *, idle_s_max: float, head_s_max: float) -> h11.Request | None:
        """Return the next request; None when the client closed, asked nothing for `idle_s_max`, or was too slow to ask.

        Args:
            head_s_max: from the first byte to the end of the head.
        """
        self.head[:] = self.http.trailing_data[0]
        deadline = trio.current_time() + (head_s_max if self.head else idle_s_max)
        while (event := self.http.next_event()) is h11.NEED_DATA:
            data: bytes | bytearray | None = None
            with trio.move_on_at(deadline):
                data = await self.stream.receive_some(_READ_BYTES)
            if data is None or not (data or self.head):
                return None
            if not self.head:
                deadline = trio.current_time() + head_s_max
            self.head += data
            self.http.receive_data(bytes(data))
        if not isinstance(event, h11.Request):
            return None
        if len(self.head) - len(self.http.trailing_data[0]) > self._head_bytes_max:  # h11 minds only incomplete ones
            raise h11.RemoteProtocolError("the head is too large", error_status_hint=431)
        self.wants_head = event.method == b"HEAD"
        names = {name for name, _ in event.headers}
        if b"content-length" not in names and b"transfer-encoding" not in names:
            self.http.next_event()  # the end of a request that has no body, so that it counts as heard
        return event

    @property
    def is_heard(self) -> bool:
        """Whether the whole request was read."""
        return self.http.their_state is not h11.SEND_BODY

    async def body_chunk(self) -> bytes:
        """Return the next piece of the request's body, b"" at its end. The caller bounds the wait."""
        if self.http.they_are_waiting_for_100_continue:
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        while (event := self.http.next_event()) is h11.NEED_DATA:
            self.http.receive_data(bytes(await self.stream.receive_some(_READ_BYTES)))
        return bytes(event.data) if isinstance(event, h11.Data) else b""

    async def wait_gone(self, pipelined_bytes_max: int) -> None:
        """Return when the client has closed its end; a next request may come meanwhile, up to a size."""
        while True:
            if len(self.http.trailing_data[0]) > pipelined_bytes_max:
                await trio.sleep_forever()
            try:
                data = await self.stream.receive_some(_READ_BYTES)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            if not data:
                return
            self.http.receive_data(bytes(data))

    # Out

    async def send(self, *events: h11.Event, timeout_s: float = float("inf")) -> None:
        """Send events; each piece of their bytes must be taken within `timeout_s`."""
        data = memoryview(b"".join(self.http.send(event) or b"" for event in events))
        for begin in range(0, len(data), _WRITE_BYTES):
            with trio.move_on_after(timeout_s) as scope:
                await self.stream.send_all(data[begin : begin + _WRITE_BYTES])
            if scope.cancelled_caught:
                self.was_too_slow = True
                raise trio.BrokenResourceError("the client did not take the answer")

    async def answer(
        self, status: int, headers: Iterable[tuple[str, str]], body: bytes, *, close: bool, timeout_s: float
    ) -> None:
        """Send a whole answer, unless one was begun already; `close`: it is the connection's last."""
        if self.http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        lines = list(headers)
        if status not in BODYLESS:
            lines.append(("content-length", str(len(body))))
        if close:
            lines.append(("connection", "close"))
        events: list[h11.Event] = [h11.Response(status_code=status, headers=lines)]
        if body and status not in BODYLESS and not self.wants_head:
            events.append(h11.Data(data=body))
        await self.send(*events, h11.EndOfMessage(), timeout_s=timeout_s)
        if close:
            await self.linger()

    def next_cycle(self) -> bool:
        """Make ready for the next request; False where none may follow."""
        if self.http.our_state is not h11.DONE or self.http.their_state is not h11.DONE:
            return False
        self.http.start_next_cycle()
        return True

    async def linger(self) -> None:
        """Read on for a moment: closing over unread input resets the line, and the client loses our last answer."""
        with trio.move_on_after(_LINGER_S_MAX):
            while await self.stream.receive_some(_READ_BYTES):
                continue
