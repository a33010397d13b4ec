from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model.instruments import Rounding, is_protective, round_to_step, round_toward
from rules.model.values import Side

D = Decimal


@pytest.mark.parametrize(
    ("rounding", "expected"), [(Rounding.DOWN, "0.01"), (Rounding.NEAREST, "0.02"), (Rounding.UP, "0.02")]
)
def test_volume_between_steps_is_rounded_as_told(rounding, expected):
    assert round_to_step(D("0.015"), D("0.01"), rounding) == D(expected)


@pytest.mark.parametrize(("volume", "step"), [("1", "0"), ("1", "-0.1"), ("-1", "0.1")])
def test_nonsense_volumes_are_refused(volume, step):
    with pytest.raises(ValueError, match="must be"):
        round_to_step(D(volume), D(step))


@given(
    st.decimals(min_value=0, max_value=1000, places=4),
    st.sampled_from([D("0.01"), D("0.03"), D(1), D(7)]),
    st.sampled_from(Rounding),
)
def test_rounded_volume_is_on_the_grid_and_less_than_a_step_away(volume, step, rounding):
    rounded = round_to_step(volume, step, rounding)
    assert rounded % step == 0
    assert abs(rounded - volume) < step
    assert round_to_step(rounded, step, rounding) == rounded


@pytest.mark.parametrize(
    ("price", "anchor", "expected"),
    [("99.3", "100", "99.5"), ("100.7", "100", "100.5"), ("99.5", "100", "99.5"), ("100.5", "100", "100.5")],
)
def test_price_moves_toward_the_anchor_only_between_ticks(price, anchor, expected):
    assert round_toward(D(price), D("0.5"), D(anchor)) == D(expected)


@pytest.mark.parametrize("tick", [None, D(0)])
def test_price_without_a_known_tick_stays(tick):
    assert round_toward(D("1.2345"), tick, D(1)) == D("1.2345")


def test_protective_is_strictly_on_the_losing_side():
    assert is_protective(Side.BUY, D(99), D(100))
    assert not is_protective(Side.BUY, D(100), D(100))
    assert is_protective(Side.SELL, D(101), D(100))
    assert not is_protective(Side.SELL, D(100), D(100))
