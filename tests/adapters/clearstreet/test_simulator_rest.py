"""The simulated Studio REST API: answers, lists, refusals, rate limits, and the weather."""

from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from adapters.clearstreet.simulator_limits import RATE_LIMITS
from adapters.clearstreet.simulator_universe import SHARES
from adapters.transport.serving import DropConnection
from rules.model.values import OmsType, Side
from tests.adapters.clearstreet.simulated import (
    ACCOUNT,
    ACCOUNT_ID,
    ACCOUNT_NUMBER,
    BASE,
    START,
    Answer,
    Json,
    Venue,
    order,
)

LIMIT = {"order_type": "limit", "price": "10.00"}


def check_problem(answer: Answer, status: int, path: str) -> None:
    """Check the shape of a refusal (RFC 9457)."""
    assert answer.status == status
    assert set(answer.body) == {"type", "title", "status", "detail", "instance"}
    assert (answer.body["status"], answer.body["instance"]) == (status, path)
    assert answer.headers["content-type"] == "application/json"


async def test_accounts_are_the_netting_books(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.broker.add_account("hedged", OmsType.HEDGING, Decimal(1))
    venue.broker.add_account("200000", OmsType.NETTING, Decimal(1))
    await venue.sign_in()
    rows = (await venue.request("GET", f"{BASE}/accounts")).body["data"]
    assert rows[0] == {**ACCOUNT, "entity_id": "1", "name": ACCOUNT_ID}
    assert [row["account_id"] for row in rows] == [ACCOUNT_ID, "200000"]
    assert (await venue.get("")) == rows[0]


async def test_paths_take_the_account_number_too(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.sign_in()
    assert (await venue.request("GET", f"{BASE}/accounts/{ACCOUNT_NUMBER}")).body["account_id"] == ACCOUNT_ID
    answer = await venue.request("POST", f"{BASE}/accounts/{ACCOUNT_NUMBER}/orders", order())
    assert answer.status == 201
    assert len(venue.book.positions) == 1


@pytest.mark.parametrize("token", ["", "wrong"])
async def test_without_a_good_token_nothing_is_answered(autojump_clock: MockClock, token: str) -> None:
    venue = Venue()
    venue.token = token
    path = f"{BASE}/accounts/{ACCOUNT_ID}/orders"
    for method in ("GET", "POST", "DELETE"):
        check_problem(await venue.request(method, path, order()), 401, path)
    assert not venue.book.orders


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "accounts/999"),
        ("GET", "accounts/999/orders"),
        ("GET", "accounts/100000/nothing"),
        ("GET", "accounts/100000/orders/1"),
        ("GET", "accounts/100000/trades/1"),
        ("GET", "accounts/100000/positions/AAPL"),
        ("GET", "accounts/100000/locate-orders/1"),
        ("GET", "accounts/100000/inventories"),
        ("GET", "instruments/NOPE"),
        ("GET", "nothing"),
        ("PUT", "accounts/100000/orders"),
        ("POST", "accounts/100000"),
        ("POST", "accounts"),
        ("PATCH", "accounts/100000/orders/1"),
        ("DELETE", "accounts/100000/orders/1"),
        ("PATCH", "accounts/100000/locate-orders/1"),
    ],
)
async def test_what_does_not_exist_is_a_problem_404(autojump_clock: MockClock, method: str, path: str) -> None:
    venue = Venue()
    await venue.sign_in()
    body = {"quantity": "1"} if method == "PATCH" else None
    check_problem(await venue.request(method, f"{BASE}/{path}", body), 404, f"{BASE}/{path}")


