"""Rules of conduct in the engine: in force in the round that shows it, on copies and on what is none."""

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from rules.limits.conduct_policy import Budget, BudgetKind, Conduct, FlatBy, Follow, PositionRule, PositionRuleKind
from rules.limits.days import ResetTime
from rules.limits.terms import Cash, FlattenScope
from rules.model.copies import Ending
from rules.model.events import PositionReported
from rules.model.reasons import Reason
from rules.model.values import OmsType, Price, Volume
from rules.times.cron import Cron
from tests.copier.desk import SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import EURUSD, T0, shape

UTC_ZONE = ZoneInfo("UTC")
STOP = PositionRule("stop", TARGET, PositionRuleKind.STOP_REQUIRED, within=timedelta(seconds=30))
WHOLE = FlattenScope.ACCOUNT
RESET = ResetTime((T0 + timedelta(hours=1)).time().replace(microsecond=0), UTC_ZONE)


def firing(after: timedelta) -> Cron:
    at = T0 + after
    return Cron(f"{at.minute} {at.hour} * * *", UTC_ZONE)


async def ready(*rules: Conduct, oms: OmsType = OmsType.HEDGING, **more: object) -> Desk:
    return await Desk(conduct=rules, oms=oms, **more).ready()  # type: ignore[arg-type]


def alerts(desk: Desk, code: str) -> Iterable[str]:
    return [record.text for record in desk.records("alert") if record.code == code]  # type: ignore[union-attr]


async def test_a_copy_without_a_stop_is_closed_by_the_clock() -> None:
    desk = await ready(STOP)
    held = await desk.copied(source_position())
    await desk.polls(TARGET, held)
    due = held.opened_at + timedelta(seconds=30)
    assert desk.limits.next_due() == due
    desk.now = due
    assert shape(await desk.takes()) == [("close", "1.00")]
    assert desk.copy.flatten == "stop"
    assert next(iter(alerts(desk, "position.offence"))).startswith("stop: position t-")


async def test_an_offence_that_is_only_told_closes_nothing_and_is_told_once() -> None:
    desk = await ready(evolve(STOP, follow=Follow.WARN))
    held = await desk.copied(source_position())
    desk.now += timedelta(minutes=1)
    for _ in range(3):
        assert await desk.polls(TARGET, held) == []
    assert len(list(alerts(desk, "position.offence"))) == 1


@pytest.mark.parametrize(("scope", "closed"), [(FlattenScope.COPIES, []), (WHOLE, [("close", "1")])])
async def test_what_is_no_copy_is_closed_only_where_the_rule_is_of_the_account(
    scope: FlattenScope, closed: list[tuple[str, str]]
) -> None:
    large = PositionRule(
        "large", TARGET, PositionRuleKind.MAX_POSITION_VOLUME, volume=Volume(Decimal("0.5")), scope=scope
    )
    desk = await ready(large)
    hand, small = source_position("hand"), source_position("small", volume="0.5")
    assert await desk.polls(TARGET, hand, small) == [], "one look may be of a moment"
    assert shape(await desk.polls(TARGET, hand, small)) == closed


async def test_a_tick_that_shows_the_loss_closes_in_the_same_round() -> None:
    loss = PositionRule("loss", TARGET, PositionRuleKind.PER_TRADE_LOSS, amount=Cash(Decimal(1000)))
    desk = await ready(loss)
    desk.views[TARGET].instruments[EURUSD.symbol] = evolve(
        EURUSD, contract_size=Decimal(100_000), profit_currency="USD"
    )
    held = await desk.copied(source_position())
    price = held.open_price
    for drop, orders in (("0.0099", []), ("0.01", [("close", "1.00")])):
        tick = evolve(held, current_price=Price(price - Decimal(drop)))
        assert shape(await desk.takes(PositionReported(TARGET, desk.now, tick))) == orders


async def test_a_loss_that_cannot_be_told_is_said_once() -> None:
    loss = PositionRule("loss", TARGET, PositionRuleKind.PER_TRADE_LOSS, amount=Cash(Decimal(1)))
    desk = await ready(loss)
    held = evolve(await desk.copied(source_position()), current_price=Price(Decimal("0.5")))
    for _ in range(2):
        assert await desk.polls(TARGET, held) == []
    assert len(list(alerts(desk, "position.offence"))) == 1


