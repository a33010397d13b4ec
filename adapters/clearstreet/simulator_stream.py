"""The simulated activity WebSocket: subscriptions with a token each, the replay of the day, then live messages."""

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

import msgspec
import trio
from attrs import define
from trio_websocket import WebSocketConnection

from adapters.base import UtcNow
from adapters.clearstreet.simulator_activity import Day
from adapters.clearstreet.simulator_auth import Tokens
from adapters.clearstreet.simulator_desk import Desk
from adapters.clearstreet.simulator_rest import desk_of
from adapters.clearstreet.simulator_words import Json, encode, millis
from adapters.simulation.faults import Faults, StreamFaults
from adapters.transport.serving import DropConnection, HttpRequest

SUBSCRIBE_S_MAX: Final = 30.0
"""Published: who has not subscribed by then is disconnected."""

HEARTBEAT_S: Final = 20.0
"""The venue's own is not published; three of these fit into the minute that a client may reasonably wait."""

ANSWERS_WAITING_MAX: Final = 1000
"""For a client that asks and does not read; then it is cut off."""

_HEARTBEAT: Final[Json] = {"type": "heartbeat"}


class _Request(msgspec.Struct):
    authorization: str
    payload: dict[str, Any]


@define(eq=False)
class _Subscription:
    """How far one account's activity has been sent. Nothing waits here: what is to be sent lies in the day itself."""

    desk: Desk
    day: Day
    replayed: int
    stop: Callable[[], None]
    sent: int = 0
    is_live: bool = False


@define(eq=False)
class StreamVenue:
    """Serves `/studio/v2/ws`.

    Args:
        ack_names_account: echo the account in the acknowledgment, as its reference says and its guide's example does
            not.
    """

    desks: Callable[[], Mapping[str, Desk]]
    tokens: Tokens
    faults: Faults
    now: UtcNow
    heartbeat_s: float = HEARTBEAT_S
    subscribe_s_max: float = SUBSCRIBE_S_MAX
    ack_names_account: bool = True

    async def serve(self, websocket: WebSocketConnection, _: HttpRequest) -> None:
        """Serve one socket until either side ends it.

        Raises:
            DropConnection: the streams are to be cut.
        """
        await _Connection(self, websocket).run()


