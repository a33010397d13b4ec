"""What a limit remembers: days, takeovers, outages, missed resets; and what holds for any run of samples."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.limits.limits import Anchor, Limit, LimitStage, Metric, OnBreach, Trailing, judge
from rules.limits.state import RESET_LATE_MAX
from rules.limits.terms import StagedLock
from rules.model.observed import AccountStatus
from tests.rules.limit_parts import PRAGUE_MIDNIGHT, Watch, amount, at, daily, target, total

EOD = {"trailing": Trailing.EOD_BALANCE, "reset": PRAGUE_MIDNIGHT}


def test_first_sample_ever_opens_the_day():
    judged = Watch(daily()).report("15 12:00", "100000", "101000")
    assert (judged.floor, judged.estimated) == (Decimal(97_000), False)
    assert judged.state.day_started == at("14 23:00")


def test_report_stamped_at_the_reset_belongs_to_the_new_day():
    watch = Watch(daily(anchor=Anchor.DAY_START_BALANCE))
    watch.report("15 12:00", "100000")
    judged = watch.report("15 23:00", "97000")  # a deal booked at the very reset is a loss of the new day
    assert (judged.floor, judged.headroom) == (Decimal(96_000), Decimal(1000))
    assert judged.state.day_started == at("15 23:00")


def test_loss_of_yesterday_is_no_loss_of_today():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    watch.report("15 22:59:59", "97000")
    judged = watch.clock("15 23:00")
    assert (judged.floor, judged.estimated, judged.stage) == (Decimal(93_000), False, LimitStage.OK)


def test_day_can_begin_with_a_breach_and_the_clock_shows_it_without_a_sample():
    # Floating profit of 5000 at the reset lifts the floor above the balance that this limit looks at.
    watch = Watch(daily(metric=Metric.BALANCE))
    watch.report("15 12:00", "100000", "100000")
    assert watch.report("15 22:00", "100000", "105000").stage is LimitStage.OK
    judged = watch.clock("15 23:00")
    assert (judged.floor, judged.metric, judged.stage) == (Decimal(101_000), Decimal(100_000), LimitStage.BREACHED)


def test_day_that_is_still_in_breach_of_a_fixed_anchor_begins_with_a_breach():
    watch = Watch(daily(anchor=Anchor.INITIAL))
    watch.report("15 12:00", "95000")
    judged = watch.clock("15 23:00")
    assert (judged.stage, judged.state.latched_at) == (LimitStage.BREACHED, at("15 23:00"))


def test_overnight_gap_is_a_loss_of_the_day_it_opens_in():
    watch = Watch(daily())
    watch.report("16 21:59", "100000", "100000")  # Friday's last; nothing moves until Sunday night
    assert watch.clock("16 23:00").stage is LimitStage.OK
    assert watch.clock("17 23:00").floor == Decimal(96_000)
    judged = watch.report("18 22:05", "100000", "95000")
    assert (judged.stage, judged.estimated) == (LimitStage.BREACHED, False)


def test_peak_of_the_day_starts_again_at_the_reset():
    watch = Watch(daily(anchor=Anchor.DAY_PEAK_EQUITY))
    watch.report("15 12:00", "100000", "108000")
    assert watch.report("15 13:00", "100000", "105000").floor == Decimal(104_000)
    assert watch.clock("15 23:00").floor == Decimal(101_000)


@pytest.mark.parametrize("low_after", [True, False])
def test_missed_reset_takes_the_higher_of_both_sides_and_says_so(low_after: bool):
    before, after = ("101000", "99500") if low_after else ("99500", "101000")
    watch = Watch(daily())
    watch.report("15 12:00", before)
    judged = watch.report("16 08:00", after)
    assert (judged.floor, judged.estimated) == (Decimal(97_000), True)
    assert "the floor is an estimate, on the strict side" in judged.notes
    # Only the first sample after counts as the other side; the mark clears at the next reset that was observed.
    assert watch.report("16 09:00", "105000").floor == Decimal(97_000)
    assert watch.clock("16 23:00").estimated is False


def test_reset_missed_by_the_clock_waits_for_the_first_sample_after_it():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    judged = watch.clock("16 08:00", current=False)
    assert (judged.floor, judged.estimated) == (Decimal(96_000), True)
    assert watch.report("16 08:01", "103000").floor == Decimal(99_000)


def test_reset_while_the_stream_is_down_is_missed_though_the_clock_was_there():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    watch.clock("15 22:59", current=False)
    assert watch.clock("15 23:00").estimated is True
    assert watch.report("15 23:10", "102000").floor == Decimal(98_000)


def test_stream_that_is_lost_at_the_very_reset_has_missed_it():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    assert watch.clock("15 23:00", current=False).estimated is True
    assert watch.report("15 23:10", "102000").floor == Decimal(98_000)


def test_changed_limit_that_needs_a_figure_nobody_kept_waits_for_it():
    watch = Watch(daily(metric=Metric.BALANCE, anchor=Anchor.DAY_START_BALANCE))
    watch.report("15 12:00", "100000", "?")
    watch.limit = daily(metric=Metric.BALANCE)
    judged = watch.clock("15 12:01")
    assert (judged.stage, judged.notes) == (LimitStage.UNKNOWN, ("the limit's anchor is not known yet",))
    assert watch.report("15 12:02", "100000", "101000").floor == Decimal(97_000)


def test_reset_without_known_equity_is_missed():
    watch = Watch(daily())
    watch.report("15 12:00", "100000")
    watch.report("15 22:00", "101500", "?")
    assert watch.clock("15 23:00").stage is LimitStage.UNKNOWN
    judged = watch.report("15 23:10", "99000")
    assert (judged.floor, judged.estimated) == (Decimal(97_500), True)


@pytest.mark.parametrize(("late", "missed"), [(timedelta(), False), (timedelta(microseconds=1), True)])
def test_reset_is_observed_only_in_its_first_seconds(late: timedelta, missed: bool):
    state = Watch(daily()).report("15 12:00", "100000").state
    assert judge(daily(), state, None, at("15 23:00") + RESET_LATE_MAX + late).estimated is missed


def test_outage_over_several_days_opens_only_the_last_of_them():
    watch = Watch(daily())
    watch.report("12 12:00", "100000")
    watch.report("12 13:00", "96000")
    judged = watch.report("15 12:00", "94000")
    assert judged.state.day_started == at("14 23:00")
    assert (judged.floor, judged.stage) == (Decimal(92_000), LimitStage.OK)


def test_day_of_the_clock_change_has_one_reset_and_its_own_length():
    limit = daily()
    state = judge(limit, None, AccountStatus(Decimal(1), Decimal(1), "USD"), at("15 12:00")).state
    spring = state.judged_at.replace(month=3, day=29, hour=12)  # 23 hours long: 28 March 23:00 to 29 March 22:00
    judged = judge(limit, state, None, spring)
    assert judged.state.day_started == spring.replace(day=28, hour=23)
    assert judged.resets_at == spring.replace(hour=22)


@pytest.mark.parametrize(
    ("balance", "given_mark", "floor", "estimated"),
    [
        ("95000", None, 98_000, False),  # never below the initial balance
        ("100000", None, 98_000, False),
        ("105000", None, 103_000, True),
        ("105000", "107000", 105_000, False),
        ("95000", "90000", 98_000, False),
    ],
)
def test_mark_of_an_account_taken_over(balance: str, given_mark: str | None, floor: int, estimated: bool):
    mark = None if given_mark is None else Decimal(given_mark)
    judged = Watch(total("2000", trailing=Trailing.LIVE_BALANCE, high_water_mark=mark)).report("15 12:00", balance)
    assert (judged.floor, judged.estimated) == (Decimal(floor), estimated)


def test_end_of_day_mark_moves_at_the_reset_by_the_last_value_before_it():
    watch = Watch(total("2000", **EOD))
    watch.report("15 12:00", "100000")
    assert watch.report("15 22:00", "103000").floor == Decimal(98_000)
    assert watch.report("15 22:59:59", "101500").floor == Decimal(98_000)
    judged = watch.report("15 23:00", "104000")
    assert (judged.floor, judged.estimated) == (Decimal(99_500), False)


def test_end_of_day_mark_after_a_missed_reset_takes_the_higher_of_both_sides():
    watch = Watch(total("2000", **EOD))
    watch.report("15 12:00", "100500")
    judged = watch.report("16 12:00", "103000")
    assert (judged.floor, judged.estimated) == (Decimal(101_000), True)
    assert watch.report("16 13:00", "105000").floor == Decimal(101_000)


@pytest.mark.parametrize(
    ("limit", "estimated"),
    [
        (total(trailing=Trailing.LIVE_EQUITY), True),
        (daily(anchor=Anchor.DAY_PEAK_EQUITY), True),
        (daily(), False),
        (total("2000", **EOD), False),
    ],
)
def test_peak_that_an_outage_may_have_hidden_makes_an_estimate(limit: Limit, estimated: bool):
    watch = Watch(limit)
    watch.report("15 12:00", "100000")
    watch.clock("15 12:10", current=False)
    assert watch.report("15 12:20", "99500").estimated is estimated


def test_lock_once_reached_stays():
    watch = Watch(total("2000", trailing=Trailing.LIVE_EQUITY, lock=amount("0")))
    floors = [
        watch.report(f"15 12:0{n}", value).floor for n, value in enumerate(["100000", "101000", "109000", "100500"])
    ]
    assert floors == [Decimal(98_000), Decimal(99_000), Decimal(100_000), Decimal(100_000)]


CENTS = st.integers(-10_000, 20_000_000).map(lambda cents: Decimal(cents).scaleb(-2))
STATUSES = st.builds(AccountStatus, CENTS, st.one_of(st.none(), CENTS, CENTS), st.sampled_from(["USD", None, "EUR"]))
STEPS = st.lists(
    st.tuples(st.one_of(st.none(), STATUSES, STATUSES), st.integers(0, 200_000), st.booleans()), max_size=12
)
TRAILING = st.builds(
    total,
    st.sampled_from(["10 %", "2000", "1 %", "2000 USD"]),
    trailing=st.sampled_from([trailing for trailing in Trailing if trailing is not Trailing.NONE]),
    reset=st.just(PRAGUE_MIDNIGHT),
    lock=st.sampled_from([None, amount("0"), amount("5 %")]),
    initial_balance=st.sampled_from([None, Decimal(100_000)]),
    high_water_mark=st.sampled_from([None, Decimal(120_000)]),
)
DAILY = st.builds(daily, st.sampled_from(["4 %", "4000"]), anchor=st.sampled_from(Anchor))


@pytest.mark.slow  # a hundred histories of up to twelve steps, each judged several times
@given(limit=TRAILING, steps=STEPS)
def test_trailing_floor_never_falls(limit: Limit, steps: list[tuple[AccountStatus | None, int, bool]]):
    state, when, highest = None, at("15 12:00"), None
    for status, seconds, current in steps:
        when += timedelta(seconds=seconds)
        judged = judge(limit, state, status, when, current=current)
        state = judged.state
        if judged.floor is not None:
            assert highest is None or judged.floor >= highest
            highest = judged.floor


@pytest.mark.slow  # a hundred histories of up to twelve steps, each judged several times
@given(limit=st.one_of(TRAILING, DAILY), steps=STEPS)
def test_samples_alone_decide_and_a_repeated_one_changes_nothing(
    limit: Limit, steps: list[tuple[AccountStatus | None, int, bool]]
):
    state, when = None, at("15 12:00")
    for status, seconds, current in steps:
        when += timedelta(seconds=seconds)
        judged = judge(limit, state, status, when, current=current)
        assert judge(limit, state, status, when, current=current) == judged
        assert judge(limit, judged.state, None, when, current=current) == judged
        if current or status is None:
            assert judge(limit, judged.state, status, when, current=current) == judged
        state = judged.state


FRACTIONS = st.sampled_from([None, Decimal("0.5"), Decimal(1)])
FORCED = st.one_of(
    st.builds(daily, st.just("4000"), halt_at=FRACTIONS, flatten_at=FRACTIONS, anchor=st.sampled_from(Anchor)),
    st.builds(
        total,
        st.just("4000"),
        on_breach=st.sampled_from(OnBreach),
        hold=st.sampled_from([None, timedelta(minutes=1)]),
        lock_when=st.sampled_from([None, StagedLock(amount("5 %"), Decimal("0.95"))]),
        trailing=st.sampled_from([Trailing.NONE, Trailing.LIVE_EQUITY]),
    ),
    st.builds(target, st.just("4000"), reset=st.sampled_from([None, PRAGUE_MIDNIGHT])),
)


@pytest.mark.slow  # a hundred histories of up to twelve steps, each judged several times
@given(limit=st.one_of(TRAILING, DAILY, FORCED), steps=STEPS)
def test_what_was_hit_stays_hit_until_the_reset(limit: Limit, steps: list[tuple[AccountStatus | None, int, bool]]):
    state, when = None, at("15 12:00")
    for status, seconds, current in steps:
        when += timedelta(seconds=seconds)
        judged = judge(limit, state, status, when, current=current)
        ends = limit.begins_anew and state is not None and judged.state.day_started != state.day_started
        if state is not None and state.latched is LimitStage.BREACHED and not ends:
            assert judged.stage is LimitStage.BREACHED
            assert judged.forbids or limit.on_breach is OnBreach.WARN
        if state is not None and state.latched is LimitStage.FLATTEN and not ends:
            assert judged.flattens
        if state is not None and state.halted_at is not None:
            assert judged.forbids, "no reset ends a halt"
        state = judged.state


@pytest.mark.slow  # a hundred histories of up to twelve steps, each judged several times
@given(limit=st.one_of(TRAILING, DAILY, FORCED), steps=STEPS)
def test_doubt_never_permits_more(limit: Limit, steps: list[tuple[AccountStatus | None, int, bool]]):
    state, when = None, at("15 12:00")
    for status, seconds, current in steps:
        when += timedelta(seconds=seconds)
        judged = judge(limit, state, status, when, current=current)
        if status is not None and limit.needs_equity:
            doubted = judge(limit, state, evolve(status, equity=None), when, current=current)
            assert doubted.forbids or doubted.stage is LimitStage.BREACHED
        out_of_sight = judge(limit, state, status, when, current=False)
        assert out_of_sight.forbids or not judged.forbids
        if judged.floor is not None and out_of_sight.floor is not None and not limit.is_target:
            assert out_of_sight.floor >= judged.floor
        state = judged.state


@given(before=CENTS, equity_before=CENTS, after=CENTS, equity_after=CENTS, anchor=st.sampled_from(Anchor))
def test_floor_of_a_missed_reset_is_as_strict_as_either_side(
    before: Decimal, equity_before: Decimal, after: Decimal, equity_after: Decimal, anchor: Anchor
):
    limit = daily("4000", anchor=anchor)
    first, last = AccountStatus(before, equity_before, "USD"), AccountStatus(after, equity_after, "USD")
    began = judge(limit, None, first, at("15 12:00")).state
    missed = judge(limit, began, last, at("16 08:00")).floor
    held_until = judge(limit, began, None, at("15 23:00")).state  # as if the first figures had held until the reset
    as_before = judge(limit, held_until, None, at("15 23:00")).floor
    opened_after = judge(limit, None, last, at("15 23:00")).floor
    assert None not in (missed, as_before, opened_after)
    assert missed >= max(as_before, opened_after)  # type: ignore[operator,type-var]  # None is excluded above
