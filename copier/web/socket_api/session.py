"""One client of the Socket API, from its WebSocket's acceptance to its end."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from typing import Final, Protocol

import msgspec
import trio
from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.transport.stomp import HEART_BEAT_WIRE, Frame, HeartBeatOffer, encode
from adapters.transport.stomp_server import Goodbye, Received, Request, SignIn, StompServer, Subscribed, Unsubscribed
from copier.web.principal import Principal
from copier.web.socket_api.fan_out import FanOut, Listener, Outbox
from rules.model.values import AccountId

CHANGES: Final = "/user/queue/accounts/changes"
DECISIONS: Final = "/user/queue/decisions"
LIMITS: Final = "/user/queue/limits"
QUEUES: Final = frozenset({CHANGES, DECISIONS, LIMITS})
SUBSCRIBE_TO: Final = "/app/subscribe"

ACCOUNTS_MAX: Final = 1000
"""Ids in one filter. Who wants more asks for all."""

FRAMES_BURST: Final = 100
FRAMES_PER_S: Final = 5.0
"""Frames that a client may send at once, and all the time. Each request is answered with everything that it asks for;
a client needs three."""

_LOOK_S: Final = 0.001
"""To read what waits, at least, before a client is called silent."""

_NORMAL, _PROTOCOL_ERROR, _POLICY = 1000, 1002, 1008

Message = Mapping[str, object]


class Refused(Exception):
    """The session ends with an ERROR: a short reason, and a sentence for a person."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class ClientOutbox(Outbox, Protocol):
    """What one WebSocket sends by."""

    def close(self, code: int, reason: str = "") -> None: ...


class Gate(Protocol):
    """Who may come in."""

    def sign_in(self, api_key: str | None) -> Principal:
        """Let a client in.

        Raises:
            Refused: it may not.
        """

    def stay(self, principal: Principal) -> AbstractContextManager[trio.CancelScope]:
        """Let it stay for the length of the block, which is cancelled when it may not any more.

        Raises:
            Refused: there are too many already.
        """

    def accounts(self, principal: Principal) -> Mapping[str, AccountId]:
        """Return the accounts that it may see, by their UUIDs."""


class _Filter(msgspec.Struct, rename="camel"):
    account_ids: list[str]


@define
class _Frames:
    """Counts a client's frames against what it may send."""

    left: float = FRAMES_BURST
    at: float = field(factory=trio.current_time)
    counted: int = 0

    def count(self, frames: int) -> None:
        """Take note of how many there were up to now.

        Raises:
            Refused: they are too many.
        """
        now = trio.current_time()
        self.left = min(FRAMES_BURST, self.left + (now - self.at) * FRAMES_PER_S) - (frames - self.counted)
        self.at, self.counted = now, frames
        if self.left < 0:
            raise Refused("Too many frames", f"At most {FRAMES_PER_S:g} frames a second are taken for long.")


