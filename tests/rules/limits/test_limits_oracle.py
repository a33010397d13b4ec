"""Every firm's floors against a second reckoning: from all samples at once, in fractions, by code of its own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copier.config.limit_keys import read_reset
from copier.config.prop_presets import FOLDER, prop_preset, prop_preset_names
from rules.limits.limits import AmountOf, Anchor, Limit, LimitState, Metric, Percent, Trailing, judge, next_due
from rules.limits.terms import LimitAmount, LockOf, Part
from rules.model.frozen import frozen
from rules.model.observed import AccountStatus
from tests.rules.firms import firm_limits


@frozen
class Sample:
    at: datetime
    balance: Fraction
    equity: Fraction


@cache
def limits_of(name: str) -> list[Limit]:
    about = prop_preset(name, FOLDER).about
    balance = str(about.initial_balances[0]) if about.initial_balances else "100000 USD"
    reset = read_reset("00:00 Europe/Athens") if any("zone of the reset" in gap for gap in about.gaps) else None
    return [limit for limit in firm_limits(name, balance, reset=reset) if not limit.is_target]


def resets_of(limit: Limit, begin: datetime, until: datetime) -> list[datetime]:
    """Return every reset around, date by date; no firm's lies in an hour that a clock change skips."""
    if limit.reset is None:
        return []
    first = begin.date() - timedelta(days=2)
    days = [first + timedelta(days=number) for number in range((until.date() - first).days + 3)]
    return [datetime.combine(day, limit.reset.at, limit.reset.zone).astimezone(UTC) for day in days]


def part(amount: LimitAmount, base: Fraction) -> Fraction:
    return Fraction(amount.fraction) * base if isinstance(amount, Percent) else Fraction(amount.amount)


def reckoned(limit: Limit, samples: list[Sample]) -> tuple[Fraction, Fraction]:
    """Return floor and metric after the last sample, where every reset was seen."""
    now, first = samples[-1], samples[0]
    passed = [reset for reset in resets_of(limit, first.at, now.at) if first.at < reset <= now.at]
    evenings = [[sample for sample in samples if sample.at < reset][-1] for reset in passed]
    start = evenings[-1] if evenings else first
    today = [start, *(sample for sample in samples if not passed or sample.at >= passed[-1])]
    initial = Fraction(limit.initial_balance or 0)
    marks = {
        Trailing.NONE: [],
        Trailing.LIVE_EQUITY: [sample.equity for sample in samples],
        Trailing.LIVE_BALANCE: [sample.balance for sample in samples],
        Trailing.EOD_BALANCE: [sample.balance for sample in [first, *evenings]],
        Trailing.EOD_EQUITY: [sample.equity for sample in [first, *evenings]],
        Trailing.EOD_HIGHER: [max(sample.balance, sample.equity) for sample in [first, *evenings]],
    }[limit.trailing]
    anchors = {
        Anchor.INITIAL: initial,
        Anchor.DAY_START_BALANCE: start.balance,
        Anchor.DAY_START_EQUITY: start.equity,
        Anchor.DAY_START_HIGHER: max(start.balance, start.equity),
        Anchor.DAY_PEAK_BALANCE: max(sample.balance for sample in today),
        Anchor.DAY_PEAK_EQUITY: max(sample.equity for sample in today),
    }
    anchor = max([initial, *marks]) if marks else anchors[limit.counted_from]
    amount = part(limit.amount, initial if limit.percent_of is AmountOf.INITIAL else anchor)
    floor = anchor - amount
    if limit.lock is not None:
        floor = min(floor, initial + part(limit.lock, initial))
    if limit.lock_when is not None:
        floor = staged(limit, samples, initial, floor)
    metric = now.balance if Part.FLOATING not in limit.include else now.equity
    if limit.compared is Metric.DAY_NET_PNL:
        return -amount, metric - anchor
    return floor, metric


def staged(limit: Limit, samples: list[Sample], initial: Fraction, floor: Fraction) -> Fraction:
    """Return the floor of a staged lock: as it was at its trigger, or its share if that is higher."""
    lock = limit.lock_when
    assert lock is not None
    for number, sample in enumerate(samples):
        seen = sample.equity if lock.metric is Metric.EQUITY else sample.balance
        if seen >= initial + part(lock.profit, initial):
            share = Fraction(lock.floor) * (seen if lock.of is LockOf.TRIGGER else initial)
            until = [sample.equity for sample in samples[: number + 1]]
            trails = limit.trailing is Trailing.LIVE_EQUITY
            mark = max([initial, *until]) if trails else initial
            of = initial if limit.percent_of is AmountOf.INITIAL else mark
            return max(share, mark - part(limit.amount, of))
    return floor


MONEY = st.integers(-800_000, 800_000).map(lambda cents: Decimal(cents).scaleb(-2))
WALK = st.lists(st.tuples(st.integers(1, 1500), MONEY, MONEY), min_size=1, max_size=12)
BEGIN = st.sampled_from([datetime(2026, 3, 6, 12, tzinfo=UTC), datetime(2026, 10, 23, 12, tzinfo=UTC)])


@pytest.mark.slow  # fifty presets, twenty walks each over days around a change of the clock
@pytest.mark.parametrize("name", prop_preset_names())
@settings(max_examples=20)  # its own walk of all samples is slow on purpose
@given(walk=WALK, begin=BEGIN)
def test_floor_and_metric_are_what_a_second_reckoning_says(
    name: str, walk: list[tuple[int, Decimal, Decimal]], begin: datetime
):
    for limit in limits_of(name):
        state: LimitState | None = None
        samples: list[Sample] = []
        at = begin
        for minutes, won, floating in walk:
            at += timedelta(minutes=minutes)
            while state is not None and (due := next_due(limit, state)) is not None and due <= at:
                state = judge(limit, state, None, due).state
            balance = Decimal(limit.initial_balance or 0) + won
            samples.append(Sample(at, Fraction(balance), Fraction(balance + floating)))
            judged = judge(limit, state, AccountStatus(balance, balance + floating, "USD"), at)
            state = judged.state
            if balance <= 0 and limit.initial_balance == 0:
                continue  # an account that began with nothing: its first balance stands for nothing yet
            assert judged.floor is not None
            assert judged.metric is not None
            assert (Fraction(judged.floor), Fraction(judged.metric)) == reckoned(limit, samples)
