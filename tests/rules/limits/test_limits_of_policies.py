"""What a policy's limits leave: counts and sides before the size, volumes, risk and value after it."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.gates.judge import judge_new_risk
from rules.gates.question import Grant, Question
from rules.limits.policy import Cap, CapKind
from rules.limits.terms import Cash, Percent
from rules.model.look_ups import LookUp
from rules.model.observed import AccountStatus, Quote
from rules.model.reasons import Reason
from rules.model.trace import Denied, Note
from rules.model.values import AccountId, Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.limits import OnLimit, PolicyLimits, Together
from rules.policy.links import CopyPolicy
from rules.policy.size import OverMax, Size, VolumePolicy
from tests.rules.gates.test_gates import code, granted, question, with_policy, with_quote, with_target
from tests.rules.playbook import EURUSD, T0, position

D = Decimal
DOLLARS = evolve(EURUSD, profit_currency="USD")
OTHER = Symbol("GBPUSD")


def asked(volume: str = "1", stop_loss: str | None = "1.0951", **limits: object) -> Question:
    """Return a EURUSD that a target of 10000 USD would buy at 1.1001, its stop 50 pips below."""
    held = position(volume, stop_loss=None if stop_loss is None else D(stop_loss))
    status = AccountStatus(D(10_000), D(10_000), "USD", D(0), D(4_000))
    base = with_target(question(CopyPolicy("limited", limits=PolicyLimits(**limits))), status=status)
    return evolve(with_target(base, instruments={EURUSD.symbol: DOLLARS}), position=held)


def holding(base: Question, lots: str, symbol: Symbol = EURUSD.symbol, side: Side = Side.BUY) -> Question:
    return with_target(base, lots={(symbol, side): D(lots)}, volume=D(lots), copies=1)


def shrinking(base: Question) -> Question:
    limits = evolve(base.link.policy.limits, on_limit=OnLimit.SHRINK)
    return with_policy(base, limits=limits)


# Volumes


@pytest.mark.parametrize(("held", "passes"), [("2", True), ("2.01", False)])
@pytest.mark.parametrize("side", list(Side))
def test_lots_of_one_symbol_count_on_both_sides_together(held: str, passes: bool, side: Side) -> None:
    base = holding(asked(max_volume_per_symbol=D(3)), held, side=side)
    if passes:
        granted(base)
    else:
        assert code(base) == "MAX_VOLUME_PER_SYMBOL"
    granted(holding(asked(max_volume_per_symbol=D(3)), "9", OTHER))


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({"max_total_volume": D("2.255")}, "0.25"),
        ({"max_volume_per_symbol": D("2.3")}, "0.3"),
        ({"max_total_volume": D("2.4"), "max_volume_per_symbol": D("2.3")}, "0.3"),
    ],
)
def test_a_copy_shrinks_to_what_is_left_and_follows_at_that_ratio(limits: dict[str, Decimal], left: str) -> None:
    grant = granted(shrinking(holding(asked(**limits), "2")))
    assert grant.sized.volume == D(left)
    assert grant.sized.ratio == Fraction(min(limits.values())) - 2  # of the exact volume, not of the rounded


def test_what_is_too_small_after_shrinking_is_denied() -> None:
    assert code(shrinking(holding(asked(max_total_volume=D("2.009")), "2"))) == "MAX_TOTAL_VOLUME"
    assert code(shrinking(holding(asked(max_total_volume=D(1)), "2"))) == "MAX_TOTAL_VOLUME"


def test_a_split_copy_stays_split_when_it_shrinks() -> None:
    base = with_policy(asked("120", max_total_volume=D(70)), volume=VolumePolicy(over_max=OverMax.SPLIT))
    assert granted(shrinking(base)).sized.pieces == (50, 20)


def test_an_increase_shrinks_and_keeps_the_ratio_of_its_entry() -> None:
    grown = evolve(holding(asked("3", max_total_volume=D("1.7")), "1.5"), increase_of=(Fraction(1, 2), D("0.5")))
    grant = granted(shrinking(grown))
    assert (grant.sized.volume, grant.sized.ratio) == (D("0.2"), Fraction(1, 2))


def test_the_accounts_own_cap_shrinks_too() -> None:
    capped = with_target(asked(), caps=(Cap(AccountId("target"), CapKind.MAX_TOTAL_VOLUME, D("0.4")),))
    assert code(capped) == "MAX_TOTAL_VOLUME"
    assert granted(shrinking(capped)).sized.volume == D("0.4")


# What is not ours


def test_positions_of_others_count_only_where_the_policy_says_so() -> None:
    def others(**limits: object) -> Question:
        lots = {(EURUSD.symbol, Side.BUY): D(2), (EURUSD.symbol, Side.SELL): D(1)}
        return with_target(asked(**limits), foreign=2, foreign_volume=D(3), foreign_lots=lots)

    for limits, reason in (
        ({"max_positions": 2}, "MAX_POSITIONS"),
        ({"max_total_volume": D("3.5")}, "MAX_TOTAL_VOLUME"),
        ({"max_volume_per_symbol": D("3.5")}, "MAX_VOLUME_PER_SYMBOL"),
        ({"block_hedging": True}, "HEDGING_BLOCKED"),
        ({"max_leverage": D(12)}, "MAX_LEVERAGE"),
    ):
        granted(others(**limits))
        assert code(others(**limits, count_foreign=True)) == reason


# Symbols that move alike

EUROPE = Together(("EUR.*", "GBPUSD"), D(3))


@pytest.mark.parametrize(("held", "passes"), [("2", True), ("2.01", False)])
@pytest.mark.parametrize("side", list(Side))
def test_lots_of_symbols_that_move_alike_count_as_one(held: str, passes: bool, side: Side) -> None:
    base = holding(asked(together=(EUROPE,)), held, OTHER, side)
    if passes:
        granted(base)
    else:
        assert code(base) == "MAX_VOLUME_TOGETHER"


def test_a_group_is_asked_for_its_own_symbols_only_and_shrinks_what_is_too_much() -> None:
    granted(holding(asked(together=(Together(("USD.*", "GBPUSD"), D(1)),)), "9", OTHER))
    granted(holding(asked(together=(EUROPE,)), "9", Symbol("XAUUSD")))
    assert granted(shrinking(holding(asked(together=(EUROPE,)), "2.4", OTHER))).sized.volume == D("0.6")


def test_each_group_counts_and_lots_of_others_where_the_policy_says_so() -> None:
    narrow = Together(("EURUSD",), D("0.5"))
    assert code(asked(together=(EUROPE, narrow))) == "MAX_VOLUME_TOGETHER"
    foreign = {(OTHER, Side.SELL): D("2.5")}
    granted(with_target(asked(together=(EUROPE,)), foreign_lots=foreign))
    assert (
        code(with_target(asked(together=(EUROPE,), count_foreign=True), foreign_lots=foreign)) == "MAX_VOLUME_TOGETHER"
    )


# The source's own limits

FORBIDS = Denied("limits", Reason.LIMIT_MAX_LOSS, (("limit", "master/max_loss"),))


def of_source(denied: Denied | None, **limits: object) -> Question:
    base = asked(**limits)
    return evolve(base, source=evolve(base.source, denied=denied))


def test_a_limit_of_the_source_stops_copying_where_the_policy_obeys_it() -> None:
    granted(of_source(FORBIDS))
    granted(of_source(None, obey_source=True))
    answer, _, _ = judge_new_risk(of_source(FORBIDS, obey_source=True))
    assert isinstance(answer, Denied)
    assert (answer.reason, dict(answer.numbers)["limit"]) == (Reason.SOURCE_LIMIT, "master/max_loss")
    assert not answer.reason.waits


def test_a_limit_of_the_source_that_cannot_be_judged_yet_is_waited_for() -> None:
    unknown = Denied("limits", Reason.LIMIT_UNKNOWN)
    answer, _, _ = judge_new_risk(of_source(unknown, obey_source=True))
    assert isinstance(answer, Denied)
    assert answer.reason.waits


# Hedging


def test_the_other_side_of_a_symbol_blocks_and_the_same_side_does_not() -> None:
    base = asked(block_hedging=True)
    assert code(holding(base, "0.01", side=Side.SELL)) == "HEDGING_BLOCKED"
    granted(holding(base, "5", side=Side.BUY))
    granted(holding(base, "5", OTHER, Side.SELL))
    reversed_copy = with_policy(holding(base, "0.01", side=Side.BUY), reverse=True)
    assert code(reversed_copy) == "HEDGING_BLOCKED", "it looks at what the target would trade"


# Risk


def test_a_copy_may_lose_no_more_than_was_said_at_its_stop() -> None:
    # 50 pips of a lot are 500 USD, 5 % of the equity.
    granted(asked(max_risk=Percent(D("0.05"))))
    assert code(asked(max_risk=Percent(D("0.0499")))) == "MAX_RISK"
    assert granted(shrinking(asked(max_risk=Cash(D(100))))).sized.volume == D("0.2")
    assert granted(shrinking(asked(max_risk=Cash(D(100), "USD")))).sized.volume == D("0.2")


def test_costs_count_as_risk_and_an_increase_counts_with_what_is_held() -> None:
    costly = with_policy(asked(max_risk=Cash(D(100))), size=Size(cost_per_lot=D(500)))
    assert granted(shrinking(costly)).sized.volume == D("0.1")
    grown = evolve(asked("1", max_risk=Cash(D(300))), increase_of=(Fraction(1), D("0.5")))
    assert granted(shrinking(grown)).sized.volume == D("0.1")


def test_risk_without_a_stop_or_a_quote_waits() -> None:
    assert code(asked(stop_loss=None, max_risk=Cash(D(100)))) == "STOP_MISSING"
    answer, _, look_ups = judge_new_risk(with_target(asked(max_risk=Cash(D(100))), quotes={}))
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.QUOTE_UNKNOWN
    assert look_ups == (LookUp(AccountId("target"), EURUSD.symbol, quote=True),)


@pytest.mark.parametrize(("pips", "passes"), [(50, True), (49, False)])
def test_a_stop_may_lie_only_so_far_from_the_entry(pips: int, passes: bool) -> None:
    base = asked(max_stop_distance=Distance(D(pips), DistanceUnit.PIPS))
    if passes:
        granted(base)
    else:
        assert code(base) == "STOP_TOO_FAR"
    assert code(evolve(base, position=position())) == "STOP_MISSING"


# Leverage and margin


def test_all_that_is_held_may_be_worth_only_so_many_times_the_equity() -> None:
    # A lot is worth 110005 USD at the mid price: 11.0005 times the equity.
    granted(asked(max_leverage=D("11.0005")))
    assert code(asked(max_leverage=D(11))) == "MAX_LEVERAGE"
    assert granted(shrinking(asked(max_leverage=D(11)))).sized.volume == D("0.99")
    assert granted(shrinking(holding(asked(max_leverage=D(11)), "0.5", side=Side.SELL))).sized.volume == D("0.49")


def test_what_is_held_in_other_symbols_is_valued_at_their_quotes() -> None:
    base = holding(asked(max_leverage=D(20)), "1", OTHER)
    answer, _, look_ups = judge_new_risk(base)
    assert isinstance(answer, Denied)
    assert answer.reason is Reason.INSTRUMENT_UNKNOWN
    assert look_ups == (LookUp(AccountId("target"), OTHER, quote=True),)
    base.target.instruments[OTHER] = evolve(DOLLARS, symbol=OTHER)
    assert code(base) == "QUOTE_UNKNOWN"
    base.target.quotes[OTHER] = Quote(OTHER, D("1.2999"), D("1.3001"), T0 - timedelta(hours=1))
    assert code(base) == "MAX_LEVERAGE"  # 13 and 11 times
    base.target.quotes[OTHER] = Quote(OTHER, D("0.8999"), D("0.9001"), T0 - timedelta(hours=1))
    assert code(base) == "MAX_LEVERAGE"
    granted(with_policy(base, limits=PolicyLimits(max_leverage=D("20.0005"))))


@pytest.mark.parametrize(("least", "passes"), [(Cash(D(4000)), True), (Percent(D("0.41")), False)])
def test_so_much_margin_must_be_free(least: Cash | Percent, passes: bool) -> None:
    base = asked(min_free_margin=least)
    if passes:
        granted(base)
    else:
        assert code(base) == "MARGIN_FREE_LOW"


@pytest.mark.parametrize("limits", [{"max_leverage": D(9)}, {"min_free_margin": Percent(D("0.1"))}])
def test_what_a_limit_needs_and_nobody_tells_waits(limits: dict[str, object]) -> None:
    blind = with_target(asked(**limits), status=AccountStatus(None, None, "USD"))
    assert code(blind) == "REFERENCE_UNKNOWN"
    broke = with_target(asked(**limits), status=AccountStatus(D(0), D(0), "USD", D(0), D(0)))
    assert code(broke) == "REFERENCE_NOT_POSITIVE"


def test_the_trace_tells_what_shrank_it() -> None:
    _, trace, _ = judge_new_risk(shrinking(holding(asked(max_total_volume=D("2.5")), "2")))
    shrunk = [item for item in trace if isinstance(item, Note) and item.outcome == "shrunk: MAX_TOTAL_VOLUME"]
    assert [dict(note.numbers)["volume"] for note in shrunk] == ["0.5"]


# All together

lots = st.decimals("0", "5", places=2)
maybe_lots = st.none() | st.decimals("0.01", "6", places=2)
limits_drawn = st.builds(
    PolicyLimits,
    max_total_volume=maybe_lots,
    max_volume_per_symbol=maybe_lots,
    max_risk=st.none() | st.builds(Cash, st.decimals("1", "3000", places=0)),
    max_leverage=st.none() | st.decimals("0.1", "60", places=1),
    count_foreign=st.booleans(),
    on_limit=st.sampled_from(OnLimit),
)


@given(limits_drawn, lots, lots, st.decimals("0.01", "8", places=2), st.none() | lots)
def test_no_limit_is_ever_passed_and_equal_questions_get_equal_answers(limits, held, foreign, volume, has):
    base = with_policy(holding(asked(str(volume)), str(held)), limits=limits)
    base = with_target(base, foreign_volume=foreign, foreign_lots={(EURUSD.symbol, Side.SELL): foreign})
    has = None if has is None else min(has, held)
    base = evolve(base, increase_of=None if has is None else (Fraction(1), has))
    answer, trace, _ = judge_new_risk(base)
    assert judge_new_risk(base)[:2] == (answer, trace)
    assume(isinstance(answer, Grant))
    assert isinstance(answer, Grant)
    added = answer.sized.volume
    everything = held + added + (foreign if limits.count_foreign else 0)
    assert added >= EURUSD.volume_min
    assert added % EURUSD.volume_step == 0
    assert limits.max_total_volume is None or everything <= limits.max_total_volume
    assert limits.max_volume_per_symbol is None or everything <= limits.max_volume_per_symbol
    assert limits.max_risk is None or ((has or 0) + added) * 500 <= limits.max_risk.amount
    assert limits.max_leverage is None or everything * D("110005") <= limits.max_leverage * 10_000
    assert answer.sized.volume <= volume


def test_a_wide_quote_is_no_way_around_the_risk() -> None:
    wide = with_quote(asked(max_risk=Cash(D(500))), "1.0990", "1.1012")
    assert code(wide) == "MAX_RISK", "the target would pay the ask"


def test_the_totals_are_told_before_the_free_margin() -> None:
    assert code(asked(min_free_margin=Percent(D("0.41")), max_total_volume=D("0.01"))) == "MAX_TOTAL_VOLUME"


def test_a_stop_loss_that_is_entered_after_the_opening_counts_as_there() -> None:
    far = Distance(D(50), DistanceUnit.PIPS)
    base = with_target(asked(max_risk=Cash(D(500)), max_stop_distance=far), stop_loss_lasts=False)
    assert granted(base).stops.stop_loss is None
    assert code(with_policy(base, limits=PolicyLimits(max_risk=Cash(D(499))))) == "MAX_RISK"
