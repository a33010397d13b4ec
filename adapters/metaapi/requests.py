"""Requests over a Socket.IO connection that all of them share, and that has no task of its own.

It is opened when the first one comes. Whoever waits for an answer reads for all, and hands over when it has its own.
A request is sent once, whatever happens.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final

import trio
from attrs import define, field

from adapters.base import RequestNotSent, SessionLost, SignInRefused, UtcNow
from adapters.metaapi import wire
from adapters.metaapi.config import Config
from adapters.metaapi.failures import is_final, text_of
from adapters.metaapi.link import Link, open_link
from adapters.metaapi.names import SocketName, socket_name
from adapters.metaapi.polling_link import PollingLink, open_polling_link
from adapters.metaapi.session import INSTANCE
from adapters.metaapi.wire import ProcessingError
from adapters.transport import socketio
from adapters.transport.network import Connect
from adapters.transport.socketio_transport import Passage

_ANSWER_S_MAX: Final = 60.0
"""The documented time-out of requests. Callers that want an answer sooner cancel."""

_OPEN_S_MAX: Final = 10.0
_CHECK_S_MAX: Final = 3.0
"""For the answer to a ping over a connection that was not used for a while; then a new one is made."""

_REST_S_MAX: Final = 0.1
"""For one reading of what has come already: perhaps no message, but what TLS says for itself, or an answer's head."""


class Failed(Exception):
    """The venue answered by a `processingError`; the text is its own, without secrets."""

    def __init__(self, error: ProcessingError, text: str) -> None:
        super().__init__(text)
        self.error = error
        self.text = text


@define(eq=False)
class _Call:
    """One request that waits."""

    answer: dict[str, Any] | None = None
    error: ProcessingError | None = None


class Requests:
    """The request connection of one account.

    Args:
        place: tells the origin of the server.
        passage: what gets through to it.
    """

    def __init__(
        self, config: Config, place: Callable[[], Awaitable[str]], passage: Passage, connect: Connect, now: UtcNow
    ) -> None:
        self._config = config
        self._place = place
        self._passage = passage
        self._connect = connect
        self._now = now
        self._opening = trio.Lock()
        self._line: _Line | None = None
        self._sockets = 0
        self._count = 0

    async def ask(self, kind: str, fields: Mapping[str, object], *, application: str) -> dict[str, Any]:
        """Send one request, once, and return its `response`.

        Raises:
            RequestNotSent: nothing of it left. SessionLost: it may have left and there is no answer.
            Failed: the venue says why it has none. SignInRefused: the venue refuses the token at the door.
        """
        deadline = trio.current_time() + _ANSWER_S_MAX
        line = await self._fit_line()
        self._count += 1
        request_id = f"{line.name.session_id[:20]}{self._count:012d}"
        request = {
            "type": kind,
            "accountId": self._config.account_id,
            "requestId": request_id,
            "application": application,
            "instanceIndex": INSTANCE,
            **fields,
        }
        call = await line.exchange(request_id, request, deadline)
        if call.error is not None:
            raise Failed(call.error, text_of(call.error, self._config.token))
        assert call.answer is not None, "a call ends by an answer or an error"
        return call.answer

    async def aclose(self) -> None:
        """Cut the connection; a later request makes a new one."""
        line, self._line = self._line, None
        if line is not None:
            await line.aclose()

    async def _fit_line(self) -> "_Line":
        async with self._opening:
            if self._line is not None and not await self._line.is_fit():
                line, self._line = self._line, None
                await line.aclose()
            if self._line is None:
                try:
                    self._line = await self._opened()
                except RequestNotSent:
                    raise
                except SessionLost as error:
                    raise RequestNotSent(f"before the request: {error}") from error
            return self._line

    async def _opened(self) -> "_Line":
        origin = await self._place()
        self._sockets += 1
        name = socket_name(self._config.account_id, self._now(), f"requests {self._sockets}")
        with trio.move_on_after(_OPEN_S_MAX):
            query, headers = query_of(name, self._config), headers_of(name)
            url = socketio.endpoint(origin, wire.PATH, eio_version=3, query=query)
            link, messages = await self._passage.through(
                partial(open_link, url, self._connect, headers.items()),
                partial(open_polling_link, origin, wire.PATH, self._connect, query, headers),
            )
            line = _Line(link, name)
            try:
                await line.opened(messages)
            except BaseException:
                await line.aclose()
                raise
            return line
        raise RequestNotSent(f"no connection to MetaApi within {_OPEN_S_MAX:g} s")


