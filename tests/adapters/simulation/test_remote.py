"""A simulated account from another process: what is done over the control API stands in the books."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
import trio
from attrs import evolve

from adapters.simulation.book import Book
from adapters.simulation.control import with_control
from adapters.simulation.faults import Faults
from adapters.simulation.records import OrderRefused, Result
from adapters.simulation.remote import RemoteAccount
from adapters.transport.http import HttpClient, HttpResponse
from adapters.transport.network import MemoryNetwork
from adapters.transport.serving import HttpRequest, HttpService
from rules.model.values import OmsType, OrderType, Side, VenueOrderId
from tests.adapters.simulation.worlds import EURUSD, make_broker

LIMIT = (EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.30"), Decimal("1.15"))


async def _venue(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(404, {}, b"")


@asynccontextmanager
async def remote() -> AsyncIterator[tuple[Book, RemoteAccount]]:
    broker = make_broker()
    book = broker.add_account("L#1", OmsType.HEDGING, Decimal(10000))
    async with trio.open_nursery() as nursery:
        network = MemoryNetwork(nursery)
        network.listen("venue", 80, HttpService(with_control(broker, Faults(), _venue)).serve_stream)
        client = HttpClient("http://venue:80", connect=network.connect)
        yield book, RemoteAccount(client, book.name)
        await client.aclose()
        nursery.cancel_scope.cancel()


async def test_a_pending_order_is_placed_moved_shown_and_canceled(autojump_clock: trio.testing.MockClock) -> None:
    async with remote() as (book, account):
        expires_at = book.market.quotes[EURUSD].at + timedelta(hours=1)
        placed = await account.place(*LIMIT, stop_loss=Decimal("1.14"), expires_at=expires_at)
        assert placed == book.working[placed.order_id]
        assert (placed.stop_loss, placed.take_profit, placed.expires_at) == (Decimal("1.14"), None, expires_at)
        moved = await account.replace(
            placed.order_id, Decimal("1.151"), stop_loss=None, take_profit=Decimal("1.16"), volume=Decimal("0.20")
        )
        changes = {"price": Decimal("1.151"), "stop_loss": None, "take_profit": Decimal("1.16")}
        assert moved == evolve(placed, volume=Decimal("0.20"), **changes)
        assert (await account.book()).working == {moved.order_id: moved}
        await account.cancel(moved.order_id)
        shown = await account.book()
        assert (shown.working, [order.status for order in shown.orders]) == ({}, [Result.CANCELED])


async def test_a_stop_limit_keeps_its_limit(autojump_clock: trio.testing.MockClock) -> None:
    async with remote() as (book, account):
        what = (EURUSD, Side.BUY, OrderType.STOP_LIMIT, Decimal("0.30"), Decimal("1.17"))
        placed = await account.place(*what, limit_price=Decimal("1.165"))
        moved = await account.replace(
            placed.order_id, Decimal("1.18"), limit_price=Decimal("1.175"), stop_loss=None, take_profit=None
        )
        assert (moved.limit_price, book.working[moved.order_id]) == (Decimal("1.175"), moved)


async def test_what_the_venue_refuses_of_an_order_is_told(autojump_clock: trio.testing.MockClock) -> None:
    async with remote() as (book, account):
        with pytest.raises(OrderRefused, match="Invalid price"):
            await account.place(*LIMIT[:4], Decimal("1.17"))
        nobody = VenueOrderId("999")
        with pytest.raises(OrderRefused):
            await account.replace(nobody, Decimal("1.15"), stop_loss=None, take_profit=None)
        with pytest.raises(OrderRefused):
            await account.cancel(nobody)
        assert not book.working
