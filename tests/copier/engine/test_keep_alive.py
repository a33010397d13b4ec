"""Keep-alive trades through the engine: opened once a firing, closed at once, halted and limited like any order."""

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from copier.engine.inputs import Remembered
from copier.engine.keep_alive import PATIENCE
from rules.limits.past import Past
from rules.limits.results_policy import Inactivity, KeepAlive
from rules.model.actions import Action
from rules.model.observed import Fill
from rules.model.reports import NotSent, Rejected
from rules.model.values import PositionId, Side
from rules.times.cron import Cron
from tests.copier.desk import TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, T0, shape

TRADE = KeepAlive(EURUSD.symbol, (Cron("0 13 * * *", ZoneInfo("UTC")),), timedelta(days=20))
RULE = Inactivity("target/inactivity", TARGET, timedelta(days=30), T0 - timedelta(days=60), keep_alive=TRADE)
FIRING = T0 + timedelta(hours=1)


def history(desk: Desk, days_ago: int = 25) -> Remembered:
    fill = Fill("f", T0 - timedelta(days=days_ago), EURUSD.symbol, Side.SELL, Decimal(1), Decimal("1.1"))
    return Remembered(TARGET, Past(T0 - timedelta(days=90), desk.now, (fill,)))


async def fires(desk: Desk, days_ago: int | None = 25) -> list[Action]:
    """Let the cron fire, the history answer, and the clock run on to the next look."""
    desk.now = FIRING
    orders = await desk.takes()
    if days_ago is not None:
        orders += await desk.takes(history(desk, days_ago))
    while (due := desk.engine.due_at()) is not None and due < FIRING + PATIENCE + timedelta(minutes=1):
        desk.now = max(desk.now, due)
        orders += await desk.takes()
    return orders


async def ready(rule: Inactivity = RULE, *, remembers: bool = True) -> Desk:
    return await Desk(results=[rule], remembers=remembers).ready()


async def test_an_idle_account_trades_the_smallest_lot_and_closes_it() -> None:
    desk = await ready()
    orders = await fires(desk)
    assert shape(orders) == [("open", "0.01")]
    assert shape(await desk.fills(orders)) == [("close", "0.01")]
    [close] = desk.sent[1:]
    assert await desk.fills([close]) == []
    assert list(desk.book.all()) == [], "its story is only in the ledger"
    assert desk.alerts == ["keep_alive"]


async def test_the_history_is_asked_at_the_firing() -> None:
    desk = await ready()
    desk.recalled.clear()
    await fires(desk)
    assert desk.recalled


async def test_an_account_that_has_traded_does_nothing() -> None:
    desk = await ready()
    assert await fires(desk, days_ago=19) == []
    assert desk.alerts == []


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_history_that_does_not_come_denies_it(remembers: bool) -> None:
    desk = await ready(remembers=remembers)
    assert await fires(desk, None) == []
    assert desk.alerts == ["keep_alive"]
    assert list(desk.book.all()) == []


async def test_an_old_answer_is_not_taken_for_a_new_one() -> None:
    desk = await ready()
    await desk.takes(history(desk))
    assert await fires(desk, None) == []


async def test_it_is_held_for_as_long_as_is_asked() -> None:
    desk = await ready(evolve(RULE, keep_alive=evolve(TRADE, lasts=timedelta(minutes=10))))
    orders = await fires(desk)
    assert await desk.fills(orders) == []
    desk.now += timedelta(minutes=11)
    assert shape(await desk.takes()) == [("close", "0.01")]


async def test_a_halted_account_is_left_alone_and_nothing_that_was_decided_leaves_after_a_halt() -> None:
    desk = await ready()
    desk.views[TARGET].halted = "by hand"
    assert await fires(desk) == []
    other = await ready()
    [order] = await fires(other)
    assert other.engine.wanted(order)
    other.views[TARGET].halted = "by hand"
    assert not other.engine.wanted(order)


async def test_it_fires_again_the_next_day_and_not_twice_for_one_firing() -> None:
    desk = await ready()
    [first] = await fires(desk)
    await desk.fills(await desk.fills([first]))
    again = await Desk(desk.ledger, results=[RULE], remembers=True, now=FIRING - timedelta(seconds=1)).ready()
    assert await fires(again) == [], "the firing has its order already"
    again.now = FIRING + timedelta(days=1)
    await again.takes()
    await again.takes(history(again))
    again.now += timedelta(seconds=5)
    assert shape(await again.takes()) == [("open", "0.01")]


async def test_one_that_could_not_be_sent_or_was_refused_is_over() -> None:
    for report in (NotSent, Rejected):
        desk = await ready()
        [order] = await fires(desk)
        await desk.reports(report(order.cl_ord_id, "no"))
        desk.now += timedelta(minutes=5)
        assert await desk.takes() == []
        assert list(desk.book.all()) == []


async def test_one_that_was_opened_before_a_crash_is_closed_after_it() -> None:
    desk = await ready()
    [order] = await fires(desk)
    again = Desk(desk.ledger, results=[RULE], remembers=True, now=FIRING + timedelta(minutes=10))
    assert await again.fills([order]) == [], "the account has not been seen yet"
    held = evolve(source_position("t", volume="0.01"), position_id=PositionId(f"t-{order.cl_ord_id}"))
    orders = await again.polls(TARGET, held)
    assert shape(orders) == [("close", "0.01")]
