"""Mismatches of mirrored pending orders in a running engine: when they begin, what they do, when they end."""

from datetime import timedelta
from decimal import Decimal

from attrs import evolve

from copier.ledger.records import MismatchRecord
from copier.telling.wording import mismatch_words
from rules.model.actions import Action, CancelOrder, ReplaceOrder
from rules.model.events import OrderEnded, Origin, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.reports import Canceled, Rejected
from rules.model.values import OrderStatus
from rules.policy.mismatch import MismatchAction, MismatchPolicy
from tests.copier.desk import TARGET, Desk
from tests.copier.engine.test_engine_mirror import MIRROR, OURS, desk_with, ends, looks, order, told, working


async def shows(desk: Desk, seconds: float, *orders: WorkingOrder) -> list[Action]:
    """Let time pass, and the target's books show these pending orders then."""
    desk.now += timedelta(seconds=seconds)
    return await desk.takes(SnapshotReceived(TARGET, desk.now, (), Origin.RECONCILED, desk.now, orders=orders))


def events(desk: Desk) -> list[tuple[str, bool]]:
    records = desk.records("mismatch")
    return [(each.mismatch.kind.value, each.ended) for each in records if isinstance(each, MismatchRecord)]


def ours(**changes: object) -> WorkingOrder:
    return order(order_id=OURS, **changes)


async def test_an_order_that_waits_at_the_target_is_no_mismatch() -> None:
    desk, _ = await working()
    for _ in range(3):
        await shows(desk, 20, ours())
    assert events(desk) == []


async def test_an_order_that_the_venue_rejected_is_one_after_the_grace_until_its_source_ends() -> None:
    desk = await desk_with()
    [placed] = await told(desk)
    await desk.reports(Rejected(placed.cl_ord_id, "too close"))
    await shows(desk, 1)
    assert events(desk) == []
    await shows(desk, 10)
    assert events(desk) == [("pending", False)]
    [record] = desk.records("mismatch")
    assert isinstance(record, MismatchRecord)
    says = "EURUSD should have a pending order, long 1, which is not there (the venue rejected the order)"
    assert mismatch_words(record.mismatch) == says
    assert record.mismatch.positions == ("order:1",)
    assert await ends(desk, OrderStatus.CANCELED) == []
    await shows(desk, 1)
    assert events(desk) == [("pending", False), ("pending", True)]


async def test_an_order_that_somebody_canceled_there_is_one_and_is_not_placed_again() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(Canceled(placed.cl_ord_id))
    assert await shows(desk, 1) == []
    assert await shows(desk, 10) == []
    assert events(desk) == [("pending", False)]
    assert desk.sent == [placed]


async def test_a_restart_finds_what_lasts_and_tells_nothing_again() -> None:
    desk, placed = await working()
    await desk.takes(OrderEnded(TARGET, desk.now, OURS))
    await desk.reports(Canceled(placed.cl_ord_id))
    await shows(desk, 1)
    await shows(desk, 10)
    again = Desk(desk.ledger, links=desk.engine.desk.in_force.links.values(), now=desk.now)
    again.views[TARGET].takes_orders = True
    await shows(again, 1)
    assert events(again) == [("pending", False)], "the source has not been seen yet"
    await looks(again)
    await shows(again, 1)
    assert events(again) == [("pending", False), ("pending", True)], "its order is gone"


async def test_an_order_that_somebody_moved_is_one_and_is_left_there_by_default() -> None:
    desk, placed = await working()
    for _ in range(2):
        assert await shows(desk, 10, ours(price=Decimal("1.05"))) == []
    assert events(desk) == [("pending", False)]
    assert desk.sent == [placed]
    await shows(desk, 1, ours())
    assert events(desk) == [("pending", False), ("pending", True)]


async def test_resync_moves_it_back() -> None:
    desk, _ = await working(evolve(MIRROR, mismatch=MismatchPolicy(action=MismatchAction.RESYNC)))
    assert await shows(desk, 10, ours(price=Decimal("1.05"))) == []
    [back] = await shows(desk, 10, ours(price=Decimal("1.05")))
    assert isinstance(back, ReplaceOrder)
    assert (back.order_id, back.price) == (OURS, Decimal("1.1"))


async def test_flatten_takes_it_off_and_nothing_else_is_placed() -> None:
    desk, _ = await working(evolve(MIRROR, mismatch=MismatchPolicy(action=MismatchAction.FLATTEN)))
    await shows(desk, 10, ours(volume=Decimal("0.4")))
    [gone] = await shows(desk, 10, ours(volume=Decimal("0.4")))
    assert isinstance(gone, CancelOrder)
    assert await told(desk, order_id="2") == []


async def test_an_order_whose_cancel_the_venue_keeps_refusing_should_be_gone() -> None:
    desk, placed = await working()
    [gone] = await ends(desk, OrderStatus.CANCELED)
    await desk.reports(Rejected(gone.cl_ord_id, "not now"))
    assert desk.looked_for == [placed]
    await shows(desk, 1, ours())
    await shows(desk, 10, ours())
    assert events(desk) == [("pending", False)]


async def test_a_venue_that_tells_of_no_orders_is_not_judged() -> None:
    desk, _ = await working()
    for _ in range(3):
        desk.now += timedelta(seconds=20)
        await desk.polls(TARGET)
    assert events(desk) == []
