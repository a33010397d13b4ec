"""Long polling without a task of its own: a `Link` for where no WebSocket gets through.

One GET is always under way, also while nobody reads, so that the server sees us there and we see it hang up. Whoever
reads goes on where the last reader was cancelled. Nothing is asked twice: what goes wrong ends the connection.
"""

from collections.abc import Iterable, Mapping
from typing import Final

import trio

from adapters.base import RequestNotSent, SessionLost
from adapters.transport.engineio_payload import PACKETS_OUT_MAX, encode_payload
from adapters.transport.http import HttpClient, HttpExchange
from adapters.transport.network import Connect
from adapters.transport.polling_wire import PollingWire

_SEND_S_MAX: Final = 10.0
"""For a POST and its answer."""

_EIO: Final = 3

_NOOP: Final = "6"
"""Ends a poll that nothing else would have ended in time: no word from whoever serves us, who may be long gone."""


class PollingLink:
    """An open connection that polls. One task reads at a time; any may send.

    `lost` is why it is of no more use, once it is.
    """

    def __init__(self, wire: PollingWire) -> None:
        self.lost: SessionLost | None = None
        self._wire = wire
        self._turn = trio.Lock()
        self._poll: HttpExchange | None = None
        self._post: HttpExchange | None = None
        self._post_by_s = 0.0

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing waits to be read, the other side's end included."""
        return self._poll is not None and self._poll.is_quiet

    async def shake(self) -> list[str]:
        """Make the handshake; returns the messages that came with it.

        Raises:
            SignInRefused: 401 or 403. SessionLost: any other answer, or none.
        """
        shaken = await self._wire.shake()
        self._wire = shaken.wire
        self._poll = await self._wire.begin("GET")
        return _texts(shaken.frames)

    async def send(self, messages: Iterable[str]) -> None:
        """Send messages, each whole, and wait until the server has taken them; a caller who is cancelled waits no more.

        Raises:
            RequestNotSent: nothing of them left. SessionLost: something may have.
        """
        frames = list(messages)
        async with self._turn:  # the server takes one POST at a time
            if self._post is not None and self.lost is None:  # of a sender who was cancelled
                try:
                    await self._posted(self._post)
                except SessionLost as error:
                    raise RequestNotSent(str(error)) from error
            for start in range(0, len(frames), PACKETS_OUT_MAX):
                if self.lost is not None:
                    raise (SessionLost if start else RequestNotSent)(str(self.lost))
                await self._send(frames[start : start + PACKETS_OUT_MAX])

    async def receive(self) -> list[str]:
        """Wait for what the server says next; safe to cancel.

        Raises:
            SessionLost: the other side is gone.
        """
        if self.lost is not None or self._poll is None:
            raise SessionLost(str(self.lost))
        try:
            answer, self._poll = await self._poll.answer(), None
            frames = self._wire.frames(answer)
        except SessionLost as error:
            raise self._fail(error) from None
        with trio.CancelScope(shield=True):  # what was read must not be lost; bounded by the client's own time
            await self._poll_on()
        return _texts(frames)

    async def aclose(self) -> None:
        """Cut the connection."""
        self.lost = self.lost or SessionLost(f"{self._wire.where}: closed by us")
        with trio.CancelScope(shield=True):  # waits for nobody
            for exchange in (self._poll, self._post):
                if exchange is not None:
                    await exchange.aclose()
            await self._wire.http.aclose()

    async def _send(self, frames: list[str]) -> None:
        self._post_by_s = trio.current_time() + _SEND_S_MAX
        try:
            self._post = await self._wire.begin("POST", encode_payload(frames, _EIO, may_be_binary=True))
        except SessionLost as error:
            raise self._fail(error) from None
        await self._posted(self._post)

    async def _posted(self, post: HttpExchange) -> None:
        """Wait until a POST is answered."""
        try:
            with trio.move_on_at(self._post_by_s):
                answer = await post.answer()
                self._post = None
                self._wire.check(answer)
                return
            raise SessionLost(f"{self._wire.where}: no answer to a POST within {_SEND_S_MAX:g} s")
        except SessionLost as error:
            raise self._fail(error) from None

    async def _poll_on(self) -> None:
        """Ask for what comes next; should that fail, the next reader hears of it."""
        if self.lost is None:
            try:
                self._poll = await self._wire.begin("GET")
            except SessionLost as error:
                self._fail(error)

    def _fail(self, error: SessionLost) -> SessionLost:
        # Never RequestNotSent: what was sent earlier, over this connection, may have arrived.
        self.lost = self.lost or SessionLost(str(error))
        return error


async def open_polling_link(
    origin: str, path: str, connect: Connect, query: Mapping[str, str], headers: Mapping[str, str]
) -> tuple[PollingLink, list[str]]:
    """Open a connection; returns it and the messages that came with the handshake. The caller bounds the wait.

    Args:
        origin: http(s)://host[:port].
        query: further fields, which are in no error.
    Raises:
        SignInRefused: refused with 401 or 403. SessionLost: no connection, or no Engine.IO there.
    """
    http = HttpClient(origin, connect=connect, connections=2, timeout_s=_SEND_S_MAX)
    link = PollingLink(PollingWire.to(origin, path, http, _EIO, query, headers))
    try:
        return link, await link.shake()
    except BaseException:
        await link.aclose()
        raise


def _texts(frames: Iterable[str | bytes]) -> list[str]:
    return [frame for frame in frames if isinstance(frame, str) and frame != _NOOP]
