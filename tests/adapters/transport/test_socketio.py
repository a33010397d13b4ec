"""The client half, frame by frame, as recorded from npm's socket.io 4.8 (Engine.IO 4) and 2.5 (Engine.IO 3) servers."""

import pytest

from adapters.base import LocalProtocolError, RemoteProtocolError
from adapters.transport.socketio import (
    Ack,
    ClientSession,
    Closed,
    Connected,
    Disconnected,
    Event,
    Opened,
    Refused,
    endpoint,
)

OPEN_4 = '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}'
OPEN_3 = '0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":60000}'


def connected(namespace: str = "/a") -> ClientSession:
    """Return a session that is in `namespace`, with nothing left to send."""
    session = ClientSession()
    session.receive(OPEN_4)
    session.connect(namespace)
    session.receive(f'40{namespace},{{"sid":"x"}}')
    session.take_outbox()
    return session


def test_endpoint_speaks_of_version_transport_and_further_fields() -> None:
    assert endpoint("https://venue.test:8443", "/streams-api/socket.io") == (
        "wss://venue.test:8443/streams-api/socket.io/?EIO=4&transport=websocket"
    )
    assert endpoint("http://venue.test", "ws", eio_version=3, query={"auth-token": "a b&c"}) == (
        "ws://venue.test/ws/?auth-token=a+b%26c&EIO=3&transport=websocket"
    )


def test_engine_io_4_namespace_is_asked_for_and_joined() -> None:
    session = ClientSession()
    assert session.silence_s_max is None
    assert session.receive(OPEN_4) == Opened("lv_VI97HAXpY6yYWAAAC", 25.0, 20.0)
    assert (session.silence_s_max, session.ping_every_s) == (45.0, None)
    session.connect("/a", {"token": "t"})
    assert session.take_outbox() == ['40/a,{"token":"t"}']
    assert session.take_outbox() == []
    assert session.receive('40/a,{"sid":"x"}') == Connected("/a")


def test_engine_io_3_root_is_joined_unasked_and_the_client_pings() -> None:
    session = ClientSession(eio_version=3)
    session.receive(OPEN_3)
    assert (session.silence_s_max, session.ping_every_s) == (85.0, 25.0)
    assert session.receive("40") == Connected("/")
    session.connect("/")
    session.connect("/secure", {"token": "a b"})
    session.ping()
    assert session.take_outbox() == ["40/secure?token=a+b,", "2"]
    assert session.receive("3") is None
    assert session.receive('44/secure,"bad token"') == Refused("/secure", "bad token")


def test_server_ping_is_answered_with_its_text() -> None:
    session = connected()
    assert session.receive("2") is None
    assert session.receive("2probe") is None
    assert session.take_outbox() == ["3", "3probe"]


def test_event_before_the_namespace_is_joined_is_given_out() -> None:
    session = ClientSession()
    session.receive(OPEN_4)
    session.connect("/a")
    assert session.receive('42/a,["connection",{"status":"ok"}]') == Event("/a", "connection", ({"status": "ok"},))
    assert session.receive('40/a,{"sid":"x"}') == Connected("/a")


def test_events_alone_are_read_as_the_venue_wants_them() -> None:
    session = ClientSession(eio_version=3, read_event=lambda text, _: ["read", text])
    session.receive(OPEN_3)
    assert session.receive("40") == Connected("/")
    assert session.receive('42["e",1.50]') == Event("/", "read", ('["e",1.50]',))
    assert session.receive('44"no"') == Refused("/", "no")


def test_acknowledgements_carry_the_ids_that_were_given() -> None:
    session = connected()
    ids = [session.emit("subscriptions", {"n": n}, namespace="/a", ack=True) for n in range(2)]
    assert session.emit("plain", namespace="/a") is None
    assert session.take_outbox() == [
        '42/a,0["subscriptions",{"n":0}]',
        '42/a,1["subscriptions",{"n":1}]',
        '42/a,["plain"]',
    ]
    assert session.receive('43/a,1[{"status":"ok"}]') == Ack("/a", ids[1], ({"status": "ok"},))  # type: ignore[arg-type]
    assert session.receive("43/a,0[]") == Ack("/a", ids[0], ())  # type: ignore[arg-type]


