"""The text of Prometheus, as a reader of its own makers takes it."""

from collections.abc import Iterable

from prometheus_client.parser import text_string_to_metric_families

from copier.telling.histogram import Histogram
from copier.web.metrics import table as of
from copier.web.metrics.exposition import Exposition
from copier.web.metrics.table import Sample


def exposition(samples: Iterable[Sample]) -> str:
    page = Exposition()
    page.add(samples)
    return page.text


def read(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the samples by name and labels."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            values = tuple(sample.labels.values())
            assert values not in found.setdefault(sample.name, {}), f"{sample.name}{values} is told twice"
            found[sample.name][values] = sample.value
    return found


def test_every_metric_is_declared_with_its_kind_also_where_nothing_is_known() -> None:
    declared = [line.split()[2:] for line in exposition([]).splitlines() if line.startswith("# TYPE")]
    assert declared == [[metric.name, metric.kind] for metric in of.METRICS]


def test_names_are_once_and_as_the_conventions_want_them() -> None:
    names = [metric.name for metric in of.METRICS]
    assert len(names) == len(set(names))
    for metric in of.METRICS:
        assert metric.name.startswith(("copier_", "process_"))
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert metric.kind != "histogram" or metric.name.endswith("_seconds")
        assert metric.help.endswith(".")


def test_labels_keep_what_would_break_a_line() -> None:
    name = 'a"b\\c\nd'
    assert read(exposition([(of.POSITIONS, (name,), 3)]))["copier_positions"] == {(name,): 3}


def test_a_histogram_counts_all_that_are_below_each_bound() -> None:
    histogram = Histogram()
    for took_ms in (0.2, 3, 3, 60_000):
        histogram.count(took_ms)
    found = read(exposition([(of.SENT_TO_REPORT, ("prop",), histogram)]))
    buckets = found["copier_sent_to_report_seconds_bucket"]
    assert buckets["prop", "0.0025"] == 1
    assert buckets["prop", "0.005"] == 3
    assert buckets["prop", "10"] == 3
    assert buckets["prop", "+Inf"] == 4
    assert found["copier_sent_to_report_seconds_count"]["prop",] == 4
    assert found["copier_sent_to_report_seconds_sum"]["prop",] == 60.0062


def test_exact_numbers_stay_exact() -> None:
    assert 'copier_equity{account="a",currency="USD"} 99999.99\n' in exposition([(of.EQUITY, ("a", "USD"), "99999.99")])
