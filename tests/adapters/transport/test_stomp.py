"""STOMP frames byte by byte: every version, every cut, every limit, and the frames of a client library."""

from collections.abc import Sequence

import pytest
import stomper
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.stomp import (
    HEADERS_MAX,
    HEART_BEAT,
    HEART_BEAT_WIRE,
    Frame,
    FrameReader,
    HeartBeatOffer,
    Item,
    Pace,
    Version,
    agree,
    encode,
    negotiate_version,
    read_heart_beat,
)


def read(data: bytes | str, reader: FrameReader | None = None) -> list[Item]:
    reader = reader or FrameReader()
    reader.receive(data)
    return drain(reader)


def drain(reader: FrameReader) -> list[Item]:
    items: list[Item] = []
    while (item := reader.next_frame()) is not None:
        items.append(item)
    return items


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
NAMES = TEXT.filter(lambda name: name not in {"", "content-length"})
FRAMES = st.builds(
    Frame,
    st.sampled_from(["SEND", "MESSAGE", "ERROR"]),
    st.dictionaries(NAMES, TEXT, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.encode),
)


@pytest.mark.slow  # hypothesis generates hundreds of frame sequences
@given(st.lists(FRAMES | st.just(HEART_BEAT), max_size=5), st.lists(st.integers(1, 30), min_size=1, max_size=9))
def test_any_frames_come_back_however_the_bytes_are_cut(items: Sequence[Item], cuts: Sequence[int]) -> None:
    wire = "".join(
        encode(item, Version.V1_2) if isinstance(item, Frame) else HEART_BEAT_WIRE for item in items
    ).encode()
    reader = FrameReader()
    seen: list[Item] = []
    start = 0
    for index in range(len(wire)):
        if start >= len(wire):
            break
        size = cuts[index % len(cuts)]
        seen += read(wire[start : start + size], reader)
        start += size
    assert [_without_length(item) for item in seen] == [_without_length(item) for item in items]


def _without_length(item: Item) -> Item:
    if not isinstance(item, Frame):
        return item
    headers = {name: value for name, value in item.headers.items() if name != "content-length"}
    return Frame(item.command, headers, item.body)


@pytest.mark.slow  # hypothesis generates hundreds of byte strings
@given(st.binary(max_size=200))
def test_noise_is_refused_or_waited_on_but_never_crashes(noise: bytes) -> None:
    try:
        items = read(b"MESSAGE\n" + noise)
    except RemoteProtocolError:
        return
    assert b"\0" in noise or not any(isinstance(item, Frame) for item in items)


def test_crlf_repeated_headers_and_heart_beats_between_frames_are_read() -> None:
    assert read("MESSAGE\r\na:1\\c2\r\na:9\r\n\r\nx\0\n\r\nRECEIPT\n\n\0") == [
        Frame("MESSAGE", {"a": "1:2"}, b"x"),
        HEART_BEAT,
        HEART_BEAT,
        Frame("RECEIPT"),
    ]


def test_content_length_lets_a_body_hold_nul() -> None:
    assert read(b"SEND\ncontent-length:3\n\na\0b\0") == [Frame("SEND", {"content-length": "3"}, b"a\0b")]


def test_an_unfinished_frame_is_waited_on() -> None:
    reader = FrameReader()
    assert read("SEND\ndestination:/app/subscribe\n\n{", reader) == []
    assert read("}\0", reader) == [Frame("SEND", {"destination": "/app/subscribe"}, b"{}")]


@pytest.mark.parametrize(
    ("version", "wire", "value"),
    [
        (Version.V1_0, "a\\nb:c\\d", "a\\nb:c\\d"),
        (Version.V1_1, "a\\nb\\cc\\\\d", "a\nb:c\\d"),
        (Version.V1_2, "a\\nb\\cc\\\\d\\r", "a\nb:c\\d\r"),
    ],
)
def test_each_version_unescapes_by_its_own_table(version: Version, wire: str, value: str) -> None:
    assert read(f"MESSAGE\nh:{wire}\n\n\0", FrameReader(version=version)) == [Frame("MESSAGE", {"h": value})]


@pytest.mark.parametrize(
    ("version", "value", "wire"),
    [
        (Version.V1_0, "a:b\\c", "a:b\\c"),
        (Version.V1_1, "a:b\\c\nd", "a\\cb\\\\c\\nd"),
        (Version.V1_2, "a:b\\c\nd\re", "a\\cb\\\\c\\nd\\re"),
    ],
)
def test_each_version_escapes_by_its_own_table(version: Version, value: str, wire: str) -> None:
    assert encode(Frame("MESSAGE", {"h": value}), version) == f"MESSAGE\nh:{wire}\n\n\0"


def test_connect_and_connected_are_never_escaped() -> None:
    for command in ("CONNECT", "STOMP", "CONNECTED"):
        frame = Frame(command, {"api-key": "a:b\\c"})
        wire = f"{command}\napi-key:a:b\\c\n\n\0"
        assert encode(frame, Version.V1_2) == wire
        assert read(wire) == [frame]


def test_a_body_gets_its_length_in_bytes_and_nothing_follows_the_nul() -> None:
    wire = encode(Frame("MESSAGE", {"subscription": "sub-0"}, "é".encode()), Version.V1_2)
    assert wire == "MESSAGE\nsubscription:sub-0\ncontent-length:2\n\né\0"