@pytest.mark.parametrize("frame", ["43/a,5[]", "43/a,0[]", "430[]"], ids=["never-asked", "twice", "other-namespace"])
def test_acknowledgement_that_nobody_asked_for_breaks_the_protocol(frame: str) -> None:
    session = connected()
    session.emit("x", namespace="/a", ack=True)
    if frame == "43/a,0[]":
        session.receive(frame)
    with pytest.raises(RemoteProtocolError, match="an acknowledgement that was asked for"):
        session.receive(frame)


def test_server_that_never_acknowledges_is_given_up() -> None:
    session = connected()
    for _ in range(1024):
        session.emit("x", namespace="/a", ack=True)
    with pytest.raises(RemoteProtocolError, match="expected acknowledgements"):
        session.emit("x", namespace="/a", ack=True)


def test_event_of_the_server_is_acknowledged_on_demand() -> None:
    session = connected()
    event = session.receive('42/a,7["question",1]')
    assert isinstance(event, Event)
    session.acknowledge(event, 42)
    assert session.take_outbox() == ["43/a,7[42]"]
    with pytest.raises(LocalProtocolError, match="asks for no acknowledgement"):
        session.acknowledge(Event("/a", "plain", ()))


@pytest.mark.parametrize("frame", ["41/a,", '44/a,{"message":"no"}'])
def test_namespace_that_was_lost_takes_no_events_until_joined_again(frame: str) -> None:
    session = connected()
    assert isinstance(session.receive(frame), Disconnected | Refused)
    with pytest.raises(LocalProtocolError, match="not connected"):
        session.emit("x", namespace="/a")
    session.connect("/a")
    assert session.receive("40/a") == Connected("/a")
    session.emit("x", namespace="/a")


def test_leaving_tells_the_server() -> None:
    session = connected()
    session.leave("/a")
    assert session.take_outbox() == ["41/a,"]
    with pytest.raises(LocalProtocolError):
        session.emit("x", namespace="/a")


def test_close_and_noop_are_understood() -> None:
    session = connected()
    assert session.receive("6") is None
    assert session.receive("1") == Closed()


@pytest.mark.parametrize(
    "frame",
    [
        "40",
        "2",
        "0",
        "0{",
        "0[]",
        "0{}",
        '0{"sid":1,"pingInterval":1,"pingTimeout":1}',
        '0{"sid":"x","pingInterval":25000}',
        '0{"sid":"x","pingInterval":0,"pingTimeout":1}',
        '0{"sid":"x","pingInterval":true,"pingTimeout":1}',
        '0{"sid":"x","pingInterval":25000.0,"pingTimeout":1}',
        '0{"sid":"x","pingInterval":1e400000,"pingTimeout":1}',
        '0{"sid":"x","pingInterval":99999999,"pingTimeout":1}',
    ],
)
def test_connection_that_opens_wrongly_breaks_the_protocol(frame: str) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        ClientSession().receive(frame)


@pytest.mark.parametrize(
    "frame",
    [OPEN_4, "5", "9", "x", "2" + "p" * 125, "4", "40/b,", '42/a,["x"', '451-["x"]', b"\x04binary", "", "²"],
)
def test_frame_out_of_place_breaks_the_protocol(frame: str | bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected .*, found "):
        connected().receive(frame)


def test_oversize_frame_breaks_the_protocol() -> None:
    session = ClientSession(frame_chars_max=200)
    session.receive(OPEN_4)
    with pytest.raises(RemoteProtocolError, match="1 to 200 characters, found 201"):
        session.receive("4" * 201)


def test_speaking_out_of_turn_is_our_bug() -> None:
    session = ClientSession()
    with pytest.raises(LocalProtocolError, match="before the connection was open"):
        session.connect("/a")
    session.receive(OPEN_4)
    session.connect("/a")
    with pytest.raises(LocalProtocolError, match="asked for already"):
        session.connect("/a")
    with pytest.raises(LocalProtocolError, match="not connected"):
        session.emit("x", namespace="/a")
