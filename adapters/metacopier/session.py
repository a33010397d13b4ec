"""One session of MetaCopier's Socket API, sans-IO: STOMP sign-in, the subscription, and messages out of frames.

The driver sends what `connect` and `take_outgoing` give, each as one WebSocket message, passes what arrives to
`receive`, beats every `beat_every_s` seconds once signed in, and gives up after `silence_s_max` seconds of nothing.
"""

from collections import Counter
from collections.abc import Iterator
from typing import TypeAlias

from attrs import define, field

from adapters.base import RemoteProtocolError
from adapters.metacopier.wire import Message, OtherAccount, UnknownMessage, decode_message, encode_filter
from adapters.secret import Secret
from adapters.transport.stomp import (
    Frame,
    FrameReader,
    HeartBeat,
    HeartBeatOffer,
    Version,
    agree,
    encode,
    read_heart_beat,
)
from rules.model.frozen import frozen

QUEUE = "/user/queue/accounts/changes"
SUBSCRIBE_TO = "/app/subscribe"
SUBSCRIPTION = "sub-0"

_OFFER = HeartBeatOffer(10_000, 10_000)

# The page advises 20 s; one production user was dropped 120-180 times an hour at 15 s and never at 8 s with the first
# beat right after CONNECTED, whatever had been declared (seen 2026-06 to 2026-09).
BEAT_EVERY_S = 8.0

# Three missed beats. A server that promises none still sends the account's figures once a minute; three of these.
_BEATS_MISSED_MAX = 3
SILENCE_WITHOUT_BEATS_S_MAX = 180.0

SIGN_IN_S_MAX = 15.0
"""How long CONNECTED may take."""

# Bounds the table of types that nobody reads; the venue has three.
_TYPES_COUNTED_MAX = 32


@frozen
class SignedIn:
    """CONNECTED came; the subscription waits in `take_outgoing`."""


@frozen
class Refused:
    """The server sent ERROR, after which it closes. The text is its own."""

    text: str


Received: TypeAlias = SignedIn | Refused | Message


@define
class Session:
    """The client half of one STOMP session for one account.

    `skipped` counts messages that were left aside, by type: unknown types, and those of other accounts.
    """

    account_id: str
    api_key: Secret
    silence_s_max: float = field(default=SIGN_IN_S_MAX, init=False)
    skipped: Counter[str] = field(factory=Counter, init=False)
    _reader: FrameReader = field(factory=FrameReader, init=False, repr=False)
    _version: Version | None = field(default=None, init=False)
    _outgoing: list[str] = field(factory=list, init=False, repr=False)

    @property
    def beat_every_s(self) -> float | None:
        """How often to beat, the first time at once; None before sign-in."""
        return None if self._version is None else BEAT_EVERY_S

    def connect(self) -> str:
        """Return the frame that signs in; the first that the driver sends."""
        headers = {
            "accept-version": "1.2,1.1,1.0",
            "host": "/",
            "heart-beat": _OFFER.header(),
            "api-key": self.api_key.reveal(),
        }
        return encode(Frame("CONNECT", headers), Version.V1_2)

    def receive(self, data: bytes | str) -> Iterator[Received]:
        """Take in one WebSocket message and yield what it says.

        Raises:
            RemoteProtocolError: the server broke STOMP or its own message format.
        """
        self._reader.receive(data)
        while (item := self._reader.next_frame()) is not None:
            if isinstance(item, HeartBeat):
                continue
            received = self._frame(item)
            if received is not None:
                yield received

    def take_outgoing(self) -> list[str]:
        """Return the frames to send now, each once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def _frame(self, frame: Frame) -> Received | None:
        if frame.command == "ERROR":
            return Refused(_error_text(frame))
        if self._version is None:
            if frame.command != "CONNECTED":
                raise RemoteProtocolError(f"expected CONNECTED or ERROR, found {frame.command}")
            return self._connected(frame)
        if frame.command == "MESSAGE":
            return self._message(frame)
        if frame.command == "RECEIPT":  # we ask for none; a server may still send it
            return None
        raise RemoteProtocolError(f"expected MESSAGE, RECEIPT or ERROR, found {frame.command}")

    def _connected(self, frame: Frame) -> SignedIn:
        name = frame.headers.get("version", Version.V1_0.value)
        version = next((version for version in Version if version.value == name), None)
        if version is None:
            raise RemoteProtocolError(f"expected STOMP version 1.0, 1.1 or 1.2, found {name[:40]!r}")
        self._version = self._reader.version = version
        expected_s = agree(_OFFER, read_heart_beat(frame.headers.get("heart-beat"))).expect_every_s
        patience_s = SILENCE_WITHOUT_BEATS_S_MAX if expected_s is None else _BEATS_MISSED_MAX * expected_s
        self.silence_s_max = min(patience_s, SILENCE_WITHOUT_BEATS_S_MAX)
        body = encode_filter([self.account_id])
        self._outgoing += [
            encode(Frame("SUBSCRIBE", {"id": SUBSCRIPTION, "destination": QUEUE, "ack": "auto"}), version),
            encode(Frame("SEND", {"destination": SUBSCRIBE_TO, "content-type": "application/json"}, body), version),
        ]
        return SignedIn()

    def _message(self, frame: Frame) -> Message | None:
        message = decode_message(frame.body, self.account_id)
        if isinstance(message, OtherAccount | UnknownMessage):
            if message.type in self.skipped or len(self.skipped) < _TYPES_COUNTED_MAX:
                self.skipped[message.type] += 1
            return None
        return message


def _error_text(frame: Frame) -> str:
    parts = (frame.headers.get("message", ""), frame.body[:300].decode(errors="replace").strip())
    return ": ".join(part[:300] for part in parts if part) or "no text"