async def test_a_path_outside_of_the_api_is_not_found(autojump_clock: MockClock) -> None:
    assert (await Venue().request("GET", "/v1/accounts")).status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"side": "BUY"},
        {"side": "buy-to-cover"},
        {"time_in_force": "gtc"},
        {"order_type": "trailing-stop"},
        {"quantity": 10},
        {"quantity": "0"},
        {"quantity": "-1"},
        {"quantity": "1e400000"},
        {"quantity": "12345678901234567"},
        {"quantity": ""},
        {"symbol": ""},
        {"symbol": "A" * 33},
        {"reference_id": ""},
        {"reference_id": "r" * 257},
        {"reference_id": None},
        {"price": "10.00"},
        {"stop_price": "10.00"},
        {"order_type": "limit"},
        {"order_type": "limit", "price": "NaN"},
        {"order_type": "limit", "price": "10", "stop_price": "10"},
        {"order_type": "stop", "price": "10"},
        {"order_type": "stop-limit", "price": "10"},
        {"symbol_format": "isin"},
        {"open_close_indicator": "both"},
        {"strategy_type": "sor"},
        {"account_id": "100000"},
        {"strategy": {"type": "unheard-of"}},
        {"strategy": {"type": "sor", "destination": "arcx"}},
        {"strategy": {"type": "dma"}},
        {"strategy": {"type": "pov"}},
        {"strategy": {"type": "vwap", "max_percent": 51}},
        {"strategy": {"type": "sor", "start_at": 2**70}},
        {"strategy": {}},
    ],
)
async def test_a_body_that_breaks_the_schema_is_refused_and_no_order(autojump_clock: MockClock, change: Json) -> None:
    venue = Venue()
    venue.faults.reject("not for what is no order")
    check_problem(await venue.ask("POST", "orders", {**order(), **change}), 400, f"{BASE}/accounts/100000/orders")
    assert not venue.told()
    assert len(venue.faults.rejections) == 1


@pytest.mark.parametrize("missing", ["order_type", "side", "quantity", "time_in_force", "symbol"])
async def test_each_required_field_is_required(autojump_clock: MockClock, missing: str) -> None:
    venue = Venue()
    body = order()
    del body[missing]
    assert (await venue.ask("POST", "orders", body)).status == 400


@pytest.mark.parametrize("body", [b"", b"no JSON", b"[]", b"null", b"\xff", b"[" * 10_000])
async def test_a_body_that_is_no_object_is_refused(autojump_clock: MockClock, body: bytes) -> None:
    assert (await Venue().ask("POST", "orders", body)).status == 400


@pytest.mark.parametrize(
    "strategy",
    [
        {"type": "sor", "urgency": "super-aggressive", "start_at": 1, "end_at": 2},
        {"type": "vwap", "min_percent": 0, "max_percent": 50},
        {"type": "twap"},
        {"type": "ap", "max_percent": 100},
        {"type": "pov", "target_percent": 10},
        {"type": "dark", "max_percent": 5},
        {"type": "dma", "destination": "xnms"},
    ],
)
async def test_every_strategy_is_taken_and_shown_as_it_came(autojump_clock: MockClock, strategy: Json) -> None:
    venue = Venue()
    answer = await venue.ask("POST", "orders", {**order(), "strategy": strategy})
    assert (await venue.order(answer.body["order_id"]))["strategy"] == strategy


# Lists


async def pages(venue: Venue, path: str, **query: object) -> list[list[Any]]:
    """Return the pages of a list, to its end."""
    shown = await venue.get(path, **query)
    found = [shown["data"]]
    while "next_page_token" in shown:
        shown = await venue.get(path, page_token=shown["next_page_token"], **query)
        found.append(shown["data"])
    return found


async def test_lists_come_in_pages_of_25_unless_asked_otherwise(autojump_clock: MockClock) -> None:
    venue = Venue()
    ids = [await venue.place("buy", "1") for _ in range(51)]
    for path in ("orders", "trades"):
        assert [len(page) for page in await pages(venue, path)] == [25, 25, 1]
        assert [len(page) for page in await pages(venue, path, page_size=17)] == [17, 17, 17]
        [whole] = await pages(venue, path, page_size=2000)
        assert [each["order_id"] for each in whole] == ids


async def test_an_order_that_comes_between_two_pages_shifts_none(autojump_clock: MockClock) -> None:
    venue = Venue()
    ids = [await venue.place("buy", "1") for _ in range(4)]
    first = await venue.get("orders", page_size=2)
    ids.append(await venue.place("buy", "1"))
    rest = await venue.get("orders", page_size=9, page_token=first["next_page_token"])
    assert [each["order_id"] for each in first["data"] + rest["data"]] == ids


async def test_a_position_that_goes_between_two_pages_hides_no_other(autojump_clock: MockClock) -> None:
    venue = Venue()
    for share in SHARES[:4]:
        venue.by_hand(Side.BUY, "1", share.symbol)
    symbols = sorted(share.symbol for share in SHARES[:4])
    first = await venue.get("positions", page_size=2)
    venue.by_hand(Side.SELL, "1", symbols[0])
    rest = await venue.get("positions", page_size=2, page_token=first["next_page_token"])
    assert [each["symbol"] for each in first["data"] + rest["data"]] == symbols


@pytest.mark.parametrize(
    "query", [{"page_size": 0}, {"page_size": 2001}, {"page_size": "x"}, {"page_token": "?"}, {"from_": "x"}]
)
async def test_a_bad_page_is_refused(autojump_clock: MockClock, query: Json) -> None:
    venue = Venue()
    assert (await venue.ask("GET", "orders", **query)).status == 400


