from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.model.values import Money, Side, exact, plain


@pytest.mark.parametrize(
    ("value", "expected"),
    [("0.30", "0.30"), (5, "5"), (-5, "-5"), (Decimal("1.10"), "1.10"), ("1e3", "1000"), ("1E-5", "0.00001")],
)
def test_plain_and_scientific_numbers_get_in_exactly(value, expected):
    assert exact(value) == Decimal(expected)


@pytest.mark.parametrize(
    "value",
    ["NaN", "Infinity", "-Infinity", "1_000", " 1.5", "1.5\n", "1E+400000", "1e99", "", "0x1", "1.", ".5", "+1", "١"],
)
def test_hostile_text_is_refused(value):
    with pytest.raises(ValueError, match="price"):
        exact(value, "price")


@pytest.mark.parametrize("value", [1.5, True, None, [], b"1", 10**20, Decimal("NaN"), Decimal("1e30")])
def test_other_types_and_absurd_sizes_are_refused(value):
    with pytest.raises(ValueError, match="number"):
        exact(value)


def test_huge_integer_is_refused_before_its_digits_are_counted():
    with pytest.raises(ValueError, match="at most 20 digits"):
        exact(-(10**5000))


def test_error_shows_no_more_than_forty_characters_of_the_value():
    with pytest.raises(ValueError) as caught:
        exact("9" * 5000)
    assert len(str(caught.value)) < 120


@pytest.mark.parametrize(
    ("number", "text"), [("0.30", "0.3"), ("1E+2", "100"), ("-0", "0"), ("-0.00", "0"), ("1E-7", "0.0000001")]
)
def test_plain_text_has_neither_exponent_nor_trailing_zeros(number, text):
    assert plain(Decimal(number)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=8))
def test_plain_text_gets_back_in_unchanged(number):
    assert exact(plain(number)) == number


def judged(value):
    """Return what becomes of a value, sign and exponent included; None where it is refused."""
    try:
        return str(exact(value))
    except ValueError:
        return None


@given(st.decimals() | st.builds(Decimal, st.from_regex(r"-?[0-9]{1,24}(E[+-]?[0-9]{1,6})?", fullmatch=True)))
def test_a_decimal_is_judged_as_its_text_would_be(number):
    assert judged(number) == judged(str(number))


def test_opposite_of_the_opposite_is_the_side():
    assert Side.BUY.opposite is Side.SELL
    assert Side.SELL.opposite is Side.BUY


def test_money_says_its_currency():
    assert str(Money(Decimal("1.50"), "USD")) == "1.50 USD"