class _Connection:
    """One open socket. Faults of messages meet live ones only: the replay is what repairs them."""

    def __init__(self, venue: StreamVenue, websocket: WebSocketConnection) -> None:
        self._venue = venue
        self._websocket = websocket
        self._weather: StreamFaults[str] = StreamFaults(venue.faults)
        self._answers: deque[Json] = deque()
        self._subscriptions: dict[str, _Subscription] = {}
        self._wake = trio.Event()
        self._is_ending = False
        self._scope = trio.CancelScope()

    async def run(self) -> None:
        stops = [
            self._venue.faults.on_drop_streams(self._scope.cancel),
            self._venue.faults.on_expire_tokens(partial(self._end, "Access token expired")),
        ]
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._read, nursery)
                    nursery.start_soon(self._beat)
                    await self._write()
                    nursery.cancel_scope.cancel()
        finally:
            for stop in (*stops, *(each.stop for each in self._subscriptions.values())):
                stop()
        if self._scope.cancelled_caught:
            raise DropConnection

    # What the client says

    async def _read(self, nursery: trio.Nursery) -> None:
        deadline = trio.current_time() + self._venue.subscribe_s_max
        while True:
            with trio.move_on_at(deadline if not self._subscriptions else float("inf")) as patience:
                frame = await self._websocket.get_message()
            if patience.cancelled_caught:
                return self._end(f"No subscription within {self._venue.subscribe_s_max:g} seconds")
            try:
                request = msgspec.json.decode(frame, type=_Request)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                self._answer({"type": "error-notice", "details": f"Malformed request: {str(error)[:200]}"})
                continue
            match request.payload:
                case {"type": "subscribe-activity", "account_id": str(account_id)}:
                    self._subscribe(request.authorization, account_id, nursery)
                case _:
                    details = "Malformed request: payload must be a subscribe-activity with an account_id"
                    self._answer({"type": "error-notice", "details": details})

    def _subscribe(self, token: str, account_id: str, nursery: trio.Nursery) -> None:
        expires_at = self._venue.tokens.expires_at(token)
        desk = desk_of(self._venue.desks(), account_id)
        if expires_at is None:
            return self._acknowledge(account_id, "Invalid access token")
        if desk is None:
            return self._acknowledge(account_id, "Unknown account")
        if desk.book.name in self._subscriptions:
            return self._acknowledge(account_id, "Already subscribed")
        desk.roll()
        day = desk.activity.day
        self._acknowledge(account_id, None)
        stop = desk.activity.listeners.add(lambda _: self._wake.set())
        self._subscriptions[desk.book.name] = _Subscription(desk, day, len(day.messages), stop)
        nursery.start_soon(self._outlive, expires_at)
        return None

    def _acknowledge(self, account_id: str, refusal: str | None) -> None:
        success = refusal is None
        echo: Json = {"account_id": account_id} if self._venue.ack_names_account else {}
        details = refusal or "Subscribed successfully"
        self._answer({"type": "subscribe-activity-ack", **echo, "success": success, "details": details})

    # What the client is told

    async def _outlive(self, expires_at: datetime) -> None:
        """End the connection with the token that it lives on."""
        while True:
            left_s = (expires_at - self._venue.now()).total_seconds()
            if left_s <= 0:
                break
            await trio.sleep(left_s)
        self._end("Access token expired")

    async def _beat(self) -> None:
        while True:
            await trio.sleep(self._venue.heartbeat_s)
            for subscription in self._subscriptions.values():
                subscription.desk.roll()  # a day ends without anybody's request
            if _HEARTBEAT not in self._answers:
                self._answer(_HEARTBEAT)

    def _end(self, details: str) -> None:
        """Say why, then close."""
        self._is_ending = True
        self._answer({"type": "error-notice", "details": details})

    def _answer(self, payload: Json) -> None:
        if len(self._answers) >= ANSWERS_WAITING_MAX:
            self._scope.cancel()
        self._answers.append(payload)
        self._wake.set()

    async def _write(self) -> None:
        while not self._is_ending:
            await self._wake.wait()
            self._wake = trio.Event()
            if self._venue.faults.delay_s > 0:
                await trio.sleep(self._venue.faults.delay_s)
            for subscription in (None, *self._subscriptions.values()):
                await self._send_answers()
                if subscription is not None:
                    await self._send_activity(subscription)
        await self._send_answers()

    async def _send_answers(self) -> None:
        while self._answers:
            await self._send(self._answers.popleft())

    async def _send_activity(self, subscription: _Subscription) -> None:
        """Send what has not been sent: the replay, its end, what is live, then the next day, should it have come."""
        while not self._is_ending:
            messages = subscription.day.messages
            if not subscription.is_live and subscription.sent == subscription.replayed:
                subscription.is_live = True
                await self._send({"type": "replay-complete"})
            elif subscription.sent < len(messages):
                subscription.sent += 1
                frame = self._frame(messages[subscription.sent - 1], subscription.sent)
                for each in self._weather.deliveries(frame) if subscription.is_live else [frame]:
                    await self._transmit(each)
            elif subscription.day is not subscription.desk.activity.day:
                subscription.day, subscription.sent = subscription.desk.activity.day, 0
            else:
                return

    async def _send(self, payload: Json) -> None:
        await self._transmit(self._frame(payload, None))

    async def _transmit(self, frame: str) -> None:
        if not self._venue.faults.half_open:
            await self._websocket.send_message(frame)

    def _frame(self, payload: Json, sequence: int | None) -> str:
        frame: Json = {"timestamp": millis(self._venue.now())}
        if sequence is not None:
            frame["sequence"] = sequence
        return encode({**frame, "payload": payload}).decode()
