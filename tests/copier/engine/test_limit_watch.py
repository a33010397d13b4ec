"""Limits in the engine: a breach blocks and flattens in the round that shows it, and survives a restart."""

from datetime import time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from attrs import evolve

from rules.limits.days import ResetTime
from rules.limits.exposure import AtStops
from rules.limits.policy import Limit
from rules.limits.state import LimitStage
from rules.limits.terms import FlattenScope, LimitKind, Percent, Trailing
from rules.model.copies import Ending
from rules.model.events import AccountReported, PositionReported, SessionEnded
from rules.model.observed import AccountStatus
from rules.model.reasons import Reason
from rules.model.reports import NotSent
from rules.model.values import AccountId, Symbol
from rules.policy.limits import PolicyLimits
from rules.policy.links import CopyPolicy
from tests.copier.desk import FULL, LINK, SOURCE, TARGET, Desk
from tests.copier.fakes import source_position
from tests.rules.playbook import shape

FIVE = Percent(Decimal("0.05"))
TOTAL = Limit("total", TARGET, LimitKind.MAX_LOSS, FIVE)
EVERYTHING = Limit("everything", TARGET, LimitKind.MAX_LOSS, FIVE, scope=FlattenScope.ACCOUNT)
DAILY = Limit("daily", TARGET, LimitKind.DAILY_LOSS, FIVE, reset=ResetTime(time(13), ZoneInfo("UTC")))


def worth(equity: int) -> AccountStatus:
    return AccountStatus(Decimal(100_000), Decimal(equity), "USD")


async def test_a_limit_without_figures_takes_no_new_risk() -> None:
    desk = Desk(limits=[TOTAL])
    await desk.polls(SOURCE)
    assert desk.limits.denied(TARGET) is not None
    assert await desk.sees(source_position()) == []
    assert shape(await desk.polls(TARGET)) == [("open", "1.00")], "the first figures allow it"


async def test_a_breach_flattens_in_the_same_round() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    held = await desk.copied(source_position())
    assert shape(await desk.polls(TARGET, held, status=worth(95_000))) == [("close", "1.00")]


async def test_a_breach_blocks_what_arrives_in_the_same_round() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    breach = AccountReported(TARGET, desk.now, worth(90_000))
    assert await desk.takes(breach, PositionReported(SOURCE, desk.now, source_position())) == []
    assert desk.copy.reason is Reason.LIMIT_MAX_LOSS


async def test_an_opening_that_waits_in_the_queue_is_not_wanted_after_a_breach() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    [order] = await desk.sees(source_position())
    await desk.polls(TARGET, status=worth(90_000))
    assert not desk.engine.wanted(order)
    assert await desk.reports(NotSent(order.cl_ord_id, "no longer wanted")) == []
    assert desk.copy.ending is Ending.FLATTENED


def obeying() -> Desk:
    """Return a desk whose link obeys a limit of its source."""
    link = evolve(LINK, policy=CopyPolicy("obeys", limits=PolicyLimits(obey_source=True)))
    return Desk(limits=[evolve(TOTAL, account=SOURCE)], links=[link])


async def test_an_opening_that_waits_in_the_queue_is_not_wanted_after_a_breach_at_the_source_that_is_obeyed() -> None:
    desk = await obeying().ready()
    [order] = await desk.sees(source_position())
    assert desk.engine.wanted(order)
    await desk.polls(SOURCE, source_position(), status=worth(90_000))
    assert not desk.engine.wanted(order)


async def test_what_waits_for_a_limit_of_the_source_is_opened_once_that_is_judged() -> None:
    desk = await obeying().ready()
    await desk.takes(AccountReported(SOURCE, desk.now, AccountStatus(None, None, "USD")))
    assert await desk.sees(source_position()) == []
    assert desk.copy.reason is Reason.LIMIT_UNKNOWN
    assert shape(await desk.takes(AccountReported(SOURCE, desk.now, FULL))) == [("open", "1.00")]


