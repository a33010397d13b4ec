"""Random days at the simulated venue: whatever was done, its stream, its REST API and the books tell one story."""

from decimal import Decimal
from random import Random

import pytest
from trio.testing import MockClock

from adapters.simulation.broker import OrderRefused
from rules.model.observed import Quote
from rules.model.values import OrderType, Side, Symbol, plain
from tests.adapters.clearstreet.simulated import AAPL, XOM, Json, Venue

TYPES: list[Json] = [
    {},
    {"order_type": "limit", "price": "{low}"},
    {"order_type": "limit", "price": "{high}", "time_in_force": "ioc"},
    {"order_type": "stop", "stop_price": "{low}"},
    {"order_type": "stop", "stop_price": "{high}"},
    {"order_type": "stop-limit", "stop_price": "{high}", "price": "{low}"},
    {"order_type": "stop-limit", "stop_price": "{low}", "price": "{high}"},
]


def price(random: Random, symbol: Symbol) -> str:
    middle = 27_000 if symbol == AAPL else 11_700
    return plain(Decimal(middle + random.randint(-500, 500)) / 100)


async def act(venue: Venue, random: Random) -> None:
    """Do one thing at random, through the API or in the books; it may be refused."""
    symbol, volume = random.choice((AAPL, XOM)), Decimal(random.randint(1, 9))
    side = random.choice(list(Side))
    waiting = [order["order_id"] for order in (await venue.get("orders", page_size=2000))["data"]]
    any_id = random.choice(waiting) if waiting else "1"
    match random.randrange(9):
        case 0 | 1 | 2:
            prices = {"low": price(random, symbol), "high": price(random, symbol)}
            fields = {name: text.format(**prices) for name, text in random.choice(TYPES).items()}
            await venue.place(random.choice(("buy", "sell", "sell-short")), str(volume), symbol=symbol, **fields)
        case 3:
            await venue.ask("PATCH", f"orders/{any_id}", {"quantity": str(volume)})
        case 4:
            await venue.ask("DELETE", f"orders/{any_id}")
        case 5:
            venue.book.open(symbol, side, volume)
        case 6:
            venue.book.place_order(symbol, side, random.choice(list(OrderType)), volume, Decimal(price(random, symbol)))
        case 7:
            asked = {"symbol": symbol, "quantity": str(volume), "mpid": "SIMU", "reference_id": "r"}
            located = (await venue.ask("POST", "locate-orders", asked)).body
            venue.later(seconds=1)
            await venue.ask("PATCH", f"locate-orders/{located['locate_order_id']}", {"accept": random.random() < 0.8})
        case 8:
            bid = Decimal(price(random, symbol))
            venue.market.set_quote(Quote(symbol, bid, bid + Decimal("0.02"), venue.now()))


async def check(venue: Venue) -> None:
    """Hold what is told against what is true."""
    held = {position.symbol: position.volume * position.side.sign for position in venue.book.positions.values()}
    costs = {position.symbol: position.open_price for position in venue.book.positions.values()}
    shown = {row["symbol"]: row for row in (await venue.get("positions"))["data"]}
    assert {symbol: Decimal(row["quantity"]) for symbol, row in shown.items()} == held
    assert {symbol: row["average_cost"] for symbol, row in shown.items()} == costs
    orders = (await venue.get("orders", page_size=2000))["data"]
    assert {order["order_id"] for order in orders if order["state"] == "open"} == set(venue.book.working)
    told: dict[str, Json] = {}
    for update in venue.told("order-update"):
        earlier = told.get(update["order_id"], {"version": 0, "state": "open"})
        assert update["version"] == earlier["version"] + 1
        assert earlier["state"] == "open" or update["order_update_reason"] == "cancel-reject"
        told[update["order_id"]] = update
    assert [told[order["order_id"]]["version"] for order in orders] == [order["version"] for order in orders]
    running: dict[str, Decimal] = {AAPL: Decimal(0), XOM: Decimal(0)}
    for trade in venue.told("trade-notice"):
        before, sign = running[trade["symbol"]], 1 if trade["side"] == "buy" else -1
        assert trade["side"] != "sell" or before >= Decimal(trade["quantity"])
        assert trade["side"] != "sell-short" or before <= 0
        running[trade["symbol"]] += sign * Decimal(trade["quantity"])
        assert Decimal(trade["running_position"]) == running[trade["symbol"]]
    assert {symbol: quantity for symbol, quantity in running.items() if quantity} == held
    for inventory in venue.told("locate-inventory-update"):
        assert min(Decimal(inventory[name]) for name in ("available", "reserved", "used")) >= 0
    reserved = sum(
        Decimal(order["quantity"])
        for order in orders
        if (order["state"], order["symbol"]) == ("open", XOM) and venue.desk.order(order["order_id"]).is_reserved
    )
    assert Decimal((await venue.get("inventories/XOM"))["reserved"]) == reserved


@pytest.mark.parametrize("seed", range(25))
async def test_a_random_day_is_one_story(autojump_clock: MockClock, seed: int) -> None:
    venue, random = Venue(), Random(seed)
    for _ in range(60):
        try:
            await act(venue, random)
        except OrderRefused:
            continue  # by hand, and the books said no
        if random.random() < 0.2:
            await check(venue)
    await check(venue)
