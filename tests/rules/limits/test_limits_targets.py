"""Profit targets, and limits that count by weeks and months."""

from datetime import UTC, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rules.limits.days import Period, following_reset, last_reset, resets_between
from rules.limits.limits import Anchor, LimitKind, LimitStage, Metric, OnBreach, ResetTime, denial
from rules.limits.policy import Limit
from rules.model.reasons import Reason
from rules.model.values import AccountId
from tests.rules.limit_parts import PRAGUE_MIDNIGHT, Watch, amount, at, target

OK, REACHED = LimitStage.OK, LimitStage.BREACHED
PRAGUE = ZoneInfo("Europe/Prague")
WEEK = ResetTime(time(0), PRAGUE, Period.WEEK)
MONTH = ResetTime(time(0), PRAGUE, Period.MONTH)
QUARTER = ResetTime(time(0), PRAGUE, Period.QUARTER)
YEAR = ResetTime(time(0), PRAGUE, Period.YEAR)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("balance", "stage"), [("109999.99", OK), ("110000", REACHED)])
def test_target_of_all_time_is_reached_by_the_balance(balance: str, stage: LimitStage):
    # FTMO 2-Step, first phase: 10 % of the initial balance [FTMO-ML].
    watch = Watch(target("10 %"))
    assert watch.report("15 12:00", "100000", "115000").stage is OK, "floating profit is none yet"
    judged = watch.report("15 12:01", balance)
    assert (judged.stage, judged.floor) == (stage, Decimal(110_000))
    assert judged.forbids is (stage is REACHED)


def test_target_that_was_reached_stays_reached_and_says_so():
    watch = Watch(target("10 %", metric=Metric.EQUITY))
    watch.report("15 12:00", "100000", "110000")
    judged = watch.report("25 12:00", "100000", "100000")
    assert (judged.stage, judged.headroom) == (REACHED, Decimal(10_000))
    denied = denial(watch.limit, judged)
    assert (denied.reason, denied.until) == (Reason.PROFIT_TARGET, None)
    assert ("level", "110000") in denied.numbers


@pytest.mark.parametrize(("on_breach", "closes"), [(OnBreach.FLATTEN, True), (OnBreach.BLOCK, False)])
def test_daily_target_closes_or_pauses_until_the_reset(on_breach: OnBreach, closes: bool):
    watch = Watch(target("2 %", reset=PRAGUE_MIDNIGHT, on_breach=on_breach))
    watch.report("15 12:00", "100000", "105000")  # counts from the balance, so an open profit is won when closed
    judged = watch.report("15 13:00", "102000")
    assert (judged.stage, judged.forbids, judged.flattens) == (REACHED, True, closes)
    assert denial(watch.limit, judged).until == at("15 23:00")
    judged = watch.clock("15 23:00")
    assert (judged.stage, judged.floor) == (OK, Decimal(104_040))


def test_loss_alone_draws_no_stage_of_a_target():
    assert Watch(target("10 %")).report("15 12:00", "50000").stage is OK


def test_target_whose_reset_was_missed_counts_from_the_lower_side():
    watch = Watch(target("2000", reset=PRAGUE_MIDNIGHT))
    watch.report("15 12:00", "100000")
    judged = watch.report("16 08:00", "101000")
    assert (judged.floor, judged.estimated) == (Decimal(102_000), True)
    assert judged.notes == ("the level is an estimate, on the strict side",)


def test_weekly_target_begins_anew_on_its_weekday():
    watch = Watch(target("5 %", reset=WEEK))
    watch.report("15 12:00", "100000")  # a Thursday
    assert watch.report("15 13:00", "105000").stage is REACHED
    assert watch.clock("17 23:00").stage is REACHED
    assert watch.clock("18 22:59:59").stage is REACHED
    assert watch.clock("18 23:00").stage is OK  # Monday, midnight in Prague


def test_weekly_loss_counts_from_the_higher_of_both_at_the_week_s_start():
    limit = Limit("week", AccountId("a"), LimitKind.WEEKLY_LOSS, amount("5 %"), reset=WEEK)
    assert limit.counted_from is Anchor.DAY_START_HIGHER
    watch = Watch(limit)
    watch.report("15 12:00", "100000", "101000")
    assert watch.report("16 12:00", "97000").stage is LimitStage.WARN
    judged = watch.report("17 12:00", "95950")
    assert (judged.stage, denial(limit, judged).reason) == (LimitStage.BREACHED, Reason.LIMIT_WEEKLY_LOSS)


def test_monthly_loss_has_its_own_reason():
    limit = Limit("month", AccountId("a"), LimitKind.MONTHLY_LOSS, amount("5 %"), reset=MONTH)
    watch = Watch(limit)
    watch.report("15 12:00", "100000")
    denied = denial(limit, watch.report("31 12:00", "95000"))
    assert (denied.reason, denied.until) == (Reason.LIMIT_MONTHLY_LOSS, utc("2026-01-31T23:00"))


