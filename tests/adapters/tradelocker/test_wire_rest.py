"""JSON of the REST API, and the expiry in tokens."""

import base64
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from adapters.base import RemoteProtocolError
from adapters.numbers import number
from adapters.tradelocker import wire_rest


def jwt(payload):
    body = base64.urlsafe_b64encode(json.dumps(payload).encode()).rstrip(b"=").decode()
    return f"e30.{body}.sig"


def test_expiry_is_read_from_the_token():
    assert wire_rest.token_expiry(jwt({"exp": 1_700_000_000, "sub": "x"})) == datetime(
        2023, 11, 14, 22, 13, 20, tzinfo=UTC
    )


@pytest.mark.parametrize(
    "token",
    [
        "",
        "opaque",
        "a.b",
        "a.!!!.c",
        "a.é.c",
        "a." + "x" * 20_000 + ".c",
        jwt([]),
        jwt({}),
        jwt({"exp": "soon"}),
        jwt({"exp": True}),
        jwt({"exp": -1}),
        jwt({"exp": 10**30}),
        jwt({"exp": 1.5}),
    ],
)
def test_token_without_a_readable_expiry_has_none(token):
    assert wire_rest.token_expiry(token) is None


def test_numbers_stay_exact_both_ways():
    body = b'{"price":1.10000000000000000001}'
    value = wire_rest.decoded(body, "x")
    assert value == {"price": Decimal("1.10000000000000000001")}
    assert wire_rest.encoded(value) == body


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff", b"[" * 100_000, b'{"a":NaN}'])
def test_body_that_is_no_json_is_refused(body):
    with pytest.raises(RemoteProtocolError, match="expected JSON"):
        wire_rest.decoded(body, "x")


@pytest.mark.parametrize("absurd", ["1e999999999", "-1e-999999999", "9" * 5000, "1e30"])
def test_absurd_number_in_a_cell_is_refused(absurd):
    def read():
        value = wire_rest.decoded(f'{{"s":"ok","d":{absurd}}}'.encode(), "x")
        row = wire_rest.Columns((wire_rest.Column("qty"),)).row([value["d"]], "x")
        return number(row["qty"], "qty")

    with pytest.raises(RemoteProtocolError):
        read()


def columns(*names):
    return wire_rest.Columns(tuple(wire_rest.Column(name) for name in names))


def test_rows_are_chosen_by_a_cell_as_text():
    rows = [[41, "a"], ["42", "b"], [42, None], [None, "42"]]
    assert columns("id", "tag").rows_where(rows, "id", "42", "orders") == [
        {"id": "42", "tag": "b"},
        {"id": "42", "tag": None},
    ]


def test_cells_of_some_columns_are_texts_and_missing_ones_are_none():
    rows = [["42", "b", "c"], [42, Decimal("1.50"), None], ["43", "None"], ["44"], []]
    assert list(columns("id", "tag", "kind").cells(rows, ("tag", "id"), "orders")) == [
        ("b", "42"),
        ("1.50", "42"),
        (None, "43"),
        (None, "44"),
        (None, None),
    ]
    assert list(columns("id", "tag").cells([["42", "b"]], ("id", "stop"), "orders")) == [("42", None)]


@pytest.mark.parametrize("bad", ["42", {"id": "42"}, ["42", "b", "c"], [["42"], "b"], [10**20, "b"]])
def test_a_broken_row_or_cell_is_refused_where_only_some_columns_are_read(bad):
    with pytest.raises(RemoteProtocolError):
        list(columns("id", "tag").cells([["1", "a"], bad], ("id", "tag"), "orders"))


def test_a_column_that_is_not_there_has_no_rows():
    assert columns("id").rows_where([["42"]], "tag", "42", "orders") == []
    assert columns("id", "tag").rows_where([["42"]], "tag", "42", "orders") == []


@pytest.mark.parametrize("bad", ["42", {"id": "42"}, ["42", "b", "c"], [["42"], "b"]])
def test_a_broken_row_among_those_that_are_not_chosen_is_refused(bad):
    with pytest.raises(RemoteProtocolError):
        columns("id", "tag").rows_where([["1", "a"], bad], "id", "1", "orders")
