"""The session byte by byte: what it sends, what it makes of what comes, and what it refuses."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import RemoteProtocolError, SessionLost, SignInRefused
from adapters.metacopier.session import (
    BEAT_EVERY_S,
    SIGN_IN_S_MAX,
    SILENCE_WITHOUT_BEATS_S_MAX,
    Received,
    Refused,
    Session,
    SignedIn,
)
from adapters.metacopier.simulator_stomp import ServerSession, SignIn, SubscriptionChanged
from adapters.metacopier.translator import Translator
from adapters.metacopier.wire import UpdateOpenPositionsDTO
from adapters.secret import Secret
from adapters.transport.stomp import Frame, Version, encode
from rules.model.events import AccountReported, SnapshotReceived
from rules.model.values import AccountId, OmsType
from tests.adapters.metacopier.venue import START

NUMBERS = st.sampled_from([0.1, 1, 0, -1, 0.30000000000000004, 1e300, 10**25, "NaN", "sNaN", "1E+999999", None])
TIMES = st.sampled_from(["2026-11-20T12:00:00Z", "2026-11-20T12:00:00", "0001-01-01T00:00:00+14:00", None])
TEXTS = st.sampled_from(["Buy", "Sell", "BuyLimit", "DealSell", "", "EURUSD", "API|7|", "cp" + "a" * 20, None])
STATES = st.sampled_from([True, False, None])
FIELDS = (
    dict.fromkeys(["volume", "openPrice", "closePrice", "stopLoss", "takeProfit", "currentPrice"], NUMBERS)
    | dict.fromkeys(["balance", "equity", "usedMargin", "freeMargin"], NUMBERS)
    | dict.fromkeys(["openTime", "closeTime", "timestamp"], TIMES)
    | dict.fromkeys(["symbol", "orderType", "dealType", "comment", "magicNumber", "requestId", "accountMode"], TEXTS)
    | dict.fromkeys(["connected", "wrongCredentials"], STATES)
)
ROWS = st.lists(st.fixed_dictionaries({"id": st.sampled_from(["1", "2", 3, ""])}, optional=FIELDS), max_size=3)
TYPES = ["UpdateOpenPositionsDTO", "UpdateHistoryDTO", "UpdateAccountInformationDTO", "UpdateWeatherDTO"]
ACCOUNT = "33333333-3333-3333-3333-333333333333"
CONNECTED = "CONNECTED\nversion:1.2\nheart-beat:10000,10000\n\n\0"
EMPTY_LIST = f'{{"type":"UpdateOpenPositionsDTO","data":{{"accountId":"{ACCOUNT}","openPositions":[]}}}}'


def session() -> Session:
    return Session(ACCOUNT, Secret("the:key"))


def signed_in() -> Session:
    opened = session()
    assert list(opened.receive(CONNECTED)) == [SignedIn()]
    opened.take_outgoing()
    return opened


def read_through(wire: str) -> None:
    """Read messages to their last row: those of lists are read when they are translated."""
    translator = Translator(AccountId("a"), OmsType.HEDGING)
    for message in signed_in().receive(wire):
        assert not isinstance(message, SignedIn | Refused)
        translator.events(message, START)


def test_it_signs_in_with_the_key_unescaped() -> None:
    assert session().connect() == (
        "CONNECT\naccept-version:1.2,1.1,1.0\nhost:/\nheart-beat:10000,10000\napi-key:the:key\n\n\0"
    )


def test_connected_lets_it_subscribe_to_its_own_account_only() -> None:
    opened = session()
    assert opened.take_outgoing() == []
    assert list(opened.receive(CONNECTED)) == [SignedIn()]
    assert opened.take_outgoing() == [
        "SUBSCRIBE\nid:sub-0\ndestination:/user/queue/accounts/changes\nack:auto\n\n\0",
        "SEND\ndestination:/app/subscribe\ncontent-type:application/json\ncontent-length:55\n\n"
        f'{{"accountIds":["{ACCOUNT}"]}}\0',
    ]
    assert opened.take_outgoing() == []


@pytest.mark.parametrize(
    ("header", "silence_s_max"),
    [
        ("heart-beat:10000,10000\n", 30.0),
        ("heart-beat:20000,0\n", 60.0),
        ("heart-beat:0,10000\n", SILENCE_WITHOUT_BEATS_S_MAX),
        ("heart-beat:999999999,0\n", SILENCE_WITHOUT_BEATS_S_MAX),
        ("", SILENCE_WITHOUT_BEATS_S_MAX),
    ],
)
def test_its_patience_follows_the_beats_that_the_server_promises(header: str, silence_s_max: float) -> None:
    opened = session()
    assert (opened.beat_every_s, opened.silence_s_max) == (None, SIGN_IN_S_MAX)
    assert list(opened.receive(f"CONNECTED\nversion:1.2\n{header}\n\0")) == [SignedIn()]
    assert (opened.beat_every_s, opened.silence_s_max) == (BEAT_EVERY_S, silence_s_max)


def test_messages_come_out_whole_however_they_are_cut() -> None:
    opened = signed_in()
    wire = f"\nMESSAGE\nsubscription:sub-0\n\n{EMPTY_LIST}\0\n\nRECEIPT\nreceipt-id:1\n\n\0"
    seen: list[Received] = []
    for character in wire:
        seen += opened.receive(character)
    assert seen == [UpdateOpenPositionsDTO(ACCOUNT, ())]


def test_the_account_is_known_by_its_id_in_either_case() -> None:
    upper = "ABCDEF00-0000-0000-0000-000000000000"
    opened = Session(upper, Secret("key"))
    assert list(opened.receive(CONNECTED))
    body = EMPTY_LIST.replace(ACCOUNT, upper.lower())
    assert list(opened.receive(f"MESSAGE\n\n{body}\0")) == [UpdateOpenPositionsDTO(upper.lower(), ())]


@pytest.mark.parametrize("opened", [session(), signed_in()])
def test_an_error_frame_is_a_refusal_in_the_servers_words(opened: Session) -> None:
    wire = "ERROR\nmessage:Unauthorized\n\nThe api-key is wrong.\0"
    assert list(opened.receive(wire)) == [Refused("Unauthorized: The api-key is wrong.")]


@pytest.mark.parametrize(
    ("wire", "text"),
    [
        ("MESSAGE\n\n{}\0", "expected CONNECTED or ERROR, found MESSAGE"),
        ("CONNECTED\nversion:1.3\n\n\0", "version 1.0, 1.1 or 1.2, found '1.3'"),
        ("CONNECTED\nversion:1.2\nheart-beat:x\n\n\0", "heart-beat"),
        ("HTTP/1.1 400\n\n\0", "expected a STOMP command"),
    ],
)
def test_a_server_that_does_not_speak_stomp_loses_the_session(wire: str, text: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        list(session().receive(wire))
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"type":1,"data":{}}',
        '{"type":"UpdateOpenPositionsDTO"}',
        '{"type":"UpdateOpenPositionsDTO","data":[]}',
        '{"type":"UpdateOpenPositionsDTO","data":{"accountId":7}}',
        EMPTY_LIST.replace("[]", '[{"id":null}]'),
        EMPTY_LIST.replace("[]", '[{"id":"1","volume":true}]'),
        EMPTY_LIST.replace("[]", '[{"id":"1","openTime":"yesterday"}]'),
        EMPTY_LIST.replace("[]", "[" * 5000),
        EMPTY_LIST.replace("[]", '[{"id":' + "9" * 5000 + "}]"),
    ],
)
def test_a_message_of_another_shape_loses_the_session(body: str) -> None:
    with pytest.raises(RemoteProtocolError, match="expected"):
        read_through(f"MESSAGE\n\n{body}\0")


def test_a_message_that_is_not_utf8_loses_the_session() -> None:
    with pytest.raises(RemoteProtocolError, match="expected a MessageWrapper"):
        list(signed_in().receive(b'MESSAGE\n\n{"type":"\xff","data":{}}\0'))


def test_unknown_types_are_counted_and_the_count_is_bounded() -> None:
    opened = signed_in()
    for number in range(100):
        assert list(opened.receive(f'MESSAGE\n\n{{"type":"Type{number}","data":null}}\0')) == []
    assert list(opened.receive('MESSAGE\n\n{"type":"Type0","data":null}\0')) == []
    assert len(opened.skipped) == 32
    assert opened.skipped["Type0"] == 2


@pytest.mark.slow  # hypothesis generates hundreds of messages
@given(st.sampled_from(TYPES), ROWS)
def test_whatever_a_message_holds_the_session_ends_in_order_or_tells_sane_events(kind: str, rows: list[object]) -> None:
    info = rows[0] if rows else {}
    data = {"accountId": ACCOUNT, "openPositions": rows, "history": rows, "info": info}
    body = json.dumps({"type": kind, "data": data})
    translator = Translator(AccountId("mc"), OmsType.HEDGING)
    try:
        events = [
            event
            for received in signed_in().receive(encode(Frame("MESSAGE", {}, body.encode()), Version.V1_2))
            for event in translator.events(received, START)  # type: ignore[arg-type]
        ]
    except (SessionLost, SignInRefused):
        return
    for event in events:
        if isinstance(event, SnapshotReceived):
            assert all(position.volume > 0 and position.open_price > 0 for position in event.positions)
        if isinstance(event, AccountReported):
            assert event.status.balance.is_finite()


def test_the_key_is_never_shown() -> None:
    assert "the:key" not in repr(session())


def test_both_halves_understand_each_other() -> None:
    client, server = session(), ServerSession()
    (sign_in,) = _served(server, client.connect())
    assert sign_in == SignIn("the:key")
    (connected,) = server.take_outgoing()
    assert list(client.receive(connected)) == [SignedIn()]
    seen = [item for frame in client.take_outgoing() for item in server.receive(frame)]
    assert seen == [SubscriptionChanged(), SubscriptionChanged()]
    assert server.account_ids == {ACCOUNT}
    (message,) = server.messages(EMPTY_LIST.encode())
    assert list(client.receive(message)) == [UpdateOpenPositionsDTO(ACCOUNT, ())]


def _served(server: ServerSession, wire: str) -> list[object]:
    seen: list[object] = []
    for item in server.receive(wire):
        seen.append(item)
        server.accept("session-1")
    return seen
