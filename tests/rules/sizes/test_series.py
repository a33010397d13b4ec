"""Sizes that follow results: how a copy ended, what counts, and by what the next size is multiplied."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.books.reconcile import lose_leg, shrink_leg, went_at
from rules.model.actions import Action, ClosePosition
from rules.model.instruments import Rounding
from rules.model.memory import LinkMemory, Series
from rules.model.observed import Quote
from rules.model.reasons import Reason
from rules.model.reports import Filled
from rules.model.trace import Denied, Note
from rules.model.values import LinkId, PositionId, Price, Side, Symbol
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.links import CopyPolicy, SymbolPolicy
from rules.policy.series import AfterLosses, Masaniello, Progression
from rules.policy.size import OverMax, Size, SizeMode, VolumePolicy
from rules.sizes.series import Outcome, outcome_of, remember_outcome, scale_of
from tests.rules.playbook import EURUSD, T0, Playbook, position, shape

D = Decimal
DOUBLED = AfterLosses(D(2))
EMPTY = LinkMemory(LinkId("l"))
FIXED = Size(SizeMode.FIXED, volume=D("0.1"))
EURUSD_NAME = Symbol("EURUSD")


@define
class Trader(Playbook):
    """A source that opens and closes one position after another; the target's closes get a price."""

    trades: int = 0

    def opens(self, **changes: object) -> list[Action]:
        """Open the next position and return the orders that follow."""
        self.trades += 1
        if self.last.memory is not None:
            self.memory = self.last.memory
        self.copy = None
        return self.sees(position(position_id=PositionId(f"p{self.trades}"), opened_at=self.now, **changes))

    def trade(self, price: str | None, **changes: object) -> str:
        """Open one, let it be closed at `price`, and return its lots."""
        orders = self.opens(**changes)
        assert self.copy is not None
        for order in orders:
            self.fills([order])
        held = self.copy.expected
        self.close(price)
        return str(held)

    def close(self, price: str | None) -> None:
        """Let the source close, and the target at `price`."""
        for order in self.sees(None):
            assert isinstance(order, ClosePosition)
            told = None if price is None else Price(price)
            self.reports(Filled(order.cl_ord_id, order.position_id, order.volume, told))
        self.remember()

    def remember(self) -> None:
        """Keep what the last decision tells to keep, as the engine does."""
        if self.last.memory is not None:
            self.memory = self.last.memory


def trader(**policy: object) -> Trader:
    return Trader(CopyPolicy("series", **{"size": FIXED, **policy}))  # type: ignore[arg-type]


def test_each_loss_doubles_the_next_copy_until_a_win():
    play = trader(after_losses=DOUBLED)
    assert [play.trade(price) for price in ("1.09", "1.09", "1.2", "1.09")] == ["0.10", "0.20", "0.40", "0.10"]


def test_no_more_losses_count_than_levels():
    play = trader(after_losses=AfterLosses(D(2), levels=1))
    assert [play.trade("1.09") for _ in range(3)] == ["0.10", "0.20", "0.20"]


def test_so_many_wins_in_a_row_let_it_begin_anew():
    play = trader(after_losses=AfterLosses(D(2), wins=2))
    prices = ("1.09", "1.2", "1.09", "1.2", "1.2", "1.2")
    assert [play.trade(price) for price in prices] == ["0.10", "0.20", "0.20", "0.40", "0.40", "0.10"]


def test_a_multiplier_below_one_makes_copies_smaller_after_losses():
    play = trader(after_losses=AfterLosses(D("0.5")))
    assert [play.trade(price) for price in ("1.09", "1.09", "1.2", "1.2")] == ["0.10", "0.05", "0.02", "0.10"]


@pytest.mark.parametrize(("multiplier", "lots"), [("2", ["0.10", "0.20", "0.10"]), ("0.5", ["0.10", "0.05", "0.02"])])
def test_a_result_that_nobody_knows_makes_the_next_copy_smaller(multiplier: str, lots: list[str]):
    play = trader(after_losses=AfterLosses(D(multiplier)))
    assert [play.trade(price) for price in ("1.09", None, None)] == lots


