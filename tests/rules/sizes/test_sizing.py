from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from rules.model.instruments import Instrument, Rounding
from rules.model.observed import AccountStatus, Position
from rules.model.reasons import Reason
from rules.model.state import AccountView
from rules.model.trace import Denied
from rules.model.values import AccountId, PositionId, Side, Symbol
from rules.policy.size import BelowMin, OverMax, Size, SizeMode, VolumePolicy
from rules.sizes.sizing import Sized, following_volume, size_copy
from rules.sizes.variables import Basis
from rules.sizes.volumes import PIECES_MAX

D = Decimal
SOURCE = Position(PositionId("1"), Symbol("EURUSD"), Side.BUY, D(1), D("1.1"), datetime(2026, 11, 20, tzinfo=UTC))
EURUSD = Instrument(Symbol("EURUSD"), D("0.01"), D(50), D("0.01"))
SPLIT = VolumePolicy(over_max=OverMax.SPLIT)
RAISE = VolumePolicy(min=BelowMin.RAISE)


def copy(
    volume: str = "1",
    *,
    size: Size | None = None,
    policy: VolumePolicy | None = None,
    statuses: tuple[AccountStatus | None, AccountStatus | None] = (None, None),
    contract_size: Decimal | None = None,
    **instrument: object,
) -> Sized | Denied:
    basis = based(evolve(SOURCE, volume=D(volume), contract_size=contract_size), evolve(EURUSD, **instrument), statuses)
    return size_copy(size or Size(), policy or VolumePolicy(), basis)


def based(
    position: Position,
    instrument: Instrument,
    statuses: tuple[AccountStatus | None, AccountStatus | None] = (None, None),
) -> Basis:
    source = AccountView(AccountId("source"), status=statuses[0], instruments={position.symbol: None})
    target = AccountView(AccountId("target"), status=statuses[1])
    return Basis(position, source, target, instrument, position.opened_at)


def volume(sized: Sized | Denied) -> Decimal:
    assert isinstance(sized, Sized), sized
    assert sum(sized.pieces) == sized.volume
    return sized.volume


def reason(denied: Sized | Denied) -> Reason:
    assert isinstance(denied, Denied), denied
    assert denied.numbers, "a denial carries its numbers"
    return denied.reason


def status(balance: str, equity: str | None = None, currency: str | None = "USD") -> AccountStatus:
    return AccountStatus(D(balance), None if equity is None else D(equity), currency)


def multiplied(by: str) -> Size:
    return Size(multiplier=D(by))


def test_multiplier_scales_and_rounds_down():
    sized = copy("0.33", size=multiplied("0.5"))
    assert volume(sized) == D("0.16")
    assert sized.ratio == Fraction(1, 2)  # of the exact volume, not of the rounded


def test_fixed_volume_ignores_source_and_contract_sizes():
    size = Size(mode=SizeMode.FIXED, volume=D("0.3"))
    sized = copy("7", size=size, contract_size=D(100))
    assert volume(sized) == D("0.3")
    assert sized.ratio == Fraction(3, 70)


def test_balance_ratio_is_exact_where_decimals_would_not_be():
    size = Size(mode=SizeMode.BALANCE_RATIO)
    # A third of 0.03 three times over: a rounded quotient would fall one step short.
    sized = copy("0.03", size=size, statuses=(status("30000"), status("10000")))
    assert volume(sized) == D("0.01")
    assert sized.ratio == Fraction(1, 3)


def test_equity_ratio_takes_equity_and_pinned_references():
    size = Size(mode=SizeMode.EQUITY_RATIO, multiplier=D(2))
    assert volume(copy(size=size, statuses=(status("1", "1000"), status("1", "500")))) == 1
    pinned = evolve(size, source_reference=D(2000), target_reference=D(500))
    assert volume(copy(size=pinned, statuses=(status("1", "1000"), status("1", "500")))) == D("0.5")
    assert volume(copy(size=pinned)) == D("0.5")


@pytest.mark.parametrize("statuses", [(None, status("1", "1")), (status("1", "1"), None), (status("1"), status("1"))])
def test_unknown_reference_waits(statuses):
    assert reason(copy(size=Size(mode=SizeMode.EQUITY_RATIO), statuses=statuses)) is Reason.REFERENCE_UNKNOWN


@pytest.mark.parametrize("balance", ["0", "-5"])
def test_reference_must_be_positive(balance):
    size = Size(mode=SizeMode.BALANCE_RATIO)
    assert reason(copy(size=size, statuses=(status("1"), status(balance)))) is Reason.REFERENCE_NOT_POSITIVE
    assert reason(copy(size=size, statuses=(status(balance), status("1")))) is Reason.REFERENCE_NOT_POSITIVE


