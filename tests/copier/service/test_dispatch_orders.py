"""Pending orders to one target: sent once, and an unknown outcome is resolved by tag or by the list of orders."""

from decimal import Decimal

import pytest
from attrs import evolve
from trio.testing import MockClock

from adapters.base import SessionLost
from copier.service.dispatch import judge_by_books
from rules.model.actions import CancelOrder, PlaceOrder, ReplaceOrder
from rules.model.events import Origin, SnapshotReceived
from rules.model.observed import WorkingOrder
from rules.model.reports import Canceled, Filled, NotFound, NotSent, OutcomeUnknown, Placed, Rejected, Replaced, Report
from rules.model.values import AccountId, ClOrdId, OmsType, OrderType, PositionId, Side, Symbol, VenueOrderId
from tests.copier.fakes import HEDGING
from tests.copier.service.test_dispatch import running
from tests.rules.playbook import T0

TARGET, EURUSD, ORDER = AccountId("target"), Symbol("EURUSD"), VenueOrderId("7")
PLACE = PlaceOrder(ClOrdId("place"), TARGET, EURUSD, Side.BUY, OrderType.LIMIT, Decimal(1), Decimal("1.1"))
REPLACE = ReplaceOrder(
    ClOrdId("replace"), TARGET, ORDER, EURUSD, Side.BUY, OrderType.STOP_LIMIT,
    Decimal("1.2"), Decimal("1.21"), None, Decimal("1.3"),
)  # fmt: skip
CANCEL = CancelOrder(ClOrdId("cancel"), TARGET, ORDER, EURUSD)
AS_IT_WAS = WorkingOrder(
    ORDER, EURUSD, Side.BUY, OrderType.STOP_LIMIT, Decimal(1), Decimal("1.15"), Decimal("1.16"), take_profit=Decimal(2)
)
AS_ASKED = evolve(AS_IT_WAS, price=Decimal("1.2"), limit_price=Decimal("1.21"), take_profit=Decimal("1.3"))


def books(*orders: WorkingOrder) -> SnapshotReceived:
    return SnapshotReceived(TARGET, T0, (), Origin.RECONCILED, T0, orders=orders)


@pytest.mark.parametrize(
    ("action", "shown", "report"),
    [
        (CANCEL, (), Canceled(ClOrdId("cancel"))),
        (CANCEL, (AS_IT_WAS,), NotFound(ClOrdId("cancel"))),
        (REPLACE, (AS_ASKED,), Replaced(ClOrdId("replace"))),
        (REPLACE, (AS_IT_WAS,), NotFound(ClOrdId("replace"))),
        (REPLACE, (evolve(AS_ASKED, stop_loss=Decimal(1)),), NotFound(ClOrdId("replace"))),
        (REPLACE, (), Rejected(ClOrdId("replace"), "the pending order works no more")),
    ],
)
def test_the_pending_orders_tell_what_became_of_a_change(
    action: CancelOrder | ReplaceOrder, shown: tuple[WorkingOrder, ...], report: Report
) -> None:
    other = evolve(AS_IT_WAS, order_id=VenueOrderId("8"))
    assert judge_by_books(action, books(*shown, other)) == report


@pytest.mark.parametrize("action", [CANCEL, REPLACE])
def test_a_snapshot_that_does_not_tell_of_orders_proves_nothing(action: CancelOrder | ReplaceOrder) -> None:
    assert judge_by_books(action, SnapshotReceived(TARGET, T0, (), Origin.RECONCILED, T0)) is None


@pytest.mark.parametrize("oms", list(OmsType))
async def test_a_lost_answer_to_a_cancel_is_resolved_by_the_pending_orders(
    autojump_clock: MockClock, oms: OmsType
) -> None:
    async with running(evolve(HEDGING, oms=oms)) as desk:
        desk.account.orders = ()
        desk.account.answers.append(SessionLost("reset"))
        desk.put(CANCEL)
        assert [type(report) for report in await desk.until(2)] == [OutcomeUnknown, Canceled]
        assert desk.account.asked == []


async def test_a_change_that_never_arrived_is_known_after_the_settle_time(autojump_clock: MockClock) -> None:
    async with running(evolve(HEDGING, settle_s=190.0, positions_settle_s=10.0)) as desk:
        desk.account.orders = (AS_IT_WAS,)
        desk.account.answers.append(SessionLost("reset"))
        desk.put(REPLACE)
        assert (await desk.until(2))[1] == NotFound(ClOrdId("replace"))
        assert 10 < desk.waited_s < 20


@pytest.mark.parametrize(
    "found",
    [
        Placed(ClOrdId("place"), ORDER),
        Filled(ClOrdId("place"), PositionId("1"), Decimal(1)),
        Canceled(ClOrdId("place")),
    ],
)
async def test_a_lost_answer_to_a_placing_is_resolved_by_tag(autojump_clock: MockClock, found: Report) -> None:
    async with running() as desk:
        desk.account.orders = ()
        desk.account.answers.append(SessionLost("reset"))
        desk.account.finds.extend([NotFound(ClOrdId("place")), found])
        desk.put(PLACE)
        assert (await desk.until(2))[1] == found
        assert desk.sent == ["place"]
        assert desk.account.asked == ["place", "place"]


async def test_a_placing_that_is_no_longer_wanted_does_not_leave(autojump_clock: MockClock) -> None:
    async with running(HEDGING, lambda _: False, PLACE, CANCEL) as desk:
        desk.account.answers.append(Canceled(ClOrdId("cancel")))
        reports = await desk.until(2)
        assert {type(report) for report in reports} == {NotSent, Canceled}
        assert desk.sent == ["cancel"]
