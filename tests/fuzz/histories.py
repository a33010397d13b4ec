"""The histories of all venues under attack: their answers as they come over the wire, read to the last entry."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import trio
import trio.testing

from adapters.base import RemoteProtocolError
from adapters.clearstreet import history as clearstreet
from adapters.clearstreet import wire_rest as clearstreet_wire
from adapters.clearstreet.wire import decoded as clearstreet_decoded
from adapters.history import oldest_first
from adapters.metaapi import history as metaapi
from adapters.metaapi import wire as metaapi_wire
from adapters.metaapi.requests import Requests
from adapters.metaapi.tickets import Tickets
from adapters.metacopier import history as metacopier
from adapters.metacopier import wire as metacopier_wire
from adapters.tradelocker import history as tradelocker
from adapters.tradelocker import wire_rest as tradelocker_wire
from adapters.transport.http import HttpClient, HttpResponse
from rules.model.observed import Booked
from rules.model.values import Symbol
from tests.conformance.actions import trade
from tests.conformance.venues import START, open_world

SINCE = START - timedelta(days=1)
TRADES, LOOKS = 6, 4
"""A few rows an answer: a change of one is then no rare thing."""

_JSON = msgspec.json.Encoder(decimal_format="number")

Answers = Mapping[str, list[str]]
"""What a venue answered, by the path, or by the name of the request."""


@cache
def answers(kind: str) -> Answers:
    """Return what a kind of venue answered to whoever asked for the history, several times on a day of trading."""
    noted: dict[str, list[str]] = defaultdict(list)
    with _noted(noted), TemporaryDirectory() as folder:
        trio.run(_trade, kind, Path(folder), clock=trio.testing.MockClock(autojump_threshold=0))
    return noted


async def _trade(kind: str, folder: Path) -> None:
    random = Random(5)
    async with open_world(kind, folder) as world:
        for _ in range(LOOKS):
            for _ in range(TRADES):
                trade(world, random)
                await trio.sleep(0.5)
            await world.account.history(SINCE)


@contextmanager
def _noted(noted: dict[str, list[str]]) -> Iterator[None]:
    """Let every answer be written down."""
    request, ask = HttpClient.request, Requests.ask

    async def noting_request(self: HttpClient, method: str, target: str, **given: Any) -> HttpResponse:
        answer = await request(self, method, target, **given)
        noted[target.partition("?")[0]].append(answer.body.decode())
        return answer

    async def noting_ask(self: Requests, kind: str, *given: Any, **named: Any) -> dict[str, Any]:
        answer = await ask(self, kind, *given, **named)
        noted[kind].append(_JSON.encode(answer).decode())
        return answer

    HttpClient.request, Requests.ask = noting_request, noting_ask  # type: ignore[method-assign]
    try:
        yield
    finally:
        HttpClient.request, Requests.ask = request, ask  # type: ignore[method-assign]


# What nobody pays in or out at a simulated venue

_FLOWS_OF_METAAPI = """{"deals":[
{"id":"7","type":"DEAL_TYPE_BALANCE","profit":1000.5,"time":"2026-11-20T12:00:01.000Z","comment":"paid in"},
{"id":"8","type":"DEAL_TYPE_CREDIT","profit":-20,"commission":0,"swap":-0.1,"time":"2026-11-20T12:00:02.000Z"}]}"""

_FLOWS_OF_METACOPIER = """[
{"id":"7","dealType":"Balance","profit":1000.5,"closeTime":"2026-11-20T12:00:01Z","comment":"paid in"},
{"id":"8","dealType":"Credit","profit":-20,"swap":-0.1,"volume":0,"closeTime":"2026-11-20T12:00:02Z"}]"""


# How each venue's answer becomes entries, as its driver does it


def of_metaapi() -> tuple[list[str], Callable[[str], object]]:
    good = [_FLOWS_OF_METAAPI]
    for kind in ("metaapi", "metaapi-netting"):
        good += answers(kind)["getDealsByTimeRange"]

    def decode(text: str) -> tuple[Booked, ...]:
        answer = metaapi_wire.payload((text,), "response")
        deals = metaapi_wire.listed(answer.get("deals"), metaapi_wire.Deal, "deals")
        return oldest_first(metaapi.booked(deals, Tickets()), SINCE)

    return good, decode


def of_metacopier() -> tuple[list[str], Callable[[str], object]]:
    good = [_FLOWS_OF_METACOPIER, *_told("metacopier", "/history/positions")]
    [*_, held] = _told("metacopier", "/positions")
    rows = tuple[metacopier_wire.PositionDTO, ...]

    def decode(text: str) -> tuple[Booked, ...]:
        closed = metacopier_wire.decode(_bytes(text), rows, "history")
        return oldest_first(metacopier.booked(closed, metacopier_wire.decode(_bytes(held), rows, "held")), SINCE)

    return good, decode


def of_tradelocker() -> tuple[list[str], Callable[[str], object]]:
    config = tradelocker_wire.decoded(_told("tradelocker", "/trade/config")[0].encode(), "config")["d"]
    columns = tradelocker_wire.converted(config, tradelocker_wire.TradeConfig, "config").orders_history_config

    def decode(text: str) -> tuple[Booked, ...]:
        answer = tradelocker_wire.decoded(_bytes(text), "ordersHistory")
        data = answer.get("d") if isinstance(answer, dict) else None
        found = data.get("ordersHistory") if isinstance(data, dict) else None
        if not isinstance(found, list):
            raise RemoteProtocolError("expected an array")
        rows = tradelocker.filled_rows([columns.row(cells, "ordersHistory") for cells in found], SINCE)
        return oldest_first([tradelocker.fill(row, Symbol("EURUSD")) for row in rows], SINCE)

    return _told("tradelocker", "/ordersHistory"), decode


def of_clearstreet() -> tuple[list[str], Callable[[str], object]]:
    [*_, held], [*_, placed] = (_told("clearstreet-netting", path) for path in ("/positions", "/orders"))
    positions = clearstreet_decoded(held.encode(), clearstreet_wire.Positions, "positions")
    orders = clearstreet_decoded(placed.encode(), clearstreet_wire.Orders, "orders")

    def decode(text: str) -> tuple[Booked, ...]:
        trades = clearstreet_decoded(_bytes(text), clearstreet_wire.Trades, "trades")
        return oldest_first(clearstreet.fills(trades.data, positions.data, orders.data), SINCE)

    return _told("clearstreet-netting", "/trades"), decode


def _told(kind: str, path: str) -> list[str]:
    """Return the answers to one path, and to no longer one that ends alike."""
    shortest = min((each for each in answers(kind) if each.endswith(path)), key=len)
    return answers(kind)[shortest]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
