"""What follows when a limit is reached: holds, halts, softer breaches, locks that jump, and the ruling limit."""

from datetime import timedelta
from decimal import Decimal

import pytest

from rules.limits.limits import (
    Limit,
    LimitStage,
    Metric,
    OnBreach,
    Trailing,
    cleared,
    denial,
    judge,
    next_due,
    ruling,
)
from rules.limits.terms import LockOf, Part, StagedLock
from rules.model.reasons import Reason
from tests.rules.limit_parts import Watch, amount, at, daily, status, target, total

OK, HALT = LimitStage.OK, LimitStage.HALT
FLATTEN, BREACHED = LimitStage.FLATTEN, LimitStage.BREACHED
MINUTE = {"hold": timedelta(seconds=60)}


def test_breach_with_a_hold_counts_by_the_clock_alone_once_it_has_lasted():
    watch = Watch(total("5 %", **MINUTE))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "100000", "95000")
    assert (judged.stage, judged.forbids) == (OK, False)
    assert judged.notes == ("the floor has been passed since 2026-01-15T12:01:00+00:00",)
    assert next_due(watch.limit, judged.state) == at("15 12:02")
    assert watch.clock("15 12:01:59.999999").stage is OK
    assert watch.clock("15 12:02").stage is BREACHED


def test_hold_is_ended_by_a_sample_and_begins_anew():
    watch = Watch(total("5 %", **MINUTE))
    watch.report("15 12:00", "100000", "94000")
    assert watch.report("15 12:00:59", "100000", "95000.01").state.breaching_from is None
    assert watch.report("15 12:01:30", "100000", "94000").stage is OK
    assert watch.report("15 12:02:29", "100000", "93000").stage is OK
    assert watch.report("15 12:02:30", "100000", "93000").stage is BREACHED


def test_hold_is_ended_only_by_a_sample_that_can_be_judged():
    watch = Watch(total("5 %", **MINUTE))
    watch.report("15 12:00", "100000", "94000")
    assert watch.report("15 12:00:30", "100000", "?").stage is LimitStage.UNKNOWN
    assert watch.clock("15 12:01").stage is BREACHED


def test_stages_do_not_wait_for_the_hold():
    watch = Watch(total("5 %", flatten_at=Decimal("0.8"), **MINUTE))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "100000", "94000")
    assert (judged.stage, judged.flattens) == (FLATTEN, True)


def test_hold_carries_over_the_reset():
    watch = Watch(daily("5 %", metric=Metric.BALANCE, **MINUTE))
    watch.report("15 22:59:00", "100000", "100000")
    watch.report("15 22:59:30", "94000", "100000")
    # The floor of the new day counts from the equity: it is passed there as well, and has been for half a minute.
    assert watch.clock("15 23:00").stage is OK
    assert watch.clock("15 23:00:30").stage is BREACHED


def test_halt_stays_beyond_the_reset_until_a_person_ends_it():
    watch = Watch(daily("4000", halt_at=Decimal("0.5")))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "98000")
    assert (judged.stage, judged.forbids, judged.flattens) == (HALT, True, False)
    assert denial(watch.limit, judged).until is None
    judged = watch.report("16 12:00", "98000")
    assert (judged.stage, judged.forbids) == (HALT, True)
    assert judged.notes == ("halted since 2026-01-15T12:01:00+00:00, until a person resets it",
                            "the floor is an estimate, on the strict side")  # fmt: skip
    watch.state = cleared(judged.state)
    assert watch.clock("16 12:01").stage is OK


def test_halt_below_a_flatten_is_left_when_the_flatten_ends_at_the_reset():
    watch = Watch(daily("4000", halt_at=Decimal("0.5"), flatten_at=Decimal("0.8")))
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "96500").stage is FLATTEN
    judged = watch.clock("15 23:00")
    assert (judged.stage, judged.flattens) == (HALT, False)


@pytest.mark.parametrize(
    ("on_breach", "forbids", "flattens", "next_day"),
    [
        (OnBreach.FLATTEN, True, True, OK),
        (OnBreach.BLOCK, True, False, OK),
        (OnBreach.HALT, True, False, HALT),
        (OnBreach.WARN, False, False, OK),
    ],
)
def test_breach_is_followed_by_what_the_limit_says(
    on_breach: OnBreach, forbids: bool, flattens: bool, next_day: LimitStage
):
    watch = Watch(daily("4000", on_breach=on_breach))
    watch.report("15 12:00", "100000")
    for equity in ("96000", "100000"):  # it stays when the money comes back
        judged = watch.report("15 12:01", "100000", equity)
        assert (judged.stage, judged.forbids, judged.flattens) == (BREACHED, forbids, flattens)
    assert watch.clock("15 23:00").stage is next_day


