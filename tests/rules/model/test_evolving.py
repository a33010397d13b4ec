from decimal import Decimal

import attrs
import pytest

from rules.gates.filters import Filter
from rules.model.evolving import evolve
from rules.model.instruments import Instrument
from rules.model.values import Symbol

EURUSD = Instrument(Symbol("EURUSD"), Decimal("0.01"), Decimal(50), Decimal("0.01"), tick_size=Decimal("0.00001"))


@pytest.mark.parametrize("changes", [{}, {"tradable": False}, {"tick_size": None, "contract_size": Decimal(100)}])
def test_it_changes_what_is_named_and_nothing_else(changes):
    found = evolve(EURUSD, **changes)
    assert found == attrs.evolve(EURUSD, **changes)
    assert found is not EURUSD


def test_what_a_class_reckons_by_itself_is_reckoned_anew():
    changed = evolve(Filter(symbols=("EURUSD",)), symbols=("GBP.*",))
    assert changed._allowed.matches("GBPUSD")
    assert not changed._allowed.matches("EURUSD")


def test_a_name_that_is_no_field_is_refused():
    with pytest.raises(TypeError, match="volume"):
        evolve(EURUSD, volume=Decimal(1))
