"""Reads the vendor's samples and takes them through a real session."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

from adapters.metacopier.session import Session
from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import Message
from adapters.secret import Secret
from adapters.transport.stomp import Frame, Version, encode
from rules.model.events import Event
from rules.model.values import AccountId, OmsType
from tests.adapters.metacopier.venue import START

FOLDER = Path(__file__).parents[2] / "data" / "metacopier" / "samples"
ALIAS = AccountId("mc")

CONNECTED = "CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0"


def text(name: str) -> str:
    return (FOLDER / name).read_text()


def sample(name: str) -> bytes:
    """Return a sample's JSON; the lines with which the page leaves fields out are no JSON and go."""
    return re.sub(r"\n *// \.\.\.", "", text(name)).encode()


def account_of(name: str) -> str:
    account_id: str = json.loads(sample(name))["data"]["accountId"]
    return account_id


def frame(body: bytes) -> str:
    headers = {"subscription": "sub-0", "message-id": "1", "destination": "/user/queue/accounts/changes"}
    return encode(Frame("MESSAGE", headers, body), Version.V1_2)


def session_for(account_id: str) -> Session:
    """Return a session that is signed in, with its subscription taken out."""
    session = Session(account_id, Secret("key"))
    assert list(session.receive(CONNECTED))
    session.take_outgoing()
    return session


def message(name: str) -> Message:
    """Return what a session makes of one sample."""
    (received,) = session_for(account_of(name)).receive(frame(sample(name)))
    return received  # type: ignore[return-value]


def events(names: Sequence[str], oms: OmsType = OmsType.HEDGING) -> list[Event]:
    """Return what a session and its translator make of samples that arrive one after the other."""
    session = session_for(account_of(names[0]))
    translator = Translator(ALIAS, oms)
    seen: list[Event] = []
    for name in names:
        for received in session.receive(frame(sample(name))):
            seen += translator.events(received, START)  # type: ignore[arg-type]
    return seen
