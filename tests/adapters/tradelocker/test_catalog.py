"""Instruments by name, and the routes that work."""

import pytest

from adapters.base import RemoteProtocolError
from adapters.tradelocker.catalog import Catalog
from adapters.tradelocker.rest import VenueRefusal
from tests.adapters.tradelocker.rest_server import ok, served


async def test_name_that_two_instruments_share_is_no_name_but_still_translates(autojump_clock):
    async with served() as (server, rest):
        catalog = Catalog(rest)
        rows = [
            {"tradableInstrumentId": 1, "name": "A", "routes": []},
            {"tradableInstrumentId": 2, "name": "A", "routes": []},
            {"tradableInstrumentId": 3, "name": "B", "routes": [{"id": 9, "type": "TRADE"}]},
        ]
        server.answers["GET", "/trade/accounts/706984/instruments"] = ok({"instruments": rows})
        assert set(await catalog.instruments()) == {"B"}
        assert (await catalog.name_of("2"), await catalog.name_of("3")) == ("A", "B")
        assert await catalog.contract_size("A") is None
        with pytest.raises(RemoteProtocolError, match="'4'"):
            await catalog.name_of("4")


async def test_dead_info_routes_are_passed_over(autojump_clock):
    async with served() as (server, rest):
        catalog = Catalog(rest)
        routes = [{"id": number, "type": "INFO"} for number in (7, 8, 9)]
        rows = [{"tradableInstrumentId": 1, "name": "A", "routes": routes}]
        server.answers["GET", "/trade/accounts/706984/instruments"] = ok({"instruments": rows})
        dead = {"s": "error", "errmsg": "dead"}
        server.answers["GET", "/trade/quotes"] = [dead, ok({"ap": 2.5, "bp": 2, "as": 1, "bs": 1}), ok({"ap": 3})]
        row = (await catalog.instruments())["A"]
        assert (await catalog.quotes(row)).ap == 3
        asked = [query["routeId"] for path, query in server.queries if path == "/trade/quotes"]
        assert asked == ["9", "8", "8"]
        server.answers["GET", "/trade/quotes"] = dead
        with pytest.raises(VenueRefusal):
            await catalog.quotes(row)


async def test_instrument_that_came_later_is_learnt_by_its_first_position(autojump_clock):
    async with served() as (server, rest):
        catalog = Catalog(rest)
        rows = [{"tradableInstrumentId": 1, "name": "A"}]
        more = [*rows, {"tradableInstrumentId": 2, "name": "B"}]
        server.answers["GET", "/trade/accounts/706984/instruments"] = [
            ok({"instruments": rows}),
            ok({"instruments": more}),
        ]
        assert await catalog.name_of("1") == "A"
        assert await catalog.name_of("2") == "B"
        assert set(await catalog.instruments()) == {"A", "B"}
