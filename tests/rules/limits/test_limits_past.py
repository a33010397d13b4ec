"""What an account's history tells a limit: flows, balances nobody saw, costs that a limit leaves out."""

from decimal import Decimal

import pytest
from attrs import evolve

from rules.limits.limits import Anchor, LimitStage, Metric, Trailing
from rules.limits.past import balances_at, booked_money, costs_since, flows_after
from rules.limits.terms import Flows, Part
from rules.model.observed import CashFlow
from tests.rules.limit_parts import PRAGUE_MIDNIGHT, Watch, amount, at, closing, daily, flow, past, target, total

FROM_BALANCE = {"anchor": Anchor.DAY_START_BALANCE}


def test_withdrawal_moves_the_floor_of_a_day_and_is_no_loss():
    watch = Watch(daily("5000", **FROM_BALANCE))
    watch.report("15 12:00", "110000")
    judged = watch.remember("15 13:00", past("15 00:00", "15 13:00", flow("15 12:30", "-10000")), "100000")
    assert (judged.floor, judged.stage) == (Decimal(95_000), LimitStage.OK)


def test_deposit_gives_a_day_no_room():
    watch = Watch(daily("5000", anchor=Anchor.DAY_PEAK_EQUITY))
    watch.report("15 12:00", "100000")
    judged = watch.remember("15 13:00", past("15 00:00", "15 13:00", flow("15 12:30", "10000")), "110000")
    assert (judged.floor, judged.headroom) == (Decimal(105_000), Decimal(5000))


def test_flow_counts_once_however_often_it_is_told():
    watch = Watch(daily("5000", **FROM_BALANCE))
    watch.report("15 12:00", "100000")
    told = past("15 00:00", "15 13:00", flow("15 12:30", "10000"))
    for minute in range(3):
        judged = watch.remember(f"15 13:0{minute}", told, "110000")
        assert (judged.floor, judged.state.flows) == (Decimal(105_000), Decimal(10_000))


def test_flow_from_before_the_first_sample_is_no_news():
    watch = Watch(daily("5000", **FROM_BALANCE))
    watch.report("15 12:00", "100000")
    judged = watch.remember("15 13:00", past("01 00:00", "15 13:00", flow("15 11:59", "10000")), "100000")
    assert judged.floor == Decimal(95_000)


@pytest.mark.parametrize(("flows", "floor"), [(None, 100_000), (Flows.IGNORE, 100_000), (Flows.SHIFT, 92_000)])
def test_payout_does_not_lower_a_locked_floor_unless_told(flows: Flows | None, floor: int):
    watch = Watch(total("2000", trailing=Trailing.LIVE_BALANCE, lock=amount("0"), flows=flows))
    watch.report("15 12:00", "110000")
    judged = watch.remember("15 13:00", past("15 00:00", "15 13:00", flow("15 12:30", "-8000")), "102000")
    assert judged.floor == floor


def test_profit_target_that_resets_shifts_too():
    watch = Watch(target("2000", reset=PRAGUE_MIDNIGHT))
    watch.report("15 12:00", "100000")
    judged = watch.remember("15 13:00", past("15 00:00", "15 13:00", flow("15 12:30", "5000")), "105000")
    assert (judged.floor, judged.stage) == (Decimal(107_000), LimitStage.OK)


def test_balance_at_a_missed_reset_is_rebuilt_from_deals():
    watch = Watch(daily("5000", metric=Metric.BALANCE, **FROM_BALANCE))
    watch.report("15 12:00", "100000")
    deals = (closing("15 20:00", "-1000", "d1"), closing("15 23:00", "-500", "d2"), closing("16 07:00", "-700", "d3"))
    judged = watch.remember("16 08:00", past("15 00:00", "16 08:00", *deals), "97800")
    # The deal that is stamped exactly at the reset belongs to the new day.
    assert (judged.floor, judged.estimated) == (Decimal(94_000), False)


@pytest.mark.parametrize("balance", ["97800", "97799.99"])
def test_history_that_does_not_add_up_proves_nothing(balance: str):
    watch = Watch(daily("5000", metric=Metric.BALANCE, **FROM_BALANCE))
    watch.report("15 12:00", "100000")
    deals = (closing("15 20:00", "-1000", "d1"), closing("16 07:00", "-1200", "d2"))
    judged = watch.remember("16 08:00", past("15 00:00", "16 08:00", *deals), balance)
    adds_up = balance == "97800"
    assert (judged.floor, judged.estimated) == (Decimal(94_000 if adds_up else 95_000), not adds_up)


def test_equity_at_a_missed_reset_has_no_history_and_stays_an_estimate():
    watch = Watch(daily("5000"))
    watch.report("15 12:00", "100000", "100200")
    told = past("15 00:00", "16 08:00", closing("15 20:00", "-1000"))
    judged = watch.remember("16 08:00", told, "99000", "98000")
    assert (judged.floor, judged.estimated) == (Decimal(95_200), True)
    assert judged.state.day_balance == Decimal(99_000)