@pytest.mark.parametrize(
    ("kind", "reset", "reason", "until"),
    [
        (LimitKind.QUARTERLY_LOSS, QUARTER, Reason.LIMIT_QUARTERLY_LOSS, "2026-03-31T22:00"),
        (LimitKind.YEARLY_LOSS, YEAR, Reason.LIMIT_YEARLY_LOSS, "2026-12-31T23:00"),
    ],
)
def test_losses_of_a_quarter_and_of_a_year_last_until_their_own_reset(
    kind: LimitKind, reset: ResetTime, reason: Reason, until: str
):
    limit = Limit("long", AccountId("a"), kind, amount("5 %"), reset=reset)
    watch = Watch(limit)
    watch.report("15 12:00", "100000")
    judged = watch.report("31 12:00", "95000")
    denied = denial(limit, judged)
    assert (judged.stage, denied.reason, denied.until) == (REACHED, reason, utc(until))
    assert watch.clock("31 23:00").stage is REACHED, "a new month is no new quarter"


def test_a_loss_of_a_quarter_needs_a_reset_of_a_quarter():
    with pytest.raises(ValueError, match="reset must be of the limit's own period"):
        Limit("q", AccountId("a"), LimitKind.QUARTERLY_LOSS, amount("5 %"), reset=MONTH)


def test_a_target_may_end_when_the_balance_falls_below_it_again():
    watch = Watch(target("10 %", resets_below=True))
    assert watch.report("15 12:00", "100000").stage is OK
    assert watch.report("15 13:00", "110000").stage is REACHED
    assert watch.report("15 14:00", "110000").stage is REACHED
    judged = watch.report("15 15:00", "109999.99")
    assert (judged.stage, judged.forbids, judged.state.latched) == (OK, False, None)
    assert watch.report("15 16:00", "110000").stage is REACHED


def test_a_target_that_halted_still_waits_for_a_person():
    watch = Watch(target("10 %", resets_below=True, on_breach=OnBreach.HALT))
    watch.report("15 12:00", "100000")
    watch.report("15 13:00", "110000")
    assert watch.report("15 15:00", "100000").forbids


def test_figures_that_are_missing_end_no_target():
    watch = Watch(target("10 %", resets_below=True))
    watch.report("15 12:00", "100000")
    watch.report("15 13:00", "110000")
    assert watch.clock("15 15:00").stage is REACHED


def test_only_targets_reset_below():
    with pytest.raises(ValueError, match="resets_below is for profit_target"):
        Limit("x", AccountId("a"), LimitKind.MAX_LOSS, amount("5 %"), resets_below=True)


@pytest.mark.parametrize(
    ("reset", "at_", "begin", "end"),
    [
        (QUARTER, "2026-04-01T00:00", "2026-03-31T22:00", "2026-06-30T22:00"),
        (QUARTER, "2026-03-31T21:59", "2025-12-31T23:00", "2026-03-31T22:00"),
        (QUARTER, "2026-12-31T22:59", "2026-09-30T22:00", "2026-12-31T23:00"),
        (YEAR, "2026-12-31T22:59", "2025-12-31T23:00", "2026-12-31T23:00"),
        (YEAR, "2026-12-31T23:00", "2026-12-31T23:00", "2027-12-31T23:00"),
        (WEEK, "2026-03-29T12:00", "2026-03-22T23:00", "2026-03-29T22:00"),  # the clock change is inside
        (WEEK, "2026-10-26T12:00", "2026-10-25T23:00", "2026-11-01T23:00"),
        (MONTH, "2026-03-15T12:00", "2026-02-28T23:00", "2026-03-31T22:00"),
        (MONTH, "2026-10-31T23:00", "2026-10-31T23:00", "2026-11-30T23:00"),
        (ResetTime(time(17), ZoneInfo("America/New_York"), Period.WEEK, 6),
         "2026-01-15T12:00", "2026-01-11T22:00", "2026-01-18T22:00"),
    ],
)  # fmt: skip
def test_weeks_and_longer_periods_begin_at_the_reset_of_their_first_date(
    reset: ResetTime, at_: str, begin: str, end: str
):
    assert last_reset(reset, utc(at_)) == utc(begin)
    assert following_reset(reset, utc(at_)) == utc(end)


def test_resets_between_are_those_after_and_up_to():
    found = list(resets_between(PRAGUE_MIDNIGHT, utc("2026-01-14T23:00"), utc("2026-01-16T23:00")))
    assert found == [utc("2026-01-15T23:00"), utc("2026-01-16T23:00")]


def test_weekday_that_is_none_is_refused():
    with pytest.raises(ValueError, match="weekday must be 0"):
        ResetTime(time(0), PRAGUE, Period.WEEK, 7)
