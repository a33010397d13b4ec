"""Pending orders of a paper account: placed once, durable with every change, filled and told as they happen."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trio
import trio.testing

from adapters.base import SessionLost
from adapters.paper.driver import PaperAccount
from adapters.simulation.records import Result
from rules.model.actions import CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.events import Event, OrderEnded, OrderReported, PositionReported, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.reports import Canceled, Filled, NotFound, Placed, Rejected, Replaced
from rules.model.values import ClOrdId, OrderStatus, OrderType, Side, VenueOrderId
from tests.adapters.paper.papers import NETTING, PAPER, make_account, quoted
from tests.adapters.simulation.worlds import EURUSD, START, quote

MEMORY = ":memory:"


def placing(tag: str, price: str = "1.15", **words: object) -> PlaceOrder:
    order = (EURUSD, Side.BUY, OrderType.LIMIT, Decimal("0.10"), Decimal(price))
    return PlaceOrder(ClOrdId(tag), PAPER, *order, **words)  # type: ignore[arg-type]


def moving(tag: str, order_id: VenueOrderId, price: str = "1.14") -> ReplaceOrder:
    what = (order_id, EURUSD, Side.BUY, OrderType.LIMIT)
    return ReplaceOrder(ClOrdId(tag), PAPER, *what, Decimal(price), None, None, Decimal("1.2"))


def canceling(tag: str, order_id: VenueOrderId) -> CancelOrder:
    return CancelOrder(ClOrdId(tag), PAPER, order_id, EURUSD)


async def placed(account: PaperAccount, action: PlaceOrder) -> VenueOrderId:
    report = await account.submit(action)
    assert isinstance(report, Placed), report
    return report.venue_order_id


async def waiting(account: PaperAccount) -> list[WorkingOrder]:
    snapshot, _ = await account.snapshot()
    assert snapshot.orders is not None
    return list(snapshot.orders)


async def find(account: PaperAccount, tag: str) -> object:
    return await account.find(ClOrdId(tag), START)


@pytest.mark.parametrize("keys", [{}, NETTING])
async def test_an_order_is_placed_once_and_found_in_each_state(keys: dict[str, object]):
    account = make_account(MEMORY, market=quoted(), **keys)
    order_id = await placed(account, placing("a", stop_loss=Decimal("1.13")))
    assert await placed(account, placing("a")) == order_id
    assert await find(account, "a") == Placed(ClOrdId("a"), order_id)
    [order] = await waiting(account)
    assert (order.order_id, order.tag, order.stop_loss) == (order_id, "a", Decimal("1.13"))
    account.market.set_quote(quote(EURUSD, "1.14", "1.1401"))
    report = await find(account, "a")
    assert isinstance(report, Filled)
    assert (report.venue_order_id, report.price, report.volume) == (order_id, Decimal("1.1401"), Decimal("0.10"))
    assert await account.submit(placing("a")) == report
    assert len(account.book.orders) == 1


async def test_what_was_replaced_and_canceled_is_answered_so_again():
    account = make_account(MEMORY, market=quoted())
    order_id = await placed(account, placing("a"))
    assert await account.submit(moving("r", order_id)) == Replaced(ClOrdId("r"))
    [order] = await waiting(account)
    assert (order.price, order.take_profit) == (Decimal("1.14"), Decimal("1.2"))
    assert await account.submit(canceling("c", order_id)) == Canceled(ClOrdId("c"))
    assert await waiting(account) == []
    assert await find(account, "a") == Canceled(ClOrdId("a"))
    assert [await find(account, tag) for tag in "rcx"] == [
        Replaced(ClOrdId("r")),
        Canceled(ClOrdId("c")),
        NotFound(ClOrdId("x")),
    ]
    assert await account.submit(canceling("c", order_id)) == Canceled(ClOrdId("c"))
    refused = Rejected(ClOrdId("c2"), "Order not found")
    assert await account.submit(canceling("c2", order_id)) == await find(account, "c2") == refused


async def test_without_a_quote_none_is_taken():
    account = make_account(MEMORY)
    assert await account.submit(placing("a")) == Rejected(ClOrdId("a"), "Off quotes")
    assert await account.submit(placing("a")) == Rejected(ClOrdId("a"), "Off quotes")


async def test_pending_orders_and_all_that_became_of_them_survive(tmp_path: Path):
    path = tmp_path / "state"
    account = make_account(path, market=quoted())
    fills = await placed(account, placing("fills", expires_at=START + timedelta(days=1)))
    waits, ends = await placed(account, placing("waits", "1.13")), await placed(account, placing("ends"))
    await account.submit(moving("r", waits, "1.12"))
    await account.submit(canceling("c", ends))
    before = await waiting(account)
    assert [order.order_id for order in before] == [fills, waits]
    await account.aclose()

    again = make_account(path, market=quoted())
    assert await waiting(again) == before
    assert [await find(again, tag) for tag in ("fills", "ends", "r", "c")] == [
        Placed(ClOrdId("fills"), fills),
        Canceled(ClOrdId("ends")),
        Replaced(ClOrdId("r")),
        Canceled(ClOrdId("c")),
    ]
    again.market.set_quote(quote(EURUSD, "1.14", "1.1401"))
    await again.aclose()

    last = make_account(path, market=quoted())
    assert isinstance(await find(last, "fills"), Filled)
    assert [order.order_id for order in await waiting(last)] == [waits]
    [position] = last.book.positions.values()
    assert (position.tag, position.open_price) == ("fills", Decimal("1.1401"))
    await last.aclose()


async def test_a_change_that_cannot_be_written_is_unknown_and_the_file_decides(tmp_path: Path):
    account = make_account(tmp_path / "state", market=quoted())
    order_id = await placed(account, placing("a"))
    account._books()._store._connection.pragma("query_only", 1)
    with pytest.raises(SessionLost):
        await account.submit(canceling("c", order_id))
    assert await find(account, "c") == NotFound(ClOrdId("c"))
    assert [order.order_id for order in await waiting(account)] == [order_id]
    assert await account.submit(canceling("c", order_id)) == Canceled(ClOrdId("c"))


async def test_an_order_expires_though_nothing_is_quoted():
    account = make_account(MEMORY, market=quoted())
    order_id = await placed(account, placing("a", expires_at=START + timedelta(seconds=60)))
    account._now.advance(60)  # type: ignore[attr-defined]
    assert await waiting(account) == []
    assert [(order.order_id, order.status) for order in account.book.orders] == [(order_id, Result.EXPIRED)]
    assert await find(account, "a") == Canceled(ClOrdId("a"))


async def test_the_stream_shows_pending_orders_and_tells_what_becomes_of_them(nursery: trio.Nursery):
    account = make_account(MEMORY, market=quoted())
    first = await placed(account, placing("a"))
    events: list[Event] = []

    async def emit(event: Event) -> None:
        await trio.lowlevel.checkpoint()
        events.append(event)

    async def news() -> list[Event]:
        await trio.testing.wait_all_tasks_blocked()
        told = [event for event in events if isinstance(event, OrderReported | OrderEnded | PositionReported)]
        events.clear()
        return told

    nursery.start_soon(account.stream, emit)
    await trio.testing.wait_all_tasks_blocked()
    [snapshot] = [event for event in events if isinstance(event, SnapshotReceived)]
    [shown] = snapshot.orders or ()
    assert shown.order_id == first
    await news()
    second = await placed(account, placing("b", "1.14"))
    assert [event.order.order_id for event in await news()] == [second]  # type: ignore[union-attr]
    await account.submit(moving("r", second, "1.13"))
    [told] = await news()
    assert isinstance(told, OrderReported)
    assert [told.order] == [each for each in await waiting(account) if each.order_id == second]
    await account.submit(canceling("c", second))
    assert await news() == [OrderEnded(PAPER, START, second, OrderStatus.CANCELED)]
    account.market.set_quote(quote(EURUSD, "1.14", "1.1401"))
    opened, ended = await news()
    assert isinstance(opened, PositionReported)
    assert ended == OrderEnded(PAPER, START, first, OrderStatus.FILLED, opened.position.position_id)
    nursery.cancel_scope.cancel()