@pytest.mark.parametrize(("source", "target"), [("USD", None), (None, "USD")])
def test_differing_currencies_need_a_rate_or_leave_to_ignore_them(source, target):
    statuses = (status("100", currency=source), status("100", currency=target))
    assert reason(copy(size=Size(mode=SizeMode.BALANCE_RATIO), statuses=statuses)) is Reason.CURRENCY_RATE_UNKNOWN
    ignoring = Size(mode=SizeMode.BALANCE_RATIO, ignore_currency=True)
    assert volume(copy(size=ignoring, statuses=statuses)) == 1


def test_currency_is_no_matter_of_the_multiplier():
    assert volume(copy(statuses=(status("1", currency="USD"), status("1", currency="JPY")))) == 1


def test_two_unknown_currencies_count_as_equal_and_are_noted():
    size = Size(mode=SizeMode.BALANCE_RATIO)
    sized = copy(size=size, statuses=(status("100", currency=None), status("50", currency=None)))
    assert volume(sized) == D("0.5")
    assert "neither currency" in dict(sized.notes[0].numbers)["rate"]


def test_contract_sizes_convert():
    target = evolve(EURUSD, contract_size=D(10))
    assert volume(size_copy(Size(), VolumePolicy(), based(evolve(SOURCE, contract_size=D(100)), target))) == 10


def test_one_unknown_contract_size_denies_and_two_are_noted():
    assert reason(copy(contract_size=D(100))) is Reason.CONTRACT_SIZE_UNKNOWN
    known = evolve(EURUSD, contract_size=D(100))
    assert (
        reason(size_copy(Size(), VolumePolicy(), based(evolve(SOURCE, contract_size=None), known)))
        is Reason.CONTRACT_SIZE_UNKNOWN
    )
    assert (
        reason(size_copy(Size(), VolumePolicy(), based(evolve(SOURCE, contract_size=D(0)), known)))
        is Reason.CONTRACT_SIZE_UNKNOWN
    )
    assert volume(copy(contract_size=D(100), size=Size(ignore_contract_size=True))) == 1
    sized = copy()
    assert volume(sized) == 1
    assert "neither" in dict(sized.notes[0].numbers)["contract_ratio"]


def test_policy_cap_comes_before_the_ratio():
    sized = copy("10", policy=VolumePolicy(max=D(5)))
    assert volume(sized) == 5
    assert sized.ratio == Fraction(1, 2)


@pytest.mark.parametrize("rounding", Rounding)
def test_no_rounding_passes_a_cap_off_the_grid(rounding):
    assert volume(copy("3", policy=VolumePolicy(max=D("0.555"), round=rounding))) == D("0.55")
    assert volume(copy("3", policy=VolumePolicy(round=rounding), volume_max=D("0.555"))) == D("0.55")


@pytest.mark.parametrize(
    ("rounding", "wanted", "expected"),
    [
        (Rounding.DOWN, "0.019", "0.01"),
        (Rounding.NEAREST, "0.015", "0.02"),
        (Rounding.NEAREST, "0.0149", "0.01"),
        (Rounding.UP, "0.011", "0.02"),
    ],
)
def test_rounding_to_the_step(rounding, wanted, expected):
    assert volume(copy(wanted, policy=VolumePolicy(round=rounding))) == D(expected)


def test_above_the_instruments_maximum_clamps_or_denies():
    clamped = copy("80")
    assert volume(clamped) == 50
    assert clamped.ratio == Fraction(50, 80)
    assert reason(copy("80", policy=VolumePolicy(over_max=OverMax.DENY))) is Reason.VOLUME_ABOVE_MAX
    assert volume(copy("50", policy=VolumePolicy(over_max=OverMax.DENY))) == 50


def test_split_cuts_by_the_instruments_maximum_only():
    sized = copy("120", policy=SPLIT)
    assert sized.pieces == (50, 50, 20)
    assert sized.ratio == 1
    assert copy("120", policy=evolve(SPLIT, max=D(60))).pieces == (50, 10)


def test_last_piece_below_the_minimum_takes_from_the_one_before():
    assert copy("2.05", policy=SPLIT, volume_max=D(1), volume_min=D("0.1")).pieces == (D(1), D("0.95"), D("0.1"))


def test_rest_that_no_piece_can_hold_is_left_out():
    assert copy("0.32", policy=SPLIT, volume_max=D("0.15"), volume_min=D("0.1")).pieces == (D("0.15"), D("0.15"))


def test_split_into_absurdly_many_orders_is_denied():
    assert len(copy("50", policy=SPLIT, volume_max=D(1)).pieces) == PIECES_MAX
    for many in ("50.01", "99999999999999999999"):
        assert reason(copy(many, policy=SPLIT, volume_max=D(1))) is Reason.VOLUME_ABOVE_MAX