async def test_what_a_breach_closed_stays_closed_when_the_money_comes_back() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    held = await desk.copied(source_position())
    await desk.fills(await desk.polls(TARGET, held, status=worth(90_000)))
    assert await desk.polls(TARGET, status=worth(200_000)) == []
    assert await desk.sees(source_position(volume="0.5")) == []
    assert await desk.sees(source_position("p2")) == [], "a maximum loss never begins anew"


async def test_a_close_leaves_although_the_account_is_blocked() -> None:
    desk = await Desk(limits=[Limit("soft", TARGET, LimitKind.MAX_LOSS, FIVE, block_at=Decimal("0.5"))]).ready()
    held = await desk.copied(source_position())
    assert await desk.polls(TARGET, held, status=worth(97_000)) == []
    assert await desk.sees(source_position("p2")) == []
    assert shape(await desk.closes()) == [("close", "1.00")]


async def test_a_flatten_of_copies_leaves_foreign_positions_alone() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    for _ in range(3):
        assert await desk.polls(TARGET, source_position("hand"), status=worth(90_000)) == []


async def test_a_flatten_of_the_account_closes_foreign_positions_too() -> None:
    desk = await Desk(limits=[EVERYTHING]).ready()
    desk.polled.clear()
    await desk.polls(TARGET, source_position("hand"), status=worth(90_000))
    assert TARGET in desk.polled
    closing = await desk.polls(TARGET, source_position("hand"), status=worth(90_000))
    assert shape(closing) == [("close", "1")]


async def test_an_account_without_any_link_is_flattened_as_well() -> None:
    lone = AccountId("lone")
    limit = Limit("lone", lone, LimitKind.MAX_LOSS, FIVE, scope=FlattenScope.ACCOUNT)
    desk = await Desk(limits=[limit], accounts=(SOURCE, TARGET, lone)).ready()
    await desk.polls(lone, source_position("hand"), status=worth(90_000))
    [closing] = await desk.polls(lone, source_position("hand"), status=worth(90_000))
    assert closing.account == lone


async def test_the_verdict_survives_a_restart() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    await desk.polls(TARGET, status=worth(90_000))
    after = Desk(desk.ledger, limits=[TOTAL], now=desk.now + timedelta(hours=1))
    assert after.views[TARGET].denied is not None, "before any figure came"
    await after.polls(TARGET, status=worth(100_000))
    await after.polls(SOURCE)
    assert await after.sees(source_position("p2")) == []


async def test_a_copy_that_a_crash_kept_open_is_flattened_at_the_next_start_without_its_source() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    held = await desk.copied(source_position())
    closing = await desk.polls(TARGET, held, status=worth(90_000))
    assert closing
    await desk.reports(NotSent(closing[0].cl_ord_id, "no connection"))
    after = Desk(desk.ledger, limits=[TOTAL], now=desk.now + timedelta(minutes=1))
    assert shape(await after.polls(TARGET, held, status=worth(100_000))) == [("close", "1.00")]


async def test_a_daily_breach_ends_at_the_reset_by_the_clock_alone() -> None:
    desk = await Desk(limits=[DAILY]).ready()
    await desk.polls(TARGET, status=AccountStatus(Decimal(94_000), Decimal(94_000), "USD"))
    assert desk.views[TARGET].denied is not None
    reset = desk.limits.next_due()
    assert reset is not None
    desk.now = reset
    await desk.takes()
    assert desk.views[TARGET].denied is None
    assert desk.limits.next_due() == reset + timedelta(days=1)


async def test_each_change_of_stage_is_one_row_and_a_sample_that_changes_nothing_is_none() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    before = len(desk.records("limit"))
    for _ in range(5):
        await desk.polls(TARGET, status=worth(99_990))
    assert len(desk.records("limit")) == before
    await desk.polls(TARGET, status=worth(96_000))
    await desk.polls(TARGET, status=worth(90_000))
    stages = [record.stage for record in desk.records("limit")][before:]  # type: ignore[union-attr]
    assert stages == ["warn", "breached"]


async def test_judgements_name_each_limit_with_its_stage() -> None:
    desk = await Desk(limits=[TOTAL, EVERYTHING]).ready()
    found = [(limit.limit_id, judged.stage) for limit, judged in desk.limits.judgements(TARGET)]
    assert found == [("total", LimitStage.OK), ("everything", LimitStage.OK)]
    assert desk.limits.judgements(SOURCE) == []


