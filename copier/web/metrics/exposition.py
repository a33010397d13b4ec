"""Samples as text: the exposition format of Prometheus, version 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (read November 2026). Why no library:
docs/decisions/dependencies.md.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from copier.histogram import BOUNDS_MS, Histogram
from copier.web.metrics.table import METRICS, Metric, Sample, Value

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS_S: Final = (*(f"{bound / 1000:g}" for bound in BOUNDS_MS), "+Inf")


def exposition(samples: Iterable[Sample]) -> str:
    """Return the page: every metric of the table with what it means, and its samples, which may be none."""
    found: dict[str, list[str]] = {metric.name: [] for metric in METRICS}
    for metric, values, value in samples:
        found[metric.name] += _lines(metric, values, value)
    lines: list[str] = []
    for metric in METRICS:
        lines.append(f"# HELP {metric.name} {metric.help}")
        lines.append(f"# TYPE {metric.name} {metric.kind}")
        lines += found[metric.name]
    return "\n".join(lines) + "\n"


def _lines(metric: Metric, values: tuple[str, ...], value: Value) -> Iterator[str]:
    labels = [f'{name}="{_escaped(text)}"' for name, text in zip(metric.labels, values, strict=True)]
    if not isinstance(value, Histogram):
        yield f"{metric.name}{_braced(labels)} {value}"
        return
    below = 0
    for bound, count in zip(_BOUNDS_S, value.counts, strict=True):
        below += count
        within = _braced([*labels, f'le="{bound}"'])
        yield f"{metric.name}_bucket{within} {below}"
    yield f"{metric.name}_sum{_braced(labels)} {value.sum_ms / 1000:.6f}"
    yield f"{metric.name}_count{_braced(labels)} {below}"


def _braced(labels: list[str]) -> str:
    return f"{{{','.join(labels)}}}" if labels else ""


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
