"""The simulated REST API request by request, as a program other than our driver would see it."""

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio

from adapters.base import SessionLost
from adapters.metacopier.simulator_words import account_id, iso
from adapters.transport.http import HttpClient, HttpResponse
from rules.model.values import OmsType, Side, Symbol
from tests.adapters.metacopier.venue import HOST, KEY, PORT, START, Venue, now, open_venue

MockClock = trio.testing.MockClock
MASTER = account_id("master")
EURUSD = Symbol("EURUSD")
ORDER: dict[str, object] = {
    "symbol": "EURUSD",
    "orderType": "Buy",
    "volume": 0.1,
    "openPrice": 0,
    "stopLoss": 0,
    "takeProfit": 0,
    "requestId": 7,
}


async def ask(
    venue: Venue, method: str, path: str, body: object = None, key: str | None = KEY, account: str = MASTER
) -> HttpResponse:
    client = HttpClient(f"http://{HOST}:{PORT}", connect=venue.network.connect)
    headers = {} if key is None else {"X-API-KEY": key}
    data = None if body is None else json.dumps(body).encode()
    response = await client.request(method, f"/rest/api/v1/accounts/{account}{path}", headers=headers, body=data)
    await client.aclose()
    return response


async def look(venue: Venue, path: str) -> Any:
    response = await ask(venue, "GET", path)
    assert response.status == 200, response
    return json.loads(response.body)


def errors(response: HttpResponse) -> str:
    (text,) = json.loads(response.body)["errors"]
    return str(text)


