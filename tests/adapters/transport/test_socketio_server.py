"""The server half: frame by frame, and joined to our own client half."""

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
    ServerSession,
)
from adapters.transport.socketio_packets import ConnectRequested, EioVersion


def exchange(client: ClientSession, server: ServerSession) -> list[object]:
    """Carry frames both ways until both are silent; return what either half reported, in order."""
    reported: list[object] = []
    while True:
        to_client, to_server = server.take_outbox(), client.take_outbox()
        if not to_client and not to_server:
            return reported
        for frame in to_client:
            reported.append(client.receive(frame))
        for frame in to_server:
            reported.append(server.receive(frame))


def test_engine_io_4_halves_understand_each_other() -> None:
    client, server = ClientSession(), ServerSession("s1", ping_interval_s=1, ping_timeout_s=0.5)
    assert exchange(client, server) == [Opened("s1", 1.0, 0.5)]
    client.connect("/a", {"token": "t"})
    assert exchange(client, server) == [ConnectRequested("/a", {"token": "t"})]
    server.emit("early", namespace="/a")
    server.accept("/a")
    assert exchange(client, server) == [Event("/a", "early", ()), Connected("/a")]
    assert server.namespaces == {"/a"}
    client.emit("subscribe", 1, namespace="/a", ack=True)
    [question] = exchange(client, server)
    assert question == Event("/a", "subscribe", (1,), 0)
    assert isinstance(question, Event)
    server.acknowledge(question, "ok")
    server.emit("ask", namespace="/a", ack=True)
    answer, ask = exchange(client, server)
    assert (answer, ask) == (Ack("/a", 0, ("ok",)), Event("/a", "ask", (), 0))
    assert isinstance(ask, Event)
    client.acknowledge(ask, 42)
    assert exchange(client, server) == [Ack("/a", 0, (42,))]
    server.ping()
    assert exchange(client, server) == [None, None]
    server.disconnect("/a")
    server.close()
    assert exchange(client, server) == [Disconnected("/a"), Closed()]
    assert server.namespaces == frozenset()


def test_engine_io_3_halves_understand_each_other() -> None:
    client, server = ClientSession(eio_version=3), ServerSession("s1", eio_version=3)
    assert exchange(client, server) == [Opened("s1", 25.0, 20.0), Connected("/")]
    assert (server.ping_every_s, client.ping_every_s) == (None, 25.0)
    client.ping()
    assert exchange(client, server) == [None, None]
    client.connect("/a", {"token": "t"})
    assert exchange(client, server) == [ConnectRequested("/a")]
    server.refuse("/a", "bad token")
    assert exchange(client, server) == [Refused("/a", "bad token")]
    client.emit("hello")
    assert exchange(client, server) == [Event("/", "hello", ())]


def test_refused_namespace_of_engine_io_4_comes_with_a_message() -> None:
    client, server = ClientSession(), ServerSession("s1")
    exchange(client, server)
    client.connect("/a")
    exchange(client, server)
    server.refuse("/a", "bad token")
    assert exchange(client, server) == [Refused("/a", {"message": "bad token"})]
    client.connect("/a")
    assert exchange(client, server) == [ConnectRequested("/a")]


def test_client_that_leaves_is_out_of_the_namespace() -> None:
    client, server = ClientSession(), ServerSession("s1")
    exchange(client, server)
    client.connect("/a")
    exchange(client, server)
    server.accept("/a")
    exchange(client, server)
    client.leave("/a")
    assert exchange(client, server) == [Disconnected("/a")]
    assert server.namespaces == frozenset()


@pytest.mark.parametrize("eio_version", [3, 4])
@pytest.mark.parametrize(
    "frame", ["0{}", "5", "x", "42/a", '42/b,["x"]', "43/b,0[]", '44/b,"no"', '451-["x"]', b"b", "2" + "p" * 125]
)
def test_frame_out_of_place_breaks_the_protocol(frame: str | bytes, eio_version: EioVersion) -> None:
    with pytest.raises(RemoteProtocolError, match=r"expected .*, found "):
        ServerSession("s1", eio_version=eio_version).receive(frame)


def test_namespace_asked_for_twice_breaks_the_protocol() -> None:
    server = ServerSession("s1")
    server.receive("40/a,")
    with pytest.raises(RemoteProtocolError, match="not asked for before"):
        server.receive("40/a,")


def test_answering_what_nobody_asked_is_our_bug() -> None:
    server = ServerSession("s1")
    for answer in (lambda: server.accept("/a"), lambda: server.refuse("/a", "no")):
        with pytest.raises(LocalProtocolError, match="without being asked"):
            answer()
    with pytest.raises(LocalProtocolError, match="asks for no acknowledgement"):
        server.acknowledge(Event("/a", "x", ()))
