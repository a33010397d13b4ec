"""Values that carry their unit, and what is refused."""

from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copier.config.checks import duration_text
from copier.config.effective import shown
from copier.config.errors import Fault, shown_value
from copier.config.units import (
    read_distance,
    read_duration,
    read_money,
    read_number,
    read_percent,
    read_ratio,
    read_tolerance,
)
from rules.model.values import Money
from rules.policy.distances import Distance, DistanceUnit
from rules.policy.mismatch import Tolerance, ToleranceUnit

ANYTHING = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="0123456789.-+ %dhms", max_size=12),
    st.integers(),
    st.decimals(),
    st.booleans(),
    st.floats(),
    st.lists(st.integers(), max_size=2),
    st.none(),
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3s", 3), ("500ms", 0.5), ("8h30m", 30600), ("1d", 86400), ("2.5s", 2.5), ("0s", 0), ("1h 5m", 3900), ("3 s", 3)],
)
def test_durations_are_read_exactly(text: str, seconds: float):
    assert read_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value",
    ["", "3", "s", "3 parsecs", "-3s", "30m8h", "1s1s", "1e3s", "٣s", "0.0000001s", "367d", "9" * 70 + "s", True, None],
)
def test_what_is_no_duration_is_refused(value: object):
    with pytest.raises(Fault):
        read_duration(value)


def test_a_duration_without_its_unit_is_refused_with_advice():
    with pytest.raises(Fault) as caught:
        read_duration(3)
    assert caught.value.hint == 'write the unit, such as "3s"'


@given(st.integers(min_value=0, max_value=366 * 86_400_000))
def test_a_duration_is_shown_as_it_would_be_written(milliseconds: int):
    duration = timedelta(milliseconds=milliseconds)
    assert read_duration(duration_text(duration)) == duration


@pytest.mark.parametrize(
    ("text", "fraction"), [("4 %", "0.04"), ("4%", "0.04"), ("0.25 %", "0.0025"), ("-1 %", "-0.01")]
)
def test_percents_become_fractions(text: str, fraction: str):
    assert read_percent(text) == Decimal(fraction)


@pytest.mark.parametrize("value", ["4", "%", " %", "nan %", "4 % %", "1e400 %", 4, Decimal("0.04"), None])
def test_what_is_no_percent_is_refused(value: object):
    with pytest.raises(Fault):
        read_percent(value)


def test_a_fraction_is_a_number_or_a_percent():
    assert read_ratio(Decimal("0.1")) == read_ratio("10 %") == Decimal("0.1")
    with pytest.raises(Fault, match="a fraction such as"):
        read_ratio("0.1")


def test_money_has_its_currency():
    assert read_money("100000 USD") == Money(Decimal(100000), "USD")
    assert read_money("-0.50 USDT") == Money(Decimal("-0.50"), "USDT")


@pytest.mark.parametrize("value", ["100000", "USD", "100000 usd", "1_000 USD", "nan USD", "100000USD", 100000, None])
def test_what_is_no_money_is_refused(value: object):
    with pytest.raises(Fault):
        read_money(value)


@pytest.mark.parametrize(
    ("value", "amount", "unit"),
    [
        ("5 points", "5", DistanceUnit.POINTS),
        ("1 point", "1", DistanceUnit.POINTS),
        ("3 pips", "3", DistanceUnit.PIPS),
        ("3pips", "3", DistanceUnit.PIPS),
        ("0.1 %", "0.1", DistanceUnit.PERCENT),
        ("0.5", "0.5", DistanceUnit.PRICE),
        (Decimal("0.5"), "0.5", DistanceUnit.PRICE),
        (2, "2", DistanceUnit.PRICE),
    ],
)
def test_distances_keep_their_unit(value: object, amount: str, unit: DistanceUnit):
    assert read_distance(value) == Distance(Decimal(amount), unit)


@pytest.mark.parametrize(
    "value", ["", "points", "5 lots", "-5 points", "nan points", "inf", -1, True, None, "5 points points"]
)
def test_what_is_no_distance_is_refused(value: object):
    with pytest.raises(Fault):
        read_distance(value)


def test_a_number_in_quotes_is_refused_with_advice():
    with pytest.raises(Fault) as caught:
        read_number("0.5")
    assert caught.value.hint == "write it without quotes"


@given(ANYTHING)
def test_no_value_does_anything_but_fit_or_be_refused(value: object):
    for read in (read_number, read_duration, read_percent, read_ratio, read_money, read_distance):
        with suppress(Fault):
            read(value)


@given(ANYTHING)
def test_what_a_fault_shows_is_short_and_on_one_line(value: object):
    shown = shown_value(value)
    assert len(shown) <= 800
    assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("0 steps", Tolerance(Decimal(0), ToleranceUnit.STEPS)),
        ("1 step", Tolerance(Decimal(1), ToleranceUnit.STEPS)),
        ("5 %", Tolerance(Decimal("0.05"), ToleranceUnit.PERCENT)),
        ("100 USD", Tolerance(Decimal(100), ToleranceUnit.CASH, "USD")),
    ],
)
def test_a_tolerance_carries_its_unit(text: str, tolerance: Tolerance):
    assert read_tolerance(text) == tolerance
    assert read_tolerance(shown(tolerance)) == tolerance


@pytest.mark.parametrize(
    "value", ["1", "-5 %", "-1 USD", "step", "1 lots", "nan steps", "1.2.3 steps", 1, True, None, "1 usd"]
)
def test_what_is_no_tolerance_is_refused(value: object):
    with pytest.raises(Fault, match='a tolerance >= 0 such as "1 step", "5 %" or "100 USD"'):
        read_tolerance(value)
