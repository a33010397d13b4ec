"""The server half of the Socket API, sans-IO: sign-in, subscriptions, the filter, receipts and heart-beats.

Frames may come pipelined: what follows CONNECT is looked at only after the server has answered it. After ERROR
nothing is read any more.
"""

from collections.abc import Iterator
from typing import TypeAlias

import msgspec
from attrs import define, field, frozen

from adapters.base import RemoteProtocolError
from adapters.metacopier.session import QUEUE, SUBSCRIBE_TO
from adapters.stomp import (
    Frame,
    FrameReader,
    HeartBeat,
    HeartBeatOffer,
    Pace,
    Version,
    agree,
    encode,
    negotiate_version,
    read_heart_beat,
)

# Clients of the reference library close after twice this time without a byte, so the server must really beat.
_OFFER = HeartBeatOffer(10_000, 10_000)

SUBSCRIPTIONS_MAX = 16
_ACCOUNTS_MAX = 1000
_BODY_BYTES_MAX = 64 * 2**10


@frozen
class SignIn:
    """CONNECT came; the server answers with `accept` or `error`."""

    api_key: str | None


@frozen
class SubscriptionChanged:
    """There is a new filter or a new subscription: everything is to be shown anew, where both exist."""


@frozen
class Goodbye:
    """DISCONNECT came; its receipt waits in `take_outgoing`."""


Received: TypeAlias = SignIn | SubscriptionChanged | Goodbye


class _Filter(msgspec.Struct, rename="camel"):
    account_ids: list[str]


@define
class ServerSession:
    """One client's session. `account_ids` is its filter: None before the first one came, empty for all accounts."""

    account_ids: frozenset[str] | None = field(default=None, init=False)
    pace: Pace = field(default=Pace(None, None), init=False)
    _subscriptions: dict[str, str] = field(factory=dict, init=False)
    _version: Version = field(default=Version.V1_2, init=False)
    _signing_in: Frame | None = field(default=None, init=False, repr=False)
    _signed_in: bool = field(default=False, init=False)
    _messages: int = field(default=0, init=False)
    _reader: FrameReader = field(factory=lambda: FrameReader(body_bytes_max=_BODY_BYTES_MAX), init=False, repr=False)
    _outgoing: list[str] = field(factory=list, init=False, repr=False)

    def receive(self, data: bytes | str) -> Iterator[Received]:
        """Take in one WebSocket message and yield what it asks for.

        Raises:
            RemoteProtocolError: the client broke the protocol; the server answers with `error` and closes.
        """
        self._reader.receive(data)
        while (item := self._reader.next_frame()) is not None:
            if isinstance(item, HeartBeat):
                continue
            received = self._frame(item)
            if received is not None:
                yield received
            if self._signing_in is not None:
                raise AssertionError("accept() or error() must answer SignIn")

    def take_outgoing(self) -> list[str]:
        """Return the frames to send now, each once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def accept(self, session_id: str) -> None:
        """Answer SignIn with CONNECTED."""
        assert self._signing_in is not None, "SignIn comes first"
        offered = self._signing_in.headers.get("heart-beat")
        self.pace = agree(_OFFER, read_heart_beat(offered))
        headers = {"version": self._version.value, "session": session_id, "heart-beat": _OFFER.header()}
        self._signing_in, self._signed_in = None, True
        self._reader.version = self._version
        self._outgoing.append(encode(Frame("CONNECTED", headers), self._version))

    def error(self, reason: str, detail: str) -> None:
        """Say ERROR; the server closes next. `reason` is short and one line, `detail` a sentence for a person."""
        self._signing_in = None
        headers = {"message": reason, "content-type": "text/plain"}
        self._outgoing.append(encode(Frame("ERROR", headers, detail.encode()), self._version))

    def wants(self, account_id: str) -> bool:
        """Tell whether the client is to hear about an account: only once it has both subscribed and sent a filter."""
        if self.account_ids is None or QUEUE not in self._subscriptions.values():
            return False
        return not self.account_ids or account_id in self.account_ids

    def messages(self, body: bytes) -> list[str]:
        """Return the MESSAGE frames that carry `body`, one for each subscription."""
        frames = []
        for subscription, destination in self._subscriptions.items():
            if destination != QUEUE:
                continue
            self._messages += 1
            headers = {
                "destination": QUEUE,
                "content-type": "application/json",
                "subscription": subscription,
                "message-id": f"message-{self._messages}",
            }
            frames.append(encode(Frame("MESSAGE", headers, body), self._version))
        return frames

    def _frame(self, frame: Frame) -> Received | None:
        if not self._signed_in:
            return self._connect(frame)
        received: Received | None = None
        match frame.command:
            case "SUBSCRIBE":
                self._subscribe(frame)
                received = SubscriptionChanged()
            case "UNSUBSCRIBE":
                self._subscriptions.pop(self._subscription_id(frame), None)
            case "SEND":
                self._send(frame)
                received = SubscriptionChanged()
            case "DISCONNECT":
                received = Goodbye()
            case "ACK" | "NACK":  # nothing waits for them: subscriptions are `auto`
                pass
            case command:
                raise RemoteProtocolError(f"expected SUBSCRIBE, UNSUBSCRIBE, SEND or DISCONNECT, found {command}")
        receipt = frame.headers.get("receipt")
        if receipt is not None:
            self._outgoing.append(encode(Frame("RECEIPT", {"receipt-id": receipt}), self._version))
        return received

    def _connect(self, frame: Frame) -> SignIn:
        if frame.command not in ("CONNECT", "STOMP"):
            raise RemoteProtocolError(f"expected CONNECT, found {frame.command}")
        version = negotiate_version(frame.headers.get("accept-version"))
        if version is None:
            raise RemoteProtocolError("expected accept-version with 1.0, 1.1 or 1.2, found none of them")
        read_heart_beat(frame.headers.get("heart-beat"))
        self._version = version
        self._signing_in = frame
        return SignIn(frame.headers.get("api-key"))

    def _subscribe(self, frame: Frame) -> None:
        destination = frame.headers.get("destination")
        if destination is None:
            raise RemoteProtocolError("expected destination in SUBSCRIBE, found none")
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise RemoteProtocolError(f"expected at most {SUBSCRIPTIONS_MAX} subscriptions, found one more")
        # Other user queues may be subscribed (an older page allowed it) and stay silent.
        self._subscriptions[self._subscription_id(frame)] = destination

    def _subscription_id(self, frame: Frame) -> str:
        # STOMP 1.0 knows subscriptions without an id, which their destination names.
        fallback = frame.headers.get("destination") if self._version is Version.V1_0 else None
        found = frame.headers.get("id", fallback)
        if found is None:
            raise RemoteProtocolError(f"expected id in {frame.command}, found none")
        return found

    def _send(self, frame: Frame) -> None:
        destination = frame.headers.get("destination")
        if destination != SUBSCRIBE_TO:
            raise RemoteProtocolError(f"expected SEND to {SUBSCRIBE_TO}, found {str(destination)[:80]!r}")
        try:
            wanted = msgspec.json.decode(frame.body, type=_Filter).account_ids
        except (ValueError, RecursionError):
            raise RemoteProtocolError("expected a JSON object with accountIds, a list of texts") from None
        if len(wanted) > _ACCOUNTS_MAX:
            raise RemoteProtocolError(f"expected at most {_ACCOUNTS_MAX} accountIds, found {len(wanted)}")
        self.account_ids = frozenset(account_id.lower() for account_id in wanted)
