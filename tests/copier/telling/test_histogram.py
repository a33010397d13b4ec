"""Durations are counted between fixed bounds."""

from copier.telling.histogram import BOUNDS_MS, Histogram


def test_a_duration_at_a_bound_is_counted_below_it_and_one_beyond_all_in_the_last_place() -> None:
    histogram = Histogram()
    for took_ms in (0.0, 0.25, 0.26, 10_000, 10_000.1):
        histogram.count(took_ms)
    assert histogram.counts[:2] == [2, 1]
    assert histogram.counts[-2:] == [1, 1]
    assert histogram.total == 5
    assert histogram.sum_ms == 20_000.61


def test_bounds_rise() -> None:
    assert list(BOUNDS_MS) == sorted(set(BOUNDS_MS))
