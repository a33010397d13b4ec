"""Packets, polite and hostile. Frames are as the socket.io 4.8 and 2.5 servers of npm write them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.socketio_packets import (
    Ack,
    Connected,
    ConnectRequested,
    Disconnected,
    Event,
    Refused,
    check_frame,
    check_namespace,
    read_packet,
    write_packet,
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0", Connected("/")),
        ('0{"sid":"x"}', Connected("/")),
        ('0/streams-api,{"sid":"x"}', Connected("/streams-api")),
        ("0/streams-api", Connected("/streams-api")),
        ("0/a?token=t,", Connected("/a")),
        ("1/a,", Disconnected("/a")),
        ("1", Disconnected("/")),
        ('2["quote"]', Event("/", "quote", ())),
        ('2/a,["quote",{"bid":1.10}]', Event("/a", "quote", ({"bid": Decimal("1.10")},))),
        ('2/a,17["quote",[1,null]]', Event("/a", "quote", ([1, None],), 17)),
        ('3/a,0[{"status":"ok"}]', Ack("/a", 0, ({"status": "ok"},))),
        ("31[]", Ack("/", 1, ())),
        ('4/a,{"message":"no","data":{"code":1}}', Refused("/a", {"message": "no", "data": {"code": 1}})),
        ('4"bad token"', Refused("/", "bad token")),
    ],
)
def test_packets_of_a_server_are_read(text: str, message: object) -> None:
    assert read_packet(text, from_client=False, eio_version=4) == message


def test_connect_of_a_client_is_a_request_and_its_auth_is_not_shown() -> None:
    request = read_packet('0/a,{"token":"sesame"}', from_client=True, eio_version=4)
    assert request == ConnectRequested("/a", {"token": "sesame"})
    assert "sesame" not in repr(request)
    assert read_packet("0/a?token=sesame,", from_client=True, eio_version=3) == ConnectRequested("/a", None)


def test_numbers_stay_exactly_as_written() -> None:
    text = '2["x",0.1,1.10,-0.0,1e5,3299.7100,123456789012345678901234567890]'
    event = read_packet(text, from_client=False, eio_version=4)
    assert isinstance(event, Event)
    assert [str(arg) for arg in event.args] == [
        "0.1",
        "1.10",
        "-0.0",
        "1E+5",
        "3299.7100",
        "1" + "23456789" + "0" + "12345678901234567890",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "9[]",
        "²[]",
        "2",
        "2[]",
        "2{}",
        "2[1]",
        '2["' + "n" * 201 + '"]',
        '2["x"',
        '2["x"]]',
        '2["x",NaN]',
        '2["x",Infinity]',
        '2["x",01]',
        '2["\ud800"]',
        '2["\\ud800"]',
        '2²["x"]',
        "2" + "9" * 100 + '["x"]',
        "2" + "[" * 100_000,
        '2["x",' + "9" * 100_000 + "]",
        '2/no-comma["x"]',
        "2/" + "n" * 300 + ',["x"]',
        "3[]",
        "31{}",
        "31",
        '51-["x",{"_placeholder":true,"num":0}]',
        '5999999-["x"]',
        "61-1[]",
    ],
)
def test_hostile_packet_breaks_the_protocol(text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected .*, found "):
        read_packet(text, from_client=False, eio_version=4)


def test_error_from_a_client_breaks_the_protocol() -> None:
    with pytest.raises(RemoteProtocolError, match="an error from a server"):
        read_packet('4"no"', from_client=True, eio_version=4)


def test_broken_packet_does_not_show_what_is_inside_its_objects() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read_packet('0/a,{"token":"sesame"', from_client=True, eio_version=4)
    assert "sesame" not in str(caught.value)


@given(st.text(max_size=40), st.booleans(), st.sampled_from([3, 4]))
def test_any_text_is_a_message_or_a_broken_protocol(text: str, from_client: bool, eio_version: int) -> None:
    try:
        message = read_packet(text, from_client=from_client, eio_version=eio_version)  # type: ignore[arg-type]
    except RemoteProtocolError:
        return
    assert message is not None


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(max_examples=30)
@given(
    st.sampled_from(["/", "/a", "/streams-api"]), st.none() | st.integers(0, 10**15 - 1), st.lists(_json, max_size=3)
)
def test_event_that_was_written_reads_the_same(namespace: str, ack_id: int | None, args: list[object]) -> None:
    frame = write_packet(2, namespace, ["name", *args], ack_id)
    assert frame[0] == "4"
    event = Event(namespace, "name", tuple(args), ack_id)
    assert read_packet(frame[1:], from_client=False, eio_version=4) == event


def test_decimals_are_written_as_exact_numbers() -> None:
    assert write_packet(2, "/a", ["order", {"lots": Decimal("0.10")}], 3) == '42/a,3["order",{"lots":0.10}]'


@pytest.mark.parametrize("data", [["x", b"bytes"], ["x", object()], ["x", "\ud800"]])
def test_what_is_no_json_is_our_bug(data: list[object]) -> None:
    with pytest.raises(LocalProtocolError, match="cannot write"):
        write_packet(2, "/", data)


@pytest.mark.parametrize(("frame", "found"), [(b"42", "2 bytes of binary"), ("", "found 0"), ("4" * 11, "found 11")])
def test_frame_that_is_binary_empty_or_large_is_refused(frame: str | bytes, found: str) -> None:
    with pytest.raises(RemoteProtocolError, match=found):
        check_frame(frame, 10)


@pytest.mark.parametrize("namespace", ["", "a", "/a,b", "/a?b", "/" + "a" * 256])
def test_namespace_that_cannot_be_written_is_our_bug(namespace: str) -> None:
    with pytest.raises(LocalProtocolError, match="a namespace must be"):
        check_namespace(namespace)
