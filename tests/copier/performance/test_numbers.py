"""Means, percentiles, bars and falls, by numbers that can be checked by hand."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copier.performance.numbers import BARS_MAX, Bar, Fall, bars, cents, largest_fall, mean, percentile, share, total
from tests.rules.playbook import T0


def numbers(*texts: str) -> list[Decimal]:
    return [Decimal(text) for text in texts]


def at(minutes: int) -> datetime:
    return T0 + timedelta(minutes=minutes)


def test_sums_are_exact_and_means_are_to_the_cent() -> None:
    assert total(numbers("0.1", "0.2", "99999999999999999999.5")) == Decimal("99999999999999999999.8")
    assert total([]) == 0
    assert mean(numbers("1", "2", "2")) == Decimal("1.67")
    assert mean([]) is None
    assert cents(Decimal("2.675")) == Decimal("2.68")


def test_a_share_is_in_percent_and_of_nothing_there_is_none() -> None:
    assert share(2, 3) == Decimal("66.67")
    assert share(0, 3) == 0
    assert share(1, 0) is None


def test_a_percentile_is_one_of_the_numbers() -> None:
    some = numbers("5", "1", "3", "2", "4", "10", "7", "8", "9", "6")
    assert percentile(some, Decimal("0.5")) == 5
    assert percentile(some, Decimal("0.9")) == 9
    assert percentile(some, Decimal(1)) == 10
    assert percentile(numbers("4"), Decimal("0.5")) == 4


def test_bars_are_as_wide_as_people_count() -> None:
    assert bars(numbers("-4", "0", "0.5", "2")) == [
        Bar(Decimal(low), Decimal(low + 1), count)
        for low, count in zip(range(-4, 3), (1, 0, 0, 0, 2, 0, 1), strict=True)
    ]
    assert [(bar.low, bar.count) for bar in bars(numbers("0", "99"))] == [
        (each * 10, int(each in (0, 9))) for each in range(10)
    ]
    assert bars(numbers("7", "7")) == [Bar(Decimal(7), Decimal(8), 2)]
    assert bars([]) == []


@pytest.mark.slow  # a hundred lists
@given(st.lists(st.decimals(-100_000, 100_000, places=1), min_size=1, max_size=30))
def test_every_number_is_in_one_bar_and_there_are_never_too_many(some: list[Decimal]) -> None:
    found = bars(some)
    assert len(found) <= BARS_MAX
    assert [bar.count for bar in found] == [sum(bar.low <= number < bar.high for number in some) for bar in found]
    assert sum(bar.count for bar in found) == len(some)


def test_the_largest_fall_is_from_the_highest_point_before() -> None:
    curve = [(at(minute), Decimal(value)) for minute, value in enumerate((100, 120, 90, 130, 105, 110))]
    # 120 to 90 is 30 and 25 %; 130 to 105 is 25.
    assert largest_fall(curve) == Fall(Decimal(30), Decimal("25.00"), at(1), at(2))


def test_the_largest_fall_in_percent_may_be_another_one() -> None:
    curve = [(at(minute), Decimal(value)) for minute, value in enumerate((10, 5, 1000, 900))]
    assert largest_fall(curve) == Fall(Decimal(100), Decimal("50.00"), at(2), at(3))


def test_what_only_rises_falls_by_nothing() -> None:
    assert largest_fall([(at(0), Decimal(1)), (at(1), Decimal(2))]) == Fall(Decimal(0), Decimal("0.00"), None, None)
    assert largest_fall([]) == Fall(Decimal(0), None, None, None)
    assert largest_fall([(at(0), Decimal(0)), (at(1), Decimal(-5))]).percent is None
