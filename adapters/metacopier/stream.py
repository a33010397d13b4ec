"""One run of the stream: the trio loop around a Session, its heart-beats, and the check of an empty beginning."""

import logging
from collections.abc import Awaitable, Callable

import trio
from attrs import define, field
from trio_websocket import ConnectionClosed

from adapters.base import Emit, RemoteProtocolError, SessionLost, SignInRefused, UtcNow
from adapters.metacopier.session import Received, Refused, Session, SignedIn
from adapters.metacopier.translator import Translator
from adapters.transport.frames import ClientConnection
from adapters.transport.network import Connect
from adapters.transport.stomp import HEART_BEAT_WIRE
from adapters.transport.websocket import open_websocket
from rules.model.events import AccountReported, SessionOpened, SnapshotReceived
from rules.model.observed import AccountStatus

_log = logging.getLogger(__name__)

# Nobody promises that a list comes right after subscribing. We wait this long, then ask.
FIRST_LIST_S_MAX = 5.0

# The account's figures are refreshed once a minute. Three of these missed, while heart-beats come, is an account
# without the Socket feature, or a subscription that the server has lost: no change would ever reach us.
NEWS_S_MAX = 180.0

Ask = Callable[[], Awaitable[tuple[SnapshotReceived, AccountStatus]]]


@define
class Stream:
    """One session from connecting to its loss. `refused` says afterwards that the server itself turned us away."""

    url: str
    session: Session
    translator: Translator
    ask: Ask
    now: UtcNow
    refused: bool = field(default=False, init=False)
    _listed: trio.Event = field(factory=trio.Event, init=False)
    _failure: Exception | None = field(default=None, init=False)

    async def run(self, emit: Emit, connect: Connect) -> None:
        """Run until the session is lost; never returns normally.

        Raises:
            SessionLost: the session is gone. SignInRefused: for good.
        """
        async with open_websocket(self.url, connect=connect) as socket:
            await self._sign_in(socket)
            await emit(SessionOpened(self.translator.account, self.now()))
            async with trio.open_nursery() as nursery:
                for part in (self._beat, self._confirm, self._read):
                    nursery.start_soon(self._guarded, part, socket, emit, nursery.cancel_scope)
            if self._failure is not None:
                raise self._failure

    async def _guarded(
        self,
        part: Callable[[ClientConnection, Emit], Awaitable[None]],
        socket: ClientConnection,
        emit: Emit,
        scope: trio.CancelScope,
    ) -> None:
        """Run a part of the stream; its end by weather or refusal ends the others, and only the first one counts."""
        try:
            await part(socket, emit)
        except (SessionLost, SignInRefused, ConnectionClosed) as error:
            self._failure = self._failure or error
            scope.cancel()

    async def _sign_in(self, socket: ClientConnection) -> None:
        self.refused = True  # whatever ends this step but our own patience is the server's doing
        await socket.send_message(self.session.connect())
        with trio.move_on_after(self.session.silence_s_max):
            while True:
                for received in self.session.receive(await socket.get_message()):
                    if isinstance(received, SignedIn):
                        self.refused = False
                        for frame in self.session.take_outgoing():
                            await socket.send_message(frame)
                        return
                    self._refuse(received)
        self.refused = False
        raise SessionLost(f"no CONNECTED within {self.session.silence_s_max:g} s")

    async def _read(self, socket: ClientConnection, emit: Emit) -> None:
        told_at = trio.current_time()
        while True:
            limit_at = min(trio.current_time() + self.session.silence_s_max, told_at + NEWS_S_MAX)
            data = await socket.message_by(limit_at)
            if data is None:
                raise SessionLost(
                    f"no message about the account within {NEWS_S_MAX:g} s: has it the Socket feature?"
                    if limit_at >= told_at + NEWS_S_MAX
                    else f"nothing received within {self.session.silence_s_max:g} s"
                )
            if await self._take(data, emit):
                told_at = trio.current_time()
            del data  # it may be a long list, and the next one may be long in coming

    async def _take(self, data: str | bytes, emit: Emit) -> bool:
        """Take one message; tell whether it was about the account. Nothing of a long list is kept until the next."""
        told = False
        skipped = len(self.session.skipped)
        for received in self.session.receive(data):
            if isinstance(received, SignedIn):
                raise RemoteProtocolError("expected one CONNECTED, found another")
            self._refuse(received)
            if not isinstance(received, Refused):
                for event in self.translator.events(received, self.now()):
                    await emit(event)
            told = True
            if self.translator.lists:
                self._listed.set()
        if len(self.session.skipped) > skipped:
            _log.warning("metacopier.skipped account=%s types=%s", self.translator.account, self.session.skipped)
        return told

    def _refuse(self, received: Received) -> None:
        if isinstance(received, Refused):
            self.refused = True
            raise SessionLost(f"MetaCopier ended the session with ERROR: {received.text}")

    async def _beat(self, socket: ClientConnection, _: Emit) -> None:
        every_s = self.session.beat_every_s
        assert every_s is not None, "signed in"
        while True:
            await socket.send_message(HEART_BEAT_WIRE)
            await trio.sleep(every_s)

    async def _confirm(self, _: ClientConnection, emit: Emit) -> None:
        """Ask for a snapshot unless the stream has begun with positions.

        The answer is told only when no list was pushed meanwhile: which of the two is newer nobody could say.
        """
        with trio.move_on_after(FIRST_LIST_S_MAX):
            await self._listed.wait()
        while not self.translator.holds_positions:
            lists = self.translator.lists
            snapshot, status = await self.ask()
            if lists == self.translator.lists:
                self.translator.confirmed = True
                await emit(snapshot)
                await emit(AccountReported(snapshot.account, snapshot.received_at, status))
                return