def test_a_copy_that_ended_at_its_entry_counts_as_neither():
    play = trader(after_losses=DOUBLED)
    assert [play.trade(price) for price in ("1.09", "1.1", "1.1")] == ["0.10", "0.20", "0.20"]


def test_what_ended_near_enough_to_its_entry_counts_as_neither():
    near = AfterLosses(D(2), even_within=Distance(D(10), DistanceUnit.POINTS))
    play = trader(after_losses=near)
    assert [play.trade(price) for price in ("1.0999", "1.09989", "1.1001", "1.1")] == ["0.10", "0.10", "0.20", "0.20"]
    play.target.instruments[EURUSD_NAME] = evolve(EURUSD, tick_size=None)
    play.trade("1.2")
    assert play.opens()[0].volume == D("0.1"), "how near is not known: it counts as what makes the next smaller"  # type: ignore[union-attr]


def test_a_time_without_results_ends_a_series():
    play = trader(after_losses=AfterLosses(D(2), reset_after=timedelta(hours=1)))
    assert play.trade("1.09") == "0.10"
    play.now += timedelta(hours=1)
    assert play.trade("1.09") == "0.20"
    play.now += timedelta(hours=1, seconds=1)
    assert play.trade("1.09") == "0.10"


def test_a_short_copy_wins_when_the_price_falls():
    play = trader(after_losses=DOUBLED)
    assert [play.trade(price, side=Side.SELL) for price in ("1.2", "1.0", "1.0")] == ["0.10", "0.20", "0.10"]


def test_symbols_and_rows_can_count_apart():
    policy = CopyPolicy("own", size=FIXED, after_losses=AfterLosses(D(3), by_symbol=True), row=1)
    play = Trader(CopyPolicy("mixed", size=FIXED, after_losses=DOUBLED, per_symbol=(SymbolPolicy("XAU.*", policy),)))
    play.target.instruments[Symbol("XAUUSD")] = evolve(EURUSD, symbol=Symbol("XAUUSD"))
    play.target.instruments[Symbol("XAUEUR")] = evolve(EURUSD, symbol=Symbol("XAUEUR"))
    gold = {"symbol": Symbol("XAUUSD")}
    assert [play.trade("1.09", **gold) for _ in range(2)] == ["0.10", "0.30"]
    assert play.trade("1.09") == "0.10"
    assert play.trade("1.09") == "0.20"
    assert play.trade("1.09", symbol=Symbol("XAUEUR")) == "0.10"
    assert play.trade("1.09", **gold) == "0.90"


def test_a_flip_is_sized_by_the_result_of_what_it_closed():
    play = trader(after_losses=DOUBLED)
    play.fills(play.opens())
    turned = play.sees(evolve(position(position_id=PositionId("p1"), opened_at=play.now), side=Side.SELL))
    assert shape(turned) == [("close", "0.10")]
    opened = play.reports(Filled(turned[0].cl_ord_id, PositionId("t"), D("0.1"), D("1.05")))
    assert shape(opened) == [("open", "0.20")]
    play.remember()
    assert [(each.won, each.lost) for each in play.memory.series] == [(0, 1)]


def test_partial_closes_are_added_up_exactly():
    play = trader(after_losses=DOUBLED)
    play.fills(play.opens(volume="1"))
    assert play.held is not None
    [part] = play.sees(evolve(play.held, volume=D("0.5")))
    assert shape([part]) == [("reduce", "0.05")]
    play.reports(Filled(part.cl_ord_id, PositionId("t"), D("0.05"), D("1.2")))
    play.close("1.01")
    assert [(each.won, each.lost) for each in play.memory.series] == [(0, 0)], "0.1 won on a half, 0.09 lost on another"