async def test_positions_and_figures_are_shown_in_the_venues_words(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        response = await ask(venue, "POST", "/positions", ORDER | {"comment": "mine", "stopLoss": 1.1})
        assert (response.status, response.body) == (204, b"")
        (row,) = await look(venue, "/positions")
        (position,) = venue.book.positions.values()
        assert row["id"] == position.position_id
        assert (row["symbol"], row["orderType"], row["volume"], row["openPrice"]) == ("EURUSD", "Buy", 0.1, 1.16008)
        assert (row["stopLoss"], row["takeProfit"], row["closePrice"]) == (1.1, None, None)
        assert (row["comment"], row["requestId"], row["magicNumber"]) == ("API|7|mine", "7", None)
        assert row["openTime"] == iso(position.opened_at)
        figures = await look(venue, "/information")
        assert (figures["balance"], figures["equity"], figures["currency"]) == (10000, 9999.2, "USD")
        assert (figures["openPositions"], figures["openPositionsCount"], figures["accountMode"]) == (True, 1, "HEDGING")


async def test_accounts_are_listed_as_far_as_the_key_may_see_them(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        venue.broker.add_account("elsewhere", OmsType.HEDGING, Decimal(1))
        client = HttpClient(f"http://{HOST}:{PORT}", connect=venue.network.connect)
        for key, names in ((KEY, ["master", "elsewhere"]), ("other", ["elsewhere"])):
            response = await client.request("GET", "/rest/api/v1/accounts", headers={"X-API-KEY": key})
            assert [row["alias"] for row in json.loads(response.body)] == names
        assert (await ask(venue, "GET", "", key="other")).status == 404
        assert (await ask(venue, "GET", "")).status == 200
        await client.aclose()


@pytest.mark.parametrize("key", [None, "wrong"])
async def test_without_a_valid_key_nothing_is_shown(autojump_clock: MockClock, key: str | None) -> None:
    async with open_venue() as venue:
        for method, path, body in (("GET", "/positions", None), ("POST", "/positions", ORDER)):
            assert (await ask(venue, method, path, body, key=key)).status == 401
        assert venue.book.orders == []


async def test_the_history_holds_closes_and_partial_closes_of_a_time(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        position_id = venue.book.open(EURUSD, Side.SELL, Decimal("0.3")).position_id
        assert position_id is not None
        venue.book.close(position_id, Decimal("0.1"))
        await trio.sleep(60)
        venue.book.close(position_id)

        async def volumes(since: timedelta, until: timedelta) -> list[float]:
            window = (START + since, START + until)
            start, stop = (iso(at).replace("+", "%2B") for at in window)
            rows = await look(venue, f"/history/positions?start={start}&stop={stop}")
            assert all(row["id"] == position_id and row["orderType"] == "Sell" for row in rows)
            return [row["volume"] for row in rows]

        assert await volumes(timedelta(), timedelta(hours=1)) == [0.1, 0.2]
        assert await volumes(timedelta(seconds=30), timedelta(hours=1)) == [0.2]
        assert await volumes(timedelta(), timedelta(seconds=30)) == [0.1]
        for query in ("", "?start=2026-11-20T00:00:00Z", "?start=x&stop=y", "?start=2026-11-20&stop=2026-11-21"):
            assert (await ask(venue, "GET", f"/history/positions{query}")).status == 400


async def test_the_history_holds_deposits_and_of_each_close_its_own_profit(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        position_id = venue.book.open(EURUSD, Side.BUY, Decimal("0.3"), price=Decimal("1.1")).position_id
        assert position_id is not None
        venue.book.close(position_id, Decimal("0.1"), price=Decimal("1.1001"))
        await trio.sleep(1)
        venue.book.close(position_id, price=Decimal("1.1002"))
        await trio.sleep(1)
        venue.book.deposit(Decimal("-250.5"))
        start, stop = (iso(at) for at in (START, START + timedelta(hours=1)))
        *closes, deposit = await look(venue, f"/history/positions?start={start}&stop={stop}")
        assert [row["profit"] for row in closes] == [1, 4]
        assert (deposit["dealType"], deposit["profit"]) == ("Balance", -250.5)
        assert deposit["openTime"] == deposit["closeTime"] == iso(START + timedelta(seconds=2))
        assert await look(venue, f"/history/positions?start={stop}&stop={stop}") == []


async def test_a_change_sets_stops_and_closes_what_is_above_the_volume(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        position_id = venue.book.open(EURUSD, Side.BUY, Decimal("0.3")).position_id
        assert position_id is not None
        change = ORDER | {"volume": 0.1, "takeProfit": 1.3}
        assert (await ask(venue, "PUT", f"/positions/{position_id}", change)).status == 204
        left = venue.book.positions[position_id]
        assert (left.volume, left.take_profit) == (Decimal("0.1"), Decimal("1.3"))
        grown = await ask(venue, "PUT", f"/positions/{position_id}", ORDER | {"volume": 0.5})
        assert (grown.status, errors(grown)) == (400, "[BROKER_REJECTION] a position's volume cannot grow")
        assert (await ask(venue, "DELETE", f"/positions/{position_id}")).status == 204
        gone = await ask(venue, "DELETE", f"/positions/{position_id}")
        assert (gone.status, errors(gone)) == (404, "[POSITION_NOT_FOUND]")


async def test_all_positions_are_closed_at_once(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        for _ in range(3):
            venue.book.open(EURUSD, Side.BUY, Decimal("0.1"))
        assert (await ask(venue, "POST", "/actions/closeAllPositions")).status == 204
        assert venue.book.positions == {}


async def test_the_volume_is_snapped_to_the_grid(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        for volume, filled in ((0.129, "0.12"), (0.001, "0.01"), (500, "100")):
            venue.book.deposit(Decimal(1_000_000))
            assert (await ask(venue, "POST", "/positions", ORDER | {"volume": volume})).status == 204
            assert venue.book.orders[-1].volume == Decimal(filled)


async def test_a_pending_order_is_listed_changed_and_canceled_on_the_path_of_positions(
    autojump_clock: MockClock,
) -> None:
    async with open_venue() as venue:
        request = ORDER | {"orderType": "SellStop", "openPrice": 1.15, "comment": "mine", "magicNumber": "7"}
        assert (await ask(venue, "POST", "/positions", request)).status == 204
        (order,) = venue.book.working.values()
        (row,) = json.loads((await ask(venue, "GET", "/positions")).body)
        shown = ("id", "orderType", "openPrice", "volume", "comment", "magicNumber")
        comment = f"API|{ORDER['requestId']}|mine"
        assert [row[name] for name in shown] == [order.order_id, "SellStop", 1.15, ORDER["volume"], comment, "7"]
        information = json.loads((await ask(venue, "GET", "/information")).body)
        assert (information["pendingOrders"], information["pendingOrdersCount"]) == (True, 1)
        path = f"/positions/{order.order_id}"
        change = request | {"openPrice": 1.14, "stopLoss": 1.17, "volume": 0.02}
        assert (await ask(venue, "PUT", path, change)).status == 204
        (order,) = venue.book.working.values()
        assert (order.price, order.stop_loss, order.volume) == (Decimal("1.14"), Decimal("1.17"), Decimal("0.02"))
        refused = await ask(venue, "PUT", path, change | {"openPrice": 1.2})
        assert (refused.status, errors(refused)) == (400, "[BROKER_REJECTION] Invalid price")
        assert (await ask(venue, "DELETE", path)).status == 204
        assert venue.book.working == {}
        assert (await ask(venue, "DELETE", path)).status == 404


async def test_a_pending_order_with_an_expiry_is_gone_after_it(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        request = ORDER | {"orderType": "BuyLimit", "openPrice": 1.1, "pendingExpirySeconds": 60}
        assert (await ask(venue, "POST", "/positions", request)).status == 204
        await trio.sleep(59)
        assert len(json.loads((await ask(venue, "GET", "/positions")).body)) == 1
        await trio.sleep(1)
        assert json.loads((await ask(venue, "GET", "/positions")).body) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"symbol": "X" * 21}, "symbol -> "),
        ({"orderType": "Short"}, "orderType -> "),
        ({"volume": 0}, "volume -> "),
        ({"volume": -1}, "volume must not be negative"),
        ({"volume": "NaN"}, "volume must be"),
        ({"volume": None}, "expected a PositionRequestDTO"),
        ({"stopLoss": 1e300}, "stop_loss must"),
        ({"requestId": 1000}, "requestId -> "),
        ({"requestId": -1}, "requestId -> "),
        ({"comment": "x" * 32}, "comment -> "),
        ({"magicNumber": "x"}, "magicNumber -> "),
        ({"symbol": "NOSUCH"}, "[UNKNOWN_SYMBOL]"),
        ({"orderType": "BuyLimit"}, "[BROKER_REJECTION] Invalid price"),
        ({"orderType": "SellLimit", "openPrice": 1.1}, "[BROKER_REJECTION] Invalid price"),
        ({"orderType": "BuyLimit", "openPrice": 1.1, "pendingExpirySeconds": -1}, "pendingExpirySeconds -> "),
        ({"stopLoss": 2.0}, "[BROKER_REJECTION] Invalid stops"),
    ],
)
async def test_a_bad_order_is_refused_with_a_reason(
    autojump_clock: MockClock, change: dict[str, object], text: str
) -> None:
    async with open_venue() as venue:
        response = await ask(venue, "POST", "/positions", ORDER | change)
        assert response.status == 400
        assert text in errors(response)
        assert venue.book.positions == {}


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/nothing"), ("POST", "/nothing"), ("DELETE", "/positions"), ("PATCH", "/positions"), ("GET", "/x/y/z")],
)
async def test_other_paths_are_not_found(autojump_clock: MockClock, method: str, path: str) -> None:
    async with open_venue() as venue:
        assert (await ask(venue, method, path)).status == 404
        assert (await ask(venue, "GET", "/positions", account="nobody")).status == 404


async def test_the_weather_is_made_when_asked_for(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        faults = venue.simulator.faults
        faults.throttle = 1
        throttled = await ask(venue, "POST", "/positions", ORDER)
        assert (throttled.status, throttled.headers["retry-after"]) == (429, "2")
        faults.lose_requests = 1
        with pytest.raises(SessionLost):
            await ask(venue, "POST", "/positions", ORDER)
        assert venue.book.orders == []
        faults.lose_answers = 1
        with pytest.raises(SessionLost):
            await ask(venue, "POST", "/positions", ORDER)
        assert len(venue.book.positions) == 1
        faults.reject("no money", 3)
        assert errors(await ask(venue, "POST", "/positions", ORDER)) == "[BROKER_REJECTION] no money"
        (position_id,) = venue.book.positions
        for method in ("PUT", "DELETE"):
            refused = await ask(venue, method, f"/positions/{position_id}", ORDER if method == "PUT" else None)
            assert (refused.status, errors(refused)) == (400, "[BROKER_REJECTION] no money")
        faults.delay_s = 3
        since = now()
        assert (await ask(venue, "GET", "/positions")).status == 200
        assert now() - since >= timedelta(seconds=3)
        faults.maintenance = True
        assert (await ask(venue, "GET", "/positions")).status == 503


async def test_the_control_api_is_there(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        client = HttpClient(f"http://{HOST}:{PORT}", connect=venue.network.connect)
        response = await client.request("GET", "/control/accounts")
        assert response.status == 200
        assert b"master" in response.body
        await client.aclose()
