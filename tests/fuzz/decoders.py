"""Everything that reads what comes from outside, as the campaign sees it: good inputs, and a way to give it any."""

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import attrs
from attrs import define

from adapters.base import RemoteProtocolError, SessionLost, SignalFault, SignInRefused
from adapters.calendars import CalendarError, CalendarFormat, parse_calendar
from adapters.clearstreet.session import StreamSession as ClearStreetSession
from adapters.metaapi.session import StreamSession as MetaApiSession
from adapters.metacopier.session import Refused, SignedIn
from adapters.metacopier.session import Session as MetaCopierSession
from adapters.metacopier.translator import Translator
from adapters.signals.words import decoded, read_signal
from adapters.tradelocker.session import StreamSession as TradeLockerSession
from adapters.transport.engineio_payload import decode_payload, encode_payload
from adapters.transport.socketio import ClientSession
from adapters.transport.socketio_server import ServerSession
from adapters.transport.stomp import Frame, FrameReader, Version, encode
from rules.model.frozen import frozen
from rules.model.values import AccountId, OmsType, exact
from tests.fuzz import histories
from tests.fuzz.mutate import mutated
from tests.fuzz.transcripts import Transcript, record, tell

REFUSALS = (RemoteProtocolError, SessionLost, SignInRefused)
"""How a broken input may be refused; anything else that is raised is a bug."""

INPUTS_A_SESSION = 20
"""A session that refused nothing so far takes this many broken inputs, one after the other, before a fresh one does."""


class Fuzzed:
    """One decoder under attack."""

    def next_input(self, random: Random) -> str:
        """Make a broken input."""
        raise NotImplementedError

    def take(self, text: str) -> bool:
        """Give an input to the decoder, check what it says of it, and tell whether it was taken (False: refused).

        Raises:
            whatever is no refusal: a bug.
        """
        raise NotImplementedError


@define
class Stateless(Fuzzed):
    """A decoder that is made anew for each input."""

    good: list[str]
    decode: Callable[[str], object]

    def next_input(self, random: Random) -> str:
        return mutated(random.choice(self.good), random.choice(self.good), random)

    def take(self, text: str) -> bool:
        try:
            check(self.decode(text))
        except REFUSALS:
            return False
        return True


@define
class Told(Fuzzed):
    """A session that was told a part of a good hour, and then gets broken frames."""

    transcript: Transcript
    meaning: Callable[[list[Any]], object]
    """Makes of what the session said what its driver makes of it."""
    _session: Any = None
    _place: int = 0
    _left: int = 0

    def next_input(self, random: Random) -> str:
        frames = self.transcript.frames()
        if self._session is None or not self._left:
            self._place, self._left = random.choice(frames), INPUTS_A_SESSION
            self._session = self.transcript.session_at(self._place)
        self._left -= 1
        good = self.transcript.calls[self._place][1][0]
        other = self.transcript.calls[random.choice(frames)][1][0]
        return mutated(good, other, random)

    def take(self, text: str) -> bool:
        session = self._session or self.transcript.session_at(self._place)
        arguments = (text, *self.transcript.calls[self._place][1][1:])
        try:
            check(self.meaning(tell(session, "receive", arguments)))
            check(session.take_outbox() if hasattr(session, "take_outbox") else [])
        except REFUSALS:
            self._session = None
            return False
        return True


def check(said: object) -> None:
    """Check that every number which got through is one that our own door would let in."""
    for number in _numbers(said):
        exact(number, "a number that was let through")


def _numbers(said: object) -> Iterator[Decimal]:
    if isinstance(said, Decimal):
        yield said
    elif isinstance(said, Mapping):
        for value in said.values():
            yield from _numbers(value)
    elif isinstance(said, list | tuple | set | frozenset):
        for value in said:
            yield from _numbers(value)
    elif attrs.has(type(said)) and not isinstance(said, Enum):
        for each in attrs.fields(type(said)):
            yield from _numbers(getattr(said, each.name))


@frozen
class Decoder:
    """A name on the command line, and how it is set up."""

    name: str
    make: Callable[[], Fuzzed]


def _socketio_client(eio_version: Any) -> Fuzzed:
    good = [
        '0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}',
        '40{"sid":"n"}',
        "40/streams-api/,",
        '42["stream",{"type":"Position","lots":"0.1"}]',
        '42/streams-api/,17["subscribe",{"a":[1,2.5,null]}]',
        '43/streams-api/,1[{"ok":true}]',
        '44{"message":"no"}',
        "41",
        "2",
        "3probe",
        "6",
        "1",
    ]

    def decode(text: str) -> object:
        session = ClientSession(eio_version=eio_version)
        session.receive(good[0])
        session.connect("/streams-api/")
        session.receive(text)
        return session.take_outbox()

    return Stateless(good, decode)


