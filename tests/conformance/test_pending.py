"""Pending orders as they are seen: in snapshots and in the stream, from placing to their end."""

from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
import trio
from trio.testing import MockClock

from adapters.base import SessionLost
from rules.model.events import OrderEnded, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.values import OrderStatus, OrderType, Side
from tests.conformance.actions import EURUSD, XAUUSD
from tests.conformance.actions import by_hand as opened_by_hand
from tests.conformance.mirror import Mirror, same_positions, streaming
from tests.conformance.pending import (
    AWAY,
    LIMIT,
    STOP,
    by_hand,
    known,
    opened_by,
    quote,
    same_orders,
    stops,
    trade_pending,
    until_orders,
)
from tests.conformance.venues import World, has

KINDS = pytest.mark.parametrize(("side", "order_type"), list(AWAY))


async def test_a_snapshot_shows_every_pending_order_exactly(pending: World, autojump_clock: MockClock) -> None:
    words = {"tag": "somebodys", "magic": "77", "comment": "ünïcode 金"}
    by_hand(pending, Side.BUY, LIMIT, **stops(pending, "1.12345", "1.2"), **words)
    by_hand(pending, Side.SELL, LIMIT, **stops(pending, "1.19", None))
    by_hand(pending, Side.BUY, STOP, volume=Decimal("0.37"), price=Decimal("1.17001"))
    by_hand(pending, Side.SELL, STOP, symbol=XAUUSD, price=Decimal("4000.25"))
    snapshot, _ = await pending.account.snapshot()
    assert snapshot.positions == ()
    assert same_orders(snapshot.orders, pending)


async def test_without_pending_orders_there_are_none(pending: World, autojump_clock: MockClock) -> None:
    snapshot, _ = await pending.account.snapshot()
    assert snapshot.orders == ()


async def test_what_protects_a_position_is_no_pending_order(pending: World, autojump_clock: MockClock) -> None:
    opened_by_hand(pending, **stops(pending, "1.10", "1.20"))
    snapshot, _ = await pending.account.snapshot()
    assert (snapshot.orders, same_positions(snapshot.positions, pending)) == ((), True)
    async with streaming(pending) as mirror:
        await mirror.until_true()
        await trio.sleep(5)
        assert known(mirror).orders == {}


async def test_a_session_begins_with_every_pending_order(pending: World, autojump_clock: MockClock) -> None:
    opened_by_hand(pending)
    by_hand(pending, Side.BUY, LIMIT, **stops(pending, "1.10", None))
    by_hand(pending, Side.SELL, LIMIT)
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        first = next(event for event in mirror.of(SnapshotReceived) if event.certain)
        assert same_orders(first.orders, pending)


@KINDS
async def test_a_pending_order_is_told_when_placed_replaced_and_canceled(
    pending: World, autojump_clock: MockClock, side: Side, order_type: OrderType
) -> None:
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        order = by_hand(pending, side, order_type, tag="somebodys")
        assert same_orders([order], pending)
        await until_orders(mirror)
        away = order.price + (Decimal("0.01") if order.price > Decimal("1.16") else Decimal("-0.01"))
        for price in (away, order.price):
            pending.book.replace_order(order.order_id, price, stop_loss=None, take_profit=None)
            await until_orders(mirror)
        pending.book.cancel_order(order.order_id)
        await until_orders(mirror)
        assert known(mirror).orders == {}
        await _check_end(mirror, order, OrderStatus.CANCELED)


async def test_stops_of_a_pending_order_are_told_when_set_moved_and_removed(
    pending: World, autojump_clock: MockClock
) -> None:
    if not has(pending, "stops"):
        pytest.skip(f"{pending.venue} has no stops")
    order = by_hand(pending)
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        for stop_loss, take_profit in (("1.1", "1.2"), ("1.11", "1.2"), (None, "1.2"), (None, None)):
            pending.book.replace_order(order.order_id, order.price, **stops(pending, stop_loss, take_profit))
            # A stop that moves while the price stays may be told of by the next look only.
            await _looked(mirror)
            assert same_orders(known(mirror).orders.values(), pending)


@KINDS
async def test_a_pending_order_that_fills_is_gone_and_its_position_is_there(
    pending: World, autojump_clock: MockClock, side: Side, order_type: OrderType
) -> None:
    order = by_hand(pending, side, order_type, tag="somebodys", **_protection(pending, side))
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        quote(pending, "1.14" if AWAY[side, order_type] < Decimal("1.16") else "1.18")
        await mirror.until_true()
        await until_orders(mirror)
        assert known(mirror).orders == {}
        position = opened_by(pending, order)
        [shown] = mirror.positions.values()
        assert (shown.symbol, shown.side, shown.volume) == (EURUSD, side, Decimal("0.30"))
        assert shown.tag in (None, "somebodys")
        for end in await _check_end(mirror, order, OrderStatus.FILLED):
            assert end.position_id in (None, shown.position_id)
    snapshot, _ = await pending.account.snapshot()
    assert snapshot.orders == ()
    assert same_positions(snapshot.positions, pending)
    assert position.volume == Decimal("0.30")


async def test_a_pending_order_that_expires_is_gone_and_opened_nothing(
    pending: World, autojump_clock: MockClock
) -> None:
    order = by_hand(pending, expires_at=pending.now() + timedelta(seconds=60))
    kept = by_hand(pending, Side.SELL, STOP)
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        await trio.sleep(59)
        snapshot, _ = await pending.account.snapshot()
        assert same_orders(snapshot.orders, pending)
        assert list(pending.book.working) == [order.order_id, kept.order_id]
        await trio.sleep(2)
        quote(pending, "1.159")
        await until_orders(mirror)
        assert list(known(mirror).orders) == [kept.order_id]
        await _check_end(mirror, order, OrderStatus.EXPIRED)
    snapshot, _ = await pending.account.snapshot()
    assert same_orders(snapshot.orders, pending)
    assert snapshot.positions == ()


