"""Products and sums of what comes from outside are never rounded, decimals or fractions."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.sizes.volumes import difference, product, total

pytestmark = pytest.mark.slow  # a hundred generated numbers a test

numbers = st.decimals(min_value=Decimal("-1e20"), max_value=Decimal("1e20"), places=20)
rates = st.fractions(min_value=Fraction(1, 10**6), max_value=10**6)


@pytest.mark.parametrize(
    ("reckon", "on_paper"),
    [
        (product, lambda one, other: one * other),
        (total, lambda one, other: one + other),
        (difference, lambda one, other: one - other),
    ],
)
@given(one=numbers, other=st.one_of(numbers, rates))
def test_what_it_gives_is_what_fractions_give(reckon, on_paper, one, other):
    assert Fraction(reckon(one, other)) == on_paper(Fraction(one), Fraction(other))


@given(size=numbers, price=numbers, lots=numbers, more=numbers)
def test_what_limits_reckon_keeps_every_digit(size, price, lots, more):
    value = product(product(size, price), lots)
    assert Fraction(total(value, more)) == Fraction(size) * Fraction(price) * Fraction(lots) + Fraction(more)
