"""The auditor's own arithmetic, by hand-reckoned examples."""

from decimal import Decimal

import pytest

from rules.model.instruments import Instrument, Rounding
from rules.model.values import Symbol
from rules.policy.links import CopyPolicy
from rules.policy.size import BelowMin, Size, VolumePolicy
from tests.simulation.expected import copy_volumes, entry_volume, is_close_enough

D = Decimal
GOLD = Instrument(Symbol("XAUUSD"), volume_min=D("0.05"), volume_max=D(10), volume_step=D("0.01"))


def policy(multiplier: str, **volume: object) -> CopyPolicy:
    return CopyPolicy("test", size=Size(multiplier=D(multiplier)), volume=VolumePolicy(**volume))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "wanted", "given"),
    [
        ("1", "0.33", policy("0.33")),
        ("0.17", "0.05", policy("0.33")),  # 0.0561
        ("0.17", "0.06", policy("0.33", round=Rounding.UP)),
        ("0.15", None, policy("0.33")),  # 0.0495 is below the minimum
        ("0.15", "0.05", policy("0.33", min=BelowMin.RAISE)),
        ("0.05", None, policy("0.33", min=BelowMin.RAISE)),  # more than twice what is wanted
        ("9", "2", policy("1", max=D(2))),
        ("90", "10", policy("1")),
        ("0.155", "0.16", policy("1", round=Rounding.NEAREST)),  # halves go up
    ],
)
def test_a_copy_opens_with_the_policys_lots(source: str, wanted: str | None, given: CopyPolicy) -> None:
    assert entry_volume(given, GOLD, D(source)) == (None if wanted is None else D(wanted))


def test_a_capped_copy_follows_at_the_ratio_of_its_entry() -> None:
    assert copy_volumes(policy("1", max=D(2)), GOLD, [D(4)], D(1)) == {D("0.5")}
    assert copy_volumes(policy("1", max=D(2)), GOLD, [D(4), D(1)], D(1)) == {D("0.5"), D(1)}


def test_a_copy_is_never_reduced_below_the_minimum() -> None:
    assert copy_volumes(policy("0.1"), GOLD, [D(1)], D("0.01")) == {D("0.05")}


def test_only_what_no_order_could_close_may_be_left_over() -> None:
    assert is_close_enough([D("0.54")], D("0.5"), GOLD)
    assert not is_close_enough([D("0.55")], D("0.5"), GOLD)
    assert not is_close_enough([D("0.49")], D("0.5"), GOLD)