async def test_figures_of_an_account_without_limits_change_nothing() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    before = desk.ledger.last_seq
    await desk.polls(SOURCE, status=worth(1))
    assert desk.ledger.last_seq == before
    assert desk.limits.denied(SOURCE) is None


async def test_last_figures_that_move_are_written_now_and_then() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    await desk.polls(TARGET, status=worth(99_000))
    before = len(desk.records("limit"))
    desk.now += timedelta(minutes=6)
    await desk.polls(TARGET, status=worth(99_000))
    await desk.polls(TARGET, status=worth(98_500))
    records = desk.records("limit")[before:]
    assert [record.state.equity for record in records] == [Decimal(99_000)]  # type: ignore[union-attr]
    desk.now += timedelta(minutes=6)
    await desk.polls(TARGET, status=worth(98_500))
    await desk.polls(TARGET, status=worth(98_500))
    assert len(desk.records("limit")) == before + 2, "what stands still is written once"


async def test_a_clean_stop_writes_the_last_figures_once() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    await desk.polls(TARGET, status=worth(99_000))
    before = len(desk.records("limit"))
    for _ in range(2):
        desk.limits.save()
        await desk.takes()
    [record] = desk.records("limit")[before:]
    assert record.state.equity == Decimal(99_000)  # type: ignore[union-attr]


async def test_an_opening_in_the_queue_is_not_wanted_while_new_risk_is_blocked() -> None:
    desk = await Desk(limits=[Limit("soft", TARGET, LimitKind.MAX_LOSS, FIVE, block_at=Decimal("0.5"))]).ready()
    [order] = await desk.sees(source_position())
    await desk.polls(TARGET, status=worth(97_000))
    assert not desk.engine.wanted(order)
    await desk.polls(TARGET, status=worth(100_000))
    assert desk.engine.wanted(order), "a block that does not stay ends with its cause"


@pytest.mark.parametrize("how", ["poll", "session"])
async def test_figures_out_of_sight_leave_a_gap_that_makes_a_trailing_floor_an_estimate(how: str) -> None:
    trailing = Limit("trailing", TARGET, LimitKind.MAX_LOSS, FIVE, trailing=Trailing.LIVE_EQUITY)
    desk = await Desk(limits=[trailing]).ready()
    [before] = desk.limits.states
    assert not before.gap
    if how == "poll":
        await desk.loses(TARGET)
    else:
        await desk.takes(SessionEnded(TARGET, desk.now, "gone"))
    [lost] = desk.limits.states
    assert lost.gap
    await desk.polls(TARGET)
    [after] = desk.limits.states
    assert (after.gap, after.estimated) == (False, True)


async def test_books_tell_what_the_stops_would_leave_and_ask_for_what_is_not_known() -> None:
    desk = await Desk(limits=[TOTAL]).ready()
    desk.looked_up.clear()
    held = evolve(source_position("hand"), stop_loss=None, symbol=Symbol("OTHER"))
    await desk.polls(TARGET, held)
    [state] = desk.limits.states
    assert state.at_stops == AtStops(None, 1, 0)
    assert [look_up.symbol for look_up in desk.looked_up] == ["OTHER"]
    before = len(desk.records("limit"))
    await desk.polls(TARGET)
    [state] = desk.limits.states
    assert state.at_stops == AtStops(Decimal(100_000))
    assert len(desk.records("limit")) == before, "it comes with every look, and is no news"


async def test_what_forbids_something_lasts_and_what_only_waits_for_figures_does_not() -> None:
    desk = await Desk(limits=[TOTAL, DAILY]).ready()
    assert list(desk.limits.lasting()) == []
    await desk.polls(TARGET, status=worth(95_000))
    again = Desk(desk.ledger, limits=[TOTAL, DAILY], now=desk.now)
    assert [(each.state.limit_id, each.stage) for each in again.limits.lasting()] == [
        ("total", "breached"),
        ("daily", "breached"),
    ]