@pytest.mark.parametrize(
    ("frame", "version"),
    [
        (Frame("HELLO"), Version.V1_2),
        (Frame("SUBSCRIBE", {}, b"x"), Version.V1_2),
        (Frame("CONNECT", {"api-key": "a\nb"}), Version.V1_2),
        (Frame("MESSAGE", {"h": "a\0b"}), Version.V1_2),
        (Frame("MESSAGE", {"h": "a\nb"}), Version.V1_0),
        (Frame("MESSAGE", {"h": "a\rb"}), Version.V1_1),
        (Frame("MESSAGE", {"a:b": "c"}), Version.V1_0),
    ],
)
def test_what_cannot_be_said_in_a_version_is_our_own_bug(frame: Frame, version: Version) -> None:
    with pytest.raises(LocalProtocolError):
        encode(frame, version)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("HELLO\n\n\0", "expected a STOMP command, found 'HELLO'"),
        ("SEND\nno colon\n\n\0", "name:value"),
        ("SEND\n:nameless\n\n\0", "name:value"),
        ("SEND\na:\\t\n\n\0", r"found '\\t'"),
        ("SEND\na:end\\\n\n\0", "expected a STOMP escape"),
        ("SEND\ncontent-length:1\n\nabc\0", "expected NUL after content-length 1"),
        ("SEND\ncontent-length:-1\n\n\0", "found '-1'"),
        ("SEND\ncontent-length:9999999999\n\n\0", "content-length in digits"),
        ("SEND\ncontent-length:١\n\n\0", "content-length in digits"),
        ("SUBSCRIBE\n\nbody\0", "expected no body in a STOMP SUBSCRIBE, found 4 bytes"),
        (b"SEND\na:\xff\n\n\0", "UTF-8"),
        ("SEND\na:b\0c\n\n\0", "without NUL"),
        ("SEND\n" + "a:b\n" * (HEADERS_MAX + 1) + "\n\0", f"at most {HEADERS_MAX} STOMP headers"),
    ],
)
def test_what_is_not_stomp_is_the_peers_mistake(wire: str | bytes, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read(wire)
    assert text in str(caught.value)


def test_a_header_line_that_is_refused_is_not_shown() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        read("CONNECT\napi-key SECRET\n\n\0")
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    "wire",
    [
        "SEND\na:" + "x" * 200,
        "SEND\na:" + "x" * 200 + "\n\n\0",
        "SEND\n\n" + "x" * 200,
        "SEND\n\n" + "x" * 200 + "\0",
        "SEND\ncontent-length:200\n\n",
    ],
)
def test_more_than_the_limits_is_refused_before_it_is_kept(wire: str) -> None:
    with pytest.raises(RemoteProtocolError, match="at most 100 bytes"):
        read(wire, FrameReader(head_bytes_max=100, body_bytes_max=100))


def test_frames_of_the_stomper_library_are_read() -> None:
    connect = stomper.Frame()
    connect.cmd = "CONNECT"
    connect.headers = {"api-key": "k:1", "accept-version": "1.2", "heart-beat": "10000,10000", "host": "/"}
    wire = "".join(
        [
            connect.pack(),
            stomper.subscribe("/user/queue/accounts/changes", "sub-0"),
            stomper.send("/app/subscribe", '{"accountIds": []}', content_type="application/json"),
            stomper.unsubscribe("sub-0"),
            stomper.disconnect("close-1"),
        ]
    )
    assert [item for item in read(wire) if isinstance(item, Frame)] == [
        Frame("CONNECT", {"accept-version": "1.2", "api-key": "k:1", "heart-beat": "10000,10000", "host": "/"}),
        Frame("SUBSCRIBE", {"id": "sub-0", "destination": "/user/queue/accounts/changes", "ack": "auto"}),
        Frame("SEND", {"destination": "/app/subscribe", "content-type": "application/json"}, b'{"accountIds": []}'),
        Frame("UNSUBSCRIBE", {"id": "sub-0"}),
        Frame("DISCONNECT", {"receipt": "close-1"}),
    ]


def test_the_stomper_library_reads_our_frames() -> None:
    frame = Frame("MESSAGE", {"destination": "/user/queue/accounts/changes", "subscription": "sub-0"}, b'{"a":1}')
    assert stomper.unpack_frame(encode(frame, Version.V1_2)) == {
        "cmd": "MESSAGE",
        "headers": {**frame.headers, "content-length": "7"},
        "body": '{"a":1}',
    }


@pytest.mark.parametrize(
    ("offer", "version"),
    [
        (None, Version.V1_0),
        ("1.2", Version.V1_2),
        ("1.2,1.1,1.0", Version.V1_2),
        ("1.1, 1.2", Version.V1_2),
        ("1.0,1.1", Version.V1_1),
        ("2.0", None),
        ("", None),
    ],
)
def test_the_highest_common_version_is_chosen(offer: str | None, version: Version | None) -> None:
    assert negotiate_version(offer) is version


def test_heart_beats_follow_the_slower_side_in_each_direction() -> None:
    ours = HeartBeatOffer(10_000, 10_000)
    assert agree(ours, read_heart_beat("20000,0")) == Pace(send_every_s=None, expect_every_s=20.0)
    assert agree(ours, read_heart_beat("0,5000")) == Pace(send_every_s=10.0, expect_every_s=None)
    assert agree(ours, read_heart_beat(None)) == Pace(None, None)
    assert ours.header() == "10000,10000"


@pytest.mark.parametrize("header", ["", "1", "1,2,3", "a,b", "-1,0", "1.5,0", "9999999999,0"])
def test_a_heart_beat_that_is_not_two_numbers_is_refused(header: str) -> None:
    with pytest.raises(RemoteProtocolError, match="heart-beat"):
        read_heart_beat(header)
