"""Events read at once into our types say what reading them word by word says."""

import json

import pytest

from adapters.base import RemoteProtocolError
from adapters.metaapi import wire
from adapters.transport.socketio_packets import read_json
from tests.adapters.metaapi.frames import ACCOUNT, row


def words_of(kind, **fields):
    return {"type": kind, "accountId": ACCOUNT, "sequenceNumber": 3, "sequenceTimestamp": 1.5, **fields}


PACKETS = [
    words_of("positions", positions=[row("1"), row(2, stopLoss=0.30000000000000004, magic=7)]),
    words_of("status", connected=True),
    words_of("prices", prices=[{"symbol": "EURUSD", "bid": 1.1, "ask": "1.2"}], equity=1e3, unknown=[{"a": 1.5}]),
    words_of("update", removedPositionIds=[1, "2"], positions=None),
]


def as_text(*event) -> str:
    return json.dumps(event, default=float)


def both_ways(text: str):
    return wire.packet(tuple(wire.read_event(text, text)[1:])), wire.packet(tuple(read_json(text, text)[1:]))


@pytest.mark.parametrize("words", PACKETS)
def test_a_packet_is_the_same_in_one_step_as_in_two(words):
    at_once, in_steps = both_ways(as_text(wire.EVENT_SYNCHRONIZATION, words))
    assert at_once == in_steps
    assert repr(at_once) == repr(in_steps)  # numbers of the same kind and digits


@pytest.mark.parametrize("words", PACKETS)
def test_a_packet_may_come_as_text_or_with_something_behind_it(words):
    plain, _ = both_ways(as_text(wire.EVENT_SYNCHRONIZATION, words))
    assert both_ways(as_text(wire.EVENT_SYNCHRONIZATION, as_text(words)[1:-1])) == (plain, plain)
    assert both_ways(as_text(wire.EVENT_SYNCHRONIZATION, words, 7)) == (plain, plain)


def test_another_event_is_read_as_it_is():
    text = as_text("response", {"type": "response", "n": 1})
    assert wire.read_event(text, text) == ["response", {"type": "response", "n": 1}]


@pytest.mark.parametrize(
    "data",
    [{"type": "update"}, words_of("positions", positions=[{"id": "1"}]), words_of("update", deals=7), 7, None, "x"],
)
def test_a_packet_that_is_none_is_named(data):
    text = as_text(wire.EVENT_SYNCHRONIZATION, data)
    with pytest.raises(RemoteProtocolError, match=r"expected|synchronization"):
        wire.packet(tuple(wire.read_event(text, text)[1:]))


@pytest.mark.parametrize("text", ['["synchronization",{', '["synchronization",' + "[" * 100_000, "", "\ud800"])
def test_what_is_no_json_breaks_the_protocol(text):
    with pytest.raises(RemoteProtocolError, match="expected JSON"):
        wire.read_event(text, text)
