"""Percentiles by nearest rank, over the latest samples."""

from datetime import timedelta

import pytest

from copier.telling.latency import SAMPLES_MAX, Latency
from tests.rules.playbook import T0


def recorded(*milliseconds: int) -> Latency:
    latency = Latency()
    for each in milliseconds:
        latency.record("stage", T0, T0 + timedelta(milliseconds=each))
    return latency


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_the_nearest_rank(share: float, expected: float) -> None:
    assert recorded(*range(100, 0, -1)).percentile_ms("stage", share) == expected


def test_the_median_of_two_is_the_lower_one() -> None:
    assert recorded(10, 20).percentile_ms("stage", 0.5) == 10


def test_without_samples_there_is_no_percentile() -> None:
    assert Latency().percentile_ms("stage", 0.5) is None
    assert Latency().summary() == {}


def test_only_the_latest_samples_are_kept() -> None:
    latency = recorded(*[9_000] * 10, *[1] * SAMPLES_MAX)
    assert latency.percentile_ms("stage", 1.0) == 1


def test_the_summary_names_each_stage() -> None:
    assert recorded(1, 2, 3).summary() == {"stage": {"count": 3, "p50": 2.0, "p99": 3.0}}


def test_what_one_account_took_counts_in_the_whole_too() -> None:
    whole = Latency()
    one, other = Latency(whole), Latency(whole)
    one.record("sent_to_report", T0, T0 + timedelta(milliseconds=10))
    other.record("sent_to_report", T0, T0 + timedelta(milliseconds=30))
    assert one.summary()["sent_to_report"] == {"count": 1, "p50": 10.0, "p99": 10.0}
    assert whole.summary()["sent_to_report"] == {"count": 2, "p50": 10.0, "p99": 30.0}


def test_orders_that_left_together_are_counted_one_by_one() -> None:
    whole = Latency()
    Latency(whole).record("stage", T0, T0 + timedelta(milliseconds=10), 3)
    whole.record("stage", T0, T0 + timedelta(milliseconds=30))
    assert whole.summary() == {"stage": {"count": 4, "p50": 10.0, "p99": 30.0}}
    assert whole.histograms["stage"].total == 4
    assert whole.histograms["stage"].sum_ms == 60
