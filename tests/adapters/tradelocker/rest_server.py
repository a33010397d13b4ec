"""A REST API that answers whatever the test says, byte by byte."""

import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import trio

from adapters.secret import Secret
from adapters.tradelocker.config import Config
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.rest import Rest
from adapters.transport.http import HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import HttpService
from rules.model.values import AccountId

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TOKENS = {"accessToken": "no.jwt", "refreshToken": "r"}
ACCOUNTS = {"accounts": [{"id": "706984", "accNum": "3", "name": "x", "currency": "USD", "accountBalance": "1"}]}


def columns(*names):
    return {"id": "t", "title": "t", "columns": [{"id": name, "description": "d"} for name in names]}


CONFIG = {
    "customerAccess": {"orders": True},
    "positionsConfig": columns("qty", "id", "novelty", "side"),
    "ordersConfig": columns("id"),
    "ordersHistoryConfig": columns("id"),
    "filledOrdersConfig": columns("id"),
    "accountDetailsConfig": columns("openNetPnL", "balance"),
    "rateLimits": [{"rateLimitType": "QUOTES", "measure": "SECONDS", "intervalNum": 1, "limit": 2}],
    "limits": [{"limitType": "QUOTES_HISTORY_BARS", "limit": 20000}],
}


def ok(data):
    return {"s": "ok", "d": data}


class Server:
    """Answers by (method, path tail): a JSON value, a response, an exception, or a list of these, one after another."""

    def __init__(self):
        self.requests = []
        self.queries = []
        self.answers = {
            ("POST", "/auth/jwt/token"): TOKENS,
            ("GET", "/auth/jwt/all-accounts"): ACCOUNTS,
            ("GET", "/trade/config"): ok(CONFIG),
        }

    async def answer(self, request):
        key = (request.method, request.path.removeprefix("/backend-api"))
        self.queries.append((key[1], dict(request.query)))
        self.requests.append((*key, request.headers, request.body))
        answer = self.answers.get(key, HttpResponse(404, {}, b"<html>not here</html>"))
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, HttpResponse) else HttpResponse(200, {}, json.dumps(answer).encode())

    def asked(self, method, path):
        return [request for request in self.requests if request[:2] == (method, path)]


@asynccontextmanager
async def served(key=None, account=False):
    """Serve, and yield the server with a Rest, or with a whole account, that asks it."""
    server = Server()
    config = Config(
        server="BAPIA",
        account_id="L#706984",
        email="a@b.c",
        password=Secret("s3cret"),
        developer_api_key=None if key is None else Secret(key),
        rest_url="http://venue.test",
    )
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen("venue.test", 80, HttpService(server.answer).serve_stream)
        if account:
            speaker = TradeLockerAccount(AccountId("tl"), config, connect=network.connect, now=lambda: NOW)
        else:
            speaker = Rest(config, network.connect, lambda: NOW)
        yield server, speaker
        await speaker.aclose()
        nursery.cancel_scope.cancel()
