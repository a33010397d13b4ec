"""The server half: sign-in, the filter and subscriptions, receipts, and what it refuses."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import RemoteProtocolError
from adapters.metacopier.simulator_stomp import (
    Received,
    ServerSession,
    SignIn,
    SubscriptionChanged,
)
from adapters.transport.stomp import Pace
from adapters.transport.stomp_server import SUBSCRIPTIONS_MAX, Goodbye

CONNECT = "CONNECT\napi-key:k\naccept-version:{versions}\n\n\0"
SUBSCRIBE = "SUBSCRIBE\nid:{id}\ndestination:/user/queue/accounts/changes\n\n\0"
ACCOUNT = "11111111-1111-4111-8111-111111111111"
OTHER = "22222222-2222-4222-8222-222222222222"


def send(account_ids: object, headers: str = "") -> str:
    body = json.dumps({"accountIds": account_ids})
    return f"SEND\ndestination:/app/subscribe\n{headers}\n{body}\0"


def feed(server: ServerSession, wire: str) -> list[Received]:
    seen: list[Received] = []
    for item in server.receive(wire):
        seen.append(item)
        if isinstance(item, SignIn):
            server.accept("s-1")
    return seen


def signed_in(versions: str = "1.2", frames: Sequence[str] = ()) -> ServerSession:
    server = ServerSession()
    feed(server, CONNECT.format(versions=versions))
    server.take_outgoing()
    for frame in frames:
        feed(server, frame)
    return server


def test_connected_names_the_highest_common_version_and_our_beats() -> None:
    server = ServerSession()
    assert feed(server, CONNECT.format(versions="1.1,1.2,1.0")) == [SignIn("k")]
    assert server.take_outgoing() == ["CONNECTED\nversion:1.2\nsession:s-1\nheart-beat:10000,10000\n\n\0"]
    assert server.pace == Pace(None, None)


def test_a_client_that_declares_beats_gets_them() -> None:
    server = ServerSession()
    feed(server, "STOMP\napi-key:k\naccept-version:1.1\nheart-beat:5000,20000\n\n\0")
    assert server.pace == Pace(send_every_s=20.0, expect_every_s=10.0)
    assert server.take_outgoing()[0].startswith("CONNECTED\nversion:1.1\n")


def test_nothing_is_delivered_before_both_subscription_and_filter_exist() -> None:
    only_subscribed = signed_in(frames=[SUBSCRIBE.format(id="a")])
    only_filtered = signed_in(frames=[send([])])
    both = signed_in(frames=[send([]), SUBSCRIBE.format(id="a")])
    assert [server.wants(ACCOUNT) for server in (only_subscribed, only_filtered, both)] == [False, False, True]


def test_a_second_filter_replaces_the_first() -> None:
    server = signed_in(frames=[SUBSCRIBE.format(id="a"), send([ACCOUNT.upper()])])
    assert (server.wants(ACCOUNT), server.wants(OTHER)) == (True, False)
    assert feed(server, send([OTHER])) == [SubscriptionChanged()]
    assert (server.wants(ACCOUNT), server.wants(OTHER)) == (False, True)
    feed(server, send([]))
    assert server.wants(ACCOUNT)


def test_each_subscription_gets_its_own_copy_until_it_ends() -> None:
    server = signed_in(frames=[SUBSCRIBE.format(id="a"), SUBSCRIBE.format(id="b"), send([])])
    first, second = server.messages(b'{"x":1}')
    assert first == (
        "MESSAGE\ndestination:/user/queue/accounts/changes\ncontent-type:application/json\nsubscription:a\n"
        'message-id:message-1\ncontent-length:7\n\n{"x":1}\0'
    )
    assert "subscription:b\nmessage-id:message-2\n" in second
    feed(server, "UNSUBSCRIBE\nid:a\n\n\0")
    (only,) = server.messages(b"{}")
    assert "subscription:b" in only


def test_other_user_queues_may_be_subscribed_and_stay_silent() -> None:
    server = signed_in(frames=["SUBSCRIBE\nid:a\ndestination:/user/queue/other\n\n\0", send([])])
    assert not server.wants(ACCOUNT)
    assert server.messages(b"{}") == []


def test_stomp_1_0_subscribes_without_an_id() -> None:
    server = signed_in("1.0", ["SUBSCRIBE\ndestination:/user/queue/accounts/changes\n\n\0", send([])])
    assert server.wants(ACCOUNT)
    with pytest.raises(RemoteProtocolError, match="expected id"):
        feed(signed_in("1.1"), "SUBSCRIBE\ndestination:/user/queue/accounts/changes\n\n\0")


def test_receipts_are_given_and_disconnect_says_goodbye() -> None:
    server = signed_in(frames=[SUBSCRIBE.format(id="a")])
    feed(server, send([], "receipt:r:1\n".replace(":1", "\\c1")))
    assert feed(server, "ACK\nid:1\nreceipt:r-2\n\n\0") == []
    assert feed(server, "DISCONNECT\nreceipt:close-3\n\n\0") == [Goodbye()]
    assert server.take_outgoing() == [
        "RECEIPT\nreceipt-id:r\\c1\n\n\0",
        "RECEIPT\nreceipt-id:r-2\n\n\0",
        "RECEIPT\nreceipt-id:close-3\n\n\0",
    ]


def test_an_error_fills_both_header_and_body() -> None:
    server = ServerSession()
    assert next(server.receive(CONNECT.format(versions="1.2"))) == SignIn("k")
    server.error("Unauthorized", "The api-key is wrong.")
    assert server.take_outgoing() == [
        "ERROR\nmessage:Unauthorized\ncontent-type:text/plain\ncontent-length:21\n\nThe api-key is wrong.\0"
    ]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (SUBSCRIBE.format(id="a"), "expected CONNECT, found SUBSCRIBE"),
        (CONNECT.format(versions="2.0"), "expected accept-version"),
        ("CONNECT\naccept-version:1.2\nheart-beat:soon\n\n\0", "heart-beat"),
        ("GET / HTTP/1.1\n\n\0", "expected a STOMP command"),
    ],
)
def test_a_client_that_does_not_sign_in_is_refused(wire: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        feed(ServerSession(), wire)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        (CONNECT.format(versions="1.2"), "found CONNECT"),
        ("BEGIN\ntransaction:1\n\n\0", "found BEGIN"),
        ("SUBSCRIBE\nid:a\n\n\0", "expected destination"),
        ("SEND\ndestination:/app/other\n\n{}\0", "expected SEND to /app/subscribe"),
        ("SEND\n\n{}\0", "expected SEND to /app/subscribe"),
        ("SEND\ndestination:/app/subscribe\n\nnot json\0", "accountIds"),
        ("SEND\ndestination:/app/subscribe\n\n{}\0", "accountIds"),
        (send([1, 2]), "accountIds"),
        (send("all"), "accountIds"),
        (send([ACCOUNT] * 1001), "at most 1000 accountIds"),
        ("SEND\ndestination:/app/subscribe\ncontent-length:999999\n\n", "at most 65536 bytes"),
    ],
)
def test_a_client_that_breaks_a_rule_is_told_which(wire: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        feed(signed_in(), wire)
    assert text in str(caught.value)


def test_the_number_of_subscriptions_is_bounded() -> None:
    server = signed_in(frames=[SUBSCRIBE.format(id=number) for number in range(SUBSCRIPTIONS_MAX)])
    with pytest.raises(RemoteProtocolError, match="subscriptions"):
        feed(server, SUBSCRIBE.format(id="more"))


@pytest.mark.slow  # hypothesis generates hundreds of frames
@given(st.text(max_size=200))
def test_noise_is_refused_or_waited_on_but_never_crashes(noise: str) -> None:
    server = signed_in()
    try:
        feed(server, "SEND\ndestination:/app/subscribe\n" + noise)
    except RemoteProtocolError:
        return
    assert server.account_ids is None or "accountIds" in noise
