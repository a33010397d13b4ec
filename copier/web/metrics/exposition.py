"""Samples as text: the exposition format of Prometheus, version 0.0.4.

Source: https://prometheus.io/docs/instrumenting/exposition_formats/ (read November 2026). Why no library:
docs/decisions/dependencies.md.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from copier.telling.histogram import BOUNDS_MS, Histogram
from copier.web.metrics.table import METRICS, Metric, Sample, Value

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_BOUNDS_S: Final = (*(f"{bound / 1000:g}" for bound in BOUNDS_MS), "+Inf")


class Exposition:
    """A page in the making."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {
            metric.name: [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
            for metric in METRICS
        }

    def add(self, samples: Iterable[Sample]) -> None:
        """Take some samples, in whatever order."""
        for metric, values, value in samples:
            self._lines[metric.name] += _lines(metric, values, value)

    @property
    def text(self) -> str:
        """Every metric of the table with what it means, and its samples, which may be none."""
        return "".join(f"{line}\n" for lines in self._lines.values() for line in lines)


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
