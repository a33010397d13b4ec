"""Requests to a venue that answers whatever the test says: pages, problems, pauses, tokens, and nothing sent twice."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import trio

from adapters.base import RemoteProtocolError, RequestNotSent, SessionLost, SignInRefused, Throttled
from adapters.clearstreet.config import Config
from adapters.clearstreet.rest import NotExecuted, Refused, Rest
from adapters.secret import Secret
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import DropConnection, HttpService
from tests.adapters.clearstreet.frames import AAPL, trade_data

START = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
TOKEN = {"access_token": "a.b.c", "expires_in": 86400, "token_type": "Bearer", "scope": "studio"}
ORDERS, POSITIONS, TRADES = (f"/accounts/100000/{name}" for name in ("orders", "positions", "trades"))
BODY = {"order_type": "market", "side": "buy", "quantity": "1", "time_in_force": "day", "symbol": "AAPL"}


class Server:
    """Answers by (method, path): a JSON value, a response, an exception, or a list of these, one after another."""

    def __init__(self):
        self.requests = []
        nothing = {"data": []}
        self.answers = {("POST", "/oauth/token"): TOKEN, ("GET", TRADES): nothing, ("GET", ORDERS): nothing}

    async def answer(self, request):
        path = request.path.removeprefix("/studio/v2")
        self.requests.append((request.method, path, dict(request.query), dict(request.headers), request.body))
        answer = self.answers.get((request.method, path), HttpResponse(404, {}, b"{}"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpResponse) else HttpResponse(200, {}, json.dumps(answer).encode())

    def asked(self, path):
        return [request for request in self.requests if request[1] == path]


def problem(status, detail="no", **headers):
    body = json.dumps({"type": "about:blank", "title": "Title", "status": status, "detail": detail}).encode()
    return HttpResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def row(symbol="AAPL", quantity="10", cost=100.5):
    return {"account_id": "100000", "account_number": "1", "symbol": symbol, "quantity": quantity, "average_cost": cost}


@asynccontextmanager
async def served(**settings):
    server = Server()
    origin = "http://venue.test"
    config = Config("100000", "me", Secret("s3cret"), rest_url=origin, auth_url=origin, **settings)
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen("venue.test", 80, HttpService(server.answer).serve_stream)
        rest = Rest(config, network.connect, lambda: START + timedelta(seconds=trio.current_time()), connections=4)
        yield server, rest
        await rest.aclose()
        nursery.cancel_scope.cancel()


# Tokens


async def test_the_token_is_asked_for_as_documented_and_sent_as_bearer(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", POSITIONS] = {"data": []}
        await rest.books()
        ((_, _, _, headers, body),) = server.asked("/oauth/token")
        assert json.loads(body) == {
            "grant_type": "client_credentials",
            "client_id": "me",
            "client_secret": "s3cret",
            "audience": "https://api.clearstreet.io",
        }
        assert headers["content-type"] == "application/json"
        assert server.asked(POSITIONS)[0][3]["authorization"] == "Bearer a.b.c"


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refused_credentials_are_final_and_the_secret_is_not_told(autojump_clock, status):
    async with served() as (server, rest):
        server.answers["POST", "/oauth/token"] = problem(status, "s3cret is wrong")
        with pytest.raises(SignInRefused) as refused:
            await rest.token()
        assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(500), SessionLost),
        (problem(429, retry_after="7"), Throttled),
        (problem(302), RemoteProtocolError),
        ({"expires_in": 5}, RemoteProtocolError),
        ({"access_token": "", "expires_in": 5}, RemoteProtocolError),
        ({"access_token": "a\nb", "expires_in": 5}, RemoteProtocolError),
        ({"access_token": "a", "expires_in": -5}, RemoteProtocolError),
        ({"access_token": "a", "expires_in": 1e300}, RemoteProtocolError),
    ],
)
async def test_a_token_that_does_not_come_is_weather_or_a_broken_word(autojump_clock, answer, error):
    async with served() as (server, rest):
        server.answers["POST", "/oauth/token"] = answer
        with pytest.raises(error) as raised:
            await rest.token()
        if error is Throttled:
            assert raised.value.retry_after_s == 7


async def test_a_token_without_a_lifetime_is_used_for_less_than_an_hour(autojump_clock):
    async with served() as (server, rest):
        server.answers["POST", "/oauth/token"] = {"access_token": "a"}
        token = await rest.token()
        assert token.expires_at == START + timedelta(hours=1)
        assert token.fresh_until == START + timedelta(minutes=55)


# Lists


async def test_all_pages_of_a_list_are_read(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", POSITIONS] = [
            {"data": [row("A")], "next_page_token": "p2"},
            {"data": [row("B"), row("FLAT", "0", 0)], "next_page_token": "p3"},
            {"data": [row("C", "-3")], "next_page_token": ""},
        ]
        books = await rest.books()
        assert {symbol: held.quantity for symbol, held in books.holdings.items()} == {
            "A": Decimal(10),
            "B": Decimal(10),
            "C": Decimal(-3),
        }
        assert [request[2] for request in server.asked(POSITIONS)] == [
            {"page_size": "1000"},
            {"page_size": "1000", "page_token": "p2"},
            {"page_size": "1000", "page_token": "p3"},
        ]


async def test_pages_that_go_round_in_a_circle_break_the_protocol(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", ORDERS] = {"data": [], "next_page_token": "again"}
        with pytest.raises(RemoteProtocolError, match="there before"):
            await rest.orders()


async def test_pages_without_end_break_the_protocol(autojump_clock, monkeypatch):
    monkeypatch.setattr("adapters.clearstreet.rest._PAGES_MAX", 3)
    async with served() as (server, rest):
        server.answers["GET", ORDERS] = [{"data": [], "next_page_token": str(number)} for number in range(9)]
        with pytest.raises(RemoteProtocolError, match="at most 3 pages"):
            await rest.orders()


@pytest.mark.parametrize("answer", [{}, {"data": None}, [[]], {"data": [{"symbol": "A"}]}, {"data": [row("")]}])
async def test_an_answer_without_its_rows_is_no_empty_account(autojump_clock, answer):
    async with served() as (server, rest):
        server.answers["GET", POSITIONS] = answer
        with pytest.raises(RemoteProtocolError):
            await rest.books()


async def test_positions_and_executions_are_asked_again_until_both_are_of_one_moment(autojump_clock):
    async with served() as (server, rest):
        traded = {"data": [trade_data(10, 10)]}
        server.answers["GET", TRADES] = traded
        server.answers["GET", POSITIONS] = [{"data": []}, {"data": [row()]}]
        books = await rest.books()
        assert books.holdings[AAPL].quantity == Decimal(10)
        assert books.agree
        server.answers["GET", POSITIONS] = {"data": [row(quantity="7")]}
        books = await rest.books()
        assert not books.agree
        assert books.holdings[AAPL].quantity == Decimal(7)  # after three looks the list of positions counts


async def test_a_short_position_without_its_minus_is_short_by_the_days_executions(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", TRADES] = {"data": [trade_data(10, 10, "sell-short")]}
        server.answers["GET", POSITIONS] = {"data": [row()]}
        assert (await rest.books()).holdings[AAPL].quantity == Decimal(-10)


async def test_a_symbol_that_stands_twice_in_the_books_is_never_guessed(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", TRADES] = {"data": []}
        server.answers["GET", POSITIONS] = {"data": [row(), row(quantity="7")]}
        with pytest.raises(RemoteProtocolError, match="found one twice"):
            await rest.books()


# Refusals of looks


@pytest.mark.parametrize("status", [403, 404])
async def test_an_account_that_is_not_shown_is_refused_for_good(autojump_clock, status):
    async with served() as (server, rest):
        server.answers["GET", POSITIONS] = problem(status)
        with pytest.raises(SignInRefused):
            await rest.books()


async def test_a_token_that_is_refused_is_renewed_and_one_that_is_refused_at_once_is_weather(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", ORDERS] = [problem(401), {"data": []}, problem(401), problem(401)]
        assert await rest.orders() == []
        assert len(server.asked("/oauth/token")) == 2
        with pytest.raises(SessionLost, match="a new token is refused"):
            await rest.orders()
        server.answers["GET", ORDERS] = {"data": []}
        assert await rest.orders() == []


async def test_a_look_waits_as_long_as_the_rate_limit_says_and_gives_up_after_three(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", ORDERS] = [problem(429, retry_after="3"), {"data": []}]
        started = trio.current_time()
        await rest.orders()
        assert trio.current_time() - started == pytest.approx(3)
        server.answers["GET", ORDERS] = problem(429)
        with pytest.raises(SessionLost, match="rate limit"):
            await rest.orders()


@pytest.mark.parametrize(("status", "error"), [(503, SessionLost), (408, SessionLost), (400, RemoteProtocolError)])
async def test_other_refusals_of_looks_are_weather_or_a_broken_word(autojump_clock, status, error):
    async with served() as (server, rest):
        server.answers["GET", ORDERS] = problem(status, "x" * 10_000)
        with pytest.raises(error) as raised:
            await rest.orders()
        assert len(str(raised.value)) < 700


async def test_a_symbol_of_any_letters_is_one_segment_of_the_path(autojump_clock):
    async with served() as (server, rest):
        assert await rest.position("A/B ?#%41") is None
        assert server.requests[-1][1] == "/accounts/100000/positions/A/B ?#%41"


# Orders


async def test_a_received_order_gives_its_id(autojump_clock):
    async with served() as (server, rest):
        server.answers["POST", ORDERS] = HttpResponse(201, {}, b'{"order_id": "o-1", "new": 1}')
        assert await rest.place(BODY) == "o-1"
        assert json.loads(server.requests[-1][4]) == BODY


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
async def test_a_refused_order_has_the_venues_words_bounded(autojump_clock, status):
    async with served() as (server, rest):
        server.answers["POST", ORDERS] = problem(status, "Märkte zu " + "x" * 10_000)
        refused = await rest.place(BODY)
        assert isinstance(refused, Refused)
        assert refused.text.startswith("Märkte zu")
        assert len(refused.text) == 500


@pytest.mark.parametrize("body", [b"<html>", b"", b"{}", b'{"detail": 7}'])
async def test_a_refusal_without_words_is_its_status(autojump_clock, body):
    async with served() as (server, rest):
        server.answers["POST", ORDERS] = HttpResponse(400, {}, body)
        assert await rest.place(BODY) == Refused("HTTP 400")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(500), SessionLost),
        (problem(503), SessionLost),
        (problem(408), SessionLost),
        (HttpResponse(201, {}, b"<html>"), RemoteProtocolError),
        (HttpResponse(201, {}, b"{}"), RemoteProtocolError),
        (HttpResponse(302, {}, b""), RemoteProtocolError),
        (DropConnection(), SessionLost),
        (problem(429, retry_after="2"), Throttled),
        (problem(401), NotExecuted),
    ],
)
async def test_an_order_is_sent_once_whatever_comes_back(autojump_clock, answer, error):
    async with served() as (server, rest):
        server.answers["POST", ORDERS] = answer
        with pytest.raises(error) as raised:
            await rest.place(BODY)
        assert not isinstance(raised.value, RequestNotSent)
        assert len(server.asked(ORDERS)) == 1


async def test_weather_on_the_way_to_a_token_means_that_no_order_was_sent(autojump_clock):
    async with served() as (server, rest):
        server.answers["POST", "/oauth/token"] = problem(500)
        with pytest.raises(RequestNotSent):
            await rest.place(BODY)
        assert server.asked(ORDERS) == []


# Words


async def test_instruments_are_those_with_a_name_of_the_venues_own_format(autojump_clock):
    async with served() as (server, rest):
        kind = {"description": "", "primary_exchange": "XNAS"}
        server.answers["GET", "/instruments"] = {
            "data": [
                {**kind, "asset_class": "equity", "symbols": [{"symbol": "AAPL", "symbol_format": "cms"}]},
                {**kind, "asset_class": "fund", "symbols": [{"symbol": "SPY"}]},
                {
                    **kind,
                    "asset_class": "option",
                    "symbols": [
                        {"symbol": "AAPL1", "symbol_format": "cms"},
                        {"symbol": "AAPL  261218C00200000", "symbol_format": "osi"},
                    ],
                },
                {**kind, "asset_class": "equity", "symbols": [{}]},
            ]
        }
        found = await rest.instruments()
        assert {symbol: (each.tradable, each.contract_size) for symbol, each in found.items()} == {
            "AAPL": (True, Decimal(1)),
            "SPY": (True, Decimal(1)),
            "AAPL1": (False, None),
        }


async def test_easy_borrows_and_one_order_are_read(autojump_clock):
    async with served() as (server, rest):
        server.answers["GET", "/accounts/100000/easy-borrows"] = {"data": ["AAPL", "V"]}
        assert await rest.easy_borrows() == {"AAPL", "V"}
        shown = {"order_id": "o", "state": "rejected", "quantity": "5", "symbol": "V", "side": "buy", "text": "no"}
        server.answers["GET", ORDERS + "/o"] = {"order": shown}
        order = await rest.order("o")
        assert (order.is_over, order.filled, order.average_price, order.said) == (True, 0, None, "rejected: no")
        assert await rest.order("p") is None
