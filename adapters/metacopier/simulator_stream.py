"""One client's Socket API session at a simulated MetaCopier: the trio loops around a ServerSession.

What has changed is only noted; the message is made when it is sent, so that a slow client gets the newest state and
costs no memory. All messages are complete, so nothing is lost by that.
"""

from collections.abc import Callable
from functools import partial

import msgspec
import trio
from attrs import define, field
from trio_websocket import WebSocketConnection

from adapters.base import RemoteProtocolError, UtcNow
from adapters.metacopier import simulator_words as words
from adapters.metacopier.simulator_keys import Keys
from adapters.metacopier.simulator_stomp import ServerSession, SignIn
from adapters.simulation.broker import Book, Change, PositionGone, StatusChanged
from adapters.simulation.faults import Faults, StreamFaults
from adapters.transport.serving import DropConnection
from adapters.transport.stomp import HEART_BEAT_WIRE
from adapters.transport.stomp_server import Goodbye

INFORMATION_EVERY_S = 60.0

POSITIONS, HISTORY, INFORMATION = "UpdateOpenPositionsDTO", "UpdateHistoryDTO", "UpdateAccountInformationDTO"


class _Ended(Exception):
    """The server ends the session; ERROR frames have been queued, if there is something to say."""


@define(eq=False)
class StreamServer:
    """Serves one WebSocket from sign-in to its end."""

    socket: WebSocketConnection
    keys: Keys
    faults: Faults
    now: UtcNow
    session_id: str
    _session: ServerSession = field(factory=ServerSession, init=False)
    _key: str | None = field(default=None, init=False, repr=False)
    _dirty: dict[tuple[str, str], None] = field(factory=dict, init=False)
    _wake: trio.Event = field(factory=trio.Event, init=False)
    _stops: dict[str, Callable[[], None]] = field(factory=dict, init=False)
    _balances: dict[str, object] = field(factory=dict, init=False)
    _cut: bool = field(default=False, init=False)
    _weather: StreamFaults[str] = field(init=False)

    @_weather.default
    def _make_weather(self) -> StreamFaults[str]:
        return StreamFaults(self.faults)

    async def run(self) -> None:
        """Serve until either side ends the session; the caller closes the WebSocket.

        Raises:
            DropConnection: streams were cut.
        """
        with trio.CancelScope() as scope:
            stop = self.faults.on_drop_streams(partial(self._cut_now, scope))
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    await self._read()
                    nursery.cancel_scope.cancel()
            finally:
                stop()
                for stop_listening in self._stops.values():
                    stop_listening()
                if self._key is not None:
                    self.keys.close_session(self._key)
        if self._cut:
            raise DropConnection

    def _cut_now(self, scope: trio.CancelScope) -> None:
        self._cut = True
        scope.cancel()

    async def _read(self) -> None:
        """Read until the client says goodbye or breaks a rule, which ERROR then names."""
        try:
            while True:
                data, patience_s = None, self._session.silence_s_max
                with trio.move_on_after(patience_s):
                    data = await self.socket.get_message()
                if data is None:
                    raise RemoteProtocolError(f"expected a frame or heart-beat within {patience_s:g} s")
                for received in self._session.receive(data):
                    if isinstance(received, SignIn):
                        self._sign_in(received.api_key)
                    elif isinstance(received, Goodbye):
                        return await self._send_outgoing()
                    else:
                        self._resubscribe()
                    await self._send_outgoing()
                await self._send_outgoing()
        except _Ended:
            await self._send_outgoing()
        except RemoteProtocolError as error:
            self._session.error("Protocol error", str(error))
            await self._send_outgoing()

    def _sign_in(self, key: str | None) -> None:
        if key is None or not self.keys.is_valid(key) or self.faults.refuse_sign_in:
            self._session.error("Unauthorized", "The api-key is missing, wrong or expired.")
            raise _Ended
        if not self.keys.open_session(key):
            limit = self.keys.sessions_max
            self._session.error("Too many sessions", f"This api-key has {limit} sessions already, the most allowed.")
            raise _Ended
        self._key = key
        self._session.accept(self.session_id)
        self._wake.set()  # heart-beats begin

    def _resubscribe(self) -> None:
        """Show everything that the client wants anew, once it has both subscribed and sent a filter."""
        assert self._key is not None
        wanted = self._session.account_ids or frozenset()
        if unreadable := wanted - self.keys.books(self._key).keys():
            self._session.error("Forbidden", f"This api-key has no access to account {sorted(unreadable)[0][:60]}.")
            raise _Ended
        self._listen(show=True)

    def _listen(self, *, show: bool) -> None:
        """Listen to all accounts that the client wants; those that are new are shown, with `show` the others too."""
        assert self._key is not None
        for account_id, book in self.keys.books(self._key).items():
            if not self._session.wants(account_id):
                continue
            book.expire()
            if account_id not in self._stops:
                self._stops[account_id] = book.listen(partial(self._changed, account_id, book))
            elif not show:
                continue
            self._balances[account_id] = book.balance
            for kind in (INFORMATION, POSITIONS, HISTORY):
                self._note(account_id, kind)

    def _changed(self, account_id: str, book: Book, change: Change) -> None:
        """Note what a change touches. A new quote alone touches nothing: figures go out once a minute."""
        if not isinstance(change, StatusChanged):
            self._note(account_id, POSITIONS)
            self._note(account_id, HISTORY if isinstance(change, PositionGone) else INFORMATION)
        if book.balance != self._balances.get(account_id):
            self._balances[account_id] = book.balance
            self._note(account_id, HISTORY)
            self._note(account_id, INFORMATION)

    def _note(self, account_id: str, kind: str) -> None:
        self._dirty[account_id, kind] = None
        self._wake.set()

    async def _write(self) -> None:
        """Send what was noted, the figures once a minute, and heart-beats only while there is nothing else to send."""
        figures_at = trio.current_time() + INFORMATION_EVERY_S
        while True:
            beat_s = self._session.pace.send_every_s or float("inf")
            with trio.move_on_at(min(figures_at, trio.current_time() + beat_s)) as waited:
                await self._wake.wait()
            self._wake = trio.Event()
            if trio.current_time() >= figures_at:
                figures_at += INFORMATION_EVERY_S
                self._note_figures()
            elif waited.cancelled_caught and not self.faults.half_open:
                await self.socket.send_message(HEART_BEAT_WIRE)
            await self._send_noted()

    def _note_figures(self) -> None:
        if self._key is None:
            return
        self._listen(show=False)  # accounts that were added since
        for account_id in self._stops:
            self._note(account_id, INFORMATION)

    async def _send_noted(self) -> None:
        while self._dirty and self._key is not None:
            account_id, kind = next(iter(self._dirty))
            del self._dirty[account_id, kind]
            book = self.keys.book(self._key, account_id)
            if book is None or not self._session.wants(account_id):
                continue
            for frame in self._session.messages(self._message(account_id, book, kind)):
                for delivery in self._weather.deliveries(frame):
                    await self.socket.send_message(delivery)

    def _message(self, account_id: str, book: Book, kind: str) -> bytes:
        data: words.Json = {"accountId": account_id}
        if kind == POSITIONS:
            data["openPositions"] = words.open_positions(book)
        elif kind == HISTORY:
            data["history"] = words.last_day(book, self.now())
        else:
            data["info"] = words.information(book, self.now())
        return msgspec.json.encode({"type": kind, "data": data})

    async def _send_outgoing(self) -> None:
        for frame in self._session.take_outgoing():
            await self.socket.send_message(frame)
