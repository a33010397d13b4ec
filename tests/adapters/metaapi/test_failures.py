"""Errors of the venue: what may be shown of them, and how long to wait."""

from datetime import timedelta

import pytest

from adapters.base import RemoteProtocolError
from adapters.metaapi.failures import RETRY_S, is_final, retry_after_s, text_of
from adapters.metaapi.names import socket_name
from adapters.metaapi.wire import POSITIONS_MAX, Packet, Position, ProcessingError, converted, listed, payload
from tests.adapters.metaapi.frames import ACCOUNT, AT, TOKEN, row


def limited(text):
    return ProcessingError(error="TooManyRequestsError", metadata={"recommendedRetryTime": text, "type": ["odd"]})


@pytest.mark.parametrize(("seconds", "waited"), [(7, 7.0), (-100, 0.5), (0, 0.5), (100_000, 300.0)])
def test_the_recommended_time_is_kept_within_bounds(seconds, waited):
    error = ProcessingError(
        error="TooManyRequestsError",
        metadata={"recommendedRetryTime": (AT + timedelta(seconds=seconds)).isoformat(), "total": 1},
    )
    assert retry_after_s(error, AT) == waited


@pytest.mark.parametrize("metadata", [None, [], 5, {"recommendedRetryTime": 5}, {"recommendedRetryTime": "soon"}])
def test_without_a_time_our_own_counts(metadata):
    assert retry_after_s(ProcessingError(error="TooManyRequestsError", metadata=metadata), AT) == RETRY_S
    assert retry_after_s(limited("2026-11-20T12:00:07Z"), AT) == RETRY_S  # metadata of another shape


def test_only_refusals_of_the_account_are_final():
    assert [is_final(name) for name in ("UnauthorizedError", "ForbiddenError", "NotFoundError")] == [True] * 3
    assert not any(is_final(name) for name in ("TimeoutError", "InternalError", "TooManyRequestsError", "New", ""))


def test_words_are_bounded_and_show_no_token():
    details = [{"parameter": TOKEN.reveal(), "message": "m" * 9999}] * 100
    error = ProcessingError(error="E" * 999, message=f"{TOKEN.reveal()} " * 999, details=details)
    text = text_of(error, TOKEN)
    assert len(text) < 1500
    assert TOKEN.reveal() not in text
    assert text_of(ProcessingError(error="X", details={"a": 1}), TOKEN) == "X: "


def test_names_of_sockets_are_new_for_each_and_the_same_for_the_same():
    names = {
        socket_name(account, at, which)
        for account in (ACCOUNT, "b")
        for at in (AT, AT + timedelta(microseconds=1))
        for which in ("stream 1", "stream 2", "requests 1")
    }
    assert len(names) == len({name.session_id for name in names}) == len({name.client_id for name in names}) == 12
    assert {len(name.session_id) for name in names} == {32}
    assert all(0 <= float(name.client_id) < 1 for name in names)
    assert socket_name(ACCOUNT, AT, "stream 1") == socket_name(ACCOUNT, AT, "stream 1")


@pytest.mark.parametrize("args", [(), (None,), ([],), (5,), ("[]",), ("{",), ("x" * 100,)])
def test_an_event_without_an_object_breaks_the_protocol(args):
    with pytest.raises(RemoteProtocolError):
        payload(args, "response")


def test_an_event_may_carry_its_object_as_text():
    assert payload(('{"a":1.50}',), "response")["a"].as_tuple().digits == (1, 5, 0)


@pytest.mark.parametrize("value", [None, {}, "x", [1], [row()] * (POSITIONS_MAX + 1)])
def test_what_is_no_bearable_list_breaks_the_protocol(value):
    with pytest.raises(RemoteProtocolError):
        listed(value, Position, "positions")


@pytest.mark.parametrize(
    "packet",
    [
        {"type": "update"},
        {"accountId": "a"},
        {"type": 5, "accountId": "a"},
        {"type": "update", "accountId": "a", "removedPositionIds": "46214692"},
        {"type": "update", "accountId": "a", "removedPositionIds": [1.5]},
        {"type": "positions", "accountId": "a", "positions": [None]},
        {"type": "update", "accountId": "a", "sequenceNumber": "5"},
    ],
)
def test_a_packet_of_the_wrong_shape_breaks_the_protocol(packet):
    with pytest.raises(RemoteProtocolError, match="packet: "):
        converted(packet, Packet, "packet")


@pytest.mark.parametrize(
    ("fields", "is_update"),
    [
        ({"type": "update"}, True),
        ({"type": "status", "removed_position_ids": ()}, True),
        ({"type": "status", "updated_orders": []}, True),
        ({"type": "status", "completed_order_ids": ["1"]}, True),
        ({"type": "status", "history_orders": []}, True),
        ({"type": "status", "deals": ()}, True),
        ({"type": "status", "updated_positions": ()}, True),
        ({"type": "status", "connected": True, "deals": ()}, False),
        ({"type": "status", "connected": False}, False),
        ({"type": "status"}, False),
        ({"type": "deals", "deals": ()}, False),
    ],
)
def test_an_update_is_known_by_either_name(fields, is_update):
    assert Packet(account_id="a", **fields).is_update is is_update
