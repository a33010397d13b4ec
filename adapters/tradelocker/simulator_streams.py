"""The simulated Streams API: Socket.IO (Engine.IO 4) over a WebSocket, with the venue's messages and refusals."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import trio
from attrs import define, field
from trio_websocket import WebSocketConnection

from adapters.simulation.faults import Faults, StreamFaults
from adapters.tradelocker.simulator_auth import TokenDesk
from adapters.tradelocker.simulator_desk import Desk
from adapters.tradelocker.simulator_messages import Message
from adapters.tradelocker.wire import EVENT_CONNECTION, EVENT_STREAM, EVENT_SUBSCRIPTIONS, NAMESPACE
from adapters.transport.serving import DropConnection, HttpRequest
from adapters.transport.socketio import Closed, Disconnected, Event, ServerSession
from adapters.transport.socketio_packets import ConnectRequested

SUBSCRIPTIONS_MAX: Final = 30
"""A published answer to the first subscription says that 29 remain. Their scope is not known: here, the connection."""

_MESSAGES_WAITING_MAX: Final = 10_000
"""For a client that does not read; then it is cut off."""

Answer = dict[str, object]


@define(eq=False)
class _Client:
    """One open socket."""

    session: ServerSession
    frames: trio.MemorySendChannel[str]
    faults: StreamFaults[Message]
    scope: trio.CancelScope
    remaining: int = SUBSCRIPTIONS_MAX
    stops: dict[str, Callable[[], None]] = field(factory=dict)
    """What ends each subscription, by account."""

    def flush(self) -> None:
        """Queue what the session has to say; a client that does not read is cut."""
        for frame in self.session.take_outbox():
            try:
                self.frames.send_nowait(frame)
            except trio.WouldBlock:
                self.scope.cancel()
            except (trio.ClosedResourceError, trio.BrokenResourceError):
                return  # its socket is closing; nobody reads this any more

    def emit(self, name: str, data: object) -> None:
        """Queue an event."""
        self.session.emit(name, data, namespace=NAMESPACE)
        self.flush()

    def stream(self, message: Message) -> None:
        """Queue a stream message, as the faults let it pass."""
        for each in self.faults.deliveries(message):
            self.emit(EVENT_STREAM, each)


class StreamsVenue:
    """Serves `/streams-api/socket.io/`."""

    def __init__(
        self,
        desks: Callable[[], Mapping[str, Desk]],
        tokens: TokenDesk,
        faults: Faults,
        developer_api_key: str,
        *,
        sync_end_names_account: bool = False,
        answers_by_event: bool = False,
    ) -> None:
        """Make the venue.

        Args:
            sync_end_names_account: put the account into SyncEnd; the published sample has none.
            answers_by_event: answer subscriptions by an event too, as the vendor's example expects.
        """
        self._desks = desks
        self._tokens = tokens
        self._faults = faults
        self._key = developer_api_key
        self._sync_end_names_account = sync_end_names_account
        self._answers_by_event = answers_by_event
        self._subscribed: dict[str, _Client] = {}
        self._count = 0

    async def serve(self, websocket: WebSocketConnection, request: HttpRequest) -> None:
        """Serve one socket until either side ends it.

        Raises:
            DropConnection: the streams are to be cut.
            ConnectionClosed, RemoteProtocolError: in groups; the client went away, or does not speak Socket.IO.
        """
        if request.query.get("EIO") != "4" or self._faults.maintenance:
            return
        self._count += 1
        frames, outgoing = trio.open_memory_channel[str](_MESSAGES_WAITING_MAX)
        scope = trio.CancelScope()
        client = _Client(ServerSession(f"simulated{self._count}"), frames, StreamFaults(self._faults), scope)
        is_known = request.headers.get("developer-api-key") == self._key
        stop_cutting = self._faults.on_drop_streams(scope.cancel)
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, websocket, outgoing)
                    nursery.start_soon(self._ping, client)
                    client.flush()
                    await self._read(websocket, client, is_known)
                    nursery.cancel_scope.cancel()
        finally:
            stop_cutting()
            frames.close()
            outgoing.close()
            for account in tuple(client.stops):
                self._unsubscribe(client, account)
        if scope.cancelled_caught:
            raise DropConnection

    async def _write(self, websocket: WebSocketConnection, outgoing: trio.MemoryReceiveChannel[str]) -> None:
        async for frame in outgoing:
            if self._faults.delay_s > 0:
                await trio.sleep(self._faults.delay_s)
            if not self._faults.half_open:
                await websocket.send_message(frame)

    async def _ping(self, client: _Client) -> None:
        while client.session.ping_every_s is not None:
            await trio.sleep(client.session.ping_every_s)
            client.session.ping()
            client.flush()

    async def _read(self, websocket: WebSocketConnection, client: _Client, is_known: bool) -> None:
        while True:
            frame: str | bytes | None = None
            with trio.move_on_after(client.session.silence_s_max):
                frame = await websocket.get_message()
            match None if frame is None else client.session.receive(frame):
                case ConnectRequested(namespace=name) if name == NAMESPACE:
                    client.session.accept(name)
                    self._greet(client, is_known and not self._faults.refuse_sign_in)
                case ConnectRequested(namespace=name):
                    client.session.refuse(name, "Invalid namespace")
                case Event(name=name) as event if name == EVENT_SUBSCRIPTIONS:
                    self._take_action(client, event, event.args[0] if event.args else None)
                case Closed() | Disconnected():
                    return
                case None if frame is None:
                    return
            client.flush()

    def _greet(self, client: _Client, is_known: bool) -> None:
        """Tell the state of the link; a client with a wrong key is told so, and put out."""
        if is_known:
            text = "Successfully connected to the streams socket server."
            client.emit(EVENT_CONNECTION, {"status": "ok", "code": "connected", "message": text})
            return
        text = "Invalid API key provided, make sure header developer-api-key is valid."
        client.emit(EVENT_CONNECTION, {"status": "error", "code": "unauthorized.invalidApiKey", "message": text})
        client.session.disconnect(NAMESPACE)

    def _take_action(self, client: _Client, event: Event, action: Any) -> None:
        match action:
            case {"action": "SUBSCRIBE", "token": str(token)}:
                account = self._tokens.subject("stream", token)
                refusal = self._refusal(client, account)
                if refusal is not None or account is None:
                    self._answer(client, event, refusal or {})
                else:
                    self._subscribe(client, event, account)
            case {"action": "UNSUBSCRIBE", "accountId": str(account)}:
                self._unsubscribe(client, account)
                self._answer(client, event, {"status": "ok", "code": "disconnected", "message": "Unsubscribed"})
            case _:
                self._answer(client, event, _error("unknown", "Unknown action"))

    def _refusal(self, client: _Client, account: str | None) -> Answer | None:
        if client.remaining == 0:
            return _error("rateLimit", "Too many subscription requests")
        client.remaining -= 1
        if account is None:
            return _error("invalidJwt", "Invalid JWT")
        if account not in self._desks():
            return _error("accountNotFound", "Account not found")
        if account in client.stops:
            return _error("alreadyConnectedError", "Already connected")
        return None

    def _subscribe(self, client: _Client, event: Event, account: str) -> None:
        desk = self._desks()[account]
        earlier = self._subscribed.get(account)
        if earlier is not None:  # which socket wins is not documented: here the new one, and the old one is told
            earlier.stream({"type": "Property", "name": "Disconnected"})
            self._unsubscribe(earlier, account)
        self._subscribed[account] = client
        text = f"Connected to account {desk.server}#{account}"
        remaining = client.remaining
        self._answer(
            client, event, {"status": "ok", "code": "connected", "message": text, "remainingRequests": remaining}
        )
        desk.book.expire()
        for message in desk.snapshot():
            client.stream(message)
        end: Message = {"type": "Property", "name": "SyncEnd"}
        client.stream({**end, "accountId": account} if self._sync_end_names_account else end)
        client.stops[account] = desk.messages.add(client.stream)

    def _unsubscribe(self, client: _Client, account: str) -> None:
        stop = client.stops.pop(account, None)
        if stop is not None:
            stop()
        if self._subscribed.get(account) is client:
            del self._subscribed[account]

    def _answer(self, client: _Client, event: Event, answer: Answer) -> None:
        if event.ack_id is not None:
            client.session.acknowledge(event, answer)
        if self._answers_by_event or event.ack_id is None:
            client.emit(EVENT_SUBSCRIPTIONS, answer)
        client.flush()


def _error(code: str, text: str) -> Answer:
    return {"status": "error", "code": code, "message": text}