async def test_a_pending_order_that_the_account_cannot_pay_for_is_gone(
    pending: World, autojump_clock: MockClock
) -> None:
    order = by_hand(pending, volume=Decimal(100))
    pending.book.deposit(-pending.book.balance)
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        quote(pending, "1.14")
        await until_orders(mirror)
        assert known(mirror).orders == {}
        await _check_end(mirror, order, OrderStatus.REJECTED)
    assert pending.book.positions == {}


async def test_much_trading_with_pending_orders_ends_in_what_the_books_hold(
    pending: World, autojump_clock: MockClock
) -> None:
    random = Random(5)
    async with streaming(pending) as mirror:
        for _ in range(25):
            for _ in range(random.randint(1, 4)):
                trade_pending(pending, random)
            await trio.sleep(random.choice((0, 0.1, 2)))
        await mirror.until_true()
        await _looked(mirror)
        assert same_orders(known(mirror).orders.values(), pending)
    assert pending.book.orders, "something should have been filled or canceled"


async def test_a_snapshot_while_a_hand_trades_shows_only_what_was_true(
    pending: World, autojump_clock: MockClock
) -> None:
    random = Random(9)
    ever = _ever(pending)
    if pending.faults is not None:
        pending.faults.delay_s = 0.05
    for _ in range(20):
        trade_pending(pending, random)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_trade_soon, pending, random)
            snapshot, _ = await pending.account.snapshot()
        for order in snapshot.orders or ():
            prices = (order.price, order.volume, order.side, order.order_type)
            assert (order.order_id, *prices) in ever
    snapshot, _ = await pending.account.snapshot()
    assert same_orders(snapshot.orders, pending)


async def test_after_cut_streams_a_new_session_shows_what_became_of_pending_orders(
    pending: World, autojump_clock: MockClock
) -> None:
    moved, canceled = by_hand(pending), by_hand(pending, Side.SELL, LIMIT)
    filled = by_hand(pending, Side.BUY, LIMIT, symbol=XAUUSD, price=Decimal("4000"))
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        await pending.cut_streams()
        assert isinstance(await mirror.until_lost(), SessionLost)
    pending.book.replace_order(moved.order_id, Decimal("1.14"), stop_loss=None, take_profit=None)
    pending.book.cancel_order(canceled.order_id)
    gold = pending.market.quotes[XAUUSD]
    pending.market.set_quote(type(gold)(XAUUSD, Decimal("3999"), Decimal("3999.25"), pending.now()))
    by_hand(pending, Side.SELL, STOP)
    assert filled.order_id not in pending.book.working
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        await mirror.until_true()
        first = next(event for event in mirror.of(SnapshotReceived) if event.certain)
        assert same_orders(first.orders, pending)


@pytest.mark.parametrize("fault", ["drop_messages", "duplicate_messages", "reorder_messages"])
@pytest.mark.parametrize("count", [1, 2, 5])
async def test_messages_that_are_lost_doubled_or_swapped_are_made_good_by_the_next_look(
    pending: World, autojump_clock: MockClock, fault: str, count: int
) -> None:
    if pending.faults is None:
        pytest.skip(f"{pending.venue} has no weather")
    order = by_hand(pending)
    async with streaming(pending) as mirror:
        await until_orders(mirror)
        setattr(pending.faults, fault, count)
        other = by_hand(pending, Side.SELL, LIMIT)
        pending.book.replace_order(order.order_id, Decimal("1.14"), stop_loss=None, take_profit=None)
        pending.book.cancel_order(other.order_id)
        setattr(pending.faults, fault, 0)
        await trio.sleep(10)
        await _looked(mirror)
        assert same_orders(known(mirror).orders.values(), pending)


async def _looked(mirror: Mirror) -> None:
    """Let the regular look at the books come in, as the service has one every few seconds."""
    await trio.sleep(5)
    snapshot, _ = await mirror.world.account.snapshot()
    await mirror.emit(snapshot)


async def _check_end(mirror: Mirror, order: WorkingOrder, status: OrderStatus) -> list[OrderEnded]:
    """Return what was told of an order's end: once at most, and true. Lists alone may tell it too."""
    await trio.sleep(1)
    ends = [event for event in mirror.of(OrderEnded) if event.order_id == order.order_id]
    assert len(ends) <= 1
    assert all(end.status in (None, status) for end in ends)
    if status is not OrderStatus.FILLED:
        assert all(end.position_id is None for end in ends)
    return ends


def _protection(world: World, side: Side) -> dict[str, Decimal | None]:
    return stops(world, "1.05", "1.25") if side is Side.BUY else stops(world, "1.25", "1.05")


def _ever(world: World) -> set[tuple[object, ...]]:
    """Return a set that fills with everything that is ever true of a pending order."""
    ever: set[tuple[object, ...]] = set()

    def note(change: object) -> None:
        order = getattr(change, "order", None)
        if order is not None:
            ever.add((order.order_id, order.price, order.volume, order.side, order.order_type))

    world.book.listen(note)
    return ever


async def _trade_soon(world: World, random: Random) -> None:
    await trio.sleep(random.choice((0, 0.03, 0.06)))
    trade_pending(world, random)
