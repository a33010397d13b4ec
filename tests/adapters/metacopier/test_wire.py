"""JSON in and out: exact digits, leniency where the venue varies, and bounds."""

from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.metacopier.wire import (
    POSITIONS_MAX,
    OtherAccount,
    PositionRequestDTO,
    UnknownMessage,
    UpdateOpenPositionsDTO,
    decode_errors,
    decode_message,
    encode_filter,
    encode_position_request,
)

ID = "33333333-3333-3333-3333-333333333333"


def wrapped(rows: str, account_id: str = ID) -> bytes:
    data = f'{{"accountId":"{account_id}","openPositions":{rows}}}'
    return f'{{"type":"UpdateOpenPositionsDTO","data":{data}}}'.encode()


def test_a_request_is_written_digit_by_digit() -> None:
    request = PositionRequestDTO(
        "EURUSD", "Buy", Decimal("0.30"), Decimal(0), Decimal("1E-7"), Decimal("1.2345678901234567890"), 7, "cp"
    )
    assert encode_position_request(request) == (
        b'{"symbol":"EURUSD","orderType":"Buy","volume":0.3,"openPrice":0,"stopLoss":0.0000001,'
        b'"takeProfit":1.234567890123456789,"requestId":7,"comment":"cp"}'
    )


def test_a_change_has_no_comment() -> None:
    request = PositionRequestDTO("EURUSD", "Sell", Decimal(1), Decimal(1), Decimal(0), Decimal(0), 0)
    assert b"comment" not in encode_position_request(request)


def test_a_filter_lists_accounts() -> None:
    assert encode_filter([ID]) == f'{{"accountIds":["{ID}"]}}'.encode()
    assert encode_filter([]) == b'{"accountIds":[]}'


def test_digits_survive_and_unknown_fields_are_left_aside() -> None:
    message = decode_message(wrapped('[{"id":"1","openPrice":1.12345678901234567890,"newField":{"x":[1]}}]'), ID)
    assert isinstance(message, UpdateOpenPositionsDTO)
    (row,) = message.open_positions
    assert row.open_price == Decimal("1.12345678901234567890")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ('[{"id":"1"},{"id":"2","volume":true}]', "got `bool` - at `$.openPositions[1].volume`"),
        ('[{"id":"1"},{"id":"2"},7]', "got `int` - at `$.openPositions[2]`"),
        ('[{"symbol":"EURUSD"}]', "missing required field `id` - at `$.openPositions[0]`"),
        ('[{"id":"1","openTime":"yesterday"}]', "at `$.openPositions[0].openTime`"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_when_it_is_looked_at(rows: str, told: str) -> None:
    message = decode_message(wrapped(rows), ID)
    assert isinstance(message, UpdateOpenPositionsDTO)
    with pytest.raises(RemoteProtocolError, match="expected UpdateOpenPositionsDTO, found: ") as caught:
        tuple(message.open_positions)
    assert str(caught.value).endswith(told)


def test_messages_that_are_not_for_us_are_told_apart_without_reading_them() -> None:
    assert decode_message(wrapped('"nonsense"', "f" * 8), ID) == OtherAccount("UpdateOpenPositionsDTO")
    assert decode_message(b'{"type":"Later","data":[1,2]}', ID) == UnknownMessage("Later")
    unknown = decode_message(b'{"type":"' + b"x" * 1000 + b'","data":1}', ID)
    assert unknown == UnknownMessage("x" * 80)


def test_a_list_beyond_any_account_is_refused() -> None:
    rows = ",".join('{"id":"1"}' for _ in range(POSITIONS_MAX + 1))
    with pytest.raises(RemoteProtocolError, match="at most 10000"):
        decode_message(wrapped(f"[{rows}]"), ID)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errors":["[BROKER_REJECTION]"]}', "[BROKER_REJECTION]"),
        (b'{"errors":[]}', '{"errors":[]}'),
        (b'{"errors":"text"}', '{"errors":"text"}'),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"  ", "no text"),
        (b"[" * 100_000, "[" * 500),
        (b'{"errors":["' + b"x" * 1000 + b'"]}', "x" * 500),
    ],
)
def test_the_words_of_a_refusal_are_read_whatever_they_are(body: bytes, text: str) -> None:
    assert decode_errors(body) == text