def test_end_of_day_marks_of_all_missed_days_are_rebuilt():
    watch = Watch(total("2000", trailing=Trailing.EOD_BALANCE, reset=PRAGUE_MIDNIGHT))
    watch.report("13 12:00", "100000")
    deals = (closing("13 20:00", "3000", "d1"), closing("14 20:00", "-1500", "d2"), closing("16 07:00", "5000", "d3"))
    judged = watch.remember("16 08:00", past("13 00:00", "16 08:00", *deals), "106500")
    # The best evening was the 13th's; what was won this morning is no evening's balance yet.
    assert (judged.floor, judged.estimated) == (Decimal(101_000), False)


def test_withdrawal_while_down_is_told_from_a_loss():
    watch = Watch(daily("5000", metric=Metric.BALANCE, **FROM_BALANCE))
    watch.report("15 12:00", "110000")
    entries = (closing("15 20:00", "-1000"), flow("15 21:00", "-8000"), flow("16 07:00", "-2000", "f2"))
    judged = watch.remember("16 08:00", past("15 00:00", "16 08:00", *entries), "99000")
    assert (judged.floor, judged.stage, judged.estimated) == (Decimal(94_000), LimitStage.OK, False)


@pytest.mark.parametrize(
    ("include", "loss"),
    [
        ({Part.FLOATING, Part.COMMISSION, Part.SWAP}, "-4800"),
        ({Part.FLOATING, Part.SWAP}, "-4770"),
        ({Part.FLOATING, Part.COMMISSION}, "-4750"),
        ({Part.COMMISSION, Part.SWAP}, "-1080"),
    ],
)
def test_day_s_result_counts_what_it_is_told_to(include: set[Part], loss: str):
    watch = Watch(daily("5000", metric=Metric.DAY_NET_PNL, include=frozenset(include)))
    watch.report("15 12:00", "100000")
    told = past("14 00:00", "15 13:00", closing("15 12:30", "-1000", commission="-30", swap="-50"))
    judged = watch.remember("15 13:00", told, "98920", "95200")
    assert judged.metric == Decimal(loss)


def test_costs_that_nobody_told_leave_the_limit_unjudged():
    watch = Watch(daily("5000", include=frozenset({Part.FLOATING})))
    judged = watch.report("15 12:00", "100000")
    assert judged.stage is LimitStage.UNKNOWN
    assert judged.notes == ("what was paid for commission and swap is not known yet",)
    assert watch.remember("15 12:01", past("15 00:00", "15 12:01"), "100000").stage is LimitStage.UNKNOWN
    assert watch.remember("15 12:02", past("14 00:00", "15 12:02"), "100000").stage is LimitStage.OK


def test_charge_that_stands_alone_is_a_commission():
    told = past("14 00:00", "15 12:00", CashFlow("c", at("15 10:00"), Decimal(-7), "commission"))
    assert costs_since(told, at("14 23:00")) == (Decimal(-7), Decimal(0))
    assert flows_after(told, at("14 00:00"), ()) == ()


def test_balance_near_the_last_sample_is_found_though_the_clocks_differ():
    deals = (
        closing("15 11:59:50", "10", "seen"),
        closing("15 11:59:58", "-4", "unseen"),
        closing("15 23:30", "1", "z"),
    )
    told = past("15 00:00", "16 08:00", *deals)
    found = balances_at(told, at("15 12:00"), Decimal(100), Decimal(97), [at("15 23:00"), at("16 00:00")])
    assert found == (Decimal(96), Decimal(97))


@pytest.mark.parametrize(
    ("since", "now"),
    [("15 12:00", "97"), ("15 00:00", "98"), ("15 00:00", "107")],
)
def test_balance_is_not_rebuilt_from_a_history_with_holes(since: str, now: str):
    deals = (closing("15 10:00", "10", "old"), closing("15 20:00", "-3", "new"))
    assert (
        balances_at(past(since, "16 08:00", *deals), at("15 12:00"), Decimal(100), Decimal(now), [at("15 23:00")])
        is None
    )


def test_entry_of_unknown_worth_ends_the_rebuilding():
    deal = evolve(closing("15 20:00", "1"), realized_pnl=None)
    assert booked_money(deal) is None
    assert booked_money(evolve(deal, opens=True, commission=Decimal(-2))) == Decimal(-2)
    told = past("15 00:00", "16 08:00", deal)
    assert balances_at(told, at("15 12:00"), Decimal(100), Decimal(101), [at("15 23:00")]) is None


def test_credit_is_no_balance():
    assert booked_money(CashFlow("c", at("15 10:00"), Decimal(500), "credit")) == 0
