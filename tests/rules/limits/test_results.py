"""Consistency, trading days and inactivity, with the firms' own numbers and on both sides of each boundary."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.limits.limits import Cash, LimitStage, Percent
from rules.limits.results import Day, days_of, found, required_total
from rules.limits.results_policy import BookedBy, Consistency, Inactivity, OnExcess, ProfitBase, TradingDays
from rules.model.observed import Booked, Fill
from rules.model.values import AccountId, PositionId
from tests.rules.limit_parts import PRAGUE_MIDNIGHT, at, closing, flow, past

A = AccountId("a")
NOW = at("20 12:00")
OK, WARN, BLOCK = LimitStage.OK, LimitStage.WARN, LimitStage.BLOCK


def consistency(share: str = "0.4", **parts: object) -> Consistency:
    given_ = {"reset": PRAGUE_MIDNIGHT, "since": at("10 00:00")} | parts
    return Consistency("c", A, Decimal(share), **given_)  # type: ignore[arg-type]


def days(least: int = 3, **parts: object) -> TradingDays:
    given_ = {"reset": PRAGUE_MIDNIGHT, "since": at("10 00:00")} | parts
    return TradingDays("d", A, least, **given_)  # type: ignore[arg-type]


def said(rule: object, *entries: Booked) -> tuple[LimitStage, str]:
    judged = found(rule, past("01 00:00", "20 12:00", *entries), NOW)  # type: ignore[arg-type]
    return judged.stage, judged.said


def test_days_sum_what_was_closed_on_them_with_its_costs():
    entries = (
        closing("09 12:00", "999", "before"),
        closing("15 12:00", "100", "a", commission="-7", swap="-3"),
        closing("15 22:59:59", "50", "b"),
        closing("15 23:00", "-20", "c"),  # stamped at the reset: the new day's
        flow("16 12:00", "5000"),
    )
    found_days = days_of(consistency(), past("01 00:00", "20 12:00", *entries))
    assert found_days == (Day(at("14 23:00"), Decimal(140)), Day(at("15 23:00"), Decimal(-20)))


def test_profit_may_belong_to_the_day_of_its_opening():
    one = PositionId("p")
    opened = evolve(closing("15 12:00", "0", "in"), opens=True, position_id=one, realized_pnl=None)
    closed = evolve(closing("17 12:00", "100", "out"), position_id=one)
    rule = consistency(by=BookedBy.OPEN)
    assert days_of(rule, past("01 00:00", "20 12:00", opened, closed)) == (Day(at("14 23:00"), Decimal(100)),)
    unknown = evolve(closed, position_id=None)
    assert days_of(rule, past("01 00:00", "20 12:00", unknown)) == (Day(at("16 23:00"), Decimal(100)),)


def test_e8_shows_what_is_needed_in_all():
    # [E8-40] the best day was 1,500 and may be 40 %: 1,500 / 0.40 = 3,750.
    assert required_total(Decimal(1500), Decimal("0.40")) == 3750
    entries = (closing("15 12:00", "1500", "a"), closing("16 12:00", "2249.99", "b"))
    stage, text = said(consistency(), *entries)
    assert stage is WARN
    assert text.endswith("best day 2,249.99 of 3,749.99, at most 40 %: 5,624.98 are needed in all")


@pytest.mark.parametrize(("rest", "stage"), [("2249.99", WARN), ("2250", OK)])
def test_best_day_at_exactly_its_share_is_fine(rest: str, stage: LimitStage):
    half = str(Decimal(rest) / 2)
    entries = (closing("15 12:00", "1500", "a"), closing("16 12:00", half, "b"), closing("17 12:00", half, "c"))
    assert said(consistency(), *entries)[0] is stage


@pytest.mark.parametrize(
    ("base", "stage"),
    [(ProfitBase.TOTAL_PROFIT, WARN), (ProfitBase.POSITIVE_DAYS, OK)],
)
def test_losing_days_count_in_the_total_only(base: ProfitBase, stage: LimitStage):
    entries = (closing("15 12:00", "500", "a"), closing("16 12:00", "500", "b"), closing("17 12:00", "-10", "c"))
    assert said(consistency("0.5", base=base), *entries)[0] is stage


@pytest.mark.parametrize(("won", "stage"), [("1500", OK), ("1500.01", WARN)])
def test_topstep_counts_the_best_day_against_the_target(won: str, stage: LimitStage):
    # [TS-PTV] 50 % of the target of 3,000.
    rule = consistency("0.5", base=ProfitBase.TARGET, target=Cash(Decimal(3000)))
    assert said(rule, closing("15 12:00", won))[0] is stage


def test_target_in_percent_needs_the_initial_balance():
    rule = consistency("0.5", base=ProfitBase.TARGET, target=Percent(Decimal("0.1")))
    assert said(rule, closing("15 12:00", "1"))[0] is LimitStage.UNKNOWN
    with_balance = evolve(rule, initial_balance=Decimal(10_000))
    assert said(with_balance, closing("15 12:00", "500"))[0] is OK
    assert said(with_balance, closing("15 12:00", "500.01"))[0] is WARN


@pytest.mark.parametrize("profits", [(), ("-5",), ("100", "-100"), ("100", "-200")])
def test_nothing_won_satisfies_nothing_and_is_never_divided_by(profits: tuple[str, ...]):
    entries = [closing(f"1{day} 12:00", profit, str(day)) for day, profit in enumerate(profits, 5)]
    stage, text = said(consistency(), *entries)
    assert stage is OK
    assert text.startswith("nothing won since 2026-01-10")


@pytest.mark.parametrize(("day", "stage"), [("20 11:00", BLOCK), ("19 11:00", WARN)])
def test_block_is_for_the_rest_of_a_day_that_is_the_best(day: str, stage: LimitStage):
    rule = consistency(on_excess=OnExcess.BLOCK)
    entries = (closing("15 12:00", "100", "a"), closing(day, "900", "b"))
    judged = found(rule, past("01 00:00", "20 12:00", *entries), NOW)
    assert (judged.stage, judged.again_at) == (stage, at("20 23:00"))


def test_target_as_base_wants_a_target_and_only_it():
    with pytest.raises(ValueError, match=r"^rule c: target belongs to"):
        consistency(base=ProfitBase.TARGET)
    with pytest.raises(ValueError, match=r"^rule c: target belongs to"):
        consistency(target=Cash(Decimal(1)))


def test_any_trade_makes_a_trading_day():
    entries = (closing("15 12:00", "-5", "a"), closing("15 13:00", "5", "b"), closing("16 12:00", "0", "c"))
    assert said(days(), *entries) == (OK, "2 of 3 days")


@pytest.mark.parametrize(("won", "count"), [("499.99", 0), ("500", 1)])
def test_only_days_with_enough_profit_count_where_the_firm_says_so(won: str, count: int):
    # [T5-HS][GFT-2S] 3 days of at least 0.5 % of the initial balance.
    rule = days(profit=Percent(Decimal("0.005")), initial_balance=Decimal(100_000))
    assert said(rule, closing("15 12:00", won)) == (OK, f"{count} of 3 days of at least 500.00")
    assert said(evolve(rule, initial_balance=None), closing("15 12:00", won))[0] is LimitStage.UNKNOWN


@pytest.mark.parametrize(
    ("now", "stage", "again"),
    [
        ("15 11:59:59", OK, "15 12:00"),
        ("15 12:00", WARN, "18 00:00"),
        ("17 23:59:59", WARN, "18 00:00"),
        ("18 00:00", LimitStage.BREACHED, None),
    ],
)
def test_inactivity_is_told_before_it_is_too_late(now: str, stage: LimitStage, again: str | None):
    # MyFundedFutures: 7 days; here 10 with a warning after three quarters of them.
    rule = Inactivity("i", A, timedelta(days=10), at("01 00:00"))
    told = past("01 00:00", "20 00:00", closing("08 00:00", "1", "b"), closing("02 00:00", "1", "a"))
    judged = found(rule, told, at(now))
    assert (judged.stage, judged.again_at) == (stage, None if again is None else at(again))
    assert "last trade on 2026-01-08" in judged.said


def test_account_that_never_traded_counts_from_the_beginning():
    rule = Inactivity("i", A, timedelta(days=4), at("10 00:00"))
    assert found(rule, past("01 00:00", "20 00:00"), at("13 00:00")).stage is WARN


PROFITS = st.lists(st.integers(-100_000, 100_000), max_size=9)


@given(profits=PROFITS, share=st.sampled_from(["0.2", "0.3", "0.5"]))
def test_required_total_is_exactly_enough(profits: list[int], share: str):
    entries: list[Fill] = [
        closing(f"1{day} 12:00", str(profit), str(day)) for day, profit in enumerate(profits) if profit
    ]
    rule = consistency(share)
    known = days_of(rule, past("01 00:00", "20 12:00", *entries))
    best = max((day.profit for day in known), default=Decimal(0))
    total = sum((day.profit for day in known), Decimal(0))
    stage, _ = said(rule, *entries)
    if total > 0 and best > 0:
        assert (stage is OK) is (Fraction(total) >= required_total(best, Decimal(share)))
