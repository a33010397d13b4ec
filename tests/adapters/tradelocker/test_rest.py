"""Requests: what may be repeated, what never is, and answers that are none."""

import json
from decimal import Decimal

import pytest
import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.tradelocker.rest import NotExecuted, Refused
from adapters.transport.http import HttpResponse
from adapters.transport.serving import DropConnection
from tests.adapters.tradelocker.rest_server import TOKENS, ok, served

POSITIONS = ("GET", "/trade/accounts/706984/positions")
ORDERS = ("POST", "/trade/accounts/706984/orders")


async def test_rows_are_read_by_column_id_and_none_is_written_in_many_ways(autojump_clock):
    async with served() as (server, rest):
        server.answers[POSITIONS] = ok({"positions": [["0.10", "1", "None", None], [0.5, 2**60, True, "buy"], ["1"]]})
        assert await rest.rows("positions") == [
            {"qty": "0.10", "id": "1", "novelty": None, "side": None},
            {"qty": "0.5", "id": "1152921504606846976", "novelty": "true", "side": "buy"},
            {"qty": "1"},
        ]


async def test_number_and_account_belong_together_in_every_request(autojump_clock):
    async with served(key="k1") as (server, rest):
        server.answers[POSITIONS] = ok({"positions": []})
        assert await rest.rows("positions") == []
        (_, _, headers, _) = server.asked(*POSITIONS)[0]
        assert (headers["accnum"], headers["authorization"]) == ("3", "Bearer no.jwt")
        assert headers["developer-api-key"] == "k1"
        assert rest.currency == "USD"


async def test_stream_token_request_carries_no_developer_key_and_is_made_once(autojump_clock):
    async with served(key="k1") as (server, rest):
        path = "/auth/jwt/accounts/tokens"
        server.answers["POST", path] = {
            "data": [{"accessToken": "t", "accountId": "L#706984", "brandId": "BAPIA", "expireDate": "never", "new": 1}]
        }
        assert (await rest.stream_token()).access_token == "t"
        assert (await rest.stream_token()).access_token == "t"
        ((_, _, headers, body),) = server.asked("POST", path)
        assert "developer-api-key" not in headers
        assert json.loads(body) == {"email": "a@b.c", "password": "s3cret", "server": "BAPIA"}


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_sign_in_is_final_and_not_repeated(autojump_clock, status):
    async with served() as (server, rest):
        server.answers["POST", "/auth/jwt/token"] = HttpResponse(status, {}, b"{}")
        with pytest.raises(SignInRefused) as raised:
            await rest.state()
        assert "s3cret" not in str(raised.value)
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpResponse(200, {}, b"<html>login</html>"), RemoteProtocolError),
        (HttpResponse(200, {}, b"\xff\xfe"), RemoteProtocolError),
        (HttpResponse(200, {}, b"[" * 100_000), RemoteProtocolError),
        (HttpResponse(200, {}, b'{"accessToken":1}'), RemoteProtocolError),
        (HttpResponse(302, {"location": "/"}, b""), RemoteProtocolError),
        (HttpResponse(502, {}, b""), SessionLost),
        (DropConnection(), SessionLost),
    ],
)
async def test_sign_in_that_fails_otherwise_is_weather(autojump_clock, answer, error):
    async with served() as (server, rest):
        server.answers["POST", "/auth/jwt/token"] = answer
        with pytest.raises(error):
            await rest.state()


@pytest.mark.parametrize(
    "data",
    [
        {"positions": [["1", "2", "3", "4", "5"]]},
        {"positions": [{"id": "1"}]},
        {"positions": [[[]]]},
        {"positions": [[10**30]]},
        {"positions": "none"},
        {"positions": None, "other": 1},
        [1],
    ],
)
async def test_table_of_another_shape_is_refused(autojump_clock, data):
    async with served() as (server, rest):
        server.answers[POSITIONS] = ok(data)
        with pytest.raises(RemoteProtocolError):
            await rest.rows("positions")


@pytest.mark.parametrize(
    "answer",
    [
        {"s": "error", "errmsg": "no"},
        {"s": "odd"},
        {"d": {}},
        {"s": "ok"},
        {"s": "ok", "d": {}},
        {"s": "no_data"},
        "text",
        HttpResponse(200, {}, b""),
        HttpResponse(403, {}, b""),
        HttpResponse(500, {}, b""),
    ],
)
async def test_question_without_an_answer_is_weather(autojump_clock, answer):
    async with served() as (server, rest):
        server.answers[POSITIONS] = answer
        with pytest.raises(SessionLost):
            await rest.rows("positions")


