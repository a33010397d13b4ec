"""The life of an order at the simulated venue: received, told of, working, executed, changed, ended."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import chain, repeat

import pytest
from trio.testing import MockClock

from adapters.simulation.broker import Purpose, Result
from adapters.simulation.instruments import DEFAULT_INSTRUMENTS, start_quotes
from adapters.simulation.market import Market
from rules.model.values import OmsType, OrderType, Side, Symbol, plain
from tests.adapters.clearstreet.simulated import AAPL, ACCOUNT, START, XOM, Json, Venue, order

# At the start AAPL is quoted 270.00 / 270.02.
AT = int(START.timestamp() * 1000)


def steps(venue: Venue, order_id: str | None = None) -> list[tuple[str, str, str]]:
    """Return state, status and reason of each order-update, of one order or of all."""
    updates = [each for each in venue.told("order-update") if order_id in (None, each["order_id"])]
    return [(each["state"], each["status"], each["order_update_reason"]) for each in updates]


async def refused(venue: Venue, side: str, quantity: str, **fields: str) -> Json:
    """Place an order that is received and then rejected; returns the order."""
    shown = await venue.order(await venue.place(side, quantity, **fields))
    assert (shown["state"], shown["status"], shown["order_update_reason"]) == ("rejected", "rejected", "reject")
    assert steps(venue, shown["order_id"])[0] == ("open", "pending-new", "place")
    return shown


async def test_a_market_order_fills_at_the_quote_and_is_shown_in_full(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", reference_id="cpabcdefghijklmnopqrst", strategy={"type": "sor"})
    assert await venue.order(order_id) == {
        "created_at": AT,
        "updated_at": AT,
        "order_id": order_id,
        "reference_id": "cpabcdefghijklmnopqrst",
        "version": 2,
        **ACCOUNT,
        "state": "closed",
        "status": "filled",
        "symbol": "AAPL",
        "order_type": "market",
        "side": "buy",
        "quantity": "10",
        "filled_quantity": "10",
        "running_position": "10",
        "time_in_force": "day",
        "average_price": Decimal("270.02"),
        "order_update_reason": "execution-report",
        "strategy": {"type": "sor"},
    }
    [booked] = venue.book.orders
    assert (booked.order_id, booked.tag, booked.status) == (order_id, "cpabcdefghijklmnopqrst", Result.FILLED)


async def test_a_fill_tells_the_order_the_trade_the_position_and_the_buying_power(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10")
    assert [message["type"] for message in venue.told()] == [
        "order-update",
        "order-update",
        "trade-notice",
        "position-update",
        "buying-power-update",
    ]
    new, filled = venue.told("order-update")
    assert (new["state"], new["status"], new["order_update_reason"]) == ("open", "new", "place")
    assert (new["version"], new["filled_quantity"], new["running_position"]) == (1, "0", "0")
    assert filled["version"] == 2
    [trade] = venue.told("trade-notice")
    assert trade == {
        "created_at": AT,
        "trade_id": trade["trade_id"],
        "order_id": order_id,
        **ACCOUNT,
        "symbol": "AAPL",
        "side": "buy",
        "quantity": "10",
        "price": "270.02",
        "running_position": "10",
    }
    assert venue.told("position-update") == [
        {**ACCOUNT, "symbol": "AAPL", "quantity": "10", "average_cost": "270.02"}  # a number; `told` shows it as text
    ]
    [power] = venue.told("buying-power-update")
    assert set(power) == {"account_id", "account_number", "amount"}


async def test_a_sell_short_makes_a_negative_quantity_and_a_buy_covers_it(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("sell-short", "10")
    await venue.place("buy", "4")
    [position] = (await venue.get("positions"))["data"]
    assert (position["quantity"], position["average_cost"]) == ("-6", Decimal(270))
    await venue.place("buy", "6")
    assert (await venue.get("positions"))["data"] == []
    assert [each["quantity"] for each in venue.told("position-update")] == ["-10", "-6", "0"]


async def test_a_sell_above_the_long_quantity_is_rejected(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "5")
    assert (await refused(venue, "sell", "6"))["text"] == "sell of 6 is more than the long position of 5"
    await venue.place("sell", "5")
    assert (await refused(venue, "sell", "1"))["text"] == "sell of 1 is more than the long position of 0"
    await venue.place("sell-short", "1")
    await refused(venue, "sell", "1")


async def test_a_sell_short_while_long_is_rejected_so_zero_takes_two_orders(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "5")
    assert (await refused(venue, "sell-short", "6"))["text"] == "sell-short while 5 are held long: sell those first"
    await venue.place("sell", "5")
    await venue.place("sell-short", "1")
    assert [each["quantity"] for each in venue.told("position-update")] == ["5", "0", "-1"]


async def test_a_buy_carries_no_marking_and_may_go_through_zero(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("sell-short", "5")
    await venue.place("buy", "7")
    assert [each["running_position"] for each in venue.told("trade-notice")] == ["-5", "2"]
    assert [each["quantity"] for each in venue.told("position-update")] == ["-5", "2"]


async def test_a_refused_order_is_rejected_after_it_was_received_and_is_in_the_books(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.faults.reject("Märket is closed", 1)
    shown = await refused(venue, "buy", "10", reference_id="mine")
    assert (shown["text"], shown["filled_quantity"]) == ("Märket is closed", "0")
    [booked] = venue.book.orders
    assert (booked.order_id, booked.tag, booked.text) == (shown["order_id"], "mine", "Märket is closed")
    assert booked.status is Result.REJECTED
    await venue.place()  # only one was to be refused
    assert len(venue.book.positions) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"symbol": "NOPE"}, "Unknown symbol"),
        ({"quantity": "1.5"}, "Invalid volume"),
        ({"quantity": "100000000"}, "Invalid volume"),
        ({"quantity": "900000"}, "Not enough money"),
        ({"time_in_force": "at-open"}, "at-open is not simulated: there are no auctions here"),
        ({"order_type": "limit", "price": "270.005"}, "Invalid price: price must be a multiple of 0.01, was 270.005"),
        (
            {"order_type": "stop", "stop_price": "0.001"},
            "Invalid price: stop_price must be a multiple of 0.01, was 0.001",
        ),
        ({"symbol": "AAPL  261218C00270000", "symbol_format": "osi"}, "Unknown symbol"),
    ],
)
async def test_what_the_venue_refuses_is_rejected_in_words(
    autojump_clock: MockClock, fields: dict[str, str], words: str
) -> None:
    venue = Venue()
    venue.book.deposit(Decimal(-999_000))
    shown = await refused(venue, "buy", fields.pop("quantity", "1"), **fields)
    assert shown["text"] == words
    assert not venue.book.positions


async def test_without_a_quote_a_market_order_is_rejected(autojump_clock: MockClock) -> None:
    venue = Venue(Market(DEFAULT_INSTRUMENTS))
    assert (await refused(venue, "buy", "0.01", symbol="EURUSD"))["text"] == "Off quotes"


# Working orders


@pytest.mark.parametrize(
    ("side", "price", "quote", "fill"),
    [
        ("buy", "269.00", ("268.90", "269.00"), "269"),
        ("buy", "269.00", ("268.00", "268.50"), "268.5"),
        ("sell-short", "271.00", ("271.00", "271.10"), "271"),
        ("sell-short", "271.00", ("272.00", "272.10"), "272"),
    ],
)
async def test_a_resting_limit_order_fills_at_the_quote_that_reaches_it(
    autojump_clock: MockClock, side: str, price: str, quote: tuple[str, str], fill: str
) -> None:
    venue = Venue()
    order_id = await venue.place(side, "10", order_type="limit", price=price)
    assert steps(venue) == [("open", "new", "place")]
    venue.quote("269.50", "270.50")
    assert (await venue.order(order_id))["version"] == 1
    venue.quote(*quote)
    shown = await venue.order(order_id)
    assert (shown["status"], shown["average_price"], shown["price"]) == (
        "filled",
        Decimal(fill),
        plain(Decimal(price)),
    )
    [trade] = venue.told("trade-notice")
    assert (trade["order_id"], trade["price"]) == (order_id, fill)


async def test_a_marketable_limit_order_fills_at_once_at_the_quote(autojump_clock: MockClock) -> None:
    venue = Venue()
    shown = await venue.order(await venue.place("buy", "10", order_type="limit", price="300.00"))
    assert (shown["status"], shown["average_price"]) == ("filled", Decimal("270.02"))


@pytest.mark.parametrize(("side", "stop", "bid"), [("sell", "265.00", "264.50"), ("buy", "275.00", "275.50")])
async def test_a_stop_order_fills_at_the_first_quote_beyond_it(
    autojump_clock: MockClock, side: str, stop: str, bid: str
) -> None:
    venue = Venue()
    await venue.place("buy", "10")
    order_id = await venue.place(side, "10", order_type="stop", stop_price=stop)
    venue.quote("270.00")
    assert (await venue.order(order_id))["state"] == "open"
    venue.quote(bid)
    shown = await venue.order(order_id)
    assert (shown["state"], shown["status"], shown["average_price"]) == ("closed", "filled", Decimal(bid))


async def test_a_stop_limit_order_becomes_a_limit_order_once_its_stop_is_reached(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "10")
    order_id = await venue.place("sell", "10", order_type="stop-limit", stop_price="265.00", price="264.00")
    venue.quote("263.00")  # beyond the limit already: it triggers and waits
    assert (await venue.order(order_id))["state"] == "open"
    venue.quote("264.50")  # above the limit
    assert (await venue.order(order_id))["average_price"] == Decimal("264.50")


async def test_an_ioc_order_that_cannot_execute_is_canceled_at_once(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="limit", price="200.00", time_in_force="ioc")
    assert steps(venue, order_id) == [("open", "new", "place"), ("closed", "canceled", "execution-report")]
    venue.quote("199.00")
    assert [each.status for each in venue.book.orders] == [Result.CANCELED]


async def test_a_working_order_waits_in_the_books_under_its_own_id(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "20")
    stop = {"order_type": "stop", "stop_price": "260.00"}
    stop_limit = {"order_type": "stop-limit", "stop_price": "250.00", "price": "249.00"}
    ids = [
        await venue.place("buy", "10", order_type="limit", price="200.00", reference_id="mine"),
        await venue.place("sell", "10", **stop),
        await venue.place("sell", "10", **stop_limit),
    ]
    waiting = list(venue.book.working.values())
    assert [each.order_id for each in waiting] == ids
    assert [each.order_type for each in waiting] == [OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT]
    assert [each.tag for each in waiting] == ["mine", None, None]
    assert waiting[2].limit_price == Decimal("249.00")
    assert {each.expires_at for each in waiting} == {datetime(2026, 11, 21, 5, tzinfo=UTC)}  # midnight in New York
    venue.quote("259.00")
    assert venue.book.orders[-1].order_id == ids[1]


async def test_of_two_stops_that_one_quote_reaches_only_what_is_held_is_sold(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "10")
    ids = [await venue.place("sell", "5", order_type="stop", stop_price=price) for price in ("265.00", "264.00")]
    venue.close_by_hand("5")
    venue.quote("260.00")
    assert [(await venue.order(each))["status"] for each in ids] == ["filled", "canceled"]
    assert not venue.book.positions


async def test_no_share_is_sold_by_two_orders(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "10")
    resting = await venue.place("sell", "6", order_type="stop", stop_price="265.00")
    words = "sell of 5 is more than 10 held long less 6 in resting sales"
    for fields in ({}, {"order_type": "stop", "stop_price": "264.00"}, {"order_type": "limit", "price": "300.00"}):
        refused = await venue.order(await venue.place("sell", "5", **fields))
        assert (refused["status"], refused["text"]) == ("rejected", words)
    other = await venue.place("sell", "4", order_type="limit", price="300.00")
    assert (await venue.ask("PATCH", f"orders/{resting}", {"quantity": "7"})).status == 201
    assert (await venue.order(resting))["quantity"] == "6"
    assert (await venue.ask("PATCH", f"orders/{other}", {"quantity": "1"})).status == 201
    assert (await venue.ask("PATCH", f"orders/{resting}", {"quantity": "9"})).status == 201
    venue.quote("265.00")
    assert venue.book.positions[venue.book.orders[0].position_id].volume == Decimal(1)


async def test_a_protective_stop_whose_position_is_gone_is_canceled_and_opens_nothing(
    autojump_clock: MockClock,
) -> None:
    venue = Venue()
    await venue.place("buy", "10")
    order_id = await venue.place("sell", "10", order_type="stop", stop_price="265.00")
    venue.close_by_hand()
    venue.quote("264.00")
    shown = await venue.order(order_id)
    assert (shown["state"], shown["status"]) == ("closed", "canceled")
    assert shown["text"] == "sell of 10 is more than the long position of 0"
    assert not venue.book.positions


async def test_a_working_order_that_the_books_refuse_when_reached_is_canceled(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="limit", price="100.00")
    venue.book.deposit(-venue.book.balance)
    venue.quote("100.00")
    shown = await venue.order(order_id)
    assert (shown["state"], shown["status"], shown["text"]) == ("closed", "canceled", "Not enough money")
    venue.quote("99.00")
    assert not venue.book.positions


async def test_open_orders_expire_with_the_trading_day(autojump_clock: MockClock) -> None:
    venue = Venue(start=datetime(2026, 11, 20, 4, 59, 50, tzinfo=UTC))  # 23:59:50 in New York, a day earlier
    await venue.place("buy", "10", order_type="limit", price="100.00")
    day = venue.desk.activity.day
    venue.later(seconds=9)
    assert len((await venue.get("orders"))["data"]) == 1
    venue.later(seconds=1)
    assert (await venue.get("orders"))["data"] == []
    last = day.messages[-1]["data"]
    assert isinstance(last, dict)
    assert (last["state"], last["status"]) == ("closed", "expired")
    venue.quote("99.00")
    assert [each.status for each in venue.book.orders] == [Result.EXPIRED]


async def test_an_order_at_the_days_end_expires_also_when_only_a_quote_comes(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("buy", "10", order_type="limit", price="100.00")
    venue.later(days=1)
    venue.quote("99.00")
    assert [each.status for each in venue.book.orders] == [Result.EXPIRED]
    assert venue.told() == []


async def test_the_trading_day_begins_where_it_is_told_to(autojump_clock: MockClock) -> None:
    venue = Venue(time_zone="Asia/Tokyo")  # midnight there is 15:00 UTC
    await venue.place()
    venue.later(hours=23, minutes=59)
    assert len((await venue.get("orders"))["data"]) == 1
    venue.later(minutes=1)
    await venue.sign_in()  # a day has gone by
    assert (await venue.get("orders"))["data"] == []


async def test_a_quote_looks_only_at_accounts_with_orders_of_its_symbol(autojump_clock: MockClock) -> None:
    venue = Venue()
    watched = venue.simulator._watch._by_symbol
    ids = [await venue.place("buy", "10", order_type="limit", price=price) for price in ("100.00", "101.00")]
    assert list(watched) == ["AAPL"]
    await venue.ask("DELETE", f"orders/{ids[0]}")
    assert list(watched) == ["AAPL"]
    venue.quote("101.00")
    assert not watched


# Changes


async def test_a_cancel_is_pending_and_then_done(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="limit", price="100.00")
    answer = await venue.ask("DELETE", f"orders/{order_id}")
    assert (answer.status, answer.body) == (201, None)
    assert steps(venue, order_id) == [
        ("open", "new", "place"),
        ("open", "pending-cancel", "cancel"),
        ("closed", "canceled", "cancel"),
    ]
    assert (await venue.order(order_id))["version"] == 3


async def test_a_cancel_that_comes_too_late_is_rejected_on_the_stream(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place()
    assert (await venue.ask("DELETE", f"orders/{order_id}")).status == 201
    shown = await venue.order(order_id)
    assert (shown["state"], shown["status"], shown["order_update_reason"]) == ("closed", "filled", "cancel-reject")
    assert shown["text"] == "too late to cancel: filled"


async def test_cancel_all_ends_every_open_order_or_those_of_one_symbol(autojump_clock: MockClock) -> None:
    venue = Venue()
    ids = [
        await venue.place("buy", "1", order_type="limit", price="10.00", symbol=symbol)
        for symbol in ("AAPL", "MSFT", "AAPL")
    ]
    filled = await venue.place()
    answer = await venue.ask("DELETE", "orders", symbol="AAPL")
    assert (answer.status, answer.body) == (201, {"data": [ids[0], ids[2]]})
    assert (await venue.ask("DELETE", "orders")).body == {"data": [ids[1]]}
    assert (await venue.ask("DELETE", "orders")).body == {"data": []}
    assert {(await venue.order(each))["status"] for each in ids} == {"canceled"}
    assert (await venue.order(filled))["version"] == 2


async def test_a_replace_keeps_the_order_open_under_its_id(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="limit", price="100.00")
    answer = await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "12", "price": "101.00"})
    assert (answer.status, answer.body) == (201, None)
    assert steps(venue, order_id) == [
        ("open", "new", "place"),
        ("open", "pending-replace", "modify"),
        ("open", "replaced", "execution-report"),
    ]
    shown = await venue.order(order_id)
    assert (shown["quantity"], shown["price"], shown["version"]) == ("12", "101", 3)
    venue.quote("101.00")
    assert (await venue.order(order_id))["filled_quantity"] == "12"


async def test_a_replace_leaves_a_price_that_it_does_not_name(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place()
    order_id = await venue.place("sell", "10", order_type="stop-limit", stop_price="265.00", price="264.00")
    await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "10", "stop_price": "266.00"})
    shown = await venue.order(order_id)
    assert (shown["price"], shown["stop_price"]) == ("264", "266")


async def test_a_replace_that_makes_an_order_executable_executes_it(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="limit", price="100.00")
    await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "10", "price": "280.00"})
    assert (await venue.order(order_id))["average_price"] == Decimal("270.02")


async def test_a_replace_that_is_refused_leaves_the_order_as_it_was(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place()
    order_id = await venue.place("sell", "10", order_type="stop", stop_price="265.00")
    await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "11"})
    shown = await venue.order(order_id)
    assert (shown["state"], shown["status"], shown["order_update_reason"]) == ("open", "new", "cancel-reject")
    assert (shown["quantity"], shown["text"]) == ("10", "sell of 11 is more than the long position of 10")
    venue.quote("264.00")
    assert (await venue.order(order_id))["filled_quantity"] == "10"


async def test_a_refused_replace_sets_no_stop_off(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="stop-limit", stop_price="280.00", price="281.00")
    body = {"quantity": "0.5", "stop_price": "260.00", "price": "261.00"}  # reached, if it were taken
    await venue.ask("PATCH", f"orders/{order_id}", body)
    await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "9"})
    shown = await venue.order(order_id)
    assert (shown["state"], shown["quantity"]) == ("open", "9")
    venue.quote("280.00")
    assert (await venue.order(order_id))["status"] == "filled"


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"quantity": "5"}), ("DELETE", None)])
async def test_an_order_whose_time_comes_within_a_request_ends_once(
    autojump_clock: MockClock, method: str, body: Json | None
) -> None:
    venue = Venue()
    ids = [await venue.place("buy", "10", order_type="limit", price=price) for price in ("100.00", "101.00")]
    # As if midnight came after the first look at the clock.
    looks = chain([START], repeat(START + timedelta(hours=14)))
    venue.book._now = lambda: next(looks)
    assert (await venue.ask(method, f"orders/{ids[0]}", body)).status == 201
    shown = [await venue.order(each) for each in ids]
    assert [each["state"] for each in shown] == ["closed", "closed"]
    assert [each["status"] for each in shown] == ["expired" if method == "PATCH" else "canceled", "expired"]
    assert not venue.book.working


async def test_a_replace_that_comes_too_late_is_rejected_on_the_stream(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place()
    assert (await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "11"})).status == 201
    assert (await venue.order(order_id))["text"] == "too late to replace: filled"


@pytest.mark.parametrize(
    "body", [{}, {"price": "1"}, {"quantity": 11}, {"quantity": "11", "price": "1"}, {"quantity": "11", "side": "buy"}]
)
async def test_a_replace_needs_the_quantity_and_only_prices_of_its_type(autojump_clock: MockClock, body: Json) -> None:
    venue = Venue()
    await venue.place()
    order_id = await venue.place("sell", "10", order_type="stop", stop_price="265.00")
    assert (await venue.ask("PATCH", f"orders/{order_id}", body)).status == 400
    assert (await venue.order(order_id))["version"] == 1


# Trades that came another way


async def test_a_trade_by_hand_is_an_order_a_trade_and_a_position(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.by_hand(Side.BUY, "10")
    [shown] = (await venue.get("orders"))["data"]
    assert (shown["order_type"], shown["side"], shown["status"], shown["quantity"]) == ("market", "buy", "filled", "10")
    assert "reference_id" not in shown
    assert shown["order_id"] == venue.book.orders[0].order_id
    [trade] = (await venue.get("trades"))["data"]
    assert (trade["order_id"], trade["price"]) == (shown["order_id"], "270.02")
    assert [position["quantity"] for position in (await venue.get("positions"))["data"]] == ["10"]


async def test_a_close_by_hand_in_parts_is_seen(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.by_hand(Side.SELL, "10")
    venue.close_by_hand("4")
    venue.close_by_hand()
    assert [each["side"] for each in venue.told("trade-notice")] == ["sell-short", "buy", "buy"]
    assert [each["quantity"] for each in venue.told("position-update")] == ["-10", "-6", "0"]
    assert venue.book.orders[-1].purpose is Purpose.CLOSE


async def test_a_sale_by_hand_through_zero_is_shown_as_two_orders(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.by_hand(Side.BUY, "10")
    venue.by_hand(Side.SELL, "15")
    first, second = (await venue.get("orders"))["data"][1:]
    assert [(each["side"], each["quantity"]) for each in (first, second)] == [("sell", "10"), ("sell-short", "5")]
    assert first["order_id"] != second["order_id"]
    positions = venue.told("position-update")[1:]
    assert [(each["quantity"], each["average_cost"]) for each in positions] == [("0", "0"), ("-5", "270")]


async def test_a_stop_of_the_books_closes_as_an_order_of_the_venue(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.book.open(Symbol("AAPL"), Side.BUY, Decimal(10), stop_loss=Decimal("265.00"))
    venue.quote("264.00")
    assert [each["side"] for each in venue.told("trade-notice")] == ["buy", "sell"]
    assert venue.told("position-update")[-1]["quantity"] == "0"


async def test_a_pending_order_by_hand_is_shown_changed_and_filled(autojump_clock: MockClock) -> None:
    venue = Venue()
    waiting = venue.book.place_order(AAPL, Side.BUY, OrderType.LIMIT, Decimal(10), Decimal("260.00"), tag="by-hand")
    [shown] = (await venue.get("orders"))["data"]
    assert (shown["order_id"], shown["state"], shown["status"]) == (waiting.order_id, "open", "new")
    assert (shown["order_type"], shown["price"], shown["reference_id"]) == ("limit", "260", "by-hand")
    venue.book.replace_order(waiting.order_id, Decimal("261.00"), stop_loss=None, take_profit=None, volume=Decimal(11))
    shown = await venue.order(waiting.order_id)
    assert (shown["status"], shown["price"], shown["quantity"]) == ("replaced", "261", "11")
    venue.quote("261.00")
    assert steps(venue) == [
        ("open", "new", "place"),
        ("open", "replaced", "execution-report"),
        ("closed", "filled", "execution-report"),
    ]
    assert [each["quantity"] for each in venue.told("position-update")] == ["11"]


async def test_a_pending_order_by_hand_ends_by_hand_by_its_time_or_with_the_day(autojump_clock: MockClock) -> None:
    venue = Venue()
    terms = (AAPL, Side.SELL, OrderType.STOP, Decimal(10), Decimal("260.00"))
    first = venue.book.place_order(*terms)
    venue.book.place_order(*terms, expires_at=START + timedelta(minutes=1))
    venue.book.place_order(*terms)
    assert {each["side"] for each in (await venue.get("orders"))["data"]} == {"sell-short"}
    venue.book.cancel_order(first.order_id)
    venue.later(minutes=1)
    assert [each["status"] for each in (await venue.get("orders"))["data"]] == ["canceled", "expired", "new"]
    day = venue.desk.activity.day
    venue.later(hours=14)
    assert (await venue.get("orders"))["data"] == []
    assert [order.status for order in day.orders.values()] == ["canceled", "expired", "expired"]
    assert not venue.book.working


async def test_a_refused_replace_of_a_short_sale_by_hand_takes_no_inventory(autojump_clock: MockClock) -> None:
    venue = Venue()
    waiting = venue.book.place_order(XOM, Side.SELL, OrderType.LIMIT, Decimal(10), Decimal("130.00"))
    await venue.ask("PATCH", f"orders/{waiting.order_id}", {"quantity": "9"})
    assert (await venue.order(waiting.order_id))["quantity"] == "10"
    assert (await venue.get("inventories/XOM"))["available"] == "0"
    assert not venue.told("locate-inventory-update")


async def test_a_stop_limit_that_is_set_off_is_no_news(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.by_hand(Side.BUY, "10")
    await venue.place("sell", "10", order_type="stop-limit", stop_price="265.00", price="264.00")
    count = len(venue.told())
    venue.quote("263.00")
    assert len(venue.told()) == count
    [waiting] = venue.book.working.values()
    assert waiting.order_type is OrderType.LIMIT


async def test_a_stop_limit_whose_stop_is_reached_at_once_waits_for_its_limit(autojump_clock: MockClock) -> None:
    venue = Venue()
    order_id = await venue.place("buy", "10", order_type="stop-limit", stop_price="265.00", price="266.00")
    [waiting] = venue.book.working.values()
    assert (waiting.order_type, waiting.price) == (OrderType.LIMIT, Decimal("266.00"))
    await venue.ask("PATCH", f"orders/{order_id}", {"quantity": "10", "price": "267.00"})
    venue.quote("267.00")
    assert (await venue.order(order_id))["status"] == "filled"


async def test_orders_from_before_the_venue_are_taken_over(autojump_clock: MockClock) -> None:
    venue = Venue()
    book = venue.broker.add_account("200000", OmsType.NETTING, Decimal(100_000))
    waiting = book.place_order(AAPL, Side.BUY, OrderType.LIMIT, Decimal(10), Decimal("260.00"))
    assert list(venue.simulator.desks()["200000"].activity.day.orders) == [waiting.order_id]
    venue.quote("260.00")
    assert venue.simulator.desks()["200000"].positions.quantity(AAPL) == 10


async def test_a_refused_trade_by_hand_is_not_seen(autojump_clock: MockClock) -> None:
    venue = Venue()
    with pytest.raises(Exception, match="Invalid volume"):
        venue.by_hand(Side.BUY, "0.5")
    venue.by_hand(Side.BUY, "1")
    assert len((await venue.get("orders"))["data"]) == 1


async def test_a_deposit_changes_the_buying_power_and_a_quote_alone_tells_nothing(autojump_clock: MockClock) -> None:
    venue = Venue()
    venue.book.deposit(Decimal(1))
    assert [message["type"] for message in venue.told()] == ["buying-power-update"]
    assert venue.told("buying-power-update")[0]["amount"] == "100000100"
    venue.by_hand(Side.BUY, "1")
    count = len(venue.told())
    venue.quote("280.00")
    assert len(venue.told()) == count


async def test_positions_from_before_the_venue_are_held_and_replayed_never(autojump_clock: MockClock) -> None:
    earlier = Venue()
    earlier.by_hand(Side.SELL, "3")
    venue = Venue()
    held = next(iter(earlier.book.positions.values()))
    book = venue.broker.add_account("200000", venue.book.oms, Decimal(100_000))
    book.restore(Decimal(100_000), [held], [])
    desk = venue.simulator.desks()["200000"]
    assert desk.activity.day.messages == []
    assert desk.positions.show(Symbol("AAPL"))["quantity"] == "-3"


async def test_any_instruments_work_fractions_of_lots_too(autojump_clock: MockClock) -> None:
    venue = Venue(Market(DEFAULT_INSTRUMENTS, start_quotes(START)))
    await venue.place("sell-short", "0.37", symbol="EURUSD")
    await venue.place("buy", "0.07", symbol="EURUSD")
    [position] = (await venue.get("positions"))["data"]
    assert (position["symbol"], position["quantity"]) == ("EURUSD", "-0.3")
    assert position["average_cost"] == Decimal("1.16")
    assert (await refused(venue, "buy", "0.005", symbol="EURUSD"))["text"] == "Invalid volume"


async def test_two_orders_with_one_reference_are_two_orders(autojump_clock: MockClock) -> None:
    venue = Venue()
    ids = {await venue.place(reference_id="same") for _ in range(2)}
    assert len(ids) == 2
    assert [each["reference_id"] for each in (await venue.get("orders"))["data"]] == ["same", "same"]
    assert len(venue.book.orders_with_tag("same")) == 2


# Short sales of what is hard to borrow; located inventory has a file of its own


async def test_a_short_sale_of_what_is_hard_to_borrow_is_rejected_on_the_stream(autojump_clock: MockClock) -> None:
    venue = Venue()
    shown = await refused(venue, "sell-short", "1", symbol=XOM)
    assert shown["text"] == "XOM is not easy to borrow and too little of it is located"
    await venue.place("buy", "1", symbol=XOM)
    await venue.place("sell", "1", symbol=XOM)
    assert order("sell-short")["symbol"] == "AAPL"
    await venue.place("sell-short", "1")


async def test_an_away_broker_stands_for_a_locate(autojump_clock: MockClock) -> None:
    venue = Venue()
    await venue.place("sell-short", "1", symbol=XOM, locate_broker="AWAY")
    assert [each["quantity"] for each in (await venue.get("positions"))["data"]] == ["-1"]


async def test_what_is_hard_to_borrow_changes_with_the_day(autojump_clock: MockClock) -> None:
    venue = Venue()
    assert "AAPL" in (await venue.get("easy-borrows"))["data"]
    venue.simulator.hard_to_borrow.add("AAPL")
    assert "AAPL" not in (await venue.get("easy-borrows"))["data"]
    await refused(venue, "sell-short", "1")