@pytest.mark.parametrize(
    ("quoted", "price"), [("1.08", "1.09"), ("1.095", "1.095"), ("1.13", "1.12")], ids=["loss", "by hand", "profit"]
)
def test_what_a_target_closed_itself_counts_at_the_quote_but_never_beyond_its_stops(quoted: str, price: str):
    play = trader()
    play.fills(play.opens(stop_loss=D("1.09"), take_profit=D("1.12")))
    assert play.copy is not None
    [leg] = play.copy.legs
    quote = Quote(EURUSD_NAME, D(quoted), D(quoted), play.now)
    assert went_at(leg, quote, play.now + timedelta(seconds=10)) == D(price)
    assert went_at(leg, quote, play.now + timedelta(seconds=11)) is None
    assert went_at(leg, None, play.now) is None
    lost = lose_leg(play.copy, 0, D(price))
    assert outcome_of(lost, None, None) is (Outcome.WON if D(price) > D("1.1") else Outcome.LOST)
    assert outcome_of(lose_leg(play.copy, 0), None, None) is Outcome.UNKNOWN
    shrunk = shrink_leg(play.copy, 0, D("0.04"), None, D(price))
    assert shrunk.legs[0].exited is not None
    assert shrunk.legs[0].exited.lots == D("0.06")


def test_a_copy_that_the_target_closed_is_a_result_like_any_other():
    play = trader(after_losses=DOUBLED)
    play.fills(play.opens())
    assert play.copy is not None
    play.copy = lose_leg(play.copy, 0, D("1.05"))
    play.again()
    play.remember()
    assert [(each.won, each.lost) for each in play.memory.series] == [(0, 1)]
    play.again()
    assert play.last.memory is None, "once"


def test_what_never_held_anything_is_no_result():
    play = trader(after_losses=DOUBLED)
    play.opens()
    assert play.copy is not None
    assert outcome_of(play.copy, None, None) is None
    play.sees(None)
    assert play.memory.series == ()


def test_a_close_without_a_price_counts_at_what_it_was_expected_to_get():
    play = trader(after_losses=DOUBLED)
    play.fills(play.opens())
    assert play.held is not None
    play.target.quotes[EURUSD_NAME] = Quote(EURUSD_NAME, D("1.05"), D("1.05"), play.now)
    play.close(None)
    assert [(each.won, each.lost) for each in play.memory.series] == [(0, 1)]


def test_the_trace_tells_the_counts_and_the_factor():
    play = trader(after_losses=DOUBLED)
    play.trade("1.09")
    play.opens()
    [note] = [each for each in play.last.trace if isinstance(each, Note) and each.rule == "after_losses"]
    assert note.numbers == (("won", "0"), ("lost", "1"), ("factor", "2"))


def test_caps_hold_whatever_a_series_asks_for():
    play = trader(after_losses=AfterLosses(D(10)), volume=VolumePolicy(max=D("0.35"), over_max=OverMax.SPLIT))
    assert [play.trade("1.09") for _ in range(3)] == ["0.10", "0.35", "0.35"]


def test_a_factor_that_leaves_nothing_is_told():
    tiny = Series("after_losses", 0, 10, T0)
    play = trader(after_losses=AfterLosses(D("0.001"), levels=10))
    play.memory = evolve(EMPTY, series=(tiny,))
    assert play.opens() == []
    [denied] = [each for each in play.last.trace if isinstance(each, Denied)]
    assert denied.reason is Reason.SIZE_UNUSABLE


def test_masaniello_s_series_end_with_the_same_sum_whatever_comes_first():
    """Every way of winning 2 of 4 earns as much in all, as every stake is what is left of the plan."""
    plan = Masaniello(4, 2, payout=D(2))
    earned = set()
    for way in product((True, False), repeat=4):
        memory, sum_ = EMPTY, Fraction(0)
        for won in way:
            stake = scale_of(memory, plan, EURUSD_NAME, 0, T0).factor
            sum_ += stake * 2 if won else -stake
            memory = after(memory, plan, Outcome.WON if won else Outcome.LOST)
            counts = memory.series[0]
            if (counts.won, counts.lost) == (0, 0):
                break
        if sum_ > 0:
            earned.add(round(sum_, 6))
    assert len(earned) == 1