class Session:
    """Reads what a client asks for, has it told, and beats while there is nothing to tell."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[Message]],
        outbox: ClientOutbox,
        gate: Gate,
        fan_out: FanOut,
        session_id: str,
        *,
        offer: HeartBeatOffer,
    ) -> None:
        self._receive = receive
        self._outbox = outbox
        self._gate = gate
        self._fan_out = fan_out
        self._session_id = session_id
        self._stomp = StompServer(requests=(SUBSCRIBE_TO,), queues=QUEUES, offer=offer)
        self._principal: Principal | None = None
        self._lease: trio.CancelScope | None = None
        self._listener: Listener | None = None
        self._frames = _Frames()
        self._heard_at = trio.current_time()
        self._sent_at = trio.current_time()

    async def run(self) -> None:
        """Serve until either side ends the session."""
        code = _NORMAL
        try:
            with ExitStack() as stay:
                await self._converse(stay)
            if self._lease is not None and self._lease.cancelled_caught:
                raise Refused("Unauthorized", "The api-key was revoked or changed; sign in again.")
        except RemoteProtocolError as error:
            code = _PROTOCOL_ERROR
            self._stomp.error("Protocol error", str(error))
        except Refused as refusal:
            code = _POLICY
            self._stomp.error(refusal.reason, refusal.detail)
        finally:
            if self._listener is not None:
                self._fan_out.leave(self._listener)
            self._send_outgoing()
            self._outbox.close(code)

    async def _converse(self, stay: ExitStack) -> None:
        while (data := await self._next()) is not None:
            for received in self._stomp.receive(data):
                self._frames.count(self._stomp.frames)
                if isinstance(received, SignIn):
                    self._sign_in(received.headers.get("api-key"), stay)
                else:
                    await self._do(received)
                self._send_outgoing()
                if isinstance(received, Goodbye):
                    return
            self._frames.count(self._stomp.frames)
            self._send_outgoing()

    def _sign_in(self, api_key: str | None, stay: ExitStack) -> None:
        self._principal = self._gate.sign_in(api_key)
        self._lease = stay.enter_context(self._gate.stay(self._principal))
        self._stomp.accept(self._session_id)
        self._listener = Listener(self._outbox, self._principal.accounts)

    async def _next(self) -> str | bytes | None:
        """Return what the client sends next, None when it is gone; beat in between."""
        while True:
            beat_at, silent_at = self._beat_at(), self._heard_at + self._stomp.silence_s_max
            if trio.current_time() >= beat_at:
                self._put(HEART_BEAT_WIRE.encode())
                continue
            with trio.move_on_at(max(min(beat_at, silent_at), trio.current_time() + _LOOK_S)):
                message = await self._receive()
                self._heard_at = trio.current_time()
                if message["type"] == "websocket.disconnect":
                    return None
                if message["type"] == "websocket.receive":
                    return _data(message)
            if trio.current_time() >= silent_at:
                patience_s = self._stomp.silence_s_max
                raise RemoteProtocolError(f"expected a frame or heart-beat within {patience_s:g} s, found none")

    def _beat_at(self) -> float:
        """Return when a beat is due: the interval after whatever was sent last."""
        every_s = self._stomp.pace.send_every_s
        if every_s is None:
            return float("inf")
        told_at = 0.0 if self._listener is None else self._listener.sent_at
        return max(self._sent_at, told_at) + every_s

    async def _do(self, received: Received) -> None:
        match received:
            case Subscribed():
                await self._listen(received.destination)
            case Unsubscribed():
                await self._listen()
            case Request():
                assert self._listener is not None, "the protocol has SignIn first"
                self._listener.wanted = self._wanted(received.body)
                await self._listen(*QUEUES)
            case SignIn() | Goodbye():
                pass  # `_converse` sees to them

    async def _listen(self, *queues: str) -> None:
        """Hear from now on what is subscribed, after the present state of these queues."""
        assert self._listener is not None, "the protocol has SignIn first"
        self._send_outgoing()
        heads: dict[str, tuple[bytes, ...]] = {}
        for subscription, destination in self._stomp.subscriptions.items():
            heads[destination] = (*heads.get(destination, ()), self._head(subscription, destination))
        self._listener.heads = heads
        await self._fan_out.show(self._listener, queues)

    def _head(self, subscription: str, destination: str) -> bytes:
        """Return how each message of a subscription begins, up to within its id, which a number completes."""
        headers = {
            "destination": destination,
            "content-type": "application/json",
            "subscription": subscription,
            "message-id": f"{subscription}-",
        }
        return encode(Frame("MESSAGE", headers), self._stomp.version).removesuffix("\n\n\0").encode()

    def _wanted(self, body: bytes) -> frozenset[AccountId]:
        assert self._principal is not None, "the protocol has SignIn first"
        try:
            wanted = msgspec.json.decode(body, type=_Filter).account_ids
        except (ValueError, RecursionError):
            raise RemoteProtocolError("expected a JSON object with accountIds, a list of texts") from None
        if len(wanted) > ACCOUNTS_MAX:
            raise RemoteProtocolError(f"expected at most {ACCOUNTS_MAX} accountIds, found {len(wanted)}")
        accounts = self._gate.accounts(self._principal)
        for account_id in wanted:
            if account_id.lower() not in accounts:
                raise Refused("Forbidden", f"This api-key sees no account {account_id[:60]!r}.")
        return frozenset(accounts[account_id.lower()] for account_id in wanted)

    def _send_outgoing(self) -> None:
        for frame in self._stomp.take_outgoing():
            self._put(frame.encode())

    def _put(self, payload: bytes) -> None:
        self._outbox.put(payload)
        self._sent_at = trio.current_time()


def _data(message: Message) -> str | bytes:
    text = message.get("text")
    data = text if text is not None else message.get("bytes")
    assert isinstance(data, str | bytes), "a WebSocket message is text or bytes"
    return data