async def test_on_a_netting_account_all_copies_in_the_position_are_closed() -> None:
    longest = PositionRule("long", TARGET, PositionRuleKind.MAX_OPEN_TIME, within=timedelta(minutes=5))
    desk = await ready(longest, oms=OmsType.NETTING)
    held = await desk.copied(source_position())
    desk.now += timedelta(minutes=5)
    assert shape(await desk.polls(TARGET, held)) == [("close", "1.00")]


async def test_an_account_is_flat_at_its_hour_and_takes_risk_again_after_it() -> None:
    hours = FlatBy("flat", TARGET, (firing(timedelta(hours=2)),), timedelta(hours=1), timedelta(minutes=10), WHOLE)
    desk = await ready(hours)
    held = await desk.copied(source_position())
    start = hours.firings[0].next_after(T0)
    assert desk.limits.next_due() == start - timedelta(minutes=10)
    desk.now = start - timedelta(minutes=10)
    assert await desk.takes() == []
    denied = desk.views[TARGET].denied
    assert denied is not None
    assert denied.reason is Reason.FLAT_BY
    desk.now = start
    closing = await desk.takes()
    assert shape(closing) == [("close", "1.00")]
    await desk.fills(closing)
    hand = evolve(source_position("hand"), opened_at=held.opened_at)
    await desk.polls(TARGET, hand)
    assert shape(await desk.polls(TARGET, hand)) == [("close", "1")]
    desk.now = start + timedelta(hours=1)
    await desk.takes()
    assert desk.views[TARGET].denied is None
    assert {copy.ending for copy in desk.book.all() if not copy.holds} == {Ending.FLATTENED}


async def test_an_account_that_starts_within_its_hour_is_flattened_at_once() -> None:
    desk = await ready()
    held = await desk.copied(source_position())
    hours = FlatBy("flat", TARGET, (firing(timedelta(0)),), timedelta(hours=1))
    again = Desk(desk.ledger, conduct=[hours], now=T0 + timedelta(minutes=1))
    assert again.views[TARGET].denied is not None
    assert shape(await again.polls(TARGET, held)) == [("close", "1.00")]


async def test_the_last_order_of_a_budget_leaves_and_the_next_is_denied() -> None:
    desk = await ready(Budget("orders", TARGET, BudgetKind.MAX_ORDERS, Decimal(1), RESET, None))
    [order] = await desk.sees(source_position())
    assert desk.engine.wanted(order), "it was within the budget"
    await desk.fills([order])
    assert await desk.sees(source_position("p2")) == []
    reasons = {copy.reason for copy in desk.book.all()}
    assert reasons == {None, Reason.BUDGET_USED_UP}
    assert shape(await desk.closes()) == [("close", "1.00")], "a close is never denied"


async def test_two_openings_in_one_round_share_one_budget() -> None:
    desk = await ready(Budget("orders", TARGET, BudgetKind.MAX_ORDERS, Decimal(1), RESET, None))
    left = await desk.takes(
        PositionReported(SOURCE, desk.now, source_position("p1")),
        PositionReported(SOURCE, desk.now, source_position("p2")),
    )
    assert len(left) == 1


async def test_a_budget_survives_a_restart_and_ends_with_its_reset() -> None:
    orders = Budget("orders", TARGET, BudgetKind.MAX_ORDERS, Decimal(1), RESET, None)
    desk = await ready(orders)
    await desk.fills(await desk.sees(source_position()))
    again = Desk(desk.ledger, conduct=[orders], now=desk.now + timedelta(minutes=1))
    assert again.views[TARGET].spent is not None
    due = again.limits.next_due()
    assert due is not None
    again.now = due
    await again.takes()
    assert again.views[TARGET].spent is None


async def test_a_budget_that_runs_low_is_a_row_of_its_stage_and_so_is_its_end() -> None:
    desk = await ready(Budget("lots", TARGET, BudgetKind.MAX_OPENED_VOLUME, Decimal(2), RESET, Decimal("0.5")))
    await desk.sees(source_position())
    due = desk.limits.next_due()
    assert due is not None
    desk.now = due
    await desk.takes()
    assert [record.stage for record in desk.records("limit")] == ["warn", "ok"]  # type: ignore[union-attr]
