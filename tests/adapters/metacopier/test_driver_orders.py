"""Pending orders of the driver against the simulated venue; what both kinds of venue do is in the conformance suite."""

from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.base import SessionLost
from rules.model.actions import CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.reports import Accepted, Filled, NotFound, NotSent, Placed, Rejected
from rules.model.values import ClOrdId, OmsType, OrderType, Side, Symbol, VenueOrderId
from tests.adapters.metacopier.venue import ALIAS, START, Venue, open_venue

MockClock = trio.testing.MockClock
EURUSD, TAG = Symbol("EURUSD"), ClOrdId("cp" + "a" * 20)
PLACE = PlaceOrder(TAG, ALIAS, EURUSD, Side.SELL, OrderType.STOP, Decimal("0.30"), Decimal("1.15"))


def changes(order_id: str) -> tuple[ReplaceOrder, CancelOrder]:
    order = (VenueOrderId(order_id), EURUSD)
    prices = (Decimal("1.14"), None, None, None)
    return ReplaceOrder(TAG, ALIAS, *order, Side.SELL, OrderType.STOP, *prices), CancelOrder(TAG, ALIAS, *order)


async def test_a_pending_order_is_accepted_and_found_with_its_id(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        assert await account.submit(PLACE) == Accepted(TAG)
        (order,) = venue.book.working.values()
        assert await account.find(TAG, START) == Placed(TAG, order.order_id)
        assert order.comment is not None
        assert order.comment.startswith("API|")


async def test_a_pending_order_whose_comment_was_dropped_is_found_by_its_number(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        await account.submit(PLACE)
        (order,) = venue.book.working.values()
        number = (order.comment or "").rpartition("|")[0] + "|"
        venue.book._working.put(evolve(order, comment=number))
        assert await account.find(TAG, START) == Placed(TAG, order.order_id)
        assert await venue.account().find(TAG, START) == NotFound(TAG), "another process sent no such number"


async def test_what_may_be_a_position_by_now_is_neither_replaced_nor_canceled(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        position_id = venue.book.open(EURUSD, Side.SELL, Decimal("0.30")).position_id or ""
        for change in changes(position_id):
            assert await account.submit(change) == Rejected(TAG, f"pending order {position_id} works no more")
        assert list(venue.book.positions) == [position_id]


async def test_a_change_whose_order_cannot_be_looked_at_is_not_sent(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        await account.submit(PLACE)
        (order,) = venue.book.working.values()
        venue.simulator.faults.maintenance = True
        for change in changes(order.order_id):
            report = await account.submit(change)
            assert isinstance(report, NotSent)
        assert venue.book.working == {order.order_id: order}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"order_type": OrderType.STOP_LIMIT, "limit_price": Decimal("1.16")}, "stop_limit orders"),
        ({"expires_at": START + timedelta(days=1)}, "orders that expire"),
    ],
)
async def test_what_the_venue_does_not_have_is_not_sent(
    autojump_clock: MockClock, change: dict[str, object], text: str
) -> None:
    async with open_venue() as venue:
        report = await venue.account().submit(evolve(PLACE, **change))
        assert report == Rejected(TAG, f"MetaCopier takes no {text} from us")
        assert (venue.book.working, venue.book.orders) == ({}, [])


async def test_a_netting_account_shows_pending_orders_and_takes_none(autojump_clock: MockClock) -> None:
    async with open_venue(OmsType.NETTING) as venue:
        account = venue.account(oms=OmsType.NETTING)
        order = venue.book.place_order(EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.1"), Decimal("1.1"))
        snapshot, _ = await account.snapshot()
        assert snapshot.orders is not None
        assert [each.order_id for each in snapshot.orders] == [order.order_id]
        for action in (PLACE, *changes(order.order_id)):
            assert isinstance(await account.submit(action), Rejected)
        assert venue.book.working == {order.order_id: order}


async def test_a_stop_limit_of_the_books_is_shown_once_it_is_a_limit(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        stop_limit = venue.book.place_order(
            EURUSD, Side.BUY, OrderType.STOP_LIMIT, Decimal("0.1"), Decimal("1.17"), limit_price=Decimal("1.165")
        )
        assert await _shown(venue) == []
        venue.broker.market.set_quote(evolve(venue.broker.market.quotes[EURUSD], bid=Decimal(2), ask=Decimal(2)))
        assert await _shown(venue) == [stop_limit.order_id]


async def test_a_placing_that_was_lost_and_filled_since_is_found_filled(autojump_clock: MockClock) -> None:
    async with open_venue() as venue:
        account = venue.account()
        venue.simulator.faults.lose_answers = 1
        with pytest.raises(SessionLost):
            await account.submit(PLACE)
        venue.broker.market.set_quote(evolve(venue.broker.market.quotes[EURUSD], bid=Decimal(1)))
        (position,) = venue.book.positions.values()
        assert await account.find(TAG, START) == Filled(TAG, position.position_id, Decimal("0.3"), Decimal(1))


async def _shown(venue: Venue) -> list[VenueOrderId]:
    snapshot, _ = await venue.account().snapshot()
    return [order.order_id for order in snapshot.orders or ()]
