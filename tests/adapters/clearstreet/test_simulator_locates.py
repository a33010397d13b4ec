"""Locates at the simulated venue: pending, offered, decided; and the inventory that short sales use up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from trio.testing import MockClock

from tests.adapters.clearstreet.simulated import ACCOUNT, START, Json, Venue

ASKED = {"symbol": "XOM", "quantity": "100", "mpid": "SIMU", "reference_id": "locate-1", "comments": "please"}
AT = int(START.timestamp() * 1000)


async def located(venue: Venue, quantity: str = "100") -> None:
    """Have shares of XOM located."""
    answer = await venue.ask("POST", "locate-orders", {**ASKED, "quantity": quantity})
    venue.later(seconds=1)
    path = f"locate-orders/{answer.body['locate_order_id']}"
    assert (await venue.ask("PATCH", path, {"accept": True})).status == 200


async def inventory(venue: Venue) -> tuple[str, str, str]:
    shown = await venue.get("inventories/XOM")
    return shown["available"], shown["reserved"], shown["used"]


async def short(venue: Venue, quantity: str, **fields: str) -> Json:
    return await venue.order(await venue.place("sell-short", quantity, symbol="XOM", **fields))


async def test_a_locate_is_pending_then_offered_and_then_expires(autojump_clock: MockClock) -> None:
    venue = Venue()
    answer = await venue.ask("POST", "locate-orders", ASKED)
    assert answer.status == 200
    assert answer.body == {
        **ACCOUNT,
        "locate_order_id": answer.body["locate_order_id"],
        "reference_id": "locate-1",
        "symbol": "XOM",
        "mpid": "SIMU",
        "requested_at": AT,
        "requested_quantity": "100",
        "updated_at": AT,
        "status": "pending",
        "trader_comment": "please",
    }
    path = f"locate-orders/{answer.body['locate_order_id']}"
    venue.later(seconds=1)
    offered = await venue.get(path)
    assert (offered["status"], offered["located_quantity"]) == ("offered", "100")
    assert (offered["located_at"], offered["expires_at"]) == (AT + 1000, AT + 301_000)
    venue.later(minutes=5)
    assert (await venue.get("locate-orders"))["data"] == [{**offered, "status": "expired", "updated_at": AT + 301_000}]
    assert (await venue.ask("PATCH", path, {"accept": True})).status == 409
    assert await inventory(venue) == ("0", "0", "0")


async def test_an_accepted_locate_becomes_inventory_and_is_told(autojump_clock: MockClock) -> None:
    venue = Venue()
    await located(venue)
    shares = {**ACCOUNT, "symbol": "XOM", "available": "100", "reserved": "0", "used": "0"}
    assert venue.told("locate-inventory-update") == [shares]
    assert await venue.get("inventories/XOM") == shares
    [shown] = (await venue.get("locate-orders"))["data"]
    assert (shown["status"], shown["updated_at"]) == ("filled", AT + 1000)


async def test_a_declined_locate_gives_nothing(autojump_clock: MockClock) -> None:
    venue = Venue()
    answer = await venue.ask("POST", "locate-orders", ASKED)
    path = f"locate-orders/{answer.body['locate_order_id']}"
    assert (await venue.ask("PATCH", path, {"accept": True})).status == 409  # still pending
    venue.later(seconds=1)
    assert (await venue.ask("PATCH", path, {"accept": False})).body["status"] == "declined"
    assert (await venue.ask("PATCH", path, {"accept": True})).status == 409
    assert await inventory(venue) == ("0", "0", "0")


async def test_a_short_sale_uses_inventory_and_no_more_than_there_is(autojump_clock: MockClock) -> None:
    venue = Venue()
    await located(venue)
    assert (await short(venue, "60"))["status"] == "filled"
    assert await inventory(venue) == ("40", "0", "60")
    assert (await short(venue, "41"))["status"] == "rejected"
    assert (await short(venue, "40"))["status"] == "filled"
    assert await inventory(venue) == ("0", "0", "100")
    assert venue.book.status().margin_used
    assert [position.volume for position in venue.book.positions.values()] == [Decimal(100)]


async def test_a_working_short_sale_reserves_its_inventory_until_it_ends(autojump_clock: MockClock) -> None:
    venue = Venue()
    await located(venue)
    first = await short(venue, "60", order_type="limit", price="120.00")
    assert await inventory(venue) == ("40", "60", "0")
    assert (await short(venue, "41", order_type="limit", price="120.00"))["status"] == "rejected"
    await venue.ask("PATCH", f"orders/{first['order_id']}", {"quantity": "70"})
    assert await inventory(venue) == ("30", "70", "0")
    await venue.ask("PATCH", f"orders/{first['order_id']}", {"quantity": "101"})
    assert await inventory(venue) == ("30", "70", "0")
    await venue.ask("DELETE", f"orders/{first['order_id']}")
    assert await inventory(venue) == ("100", "0", "0")
    await short(venue, "60", order_type="limit", price="120.00")
    venue.quote("120.00", symbol="XOM")  # type: ignore[arg-type]
    assert await inventory(venue) == ("40", "0", "60")


async def test_a_short_sale_that_the_books_refuse_uses_none(autojump_clock: MockClock) -> None:
    venue = Venue()
    await located(venue)
    venue.book.deposit(-venue.book.balance)
    assert (await short(venue, "60"))["status"] == "rejected"
    assert await inventory(venue) == ("100", "0", "0")


async def test_locates_are_for_one_day(autojump_clock: MockClock) -> None:
    venue = Venue()
    await located(venue)
    venue.at += timedelta(hours=14)
    assert await inventory(venue) == ("0", "0", "0")
    assert (await venue.get("locate-orders"))["data"] == []


@pytest.mark.parametrize(
    "change",
    [{"quantity": 100}, {"quantity": "0"}, {"mpid": "x" * 13}, {"mpid": ""}, {"side": "buy"}, {"reference_id": None}],
)
async def test_a_malformed_locate_is_refused(autojump_clock: MockClock, change: Json) -> None:
    venue = Venue()
    assert (await venue.ask("POST", "locate-orders", {**ASKED, **change})).status == 400
    assert (await venue.get("locate-orders"))["data"] == []


@pytest.mark.parametrize("body", [{}, {"accept": "yes"}, {"accept": True, "why": "so"}])
async def test_a_malformed_decision_is_refused(autojump_clock: MockClock, body: Json) -> None:
    venue = Venue()
    answer = await venue.ask("POST", "locate-orders", ASKED)
    venue.later(seconds=1)
    assert (await venue.ask("PATCH", f"locate-orders/{answer.body['locate_order_id']}", body)).status == 400