def after(memory: LinkMemory, progression: Progression, outcome: Outcome) -> LinkMemory:
    """Return the memory after a copy of one lot that ended so."""
    play = trader()
    play.fills(play.opens())
    assert play.copy is not None
    price = {Outcome.WON: D("1.2"), Outcome.LOST: D(1), Outcome.EVEN: D("1.1"), Outcome.UNKNOWN: None}[outcome]
    return remember_outcome(memory, progression, lose_leg(play.copy, 0, price), 0, EURUSD, T0)


def test_a_series_of_masaniello_ends_when_it_is_won_or_cannot_be():
    plan = Masaniello(3, 2)
    for outcomes in (
        [Outcome.WON, Outcome.WON],
        [Outcome.LOST, Outcome.LOST],
        [Outcome.WON, Outcome.LOST, Outcome.WON],
    ):
        memory = EMPTY
        for outcome in outcomes:
            memory = after(memory, plan, outcome)
        assert [(each.won, each.lost) for each in memory.series] == [(0, 0)], outcomes


def test_counts_of_a_plan_that_was_longer_begin_anew():
    memory = evolve(EMPTY, series=(Series("masaniello", 4, 3, T0),))
    assert scale_of(memory, Masaniello(3, 2), EURUSD_NAME, 0, T0).factor == 1


def test_counts_of_one_progression_mean_nothing_to_the_other():
    memory = evolve(EMPTY, series=(Series("masaniello", 0, 2, T0),))
    assert scale_of(memory, DOUBLED, EURUSD_NAME, 0, T0).factor == 1


progressions = st.one_of(
    st.builds(
        AfterLosses,
        st.sampled_from([D("0.3"), D(1), D("1.7"), D(10)]),
        st.integers(1, 10),
        st.integers(1, 4),
        by_symbol=st.booleans(),
    ),
    st.integers(2, 40).flatmap(
        lambda events: st.builds(
            Masaniello, st.just(events), st.integers(1, events - 1), st.sampled_from([D("0.01"), D("0.85"), D(3)])
        )
    ),
)


@pytest.mark.slow  # a hundred lists of up to 40 results, each asked four ways
@given(progressions, st.lists(st.sampled_from(Outcome), max_size=40))
def test_doubt_never_makes_a_size_larger_and_counts_stay_within_the_plan(
    progression: Progression, outcomes: list[Outcome]
):
    memory = EMPTY
    for outcome in outcomes:
        next_factors = {
            each: scale_of(after(memory, progression, each), progression, EURUSD_NAME, 0, T0).factor
            for each in (Outcome.WON, Outcome.LOST, Outcome.UNKNOWN)
        }
        assert next_factors[Outcome.UNKNOWN] == min(next_factors.values())
        memory = after(memory, progression, outcome)
        scale = scale_of(memory, progression, EURUSD_NAME, 0, T0)
        assert len(memory.series) == 1
        assert scale.factor >= 0
        assert scale.factor.denominator <= 10**9
        if isinstance(progression, AfterLosses):
            assert scale.series.lost <= progression.levels


@pytest.mark.slow  # a hundred series of whole rounds
@given(progressions, st.sampled_from(Rounding), st.lists(st.sampled_from(["1.0", "1.2", None]), max_size=6))
def test_no_progression_passes_a_cap_and_every_round_leaves_nothing(
    progression: Progression, rounding: Rounding, ends: list[str | None]
):
    own = {"after_losses" if isinstance(progression, AfterLosses) else "masaniello": progression}
    play = trader(volume=VolumePolicy(max=D("0.25"), round=rounding), **own)
    for price in ends:
        assert D(play.trade(price)) <= D("0.25")
        assert play.copy is None or not play.copy.holds