@define(eq=False)
class _Line:
    """One open connection and the requests that wait on it."""

    link: Link | PollingLink
    name: SocketName
    _session: socketio.ClientSession = field(factory=lambda: socketio.ClientSession(eio_version=3), init=False)
    _calls: dict[str, _Call] = field(factory=dict, init=False)
    _connected: bool = field(default=False, init=False)
    _reading: bool = field(default=False, init=False)
    _news: trio.Event = field(factory=trio.Event, init=False)
    _heard: int = field(default=0, init=False)
    _heard_at: float = field(factory=trio.current_time, init=False)
    _pinged_at: float = field(factory=trio.current_time, init=False)

    async def opened(self, messages: list[str]) -> None:
        """Wait until the server lets us speak."""
        self._take(messages)
        while not self._connected:
            await self._read_or_wait()

    async def exchange(self, request_id: str, request: Mapping[str, object], deadline: float) -> _Call:
        """Send a request and wait for its answer; what comes for it after that is passed over."""
        call = self._calls[request_id] = _Call()
        try:
            self._session.emit(wire.EVENT_REQUEST, request)
            await self.link.send(self._session.take_outbox())
            with trio.move_on_at(deadline):
                await self._wait(call)
                return call
            raise SessionLost(f"no answer from MetaApi to {request['type']} within {_ANSWER_S_MAX:g} s")
        finally:
            del self._calls[request_id]

    async def _wait(self, call: _Call) -> None:
        try:
            while call.answer is None and call.error is None:
                await self._read_or_wait()
        except RequestNotSent as error:  # a ping could not be sent; the request has left
            raise SessionLost(str(error)) from error

    async def is_fit(self) -> bool:
        """Tell whether a request may be sent: nobody has hung up, and the other side was there not long ago."""
        if self.link.lost is not None or self._reading:  # whoever reads, pings
            return self.link.lost is None
        try:
            with trio.move_on_after(_CHECK_S_MAX):
                used_at = self._heard_at
                while not self.link.is_quiet:
                    with trio.move_on_after(_REST_S_MAX):
                        await self._read_or_wait()  # what came in the meantime, perhaps long ago; or the end
                if trio.current_time() - used_at > (self._session.ping_every_s or 0.0):
                    heard = self._heard
                    await self._ping()
                    while self._heard == heard:
                        await self._read_or_wait()
                return True
        except SessionLost:
            return False
        return False

    async def aclose(self) -> None:
        """Cut the connection; those who wait on it hear that it is lost."""
        await self.link.aclose()
        self._tell()

    async def _read_or_wait(self) -> None:
        """Read for all, or wait until the one who reads has read something."""
        if self._reading:
            await self._news.wait()
        else:
            await self._read()

    async def _read(self) -> None:
        """Read once for all, or ping when it is time to.

        Raises:
            SessionLost: the connection is of no more use.
        """
        self._reading = True
        try:
            silent_at = self._heard_at + (self._session.silence_s_max or _OPEN_S_MAX)
            ping_at = self._pinged_at + (self._session.ping_every_s or _OPEN_S_MAX)
            messages: list[str] | None = None
            with trio.move_on_at(max(min(silent_at, ping_at), trio.current_time() + 0.001)):
                messages = await self.link.receive()
            if messages is not None:
                self._take(messages)
            elif trio.current_time() >= silent_at:
                self.link.lost = SessionLost("MetaApi was silent for too long")
                raise SessionLost(str(self.link.lost))
            else:
                await self._ping()
        finally:
            self._reading = False
            self._tell()

    async def _ping(self) -> None:
        self._pinged_at = trio.current_time()
        self._session.ping()
        await self.link.send(self._session.take_outbox())

    def _take(self, messages: list[str]) -> None:
        for message in messages:
            self._heard_at = trio.current_time()
            self._heard += 1
            try:
                self._message(self._session.receive(message))
            except (SessionLost, SignInRefused) as error:
                self.link.lost = error if isinstance(error, SessionLost) else SessionLost(str(error))
                raise

    def _message(self, message: socketio.Message | None) -> None:
        match message:
            case socketio.Connected(namespace="/"):
                self._connected = True
            case socketio.Event(name=wire.EVENT_RESPONSE, args=args):
                data = wire.payload(args, wire.EVENT_RESPONSE)
                call = self._calls.get(str(data.get("requestId")))
                if call is not None:
                    call.answer = data
            case socketio.Event(name=wire.EVENT_ERROR, args=args):
                self._failed(wire.converted(wire.payload(args, wire.EVENT_ERROR), ProcessingError, wire.EVENT_ERROR))
            case socketio.Refused() | socketio.Disconnected() | socketio.Closed():
                raise SessionLost("MetaApi closed the connection")

    def _failed(self, error: ProcessingError) -> None:
        """Hand an error to the request that it is about; a final one that names none is about all."""
        if error.request_id is None and is_final(error.error):
            for call in self._calls.values():
                call.error = error
        elif (named := self._calls.get(error.request_id or "")) is not None:
            named.error = error

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()


def query_of(name: SocketName, config: Config) -> dict[str, str]:
    """Return what the address of a socket says in its query: the token too."""
    return {"auth-token": config.token.reveal(), "clientId": name.client_id, "protocol": "3"}


def headers_of(name: SocketName) -> dict[str, str]:
    """Return the headers of a socket."""
    return {"Client-Id": name.client_id}