async def test_orders_are_found_by_when_they_were_created(autojump_clock: MockClock) -> None:
    venue = Venue()
    ids = []
    for _ in range(3):
        ids.append(await venue.place("buy", "1"))
        venue.later(seconds=10)
    at = int(START.timestamp() * 1000)

    async def found(**query: object) -> list[str]:
        return [each["order_id"] for page in await pages(venue, "orders", page_size=1, **query) for each in page]

    assert await found(from_=at + 10_000) == ids[1:]
    assert await found(from_=at + 10_001) == ids[2:]
    assert await found(to=at + 10_000) == ids[:2]
    assert await found(from_=at + 1, to=at + 19_999) == [ids[1]]


async def test_lists_and_looks_hold_the_current_trading_day_only(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place()
    [trade] = (await venue.get("trades"))["data"]
    assert await venue.get(f"trades/{trade['trade_id']}") == trade
    venue.later(hours=14)
    assert (await venue.get("orders"))["data"] == (await venue.get("trades"))["data"] == []
    assert (await venue.ask("GET", f"orders/{order_id}")).status == 404
    assert (await venue.ask("DELETE", f"orders/{order_id}")).status == 404
    assert (await venue.get("positions/AAPL"))["quantity"] == "10"


async def test_one_position_is_shown_by_its_symbol(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "10", symbol="BRK.B")
    assert await venue.get("positions/BRK.B") == {
        **ACCOUNT,
        "symbol": "BRK.B",
        "quantity": "10",
        "average_cost": Decimal("505.02"),
    }


async def test_holdings_tell_the_quantities_of_now_and_of_the_days_start(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place()
    venue.later(hours=14)
    await venue.place("sell", "10")
    await venue.place("sell-short", "3", symbol="MSFT")
    shown = await venue.get("holdings")
    assert shown["date"] == 20261121
    assert {each["symbol"]: (each["quantity"], each["sod_quantity"]) for each in shown["data"]} == {
        "AAPL": ("0", "10"),
        "MSFT": ("-3", "0"),
    }
    assert {each["asset_class"] for each in shown["data"]} == {"equity"}
    assert shown["sod_equity"] == Decimal("999999.8")


async def test_instruments_are_listed_and_found(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.sign_in()
    rows = (await venue.request("GET", f"{BASE}/instruments")).body["data"]
    assert len(rows) == len(SHARES)
    assert (await venue.request("GET", f"{BASE}/instruments/AAPL", symbol_format="cms")).body == rows[0]
    assert rows[0]["symbols"] == [{"symbol": "AAPL", "symbol_format": "cms"}]
    assert rows[0]["asset_class"] == "equity"


async def test_easy_borrows_leave_out_what_is_hard(autojump_clock: MockClock) -> None:
    symbols = (await Venue().get("easy-borrows"))["data"]
    assert {"AAPL", "NVDA", "MSFT", "AMZN"} <= set(symbols)
    assert not {"XOM", "ORCL"} & set(symbols)


# Many orders at once


async def test_bulk_orders_are_judged_one_by_one_in_their_order(autojump_clock: MockClock) -> None:
    venue = Venue()
    rows = [order("buy", "5"), order("buy", 5), order("sell", "9"), order("buy", "1", **LIMIT), {}]  # type: ignore[arg-type]
    answer = await venue.ask("POST", "bulk-orders", {"orders": rows})
    assert (answer.status, answer.body["submitted"], answer.body["rejected"]) == (201, 3, 2)
    assert [row["submitted"] for row in answer.body["data"]] == [True, False, True, True, False]
    shown = [await venue.order(row["order_id"]) for row in answer.body["data"] if row["submitted"]]
    assert [each["status"] for each in shown] == ["filled", "rejected", "new"]
    assert "quantity" in answer.body["data"][1]["reason"]


@pytest.mark.parametrize("rows", [[], [order(**LIMIT)] * 1001, {}, None])
async def test_a_bulk_holds_1_to_1000_orders(autojump_clock: MockClock, rows: object) -> None:
    venue = Venue()
    assert (await venue.ask("POST", "bulk-orders", {"orders": rows})).status == 400
    assert not venue.told()


async def test_a_rejection_meets_one_order_of_a_bulk(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.faults.reject("no")
    answer = await venue.ask("POST", "bulk-orders", {"orders": [{}, order(), order()]})
    shown = [await venue.order(row["order_id"]) for row in answer.body["data"][1:]]
    assert [each["status"] for each in shown] == ["rejected", "filled"]


# Rate limits


async def test_the_published_limits_hold_per_second_and_resource(autojump_clock: MockClock) -> None:
    venue = Venue(rate_limits=RATE_LIMITS)
    for _ in range(10):
        assert (await venue.ask("GET", "orders")).status == 200
    refused = await venue.ask("POST", "orders", order())
    check_problem(refused, 429, f"{BASE}/accounts/100000/orders")
    assert refused.headers["retry-after"] == "1"
    assert not venue.book.orders
    assert (await venue.ask("POST", "bulk-orders", {"orders": [order()]})).status == 201
    assert (await venue.ask("POST", "bulk-orders", {"orders": [order()]})).status == 429
    assert (await venue.ask("GET", "positions")).status == 200
    venue.later(seconds=1)
    assert (await venue.ask("POST", "orders", order())).status == 201
    assert len(venue.book.orders) == 2


async def test_the_wait_is_told_to_the_end_of_the_window(autojump_clock: MockClock) -> None:
    venue = Venue(rate_limits={"orders": (1, 60)})
    await venue.place()
    venue.later(seconds=12)
    assert (await venue.ask("POST", "orders", order())).headers["retry-after"] == "48"


async def test_a_limit_counts_each_account_by_itself(autojump_clock: MockClock) -> None:
    venue = Venue(rate_limits={"orders": (1, 1)})
    venue.broker.add_account("200000", OmsType.NETTING, Decimal(1))
    await venue.place()
    assert (await venue.request("GET", f"{BASE}/accounts/200000/orders")).status == 200


# The weather

WRITES = [
    ("POST", "orders", order()),
    ("POST", "bulk-orders", {"orders": [order()]}),
    ("PATCH", "orders/{id}", {"quantity": "2"}),
    ("DELETE", "orders/{id}", None),
    ("DELETE", "orders", None),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_lost_request_changes_nothing_and_a_lost_answer_everything(
    autojump_clock: MockClock, method: str, path: str, body: object
) -> None:
    venue = Venue()
    path = path.format(id=await venue.place("buy", "1", **LIMIT))
    before = venue.told()
    venue.faults.lose_requests = 1
    await venue.get("orders")  # a look is never lost
    with pytest.raises(DropConnection):
        await venue.ask(method, path, body)
    assert venue.told() == before
    venue.faults.lose_answers = 1
    await venue.get("orders")
    with pytest.raises(DropConnection):
        await venue.ask(method, path, body)
    assert len(venue.told()) > len(before)
    assert (venue.faults.lose_requests, venue.faults.lose_answers) == (0, 0)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_a_throttled_request_is_told_when_to_come_again_and_changes_nothing(
    autojump_clock: MockClock, method: str, path: str, body: object
) -> None:
    venue = Venue()
    path = path.format(id=await venue.place("buy", "1", **LIMIT))
    before = venue.told()
    venue.faults.throttle = 1
    answer = await venue.ask(method, path, body)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert venue.told() == before
    assert (await venue.ask(method, path, body)).status == 201


async def test_the_answer_to_a_refused_request_can_be_lost_too(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.faults.lose_answers = 1
    with pytest.raises(DropConnection):
        await venue.ask("POST", "orders", {})
    assert venue.faults.lose_answers == 0


async def test_every_answer_is_late_when_asked_for(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.faults.delay_s = 3
    await venue.sign_in()
    await venue.get("positions")
    assert trio.current_time() == pytest.approx(6)


async def test_maintenance_answers_503_to_everything(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.sign_in()
    venue.faults.maintenance = True
    for method, path in (("POST", "/oauth/token"), ("GET", f"{BASE}/accounts"), ("GET", f"{BASE}/instruments")):
        check_problem(await venue.request(method, path), 503, path)


# The control API


async def test_a_trade_on_an_account_that_was_just_added_is_seen(autojump_clock: MockClock) -> None:
    venue = Venue()
    added = {"account": "200000", "oms": "netting", "balance": "100000"}
    assert (await venue.request("POST", "/control/accounts", added)).status == 200
    opened = {"account": "200000", "symbol": "AAPL", "side": "buy", "volume": "1"}
    assert (await venue.request("POST", "/control/open", opened)).status == 200
    await venue.sign_in()
    rows = (await venue.request("GET", f"{BASE}/accounts/200000/orders")).body["data"]
    assert [row["quantity"] for row in rows] == ["1"]