def test_below_the_minimum_is_denied_unless_raised():
    assert reason(copy("0.009")) is Reason.VOLUME_BELOW_MIN
    sized = copy("0.009", policy=RAISE)
    assert volume(sized) == D("0.01")
    assert sized.ratio == 1
    assert volume(copy("0.005", policy=RAISE)) == D("0.01")  # exactly twice


def test_raising_is_bounded_by_amplification_and_by_caps():
    assert reason(copy("0.0049", policy=RAISE)) is Reason.VOLUME_AMPLIFIED
    assert reason(copy("1", policy=evolve(RAISE, max=D("0.009")))) is Reason.VOLUME_BELOW_MIN
    assert reason(copy("0.0049", policy=VolumePolicy(round=Rounding.UP))) is Reason.VOLUME_AMPLIFIED


def test_minimum_off_the_grid_is_the_next_step():
    assert volume(copy("0.17", policy=RAISE, volume_min=D("0.15"), volume_step=D("0.1"))) == D("0.2")


@pytest.mark.parametrize("broken", [{"volume_step": D(0)}, {"volume_step": D(-1)}, {"volume_min": D(-1)}])
def test_nonsense_of_a_venue_is_denied_not_a_crash(broken):
    assert reason(copy(**broken)) is Reason.SYMBOL_NOT_TRADABLE
    assert reason(copy("0")) is Reason.SYMBOL_NOT_TRADABLE


def test_partial_closes_follow_the_exact_ratio():
    follow = [
        following_volume(Fraction(1, 3), D(left), D("0.33"), EURUSD, VolumePolicy()) for left in ("1", "0.5", "0.02")
    ]
    assert follow == [D("0.33"), D("0.16"), D("0.01")]
    assert following_volume(Fraction(1, 3), D(0), D("0.33"), EURUSD, VolumePolicy()) == 0
    # Less than the minimum is held: that is all there is.
    assert following_volume(Fraction(1, 3), D("0.02"), D("0.005"), EURUSD, VolumePolicy()) == D("0.005")


steps = st.sampled_from([D("0.01"), D("0.1"), D(1), D("0.03")])
lots = st.decimals(min_value="0.001", max_value="500", places=3)
policies = st.builds(
    VolumePolicy,
    min=st.sampled_from(BelowMin),
    max=st.none() | lots,
    over_max=st.sampled_from(OverMax),
    round=st.sampled_from(Rounding),
    max_amplification=st.decimals(min_value=1, max_value=10, places=1),
)
instruments = st.builds(
    lambda step, least, span: Instrument(Symbol("X"), step * least, step * (least + span), step),
    steps,
    st.integers(1, 30),
    st.integers(0, 300),
)
sizes = st.builds(Size, multiplier=st.decimals(min_value="0.01", max_value="20", places=2))


@given(sizes, policies, lots, instruments)
@pytest.mark.slow  # a hundred examples of six drawn values each
def test_granted_volume_is_on_the_grid_and_passes_no_cap(size, policy, source_volume, instrument):
    sized = size_copy(size, policy, based(evolve(SOURCE, volume=source_volume), instrument))
    assume(isinstance(sized, Sized))
    assert sum(sized.pieces) == sized.volume > 0
    for piece in sized.pieces:
        assert piece % instrument.volume_step == 0
        assert instrument.volume_min <= piece <= instrument.volume_max
    assert policy.max is None or sized.volume <= policy.max
    assert len(sized.pieces) == 1 or policy.over_max is OverMax.SPLIT
    exact = Fraction(source_volume) * Fraction(size.multiplier)
    assert sized.volume < exact + Fraction(max(instrument.volume_step, instrument.volume_min))
    if policy.round is Rounding.DOWN and policy.min is BelowMin.DENY:
        assert sized.volume <= exact


@given(
    st.fractions(min_value="1/100", max_value=10, max_denominator=1000),
    st.lists(st.integers(1, 9), min_size=1, max_size=30),
    instruments,
    policies,
)
@pytest.mark.slow  # a hundred examples of up to thirty partial closes
def test_many_small_partials_do_not_drift(ratio, cuts, instrument, policy):
    """What the target holds depends on what is left, not on the way there, and only ever shrinks."""
    left = Decimal(sum(cuts)).scaleb(-1)
    held = granted = following_volume(ratio, left, D(10**6), instrument, policy)
    for cut in cuts:
        left -= Decimal(cut).scaleb(-1)
        held_before, held = held, following_volume(ratio, left, held, instrument, policy)
        assert held <= held_before
        assert held == following_volume(ratio, left, granted, instrument, policy)
        if left > 0:
            assert held > 0
            assert held % instrument.volume_step == 0
            off = abs(Fraction(held) - ratio * Fraction(left))
            assert off < Fraction(max(instrument.volume_step, instrument.volume_min))
    assert held == 0
