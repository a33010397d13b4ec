"""Copies that are open together are sized as one, so that rounding keeps what the source scales up."""

from datetime import timedelta
from decimal import Decimal

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from rules.model.copies import Copy
from rules.model.instruments import Rounding
from rules.model.trace import Note
from rules.model.values import PositionId
from rules.policy.links import CopyPolicy
from rules.policy.size import BelowMin, Size, VolumePolicy
from tests.rules.playbook import EURUSD, T0, Playbook, position

D = Decimal
RAISED = VolumePolicy(min=BelowMin.RAISE, keep_proportions=True)


def ladder(lots: list[str], by: str, volume: VolumePolicy, **changes: object) -> list[str]:
    """Open one source position after another and return the lots of the copies; "" for none."""
    play = Playbook(CopyPolicy("ladder", size=Size(multiplier=D(by)), volume=volume))
    found = []
    for number, each in enumerate(lots):
        held = position(each, position_id=PositionId(f"p{number}"), opened_at=T0 + timedelta(seconds=number), **changes)
        play.copy = None
        orders = play.sees(held)
        found.append("".join(str(order.volume) for order in orders if hasattr(order, "volume")))
        if play.copy is not None and play.copy.holds:
            play.beside = (*play.beside, play.copy)
    return found


@pytest.mark.parametrize(
    ("lots", "copies"),
    [
        (["0.02", "0.04"], ["0.01", "0.02"]),
        (["0.06", "0.12", "0.24"], ["0.01", "0.02", "0.04"]),
        (["0.02", "0.03", "0.05"], ["0.01", "0.01", "0.02"]),
        (["0.04", "0.04", "0.04"], ["0.01", "0.01", "0.01"]),
    ],
)
def test_proportions_survive_rounding(lots: list[str], copies: list[str]):
    assert ladder(lots, "0.25", RAISED) == copies


def test_without_the_key_each_copy_is_rounded_by_itself():
    assert ladder(["0.02", "0.04"], "0.25", VolumePolicy(min=BelowMin.RAISE)) == ["0.01", "0.01"]


def test_what_rounding_took_from_one_copy_is_given_to_the_next():
    assert ladder(["0.1", "0.15", "0.15"], "0.3", VolumePolicy(keep_proportions=True)) == ["0.03", "0.04", "0.05"]


def test_what_was_not_filled_is_not_made_up_for():
    play = Playbook(CopyPolicy("ladder", volume=VolumePolicy(keep_proportions=True)))
    beside = tuple(open_copy(number) for number in range(2))
    play.beside = (beside[0], evolve(beside[1], granted=D("0.4")))
    [order] = play.sees(position("1", position_id=PositionId("new")))
    assert order.volume == D("1.00")  # type: ignore[union-attr]


def open_copy(number: int) -> Copy:
    """Return a copy of one lot that has just been granted."""
    play = Playbook(CopyPolicy("other"))
    play.sees(position(position_id=PositionId(f"p{number}"), opened_at=T0 + timedelta(seconds=number)))
    assert play.copy is not None
    return play.copy


def test_the_trace_tells_it():
    play = Playbook(CopyPolicy("ladder", size=Size(multiplier=D("0.5")), volume=VolumePolicy(keep_proportions=True)))
    play.beside = (evolve(open_copy(0), granted=D("0.5")),)
    play.sees(position("1", position_id=PositionId("new")))
    [note] = [each for each in play.last.trace if isinstance(each, Note) and each.rule == "volume.keep_proportions"]
    assert note.numbers == (("wanted", "0.5"), ("first", "0.5"), ("volume", "0.25"))


lots_ = st.decimals("0.01", "2", places=2).map(str)


@pytest.mark.slow  # a hundred ladders of up to eight decisions
@given(
    st.lists(lots_, min_size=1, max_size=8),
    st.sampled_from(["0.07", "0.25", "0.5", "1", "1.7"]),
    st.sampled_from(Rounding),
    st.sampled_from(BelowMin),
    st.sampled_from(["1", "2", "7"]),
)
def test_no_ladder_passes_a_cap_or_the_bound_on_raising(
    lots: list[str], by: str, rounding: Rounding, below: BelowMin, most: str
):
    volume = VolumePolicy(below, D("0.6"), round=rounding, max_amplification=D(most), keep_proportions=True)
    for source, copied in zip(lots, ladder(lots, by, volume), strict=True):
        held = D(copied or "0")
        assert held <= D("0.6")
        assert held % EURUSD.volume_step == 0
        bound = D(source) * D(by) * D(most)
        assert held <= bound + (0 if rounding is Rounding.DOWN or held == EURUSD.volume_min else EURUSD.volume_step)
