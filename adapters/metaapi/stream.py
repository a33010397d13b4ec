"""One run of the stream: the trio loop around a StreamSession, its pings and its clock."""

from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed

from adapters.base import Emit, SessionLost, SignInRefused, UtcNow
from adapters.metaapi import wire
from adapters.metaapi.config import Config
from adapters.metaapi.names import SocketName
from adapters.metaapi.requests import headers_of, query_of
from adapters.metaapi.session import StreamSession
from adapters.transport.frames import ClientConnection
from adapters.transport.network import Connect
from adapters.transport.socketio_transport import Passage, open_socketio
from rules.model.events import Event

_SILENCE_S_MAX = 60.0
"""Our patience until the server has told its ping times (a default server tells 25 s + 60 s)."""


@define
class Stream:
    """One socket from connecting to its loss.

    `make` makes the session, at a time of this stream's own clock: it stands still while the engine keeps us waiting,
    so that what waits to be read meanwhile does not look as if it had not come.
    """

    origin: str
    name: SocketName
    config: Config
    passage: Passage
    make: Callable[[float], StreamSession]
    now: UtcNow
    _paused_s: float = field(default=0.0, init=False)
    _failure: Exception | None = field(default=None, init=False)

    async def run(self, emit: Emit, connect: Connect) -> None:
        """Run until the socket is lost; never returns normally.

        Raises:
            SessionLost: it is gone. SignInRefused: for good.
        """
        async with open_socketio(
            self.origin,
            wire.PATH,
            connect=connect,
            eio_version=3,
            query=query_of(self.name, self.config),
            headers=headers_of(self.name),
            passage=self.passage,
        ) as socket:
            session = self.make(self._now_s())
            async with trio.open_nursery() as nursery:
                for part in (self._read, self._beat):
                    nursery.start_soon(self._guarded, part, socket, session, emit, nursery.cancel_scope)
            if self._failure is not None:
                raise self._failure

    async def _guarded(
        self,
        part: Callable[[ClientConnection, StreamSession, Emit], Awaitable[None]],
        socket: ClientConnection,
        session: StreamSession,
        emit: Emit,
        scope: trio.CancelScope,
    ) -> None:
        """Run a part of the stream; its end by weather or refusal ends the other, and only the first one counts."""
        try:
            await part(socket, session, emit)
        except (SessionLost, SignInRefused, ConnectionClosed) as error:
            self._failure = self._failure or error
            scope.cancel()

    async def _read(self, socket: ClientConnection, session: StreamSession, emit: Emit) -> None:
        heard_at, due_s = self._now_s(), session.due_s
        while True:
            silent_at = heard_at + (session.silence_s_max or _SILENCE_S_MAX)
            frame = await socket.message_by(min(silent_at, due_s) + self._paused_s)
            now_s = self._now_s()
            if frame is not None:
                heard_at = now_s
                await self._tell(emit, session.receive(frame, self.now(), now_s))
            elif now_s >= silent_at:
                raise SessionLost(f"MetaApi was silent for {silent_at - heard_at:g} s")
            due_s = session.due_s
            if due_s <= self._now_s():
                await self._tell(emit, session.elapse(self.now(), self._now_s()))
                due_s = session.due_s
            for reply in session.take_outbox():
                await socket.send_message(reply)
            del frame  # it may be a long list, and the next one may be long in coming

    async def _tell(self, emit: Emit, events: list[Event]) -> None:
        started_at = trio.current_time()
        for event in events:
            await emit(event)
        self._paused_s += trio.current_time() - started_at

    async def _beat(self, socket: ClientConnection, session: StreamSession, _: Emit) -> None:
        """Ping as often as the server wants it; in Engine.IO 3 that is the client's part."""
        while True:
            await trio.sleep(session.ping_every_s or 1.0)
            if session.ping_every_s is not None:
                session.ping()
                for frame in session.take_outbox():
                    await socket.send_message(frame)

    def _now_s(self) -> float:
        return trio.current_time() - self._paused_s