async def test_question_is_asked_again_once_after_a_dead_token(autojump_clock):
    async with served() as (server, rest):
        server.answers[POSITIONS] = [HttpResponse(401, {}, b""), ok({"positions": []})]
        server.answers["POST", "/auth/jwt/refresh"] = TOKENS
        assert await rest.rows("positions") == []
        server.answers[POSITIONS] = [HttpResponse(401, {}, b""), HttpResponse(401, {}, b"")]
        with pytest.raises(RemoteProtocolError, match="401"):
            await rest.rows("positions")


async def test_refused_refresh_leads_to_a_new_sign_in(autojump_clock):
    async with served() as (server, rest):
        server.answers[POSITIONS] = [HttpResponse(401, {}, b""), ok({"positions": []})]
        server.answers["POST", "/auth/jwt/refresh"] = HttpResponse(401, {}, b"")
        assert await rest.rows("positions") == []
        assert len(server.asked("POST", "/auth/jwt/token")) == 2


async def test_refresh_that_is_lost_is_not_tried_with_the_same_token_again(autojump_clock):
    async with served() as (server, rest):
        server.answers[POSITIONS] = [HttpResponse(401, {}, b""), ok({"positions": []})]
        server.answers["POST", "/auth/jwt/refresh"] = DropConnection()
        with pytest.raises(SessionLost):
            await rest.rows("positions")
        assert await rest.rows("positions") == []
        assert len(server.asked("POST", "/auth/jwt/refresh")) == 1


async def test_question_waits_as_long_as_the_rate_limit_asks_but_not_for_ever(autojump_clock):
    async with served() as (server, rest):
        busy = HttpResponse(429, {"retry-after": "7"}, b"")
        server.answers[POSITIONS] = [busy, busy, ok({"positions": []})]
        start = trio.current_time()
        assert await rest.rows("positions") == []
        assert trio.current_time() - start == 14
        server.answers[POSITIONS] = [busy, busy, busy]
        with pytest.raises(SessionLost, match="rate limit"):
            await rest.rows("positions")


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (ok({"orderId": "1"}), {"orderId": "1"}),
        ({"s": "ok"}, {}),
        (HttpResponse(204, {}, b""), {}),
        ({"s": "error", "errmsg": "Market is closed"}, Refused("Market is closed")),
        ({"s": "error"}, Refused("refused without a reason")),
        (HttpResponse(400, {}, b'{"message":"bad qty"}'), Refused("bad qty")),
        (HttpResponse(403, {}, b"<html>"), Refused("HTTP 403")),
        (HttpResponse(404, {}, b"[]"), Refused("HTTP 404")),
    ],
)
async def test_change_is_taken_or_refused(autojump_clock, answer, result):
    async with served() as (server, rest):
        server.answers[ORDERS] = answer
        assert await rest.place({"qty": "1"}) == result


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpResponse(401, {}, b""), NotExecuted),
        (HttpResponse(429, {"retry-after": "junk"}, b""), Throttled),
        (HttpResponse(500, {}, b""), SessionLost),
        (HttpResponse(200, {}, b"<html>"), RemoteProtocolError),
        (HttpResponse(302, {}, b""), RemoteProtocolError),
        ({"s": "odd"}, RemoteProtocolError),
        (DropConnection(), SessionLost),
    ],
)
async def test_change_is_sent_once_whatever_comes_back(autojump_clock, answer, error):
    async with served() as (server, rest):
        server.answers[ORDERS] = answer
        with pytest.raises(error) as raised:
            await rest.place({"qty": "1"})
        assert not isinstance(raised.value, RequestNotSent)
        assert len(server.asked(*ORDERS)) == 1


async def test_prices_leave_as_exact_json_numbers(autojump_clock):
    async with served() as (server, rest):
        server.answers[ORDERS] = {"s": "ok"}
        await rest.place({"stopLoss": Decimal("1.10000000000000000001"), "qty": "0.10", "price": None})
        assert server.asked(*ORDERS)[0][3] == b'{"stopLoss":1.10000000000000000001,"qty":"0.10","price":null}'


async def test_wrong_account_is_final_and_the_others_are_named(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", "/auth/jwt/all-accounts"] = {"accounts": [{"id": 5, "accNum": 1}]}
        with pytest.raises(SignInRefused, match="found: 5"):
            await rest.state()
