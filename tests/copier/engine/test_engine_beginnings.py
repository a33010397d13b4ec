"""Positions that came of pending orders, where a policy asks about that."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from copier.ledger.records import ObservedRecord
from rules.gates.filters import Filter
from rules.model.actions import Action, OpenPosition
from rules.model.beginnings import EntryType
from rules.model.copies import CopyStatus, Ending
from rules.model.events import OrderEnded, OrderReported, Origin, PositionReported, SnapshotReceived
from rules.model.observed import Position, WorkingOrder
from rules.model.reasons import Reason
from rules.model.values import OrderStatus, OrderType, Side, VenueOrderId
from rules.policy.links import CopyPolicy
from rules.policy.pending import PendingOrders
from tests.copier.desk import LINK, SOURCE, Desk
from tests.rules.playbook import EURUSD, T0, position

SKIP = CopyPolicy("skip", pending=PendingOrders.SKIP)
LIMITS_ONLY = CopyPolicy("limits", filter=Filter(order_types=frozenset({EntryType.LIMIT})))
MARKET_ONLY = CopyPolicy("market", filter=Filter(order_types=frozenset({EntryType.MARKET})))


def order(**changes: object) -> WorkingOrder:
    """Return an order that the position of the playbook can have come of."""
    base = WorkingOrder(VenueOrderId("1"), EURUSD.symbol, Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1"))
    return evolve(base, **changes)  # type: ignore[arg-type]  # whatever a test wants


async def desk_with(policy: CopyPolicy, *orders: WorkingOrder) -> Desk:
    desk = await Desk(links=[evolve(LINK, policy=policy)]).ready()
    await desk.takes(*(OrderReported(SOURCE, desk.now, each) for each in orders))
    desk.now += timedelta(seconds=3)  # by now also the books show it
    return desk


async def looks(desk: Desk, held: tuple[Position, ...], *orders: WorkingOrder, after_s: float = 0.1) -> list[Action]:
    """Let the source's books, asked now, show positions and orders."""
    desk.now += timedelta(seconds=after_s)
    return await desk.takes(SnapshotReceived(SOURCE, desk.now, held, Origin.RECONCILED, desk.now, orders=orders))


def reason(desk: Desk) -> Reason | None:
    return desk.copy.reason


@pytest.mark.parametrize(
    ("policy", "code"),
    [(SKIP, Reason.PENDING_SKIPPED), (MARKET_ONLY, Reason.FILTER_ORDER_TYPE), (LIMITS_ONLY, None)],
)
async def test_a_filled_order_is_judged_by_what_the_venue_says(policy: CopyPolicy, code: Reason | None) -> None:
    desk = await desk_with(policy, order())
    filled = OrderEnded(SOURCE, desk.now, order().order_id, OrderStatus.FILLED, position().position_id)
    assert await desk.takes(filled) == []
    assert [type(action) for action in await desk.sees(position())] == ([] if code else [OpenPosition])
    assert reason(desk) is code


@pytest.mark.parametrize(
    ("policy", "code"),
    [(SKIP, None), (MARKET_ONLY, None), (LIMITS_ONLY, Reason.FILTER_ORDER_TYPE)],
)
async def test_a_market_opening_is_copied_at_once(policy: CopyPolicy, code: Reason | None) -> None:
    desk = await desk_with(policy, order(price=Decimal("1.05")))
    assert len(await desk.sees(position())) == (code is None)
    assert reason(desk) is code
    assert desk.polled.count(SOURCE) == 0


async def test_an_order_that_could_be_it_is_waited_for_and_then_it_is_copied() -> None:
    desk = await desk_with(SKIP, order())
    assert await desk.sees(position()) == []
    assert (desk.copy.status, reason(desk)) == (CopyStatus.WAITING, Reason.BEGINNING_UNKNOWN)
    assert SOURCE in desk.polled
    assert await looks(desk, (position(),), order()) == [], "books may lag"
    [opened] = await looks(desk, (position(),), order(), after_s=2)
    assert isinstance(opened, OpenPosition)


async def test_an_order_that_could_be_it_and_has_gone_is_it() -> None:
    desk = await desk_with(SKIP, order())
    assert await desk.sees(position()) == []
    assert await looks(desk, (position(),)) == []
    assert (desk.copy.ending, reason(desk)) == (Ending.DENIED, Reason.PENDING_SKIPPED)


async def test_the_end_that_comes_after_the_position_settles_it() -> None:
    desk = await desk_with(SKIP, order())
    assert await desk.sees(position()) == []
    [opened] = await desk.takes(OrderEnded(SOURCE, desk.now, order().order_id, OrderStatus.CANCELED))
    assert isinstance(opened, OpenPosition)


async def test_doubt_that_lasts_opens_nothing() -> None:
    desk = await desk_with(SKIP, order())
    began_at = desk.now
    assert await desk.sees(position()) == []
    while desk.copy.status is CopyStatus.WAITING:
        desk.now += timedelta(seconds=1)
        assert await desk.takes() == []
    assert reason(desk) is Reason.BEGINNING_UNKNOWN
    assert desk.now - began_at < timedelta(minutes=1)


async def test_nobody_asks_where_no_policy_wants_to_know() -> None:
    desk = await desk_with(CopyPolicy("as is"), order())
    rows = desk.ledger.last_seq
    [opened] = await desk.sees(position())
    assert isinstance(opened, OpenPosition)
    assert not any(isinstance(row, ObservedRecord) and isinstance(row.event, OrderReported) for row in desk.records())
    assert desk.polled.count(SOURCE) == 0
    assert desk.ledger.last_seq > rows


async def test_orders_are_written_where_a_policy_asks() -> None:
    desk = await desk_with(SKIP, order())
    await desk.takes(OrderEnded(SOURCE, desk.now, order().order_id, OrderStatus.CANCELED))
    await desk.sees(position())
    told = [row.event for row in desk.records("observed") if isinstance(row, ObservedRecord)]
    assert OrderReported(SOURCE, T0 + timedelta(milliseconds=2), order()) in told
    assert any(isinstance(event, OrderEnded) and event.status is OrderStatus.CANCELED for event in told)


async def test_orders_of_a_list_are_written_before_the_positions_that_are_judged_by_them() -> None:
    desk = await Desk(links=[evolve(LINK, policy=SKIP)]).ready()
    await looks(desk, (position(),), order())
    assert reason(desk) is Reason.BEGINNING_UNKNOWN
    written = [record.event for record in desk.records("observed") if isinstance(record, ObservedRecord)]
    shown = [type(event) for event in written if isinstance(event, OrderReported | PositionReported)]
    assert shown == [OrderReported, PositionReported]


async def test_a_position_that_a_pending_order_turned_is_judged_by_that_order() -> None:
    desk = await desk_with(SKIP)
    await desk.copied(position())
    turning = order(side=Side.SELL, order_type=OrderType.STOP)
    await desk.takes(OrderReported(SOURCE, desk.now, turning))
    await desk.takes(OrderEnded(SOURCE, desk.now, turning.order_id, OrderStatus.FILLED, position().position_id))
    turned = position(side=Side.SELL, opened_at=desk.now)
    assert await desk.fills(await desk.sees(turned)) == [], "the old life is closed, and no other begins"
    assert reason(desk) is Reason.PENDING_SKIPPED
