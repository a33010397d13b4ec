"""Payloads of long polling: round trips, lengths as the real implementations count them, and hostile bodies."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.engineio_payload import (
    FRAMING_BYTES_MAX,
    PACKETS_OUT_MAX,
    content_type,
    decode_payload,
    encode_payload,
)
from adapters.transport.socketio_packets import EioVersion

VERSIONS: list[EioVersion] = [3, 4]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x1e"), min_size=1)


def as_binary(packets: list[str | bytes]) -> bytes:
    """Write the binary form of Engine.IO 3, as python-engineio 3.14 does."""
    body = b""
    for packet in packets:
        data = packet.encode() if isinstance(packet, str) else packet
        body += bytes([isinstance(packet, bytes), *(int(digit) for digit in str(len(data))), 255]) + data
    return body


@pytest.mark.parametrize("eio_version", VERSIONS)
@settings(max_examples=50)  # of long texts; more would take more than 0.1 s
@given(packets=st.lists(TEXT, min_size=1, max_size=PACKETS_OUT_MAX), may_be_binary=st.booleans())
def test_packets_survive_the_way_there_and_back(
    eio_version: EioVersion, packets: list[str], may_be_binary: bool
) -> None:
    body = encode_payload(packets, eio_version, may_be_binary=may_be_binary)
    assert decode_payload(body, eio_version) == packets
    assert len(body) <= sum(len(packet.encode()) for packet in packets) + FRAMING_BYTES_MAX


@settings(max_examples=50)  # the same
@given(packets=st.lists(TEXT | st.binary(min_size=1), min_size=1))
def test_packets_survive_the_binary_form(packets: list[str | bytes]) -> None:
    assert decode_payload(as_binary(packets), 3) == packets


@pytest.mark.parametrize("eio_version", VERSIONS)
@given(body=st.binary() | TEXT.map(str.encode))
def test_any_other_body_is_read_or_refused_and_nothing_else(eio_version: EioVersion, body: bytes) -> None:
    try:
        packets = decode_payload(body, eio_version)
    except RemoteProtocolError:
        return
    assert all(packets)
    assert sum(len(packet if isinstance(packet, bytes) else packet.encode()) for packet in packets) <= len(body)


def test_lengths_are_utf_16_code_units_as_npm_counts_them() -> None:
    # Written by npm's engine.io-parser 2.2.1 (`encodePayload`) for the same four packets.
    packets = ['42["é"]', '42["𝄞😀"]', "2", "6"]
    body = '7:42["é"]10:42["𝄞😀"]1:21:6'.encode()
    assert encode_payload(packets, 3) == body
    assert decode_payload(body, 3) == packets


def test_text_that_peers_count_differently_is_written_in_bytes_where_they_take_it() -> None:
    # Read by npm's engine.io-parser 2.2.1 (`decodePayload`) and python-engineio 3.14.2 (`Payload`).
    body = encode_payload(['42["é𝄞"]', "2"], 3, may_be_binary=True)
    assert body == b'\x00\x01\x02\xff42["\xc3\xa9\xf0\x9d\x84\x9e"]\x00\x01\xff2'
    assert content_type(body) == "application/octet-stream"
    plain = encode_payload(['42["é"]', "2"], 3, may_be_binary=True)
    assert plain == '7:42["é"]1:2'.encode()
    assert content_type(plain) == "text/plain; charset=UTF-8"


def test_engine_io_4_separates_by_one_character() -> None:
    assert encode_payload(['42["é"]', "2"], 4) == '42["é"]\x1e2'.encode()
    assert decode_payload(b"6", 4) == ["6"]


def test_packets_written_by_python_engineio_3_are_read() -> None:
    # `Payload([Packet(MESSAGE, '2["x","é"]'), Packet(PING), Packet(MESSAGE, b"\x01\x02")]).encode()` of 3.14.2.
    body = b'\x00\x01\x02\xff42["x","\xc3\xa9"]\x00\x01\xff2\x01\x03\xff\x04\x01\x02'
    assert decode_payload(body, 3) == ['42["x","é"]', "2", b"\x04\x01\x02"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"1",
        b"1:",
        b"0:",
        b":2",
        b"2:2",
        b"1:23",
        b"-1:2",
        b"1.0:2",
        b"1e0:2",
        b" 1:2",
        b"0000000001:2",
        b"999999999:2",
        b"9" * 400 + b":2",
        "１:2".encode(),
        "㨱:2".encode(),
        "1:𝄞".encode(),
        b"3:\xff\xfe\xfd",
        b"\x00",
        b"\x00\xff2",
        b"\x00\x00\xff",
        b"\x00\x01",
        b"\x00\x02\xff2",
        b"\x00\x0a\xff2222222222",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff2",
        b"\x02\x01\xff2",
        b"\x00\x01\xff2\x30\x01\xff2",
        b"\x00\x01\xff\xff",
    ],
)
def test_hostile_length_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected .*, found "):
        decode_payload(body, 3)


@pytest.mark.parametrize("body", [b"", b"\x1e", b"2\x1e", b"\x1e2", b"2\x1e\x1e2", b"\xff"])
def test_hostile_separation_is_refused(body: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected .*, found "):
        decode_payload(body, 4)


@pytest.mark.parametrize(
    ("one", "joint", "eio_version"), [(b"6", b"\x1e", 4), (b"1:6", b"", 3), (b"\x00\x01\xff6", b"", 3)]
)
def test_payload_of_too_many_packets_is_refused(one: bytes, joint: bytes, eio_version: EioVersion) -> None:
    assert len(decode_payload(joint.join([one] * 20_000), eio_version)) == 20_000
    with pytest.raises(RemoteProtocolError, match="at most 20000 packets"):
        decode_payload(joint.join([one] * 20_001), eio_version)


@pytest.mark.parametrize("eio_version", VERSIONS)
@pytest.mark.parametrize("packets", [[], [""], ["2"] * 17, ["\ud800"]])
def test_writing_what_no_peer_reads_is_our_bug(packets: list[str], eio_version: EioVersion) -> None:
    with pytest.raises(LocalProtocolError):
        encode_payload(packets, eio_version)


def test_separator_within_a_packet_is_our_bug_where_it_separates() -> None:
    assert decode_payload(encode_payload(["4\x1e"], 3), 3) == ["4\x1e"]
    with pytest.raises(LocalProtocolError, match="separator"):
        encode_payload(["4\x1e"], 4)


@pytest.mark.parametrize("eio_version", VERSIONS)
def test_error_does_not_show_what_may_be_secret(eio_version: EioVersion) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_payload(b'40{"token":"sesame"}\xff', eio_version)
    assert "sesame" not in f"{caught.value!r} {caught.value.__cause__!r}"