def mubite() -> Limit:
    lock = StagedLock(amount("5 %"), Decimal("0.95"))
    return total("10 %", lock_when=lock)


def test_staged_lock_jumps_at_its_trigger_and_stays_there():
    watch = Watch(mubite())
    assert watch.report("15 12:00", "104999.99").floor == Decimal(90_000)
    # 95 % of what was seen, not of what would have set it off.
    assert watch.report("15 12:01", "106000").floor == Decimal(100_700)
    assert watch.report("15 12:02", "102000").floor == Decimal(100_700)
    assert watch.report("15 12:03", "120000").floor == Decimal(100_700)
    assert watch.report("15 12:04", "100700").stage is BREACHED


@pytest.mark.parametrize(("metric", "floor"), [(Metric.BALANCE, "90000"), (Metric.EQUITY, "99750")])
def test_staged_lock_watches_the_figure_that_it_names(metric: Metric, floor: str):
    watch = Watch(total("10 %", lock_when=StagedLock(amount("5 %"), Decimal("0.95"), metric)))
    assert watch.report("15 12:00", "100000", "105000").floor == Decimal(floor)


def test_staged_lock_never_lowers_a_floor_that_trails_above_it():
    lock = StagedLock(amount("4 %"), Decimal("0.90"))
    watch = Watch(total("2 %", trailing=Trailing.LIVE_EQUITY, lock_when=lock))
    assert watch.report("15 12:00", "103000").floor == Decimal(101_000)
    assert watch.report("15 12:01", "104000").floor == Decimal(102_000)


def test_staged_lock_can_be_a_share_of_the_initial_balance():
    # Goat Instant Standard [GFT-IN]: 8 % of the mark, and at a profit of 4 % the floor is put at 96 % of the beginning.
    lock = StagedLock(amount("4 %"), Decimal("0.96"), Metric.BALANCE, LockOf.INITIAL)
    watch = Watch(total("8 %", trailing=Trailing.LIVE_BALANCE, lock_when=lock))
    assert watch.report("15 12:00", "103000").floor == Decimal(95_000)
    assert watch.report("15 12:01", "104000").floor == Decimal(96_000)
    assert watch.report("15 12:02", "110000").floor == Decimal(96_000)


def test_ruling_limit_has_the_least_headroom_in_money_not_the_highest_floor():
    figures = status("100000", "97000")
    day, all_time = daily("5 %", metric=Metric.DAY_NET_PNL), total("4 %")
    first = {each: judge(each, None, status("100000"), at("15 12:00")) for each in (day, all_time, target())}
    judged = [(each, judge(each, first[each].state, figures, at("15 12:01"))) for each in first]
    assert [one.floor for _, one in judged[:2]] == [Decimal(-5000), Decimal(96_000)]
    assert [one.headroom for _, one in judged[:2]] == [Decimal(2000), Decimal(1000)]
    assert ruling(judged) is all_time, "a target is no loss that could rule"
    unseen = judge(day, None, None, at("15 12:00"))
    assert ruling([(day, unseen)]) is None


def test_floating_loss_that_is_not_counted_is_none():
    # Apteros [APT]: 2.5 % of the day's balance, floating not counted.
    watch = Watch(daily("2.5 %", include=frozenset({Part.COMMISSION, Part.SWAP})))
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "100000", "90000").stage is OK
    assert watch.report("15 12:02", "97500.01", "99000").stage is OK
    assert watch.report("15 12:03", "97500", "99000").stage is BREACHED


def test_breach_that_is_only_told_is_no_reason_to_deny_while_figures_are_unknown():
    watch = Watch(daily(on_breach=OnBreach.WARN))
    watch.report("15 12:00", "100000")
    assert not watch.report("15 12:01", "95000").forbids
    denied = denial(watch.limit, watch.report("15 12:02", "?", "?"))
    assert (denied.reason, denied.until) == (Reason.LIMIT_UNKNOWN, None), "which may clear with the next report"
