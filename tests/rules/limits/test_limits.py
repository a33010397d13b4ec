"""What a limit says: floors, comparing, stages and how long they stay, denials."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve

from rules.limits.limits import (
    AmountOf,
    Anchor,
    Comparator,
    FlattenScope,
    Limit,
    LimitStage,
    Metric,
    Trailing,
    cleared,
    denial,
    is_news,
    judge,
    next_due,
    worst,
)
from rules.model.reasons import Reason
from tests.rules.limit_parts import Watch, amount, at, daily, status, total

OK, WARN, BLOCK = LimitStage.OK, LimitStage.WARN, LimitStage.BLOCK
UNKNOWN, HALT = LimitStage.UNKNOWN, LimitStage.HALT
FLATTEN, BREACHED = LimitStage.FLATTEN, LimitStage.BREACHED
OF_INITIAL = {"of": AmountOf.INITIAL}


@pytest.mark.parametrize(
    ("limit", "floor"),
    [
        (daily("4 %", anchor=Anchor.INITIAL), "96000"),
        (daily("5 %", anchor=Anchor.DAY_START_BALANCE, **OF_INITIAL), "105000"),
        (daily("5 %", anchor=Anchor.DAY_START_BALANCE), "104500"),
        (daily("5 %", anchor=Anchor.DAY_START_EQUITY), "102600"),
        (daily("5 %"), "104500"),
        (daily("2000 USD", anchor=Anchor.DAY_PEAK_EQUITY), "110000"),
        (daily("2000", anchor=Anchor.DAY_PEAK_BALANCE), "109000"),
        (daily("5000", metric=Metric.DAY_NET_PNL), "-5000"),
        (total("10 %"), "90000"),
        (total("2500 USD"), "97500"),
        (total("10 %", trailing=Trailing.LIVE_EQUITY), "102000"),
        (total("10 %", trailing=Trailing.LIVE_EQUITY, of=AmountOf.HIGH_WATER_MARK), "100800"),
        (total("2000", trailing=Trailing.LIVE_EQUITY, lock=amount("100 USD")), "100100"),
        (total("2000", trailing=Trailing.LIVE_EQUITY, lock=amount("5 %")), "105000"),
        (total("2000", trailing=Trailing.LIVE_EQUITY, lock=amount("50 %")), "110000"),
        (total("8 %", trailing=Trailing.LIVE_EQUITY, lock=amount("-4 %")), "96000"),
        (total("2000", trailing=Trailing.LIVE_BALANCE), "109000"),
        (total("2000", trailing=Trailing.EOD_BALANCE, reset=daily().reset), "108000"),
        (total("2000", trailing=Trailing.EOD_EQUITY, reset=daily().reset), "106000"),
        (total("2000", trailing=Trailing.EOD_HIGHER, reset=daily().reset), "108000"),
        (total("2000", trailing=Trailing.LIVE_EQUITY, high_water_mark=Decimal(120_000)), "118000"),
    ],
)
def test_floor_is_the_anchor_or_mark_less_the_amount(limit: Limit, floor: str):
    watch = Watch(limit)
    watch.report("15 12:00", "110000", "108000")
    watch.report("15 13:00", "110000", "112000")
    judged = watch.report("15 14:00", "111000", "109000")
    assert judged.floor == Decimal(floor)
    metric = Decimal(1000) if limit.metric is Metric.DAY_NET_PNL else Decimal(109_000)
    assert (judged.metric, judged.headroom) == (metric, metric - Decimal(floor))


def test_balance_metric_does_not_see_floating_loss():
    watch = Watch(daily(metric=Metric.BALANCE, anchor=Anchor.DAY_START_BALANCE))
    assert watch.report("15 12:00", "100000", "80000").stage is OK
    assert watch.report("15 12:01", "96000", "?").stage is BREACHED


@pytest.mark.parametrize(
    ("comparator", "equity", "stage"),
    [
        (Comparator.LE, "96000.00000000000000000001", OK),
        (Comparator.LE, "96000", BREACHED),
        (Comparator.LT, "96000", OK),
        (Comparator.LT, "95999.99999999999999999999", BREACHED),
    ],
)
def test_touching_the_floor_is_a_breach_unless_lt(comparator: Comparator, equity: str, stage: LimitStage):
    watch = Watch(daily(comparator=comparator))
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "100000", equity).stage is stage


def test_nothing_is_rounded_before_it_is_compared():
    limit = evolve(total("0.00000000000001 %", comparator=Comparator.LT), initial_balance=Decimal("9" * 20))
    floor = Decimal("99999999999999989999.0000000000000001")  # 36 digits; the usual 28 would make it a tie
    judged = judge(limit, None, status("1", "99999999999999989999"), at("15 12:00"))
    assert (judged.floor, judged.stage) == (floor, BREACHED)


@pytest.mark.parametrize(
    ("lost", "stage"),
    [
        ("2999", OK),
        ("3000", WARN),
        ("3199", WARN),
        ("3200", BLOCK),
        ("3600", FLATTEN),
        ("3999", FLATTEN),
        ("4000", BREACHED),
    ],
)
@pytest.mark.parametrize("comparator", Comparator)
def test_stage_is_reached_at_its_fraction_whatever_the_comparator(lost: str, stage: LimitStage, comparator: Comparator):
    fractions = {"warn_at": Decimal("0.75"), "block_at": Decimal("0.8"), "flatten_at": Decimal("0.9")}
    watch = Watch(daily(comparator=comparator, **fractions))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "100000", str(100_000 - int(lost)))
    # At the very floor, lt has no breach yet, but the flatten stage is long reached.
    assert judged.stage is (FLATTEN if (stage, comparator) == (BREACHED, Comparator.LT) else stage)


def test_warn_and_block_end_with_their_condition_and_flatten_stays_until_the_reset():
    watch = Watch(daily(warn_at=Decimal("0.5"), block_at=Decimal("0.6"), flatten_at=Decimal("0.8")))
    figures = ["100000", "98000", "99000", "97600", "99000", "96800", "99000"]
    stages = [watch.report(f"15 12:0{number}", "100000", equity).stage for number, equity in enumerate(figures)]
    assert stages == [OK, WARN, OK, BLOCK, OK, FLATTEN, FLATTEN]
    assert watch.clock("15 22:59:59").stage is FLATTEN
    assert watch.clock("15 23:00").stage is OK


def test_flatten_that_stays_still_becomes_a_breach():
    watch = Watch(daily(flatten_at=Decimal("0.8")))
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "96500").stage is FLATTEN
    assert watch.report("15 12:02", "95000").stage is BREACHED
    judged = watch.report("15 12:03", "100000")
    assert judged.stage is BREACHED
    assert judged.notes == ("breached since 2026-01-15T12:02:00+00:00, until the reset",)


@pytest.mark.parametrize("reset", [None, daily().reset])
def test_maximum_loss_stays_breached_until_a_person_resets_it(reset: object):
    watch = Watch(total(reset=reset))
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "90000").stage is BREACHED
    assert watch.report("25 12:00", "100000").stage is BREACHED
    assert watch.state is not None
    watch.state = cleared(watch.state)
    assert watch.clock("25 12:01").stage is OK
    assert watch.report("25 12:02", "89000").stage is BREACHED
    watch.state = cleared(watch.state)
    assert watch.clock("25 12:03").stage is BREACHED


def test_account_without_a_report_takes_no_new_risk():
    watch = Watch(daily())
    judged = watch.clock("15 12:00")
    assert (judged.stage, judged.floor, judged.headroom) == (UNKNOWN, None, None)
    assert judged.notes == ("the account's figures have not been seen yet",)
    assert watch.report("15 12:01", "100000").stage is OK


def test_unknown_equity_takes_no_new_risk_until_it_is_known_again():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    assert watch.report("15 12:01", "100000", "?").stage is UNKNOWN
    judged = watch.clock("15 12:02")
    assert (judged.stage, judged.notes) == (UNKNOWN, ("the venue gave no equity",))
    assert watch.report("15 12:03", "100000").stage is OK


def test_a_venue_that_gives_no_balance_takes_no_new_risk():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "?", "100000")
    assert (judged.stage, judged.notes) == (UNKNOWN, ("the venue gave no balance",))
    assert watch.report("15 12:02", "100000").stage is OK


def test_unknown_equity_never_hides_a_breach():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    watch.report("15 12:01", "96000")
    assert watch.report("15 12:02", "99000", "?").stage is BREACHED


@pytest.mark.parametrize(
    ("size", "currency", "stage", "note"),
    [
        ("4000 USD", "USD", OK, None),
        ("4000", "EUR", OK, None),
        ("4 %", None, OK, None),
        ("4000 USD", "EUR", UNKNOWN, "the limit is in USD, the account in EUR"),
        ("4000 USD", None, UNKNOWN, "the limit is in USD, the account in an unknown currency"),
    ],
)
def test_cash_of_another_currency_is_never_compared(size: str, currency: str, stage: LimitStage, note: str | None):
    judged = Watch(daily(size)).report("15 12:00", "100000", None, currency)
    assert judged.stage is stage
    assert judged.notes == (() if note is None else (note,))


def test_lock_of_another_currency_is_never_compared():
    watch = Watch(total(trailing=Trailing.LIVE_EQUITY, lock=amount("0 EUR")))
    assert watch.report("15 12:00", "100000").stage is UNKNOWN


def test_report_in_another_currency_than_before_is_not_taken():
    watch = Watch(total())
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "80000", None, "EUR")
    assert (judged.stage, judged.state.balance) == (UNKNOWN, Decimal(100_000))
    assert judged.notes == ("figures came in EUR, expected USD",)
    assert watch.report("15 12:02", "95000", None, None).stage is OK  # a report that names none is the account's own


def test_initial_balance_that_is_not_given_is_the_first_one_seen_and_an_estimate():
    watch = Watch(total(initial_balance=None))
    judged = watch.report("15 12:00", "50000", "49000")
    assert (judged.floor, judged.estimated) == (Decimal(45_000), True)
    assert watch.report("15 13:00", "60000").floor == Decimal(45_000)


def test_account_that_is_not_funded_yet_has_no_initial_balance():
    watch = Watch(total(initial_balance=None))
    assert watch.report("15 12:00", "0").stage is UNKNOWN
    assert watch.report("15 12:01", "1000").floor == Decimal(900)


@pytest.mark.parametrize(
    ("equity", "stage", "forbids", "flattens"),
    [
        ("97000", OK, False, False),
        ("96900", WARN, False, False),
        ("96700", BLOCK, True, False),
        ("96500", HALT, True, False),
        ("96300", FLATTEN, True, True),
        ("96000", BREACHED, True, True),
        ("?", UNKNOWN, True, False),
    ],
)
def test_forbidding_and_flattening_follow_the_stage(equity: str, stage: LimitStage, forbids: bool, flattens: bool):
    at_ = {"warn_at": "0.76", "block_at": "0.8", "halt_at": "0.87", "flatten_at": "0.9"}
    watch = Watch(daily(**{name: Decimal(fraction) for name, fraction in at_.items()}))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 12:01", "100000", equity)
    assert (judged.stage, judged.forbids, judged.flattens) == (stage, forbids, flattens)


def test_worst_stage_is_the_account_s():
    assert worst(WARN, FLATTEN, UNKNOWN) is FLATTEN
    assert worst() is OK
    assert daily().scope is FlattenScope.COPIES


def test_denial_gives_code_numbers_and_the_end_of_what_stays():
    watch = Watch(daily("4000 USD"))
    watch.report("15 12:00", "100000")
    denied = denial(watch.limit, watch.report("15 12:01", "100000", "95999.50"))
    assert (denied.rule, denied.reason, denied.until) == ("limits", Reason.LIMIT_DAILY_LOSS, at("15 23:00"))
    assert denied.numbers == (
        ("limit", "day"),
        ("stage", "breached"),
        ("floor", "96000"),
        ("equity", "95999.5"),
        ("headroom", "-0.5"),
        ("amount", "4000"),
        ("resets_at", "2026-01-15T23:00:00+00:00"),
    )


def test_denial_of_a_block_or_a_maximum_loss_has_no_known_end():
    blocked = Watch(daily(block_at=Decimal("0.5")))
    blocked.report("15 12:00", "100000")
    assert denial(blocked.limit, blocked.report("15 12:01", "97000")).until is None
    lost = Watch(total(reset=daily().reset))
    denied = denial(lost.limit, lost.report("15 12:00", "90000"))
    assert (denied.reason, denied.until) == (Reason.LIMIT_MAX_LOSS, None)


def test_denial_of_the_unknown_says_what_is_unknown():
    limit = daily()
    denied = denial(limit, Watch(limit).report("15 12:00", "100000", "?"))
    assert denied.reason is Reason.LIMIT_UNKNOWN
    assert ("headroom", "unknown") in denied.numbers
    assert ("note", "the venue gave no equity") in denied.numbers


def test_denial_of_a_limit_that_forbids_nothing_is_our_bug():
    limit = daily()
    with pytest.raises(ValueError, match="limit day forbids nothing: its stage is ok"):
        denial(limit, Watch(limit).report("15 12:00", "100000"))


def test_state_of_another_limit_is_our_bug():
    state = Watch(daily()).report("15 12:00", "100000").state
    with pytest.raises(ValueError, match="state must be of limit all, was of day"):
        judge(total(), state, None, at("15 12:01"))


def test_clock_is_wanted_at_the_next_reset_only_where_there_are_resets():
    watch = Watch(daily())
    assert next_due(watch.limit, watch.report("15 22:59:59", "100000").state) == at("15 23:00")
    assert next_due(watch.limit, watch.clock("15 23:00").state) == at("16 23:00")
    lasting = Watch(total())
    assert next_due(lasting.limit, lasting.report("15 12:00", "100000").state) is None


def test_only_more_than_another_sample_is_news():
    watch = Watch(daily())
    first = watch.report("15 12:00", "100000").state
    second = watch.report("15 12:01", "99000", "98000").state
    assert is_news(None, first)
    assert not is_news(first, second)
    assert is_news(second, watch.report("15 12:02", "95000").state)
    assert is_news(second, evolve(second, estimated=True))


def test_report_that_is_older_than_the_last_judgement_never_turns_time_back():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    watch.clock("15 23:00")
    judged = watch.report("15 22:59", "99000")
    assert judged.state.judged_at == at("15 23:00")
    assert judged.resets_at == at("15 23:00") + timedelta(days=1)
