"""Pending orders of an account that must be flat."""

from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from copier.engine.order_watch import CANCEL_AGAIN
from rules.limits.conduct_policy import Budget, BudgetKind
from rules.limits.days import ResetTime
from rules.limits.policy import Limit
from rules.limits.terms import FlattenScope, LimitKind, Percent
from rules.model.actions import CancelOrder
from rules.model.events import AccountReported, Origin, SnapshotReceived
from rules.model.observed import AccountStatus, WorkingOrder
from rules.model.values import OrderType, Price, Side, Symbol, VenueOrderId, Volume
from tests.copier.desk import TARGET, Desk

ONE = Decimal(1)


def loss(scope: FlattenScope) -> Limit:
    return Limit("loss", TARGET, LimitKind.MAX_LOSS, Percent(Decimal("0.05")), scope=scope)


def working(order_id: str) -> WorkingOrder:
    return WorkingOrder(VenueOrderId(order_id), Symbol("EURUSD"), Side.BUY, OrderType.LIMIT, Volume(ONE), Price(ONE))


async def looks(desk: Desk, *orders: WorkingOrder, equity: int = 90_000) -> list[str]:
    """Let the books show these orders; return those that are canceled."""
    desk.now += timedelta(milliseconds=1)
    figures = AccountStatus(Decimal(100_000), Decimal(equity), "USD")
    books = SnapshotReceived(TARGET, desk.now, (), Origin.RECONCILED, desk.now, orders=orders)
    left = await desk.takes(AccountReported(TARGET, desk.now, figures), books)
    assert all(isinstance(action, CancelOrder) for action in left)
    return [action.order_id for action in left if isinstance(action, CancelOrder)]


async def test_a_breach_cancels_every_pending_order_in_the_round_that_shows_it() -> None:
    desk = await Desk(limits=[loss(FlattenScope.ACCOUNT)]).ready()
    assert await looks(desk, working("1"), equity=100_000) == []
    assert await looks(desk, working("1"), working("2")) == ["1", "2"]
    assert desk.alerts.count("flatten") == 2


async def test_a_cancel_counts_against_the_budget_of_orders() -> None:
    budget = Budget("orders", TARGET, BudgetKind.MAX_ORDERS, Decimal(2), ResetTime(time(), ZoneInfo("UTC")))
    desk = await Desk(limits=[loss(FlattenScope.ACCOUNT)], conduct=[budget]).ready()
    assert await looks(desk, working("1")) == ["1"]
    assert desk.views[TARGET].spent is None
    assert await looks(desk, working("1"), working("2")) == ["2"]
    assert desk.views[TARGET].spent is not None


async def test_an_order_that_stays_is_canceled_again_under_a_new_id_until_it_is_gone() -> None:
    desk = await Desk(limits=[loss(FlattenScope.ACCOUNT)]).ready()
    assert await looks(desk, working("1")) == ["1"]
    assert await looks(desk, working("1")) == []
    desk.now += CANCEL_AGAIN
    assert await looks(desk, working("1")) == ["1"]
    assert len({action.cl_ord_id for action in desk.sent}) == 2
    desk.now += CANCEL_AGAIN
    assert await looks(desk) == []


@pytest.mark.parametrize("equity", [90_000, 100_000])
async def test_orders_of_a_person_stay_where_only_copies_are_closed(equity: int) -> None:
    desk = await Desk(limits=[loss(FlattenScope.COPIES)]).ready()
    assert await looks(desk, working("1"), equity=equity) == []