def _socketio_server() -> Fuzzed:
    good = ["40", "40/streams-api/,", '42["request",{"type":"trade"}]', '43/,1["x"]', "2", "3", "1", "41"]

    def decode(text: str) -> object:
        session = ServerSession("s", eio_version=3)
        session.receive(text)
        return session.take_outbox()

    return Stateless(good, decode)


def _stomp() -> Fuzzed:
    body = json.dumps({"type": "UpdateOpenPositionsDTO", "data": [{"id": "1", "volume": 0.1}]}).encode()
    frames = [
        Frame("CONNECTED", {"version": "1.2", "heart-beat": "10000,10000"}),
        Frame("MESSAGE", {"destination": "/user/queue", "content-length": str(len(body)), "message-id": "1"}, body),
        Frame("MESSAGE", {"destination": "/user/queue", "key:with": "a\nb\\c"}, b"text"),
        Frame("ERROR", {"message": "no"}, b"why"),
        Frame("RECEIPT", {"receipt-id": "7"}),
    ]
    good = [encode(frame, Version.V1_2) for frame in frames]

    def decode(text: str) -> object:
        reader = FrameReader()
        reader.receive(text.encode("utf-8", "surrogatepass"))
        items = []
        while (item := reader.next_frame()) is not None:
            items.append(item)
        return items

    return Stateless(good, decode)


def _payload(eio_version: Any) -> Fuzzed:
    packets = ['42["a",{"b":1}]', "2probe", "6", '40{"sid":"🪙"}']
    good = [encode_payload(packets[:count], eio_version).decode() for count in range(1, len(packets) + 1)]
    return Stateless(good, lambda text: decode_payload(text.encode("utf-8", "surrogatepass"), eio_version))


def _calendar(written: CalendarFormat) -> Fuzzed:
    good = Path(f"tests/data/calendars/week.{written.value}").read_bytes().decode()

    def decode(text: str) -> object:
        try:
            events = parse_calendar(text, written, ZoneInfo("America/New_York"))
        except CalendarError as refused:
            raise RemoteProtocolError(str(refused)) from refused
        assert all(event.at <= event.until for event in events), "an event ends after it begins"
        return events

    return Stateless([good], decode)


def _signal() -> Fuzzed:
    base = {"id": "s1", "time": "2026-11-21T15:00:00Z", "secret": "a-secret-of-some-length"}
    opening = {"action": "open", "symbol": "EURUSD", "side": "buy", "volume": "0.10", "price": 1.0851, "stop_loss": 0}
    others = ({"action": "modify", "position": 5, "stop_loss": None}, {"action": "close_all", "time": 1795273200})

    def decode(text: str) -> object:
        try:
            return read_signal(decoded(text.encode(errors="surrogatepass")))
        except SignalFault as refused:
            raise RemoteProtocolError(str(refused)) from refused

    return Stateless([json.dumps({**base, **each}) for each in (opening, *others)], decode)


def _session(
    kind: str, session: type, meaning: Callable[[list[Any]], object] = lambda said: said
) -> Callable[[], Fuzzed]:
    @cache
    def transcript() -> Transcript:
        return record(kind, session)

    return lambda: Told(transcript(), meaning)


def _translated(said: list[Any]) -> object:
    """Read the rows of MetaCopier's lists, which are read when they are translated."""
    translator = Translator(AccountId("a"), OmsType.HEDGING)
    messages = [each for each in said if not isinstance(each, SignedIn | Refused)]
    return [translator.events(message, histories.SINCE) for message in messages]


DECODERS = (
    Decoder("socketio-3", lambda: _socketio_client(3)),
    Decoder("socketio-4", lambda: _socketio_client(4)),
    Decoder("socketio-server", _socketio_server),
    Decoder("payload-3", lambda: _payload(3)),
    Decoder("payload-4", lambda: _payload(4)),
    Decoder("stomp", _stomp),
    Decoder("calendar-csv", lambda: _calendar(CalendarFormat.CSV)),
    Decoder("calendar-ics", lambda: _calendar(CalendarFormat.ICS)),
    Decoder("signals", _signal),
    Decoder("tradelocker", _session("tradelocker", TradeLockerSession)),
    Decoder("metacopier", _session("metacopier", MetaCopierSession, _translated)),
    Decoder("metaapi", _session("metaapi", MetaApiSession)),
    Decoder("clearstreet", _session("clearstreet-netting", ClearStreetSession)),
    Decoder("history-tradelocker", lambda: Stateless(*histories.of_tradelocker())),
    Decoder("history-metacopier", lambda: Stateless(*histories.of_metacopier())),
    Decoder("history-metaapi", lambda: Stateless(*histories.of_metaapi())),
    Decoder("history-clearstreet", lambda: Stateless(*histories.of_clearstreet())),
)
