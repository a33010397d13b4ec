"""The server half of STOMP: versions, subscriptions, requests, receipts, silence, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import RemoteProtocolError
from adapters.transport.stomp import HeartBeatOffer, Pace
from adapters.transport.stomp_server import (
    ITEMS_AT_ONCE_MAX,
    SIGN_IN_S_MAX,
    SUBSCRIPTION_ID_MAX,
    SUBSCRIPTIONS_MAX,
    Goodbye,
    Received,
    Request,
    SignIn,
    StompServer,
    Subscribed,
    Unsubscribed,
)

QUEUE, OTHER = "/user/queue/one", "/user/queue/other"


def feed(server: StompServer, wire: str) -> list[Received]:
    seen: list[Received] = []
    for item in server.receive(wire):
        seen.append(item)
        if isinstance(item, SignIn):
            server.accept("s-1")
    return seen


def signed_in(versions: str = "1.2", *, beats: str = "0,0", offer: HeartBeatOffer | None = None) -> StompServer:
    server = StompServer(requests=("/app/ask",), queues=(QUEUE, OTHER), offer=offer or HeartBeatOffer(10_000, 10_000))
    feed(server, f"CONNECT\naccept-version:{versions}\nheart-beat:{beats}\n\n\0")
    server.take_outgoing()
    return server


@pytest.mark.parametrize(
    ("accept", "agreed"),
    [("1.0,1.1,1.2", "1.2"), ("1.1", "1.1"), ("1.1,1.0", "1.1"), (None, "1.0"), ("1.2,9.9", "1.2")],
)
def test_the_highest_version_that_both_know_is_spoken(accept: str | None, agreed: str) -> None:
    server = StompServer(requests=())
    feed(server, "CONNECT\n" + (f"accept-version:{accept}\n" if accept else "") + "\n\0")
    assert server.take_outgoing() == [f"CONNECTED\nversion:{agreed}\nsession:s-1\nheart-beat:10000,10000\n\n\0"]


def test_frames_may_come_pipelined_before_the_server_has_answered() -> None:
    server = StompServer(requests=("/app/ask",), queues=(QUEUE,))
    wire = f"CONNECT\n\n\0\nSUBSCRIBE\nid:a\ndestination:{QUEUE}\n\n\0SEND\ndestination:/app/ask\n\nx\0DISCONNECT\n\n\0"
    assert feed(server, wire)[1:] == [Subscribed("a", QUEUE), Request("/app/ask", b"x"), Goodbye()]


def test_a_subscription_lasts_until_it_is_given_up() -> None:
    server = signed_in()
    assert feed(server, f"SUBSCRIBE\nid:a\ndestination:{QUEUE}\n\n\0") == [Subscribed("a", QUEUE)]
    assert server.subscriptions == {"a": QUEUE}
    assert feed(server, "UNSUBSCRIBE\nid:a\n\n\0UNSUBSCRIBE\nid:a\n\n\0") == [Unsubscribed("a")]
    assert server.subscriptions == {}


def test_a_receipt_follows_what_it_was_asked_for() -> None:
    server = signed_in()
    feed(server, f"SUBSCRIBE\nid:a\nreceipt:r1\ndestination:{QUEUE}\n\n\0DISCONNECT\nreceipt:r2\n\n\0")
    assert server.take_outgoing() == ["RECEIPT\nreceipt-id:r1\n\n\0", "RECEIPT\nreceipt-id:r2\n\n\0"]


def test_an_error_names_the_receipt_of_the_frame_that_it_is_about_and_takes_its_place() -> None:
    server = signed_in()
    for item in server.receive("SEND\ndestination:/app/ask\nreceipt:r1\n\nx\0"):
        assert isinstance(item, Request)
        server.error("Forbidden", "No.")
        break
    (frame,) = server.take_outgoing()
    assert frame.startswith("ERROR\nmessage:Forbidden\n")
    assert "receipt-id:r1\n" in frame
    with pytest.raises(RemoteProtocolError):
        feed(server, "SUBSCRIBE\nid:a\nreceipt:r2\ndestination:/user/queue/none\n\n\0")
    server.error("Protocol error", "No.")
    assert "receipt-id:r2\n" in server.take_outgoing()[0]


def test_silence_ends_only_the_sessions_of_clients_that_were_heard_to_beat() -> None:
    assert StompServer(requests=()).silence_s_max == SIGN_IN_S_MAX
    quiet = signed_in()
    assert (quiet.pace, quiet.silence_s_max) == (Pace(None, None), float("inf"))
    beating = signed_in(beats="4000,20000")
    assert (beating.pace, beating.silence_s_max) == (Pace(20.0, 10.0), float("inf"))
    feed(beating, "\n")
    assert beating.silence_s_max == 30.0


def test_the_offer_of_beats_may_be_another_one() -> None:
    assert signed_in(beats="100,100", offer=HeartBeatOffer(500, 50)).pace == Pace(0.5, 0.1)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("SUBSCRIBE\nid:a\ndestination:/user/queue/none\n\n\0", f"expected SUBSCRIBE to one of {QUEUE}, {OTHER}"),
        (f"SUBSCRIBE\ndestination:{QUEUE}\n\n\0", "expected id"),
        (f"SUBSCRIBE\nid:{'x' * (SUBSCRIPTION_ID_MAX + 1)}\ndestination:{QUEUE}\n\n\0", "expected id of at most 128"),
        ("SEND\ndestination:/app/other\n\nx\0", "expected SEND to /app/ask"),
        ("CONNECT\n\n\0", "found CONNECT"),
        ("BEGIN\ntransaction:1\n\n\0", "found BEGIN"),
        ("\n" * (ITEMS_AT_ONCE_MAX + 1), "at most 1000 frames in a message"),
        ("ACK\nid:1\n\n\0" * (ITEMS_AT_ONCE_MAX + 1), "at most 1000 frames in a message"),
    ],
)
def test_what_the_server_does_not_offer_is_refused_with_what_it_does(wire: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        feed(signed_in(), wire)
    assert text in str(caught.value)


def test_a_subscription_that_is_made_anew_does_not_count_twice() -> None:
    server = signed_in()
    for number in range(SUBSCRIPTIONS_MAX):
        feed(server, f"SUBSCRIBE\nid:{number}\ndestination:{QUEUE}\n\n\0")
    feed(server, f"SUBSCRIBE\nid:0\ndestination:{OTHER}\n\n\0")
    assert server.subscriptions["0"] == OTHER
    with pytest.raises(RemoteProtocolError, match="at most 16 subscriptions"):
        feed(server, f"SUBSCRIBE\nid:more\ndestination:{QUEUE}\n\n\0")


@pytest.mark.slow  # hypothesis generates hundreds of sessions
@given(
    st.lists(st.one_of(st.text(max_size=40), st.sampled_from(["CONNECT\n\n\0", "\n", "SEND\n", "\0", "receipt:r\n"])))
)
def test_noise_is_refused_or_waited_on_but_never_crashes(pieces: list[str]) -> None:
    server = StompServer(requests=("/app/ask",), queues=(QUEUE,))
    try:
        for piece in pieces:
            feed(server, piece)
    except RemoteProtocolError as error:
        server.error("Protocol error", str(error))
        assert server.take_outgoing()[-1].startswith("ERROR\nmessage:Protocol error\n")
