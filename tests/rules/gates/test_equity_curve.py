"""Copying by an equity curve: which samples are taken, and when the gate lets something pass."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.gates.equity_curve import with_sample
from rules.gates.judge import judge_new_risk
from rules.gates.question import Grant, Question
from rules.model.memory import Curve, LinkMemory, Sample
from rules.model.observed import AccountStatus
from rules.model.state import AccountView
from rules.model.trace import Denied, Note
from rules.model.values import AccountId, LinkId
from rules.policy.curve import CurveOf, EquityCurve, WhileShort
from rules.policy.links import CopyPolicy
from tests.rules.gates.test_gates import code, granted, question
from tests.rules.playbook import T0

HOUR = timedelta(hours=1)
THREE = EquityCurve(3, HOUR)
EMPTY = LinkMemory(LinkId("l"))
D = Decimal


def sampled(*equities: str, curve: EquityCurve = THREE, memory: LinkMemory = EMPTY) -> LinkMemory:
    """Return the memory after one sample an hour, the last one now."""
    for number, equity in enumerate(equities, 1 - len(equities)):
        memory = with_sample(memory, [curve], curve.of, D(equity), T0 + number * HOUR)
    return memory


def kept(memory: LinkMemory) -> list[Decimal]:
    [curve] = memory.curves
    return [each.equity for each in curve.samples]


def asked(equity: str | None, memory: LinkMemory, curve: EquityCurve = THREE) -> Question:
    """Return a question of a policy that looks at a curve, with the equity of now."""
    base = question(CopyPolicy("by curve", equity_curve=curve), memory=memory)
    status = AccountStatus(D(1), None if equity is None else D(equity), "USD")
    source = AccountView(AccountId("source"), status=status if curve.of is CurveOf.SOURCE else None)
    target = evolve(base.target, status=status if curve.of is CurveOf.TARGET else None)
    return evolve(base, source=source, target=target)


# Samples


def test_the_first_figures_of_each_piece_of_time_are_its_sample() -> None:
    memory = sampled("100")
    for minutes in (1, 30, 59):
        assert with_sample(memory, [THREE], CurveOf.SOURCE, D(999), T0 + timedelta(minutes=minutes)) is memory
    later = with_sample(memory, [THREE], CurveOf.SOURCE, D(110), T0 + timedelta(minutes=61))
    assert later.curves == (Curve(CurveOf.SOURCE, HOUR, (Sample(T0, D(100)), Sample(T0 + HOUR, D(110)))),), (
        "told by when its piece of time began"
    )


def test_only_as_many_are_kept_as_the_longest_mean_needs() -> None:
    assert kept(sampled("1", "2", "3", "4")) == [2, 3, 4]
    both = [THREE, EquityCurve(2, HOUR), EquityCurve(50, timedelta(days=1))]
    memory = EMPTY
    for number in range(6):
        memory = with_sample(memory, both, CurveOf.SOURCE, D(number), T0 + number * HOUR)
    assert [len(each.samples) for each in memory.curves] == [1, 3]


def test_a_clock_that_was_set_back_takes_no_sample_twice() -> None:
    memory = sampled("100")
    assert with_sample(memory, [THREE], CurveOf.SOURCE, D(5), T0 - HOUR) is memory


def test_figures_of_the_other_account_are_no_sample() -> None:
    assert with_sample(EMPTY, [THREE], CurveOf.TARGET, D(5), T0) is EMPTY


# The gate


@pytest.mark.parametrize(("equity", "passes"), [("101", True), ("100.01", True), ("100", False), ("99", False)])
@pytest.mark.parametrize("of", list(CurveOf))
def test_equity_must_be_above_the_mean(equity: str, passes: bool, of: CurveOf) -> None:
    curve = EquityCurve(3, HOUR, of)
    base = asked(equity, sampled("90", "100", "110", curve=curve), curve)
    if passes:
        granted(base)
    else:
        assert code(base) == "EQUITY_CURVE"


def test_the_denial_tells_its_numbers() -> None:
    answer, _, _ = judge_new_risk(asked("95", sampled("90", "100", "110")))
    assert isinstance(answer, Denied)
    assert answer.numbers == (
        ("source_equity", "95"),
        ("mean", "100"),
        ("samples", "3"),
        ("since", "2026-11-20T10:00+00:00"),
    )


def test_too_few_samples_deny_unless_the_policy_says_otherwise() -> None:
    assert code(asked("200", sampled("90", "100"))) == "EQUITY_CURVE_SHORT"
    allowed = asked("1", sampled("90", "100"), evolve(THREE, while_short=WhileShort.ALLOW))
    answer, trace, _ = judge_new_risk(allowed)
    assert isinstance(answer, Grant)
    assert Note("equity_curve", "could not be judged yet", (("samples", "2"), ("needed", "3"))) in trace


def test_an_unknown_equity_is_waited_for() -> None:
    assert code(asked(None, sampled("90", "100", "110"))) == "REFERENCE_UNKNOWN"


def test_an_increase_is_judged_too() -> None:
    grown = evolve(asked("95", sampled("90", "100", "110")), increase_of=(Fraction(1), D("0.5")))
    assert code(grown) == "EQUITY_CURVE"


@given(st.lists(st.decimals("0", "1000", places=2), min_size=1, max_size=12), st.integers(2, 6))
def test_whatever_the_samples_it_passes_above_their_exact_mean_only(equities: list[Decimal], samples: int) -> None:
    curve = EquityCurve(samples, HOUR)
    memory = sampled(*map(str, equities), curve=curve)
    last = equities[-samples:]
    assert kept(memory) == last
    answer, _, _ = judge_new_risk(asked(str(equities[0]), memory, curve))
    above = len(last) == samples and equities[0] * samples > sum(last)
    assert isinstance(answer, Grant) is above
