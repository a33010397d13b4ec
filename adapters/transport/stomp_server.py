"""The server half of STOMP over WebSocket, sans-IO: sign-in, subscriptions, receipts, heart-beats, and what is refused.

Frames may come pipelined: what follows CONNECT is looked at only after the server has answered it. After ERROR
nothing is read any more.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.transport.stomp import (
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
from rules.model.frozen import frozen

# The reference client library offers the same. It closes after twice this time without a byte, so that a server must
# really beat.
_OFFER = HeartBeatOffer(10_000, 10_000)

# A client that beats is dropped after three missed beats. One that declared none is never dropped for silence, nor is
# one that declares them and never sends any: a widely copied Python program does that.
_BEATS_MISSED_MAX = 3

SIGN_IN_S_MAX = 30.0
"""How long CONNECT may take after the connection was made."""

SUBSCRIPTIONS_MAX = 16
"""Of one session; there are three queues."""

SUBSCRIPTION_ID_MAX = 128
"""Characters; it is a part of every message that the subscription gets."""

ITEMS_AT_ONCE_MAX = 1000
"""Frames and beats in one WebSocket message: clients pipeline a few, and a thousand take some milliseconds."""

_BODY_BYTES_MAX = 64 * 2**10
"""Of a request: a thousand account ids are 40 KB."""


@frozen
class SignIn:
    """CONNECT came; the server answers with `accept` or `error`."""

    headers: Mapping[str, str] = field(repr=False)
    """May hold a key."""


@frozen
class Subscribed:
    """There is a new subscription."""

    subscription_id: str
    destination: str


@frozen
class Unsubscribed:
    """A subscription is gone."""

    subscription_id: str


@frozen
class Request:
    """SEND came."""

    destination: str
    body: bytes


@frozen
class Goodbye:
    """DISCONNECT came; its receipt waits in `take_outgoing`."""


Received: TypeAlias = SignIn | Subscribed | Unsubscribed | Request | Goodbye


@define
class StompServer:
    """One client's session.

    Args:
        requests: destinations that take SEND.
        queues: destinations that can be subscribed; None: any, of which those that nobody sends to stay silent.
        offer: our heart-beats.
    """

    requests: Collection[str]
    queues: Collection[str] | None = None
    offer: HeartBeatOffer = _OFFER
    version: Version = field(default=Version.V1_2, init=False)
    pace: Pace = field(default=Pace(None, None), init=False)
    subscriptions: dict[str, str] = field(factory=dict, init=False)
    """Destinations by the client's own ids."""
    signed_in: bool = field(default=False, init=False)
    frames: int = field(default=0, init=False)
    """Read so far, whatever they were."""
    _beats: bool = field(default=False, init=False)
    _signing_in: Frame | None = field(default=None, init=False, repr=False)
    _receipt: str | None = field(default=None, init=False, repr=False)
    """What the frame that is being looked at asks for."""
    _reader: FrameReader = field(factory=lambda: FrameReader(body_bytes_max=_BODY_BYTES_MAX), init=False, repr=False)
    _outgoing: list[str] = field(factory=list, init=False, repr=False)

    def receive(self, data: bytes | str) -> Iterator[Received]:
        """Take in one WebSocket message and yield what it asks for.

        A request's receipt is given when the next item is asked for: an `error` before that takes its place.

        Raises:
            RemoteProtocolError: the client broke the protocol; the server answers with `error` and closes.
        """
        # A line feed in a message of its own is a beat; one behind a frame only ends that frame.
        self._beats = self._beats or not data.strip()
        self._reader.receive(data)
        items = 0
        while (item := self._reader.next_frame()) is not None:
            items += 1
            if items > ITEMS_AT_ONCE_MAX:
                raise RemoteProtocolError(f"expected at most {ITEMS_AT_ONCE_MAX} frames in a message, found more")
            if isinstance(item, HeartBeat):
                continue
            self.frames += 1
            self._receipt = item.headers.get("receipt")
            received = self._frame(item)
            if received is not None:
                yield received
            if self._signing_in is not None:
                raise AssertionError("accept() or error() must answer SignIn")
            self._give_receipt()

    def take_outgoing(self) -> list[str]:
        """Return the frames that must be sent now, each once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    @property
    def silence_s_max(self) -> float:
        """How long the client may say nothing now."""
        if not self.signed_in:
            return SIGN_IN_S_MAX
        every_s = self.pace.expect_every_s
        return _BEATS_MISSED_MAX * every_s if self._beats and every_s is not None else float("inf")

    def accept(self, session_id: str) -> None:
        """Answer SignIn with CONNECTED."""
        assert self._signing_in is not None, "SignIn comes first"
        offered = self._signing_in.headers.get("heart-beat")
        self.pace = agree(self.offer, read_heart_beat(offered))
        headers = {"version": self.version.value, "session": session_id, "heart-beat": self.offer.header()}
        self._signing_in, self.signed_in, self._receipt = None, True, None
        self._reader.version = self.version
        self._outgoing.append(encode(Frame("CONNECTED", headers), self.version))

    def error(self, reason: str, detail: str) -> None:
        """Say ERROR; the server closes next. `reason` is short and one line, `detail` a sentence for a person."""
        self._signing_in = None
        headers = {"message": reason, "content-type": "text/plain"}
        if self._receipt is not None:
            headers["receipt-id"] = self._receipt
        self._outgoing.append(encode(Frame("ERROR", headers, detail.encode()), self.version))

    def _give_receipt(self) -> None:
        if self._receipt is not None:
            self._outgoing.append(encode(Frame("RECEIPT", {"receipt-id": self._receipt}), self.version))

    def _frame(self, frame: Frame) -> Received | None:
        if not self.signed_in:
            return self._connect(frame)
        match frame.command:
            case "SUBSCRIBE":
                return self._subscribe(frame)
            case "UNSUBSCRIBE":
                subscription_id = self._subscription_id(frame)
                known = self.subscriptions.pop(subscription_id, None)
                return None if known is None else Unsubscribed(subscription_id)
            case "SEND":
                return self._send(frame)
            case "DISCONNECT":
                self._give_receipt()
                self._receipt = None
                return Goodbye()
            case "ACK" | "NACK":  # nothing waits for them: subscriptions are `auto`
                return None
            case command:
                raise RemoteProtocolError(f"expected SUBSCRIBE, UNSUBSCRIBE, SEND or DISCONNECT, found {command}")

    def _connect(self, frame: Frame) -> SignIn:
        self._receipt = None  # CONNECT has none
        if frame.command not in ("CONNECT", "STOMP"):
            raise RemoteProtocolError(f"expected CONNECT, found {frame.command}")
        version = negotiate_version(frame.headers.get("accept-version"))
        if version is None:
            raise RemoteProtocolError("expected accept-version with 1.0, 1.1 or 1.2, found none of them")
        read_heart_beat(frame.headers.get("heart-beat"))
        self.version = version
        self._signing_in = frame
        return SignIn(frame.headers)

    def _subscribe(self, frame: Frame) -> Subscribed:
        destination = frame.headers.get("destination")
        if destination is None:
            raise RemoteProtocolError("expected destination in SUBSCRIBE, found none")
        if self.queues is not None and destination not in self.queues:
            known = ", ".join(sorted(self.queues))
            raise RemoteProtocolError(f"expected SUBSCRIBE to one of {known}, found {destination[:80]!r}")
        subscription_id = self._subscription_id(frame)
        if len(self.subscriptions) >= SUBSCRIPTIONS_MAX and subscription_id not in self.subscriptions:
            raise RemoteProtocolError(f"expected at most {SUBSCRIPTIONS_MAX} subscriptions, found one more")
        self.subscriptions[subscription_id] = destination
        return Subscribed(subscription_id, destination)

    def _subscription_id(self, frame: Frame) -> str:
        # STOMP 1.0 knows subscriptions without an id, which their destination names.
        fallback = frame.headers.get("destination") if self.version is Version.V1_0 else None
        found = frame.headers.get("id", fallback)
        if found is None:
            raise RemoteProtocolError(f"expected id in {frame.command}, found none")
        if len(found) > SUBSCRIPTION_ID_MAX:
            raise RemoteProtocolError(f"expected id of at most {SUBSCRIPTION_ID_MAX} characters, found {len(found)}")
        return found

    def _send(self, frame: Frame) -> Request:
        destination = frame.headers.get("destination")
        if destination is None or destination not in self.requests:
            known = " or ".join(sorted(self.requests))
            raise RemoteProtocolError(f"expected SEND to {known}, found {str(destination)[:80]!r}")
        return Request(destination, frame.body)
