"""The simulated Streams API: the server's side of Socket.IO (Engine.IO 4) over a WebSocket, text frames only.

Written without our own Socket.IO session, so that the two check each other.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
import trio
from attrs import define, field
from trio_websocket import ConnectionClosed, WebSocketConnection

from adapters.serving import DropConnection, HttpRequest
from adapters.simulation.faults import Faults, StreamFaults
from adapters.tradelocker.simulator_auth import TokenDesk
from adapters.tradelocker.simulator_desk import Desk, Message
from adapters.tradelocker.wire import EVENT_CONNECTION, EVENT_STREAM, EVENT_SUBSCRIPTIONS, NAMESPACE

PING_INTERVAL_S: Final = 25.0
PING_TIMEOUT_S: Final = 20.0
"""Socket.IO's own defaults; the venue's values are not published."""

SUBSCRIPTIONS_MAX: Final = 30
"""A published answer to the first subscription says that 29 remain."""

_MESSAGES_WAITING_MAX: Final = 10_000
"""For a client that does not read; then it is cut off."""

_EVENT = re.compile(r"42/streams-api,([0-9]{0,9})(\[.*)", re.DOTALL)


@define(eq=False)
class _Client:
    """One open socket."""

    send: trio.MemorySendChannel[str]
    faults: StreamFaults[Message]
    scope: trio.CancelScope
    remaining: int = SUBSCRIPTIONS_MAX
    stops: dict[str, Callable[[], None]] = field(factory=dict)
    """What ends each subscription, by account."""

    def say(self, frame: str) -> None:
        """Queue a frame; a client that does not read is cut."""
        try:
            self.send.send_nowait(frame)
        except trio.WouldBlock:
            self.scope.cancel()
        except (trio.ClosedResourceError, trio.BrokenResourceError):
            return  # its socket is closing; nobody reads this any more

    def emit(self, name: str, data: object) -> None:
        """Queue an event."""
        self.say(f"42{NAMESPACE}," + msgspec.json.encode([name, data]).decode())

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
        """Serve one socket until either side ends it."""
        if request.query.get("EIO") != "4" or self._faults.maintenance:
            return
        self._count += 1
        sid = f"simulated{self._count}"
        frames, outgoing = trio.open_memory_channel[str](_MESSAGES_WAITING_MAX)
        scope = trio.CancelScope()
        client = _Client(frames, StreamFaults(self._faults), scope)
        stop_cutting = self._faults.on_drop_streams(scope.cancel)
        try:
            with scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write, websocket, outgoing)
                    client.say("0" + _text(_open_packet(sid)))
                    nursery.start_soon(self._ping, client)
                    await self._read(websocket, client, sid, request)
                    nursery.cancel_scope.cancel()
        except* ConnectionClosed:
            scope.cancel()
        finally:
            stop_cutting()
            frames.close()
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
        while True:
            await trio.sleep(PING_INTERVAL_S)
            client.say("2")

    async def _read(self, websocket: WebSocketConnection, client: _Client, sid: str, request: HttpRequest) -> None:
        while True:
            frame: str | bytes | None = None
            with trio.move_on_after(PING_INTERVAL_S + PING_TIMEOUT_S):
                frame = await websocket.get_message()
            if not isinstance(frame, str) or frame == "1":
                return
            if frame.startswith(f"40{NAMESPACE},") or frame == f"40{NAMESPACE}":
                client.say(f"40{NAMESPACE}," + _text({"sid": sid}))
                self._greet(client, request)
            elif frame.startswith(f"41{NAMESPACE}"):
                return
            elif frame.startswith("40"):
                client.say("44" + frame[2:].split(",")[0] + "," + _text({"message": "Invalid namespace"}))
            elif (event := _EVENT.fullmatch(frame)) is not None:
                self._take_event(client, event[1], event[2])
            elif frame != "3":
                return

    def _greet(self, client: _Client, request: HttpRequest) -> None:
        """Tell the state of the link; a client with a wrong key is told so, and out."""
        if request.headers.get("developer-api-key") == self._key and not self._faults.refuse_sign_in:
            text = "Successfully connected to the streams socket server."
            client.emit(EVENT_CONNECTION, {"status": "ok", "code": "connected", "message": text})
            return
        text = "Invalid API key provided, make sure header developer-api-key is valid."
        client.emit(EVENT_CONNECTION, {"status": "error", "code": "unauthorized.invalidApiKey", "message": text})
        client.say(f"41{NAMESPACE},")

    def _take_event(self, client: _Client, ack_id: str, text: str) -> None:
        try:
            event: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            client.scope.cancel()
            return
        if len(event) != 2 or event[0] != EVENT_SUBSCRIPTIONS or not isinstance(event[1], dict):
            return
        action = event[1]
        if action.get("action") == "UNSUBSCRIBE":
            self._unsubscribe(client, str(action.get("accountId")))
            self._answer(client, ack_id, {"status": "ok", "code": "disconnected", "message": "Unsubscribed"})
        elif action.get("action") == "SUBSCRIBE":
            self._subscribe(client, ack_id, str(action.get("token")))

    def _subscribe(self, client: _Client, ack_id: str, token: str) -> None:
        account = self._tokens.subject("stream", token)
        desk = None if account is None else self._desks().get(account)
        if client.remaining == 0:
            return self._refuse(client, ack_id, "rateLimit", "Too many subscription requests")
        client.remaining -= 1
        if account is None:
            return self._refuse(client, ack_id, "invalidJwt", "Invalid JWT")
        if desk is None:
            return self._refuse(client, ack_id, "accountNotFound", "Account not found")
        if account in client.stops:
            return self._refuse(client, ack_id, "alreadyConnectedError", "Already connected")
        earlier = self._subscribed.get(account)
        if earlier is not None:  # which socket wins is not documented: here the new one, and the old one is told
            earlier.stream({"type": "Property", "name": "Disconnected"})
            self._unsubscribe(earlier, account)
        self._subscribed[account] = client
        text = f"Connected to account {desk.server}#{account}"
        answer = {"status": "ok", "code": "connected", "message": text, "remainingRequests": client.remaining}
        self._answer(client, ack_id, answer)
        for message in desk.snapshot():
            client.stream(message)
        end: Message = {"type": "Property", "name": "SyncEnd"}
        client.stream({**end, "accountId": account} if self._sync_end_names_account else end)
        client.stops[account] = desk.messages.add(client.stream)
        return None

    def _unsubscribe(self, client: _Client, account: str) -> None:
        stop = client.stops.pop(account, None)
        if stop is not None:
            stop()
        if self._subscribed.get(account) is client:
            del self._subscribed[account]

    def _refuse(self, client: _Client, ack_id: str, code: str, text: str) -> None:
        self._answer(client, ack_id, {"status": "error", "code": code, "message": text})

    def _answer(self, client: _Client, ack_id: str, answer: Mapping[str, object]) -> None:
        if ack_id:
            client.say(f"43{NAMESPACE},{ack_id}" + _text([answer]))
        if self._answers_by_event or not ack_id:
            client.emit(EVENT_SUBSCRIPTIONS, answer)


def _open_packet(sid: str) -> dict[str, object]:
    return {
        "sid": sid,
        "upgrades": [],
        "pingInterval": int(PING_INTERVAL_S * 1000),
        "pingTimeout": int(PING_TIMEOUT_S * 1000),
        "maxPayload": 1_000_000,
    }


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
