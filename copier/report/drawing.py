"""Pictures without scripts: the equity curve, bars of a distribution, and what is left of a limit, as inline SVG.

Coordinates are floats; nothing is decided by them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import ceil, floor, log10
from typing import Final
from zoneinfo import ZoneInfo

from copier.report.markup import Markup, tag
from copier.web.dto.accounts import EquityPoint
from copier.web.dto.performance import EquityFigures, SlippageBar

WIDTH: Final = 960.0
HEIGHT: Final = 250.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 12.0, 12.0, 28.0

SPREAD_MIN: Final = 0.002
"""A quiet account's cents would fill the whole height, and look like a crash: at least this share of it is shown."""

_LABEL_PX: Final = 110
"""Between two times of the axis."""

_STEPS: Final = (1, 2, 5, 10)
_STEPS_S: Final = (60, 300, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000)
"""Between two times of the axis: from a minute to a quarter."""


def curve(points: Sequence[EquityPoint], figures: EquityFigures, zone: ZoneInfo) -> Markup:
    """Return balance and equity over time, with the largest fall shaded."""
    equity = [(each.at, float(each.equity)) for each in points if each.equity is not None]
    balance = [(each.at, float(each.balance)) for each in points if each.balance is not None]
    first, last = equity[0][0], equity[-1][0]
    low, high = _spread([value for _, value in (*equity, *balance)])
    whole = max((last - first).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (at - first).total_seconds() / whole

    def y(value: float) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts = [*_values(low, high, y), *_times(first, last, zone, x)]
    if figures.fell_from is not None and figures.fell_to is not None:
        left, right = x(figures.fell_from), x(figures.fell_to)
        parts.append(
            tag("rect", x=left, y=_TOP, width=max(right - left, 2.0), height=HEIGHT - _TOP - _BOTTOM, class_="fall")
        )
    for cut in _pieces(equity):
        run = _thinned(cut, x)
        line = " ".join(f"{x(at):.1f} {y(value):.1f}" for at, value in run)
        bottom = f"{x(run[-1][0]):.1f} {HEIGHT - _BOTTOM:.1f} {x(run[0][0]):.1f} {HEIGHT - _BOTTOM:.1f}"
        parts.append(tag("path", d=f"M{line} L{bottom}Z", class_="under"))
        parts.append(tag("path", d=f"M{line}", class_="equity"))
    for cut in _pieces(balance):
        line = " ".join(f"{x(at):.1f} {y(value):.1f}" for at, value in _thinned(cut, x))
        parts.append(tag("path", d=f"M{line}", class_="balance"))
    label = f"Equity of {figures.account}: from {figures.first} to {figures.last}, lowest {figures.lowest}"
    return tag("svg", *parts, viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", role="img", aria_label=label, class_="curve")


def bars(shown: Sequence[SlippageBar]) -> Markup:
    """Return a distribution: better than zero in one colour, worse in another."""
    width, height, gap = 440.0, 150.0, 4.0
    most = max(each.count for each in shown)
    each_px = (width - gap) / len(shown)
    parts = []
    for number, each in enumerate(shown):
        tall = (height - 40) * each.count / most
        left = gap + number * each_px
        middle = left + (each_px - gap) / 2
        kind = "better" if Decimal(each.high) <= 0 else "worse"
        parts.append(tag("rect", x=left, y=height - 22 - tall, width=each_px - gap, height=tall, rx=2, class_=kind))
        if each.count:
            parts.append(tag("text", str(each.count), x=middle, y=height - 27 - tall, class_="count"))
        parts.append(tag("text", each.low, x=left, y=height - 8, class_="from"))
    label = ", ".join(f"{each.count} from {each.low} to {each.high}" for each in shown)
    return tag("svg", *parts, viewBox=f"0 0 {width:.0f} {height:.0f}", role="img", aria_label=label, class_="bars")


def meter(percent: str | None, *, is_target: bool = False) -> Markup | None:
    """Return what is left of a limit as a bar: full where nothing is used up. To reach a target is no danger."""
    if percent is None:
        return None
    left = min(max(float(percent), 0.0), 100.0)
    kind = "ok" if is_target or left >= 30 else "warning" if left >= 10 else "danger"
    return tag(
        "svg",
        tag("rect", x=0, y=0, width=100, height=8, rx=4, class_="sunk"),
        tag("rect", x=0, y=0, width=left, height=8, rx=4, class_=kind),
        viewBox="0 0 100 8",
        class_="meter",
        aria_hidden="true",
    )


def _spread(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    middle = (low + high) / 2
    half = max((high - low) * 0.56, abs(middle) * SPREAD_MIN / 2, 0.5)
    return middle - half, middle + half


def _values(low: float, high: float, y: Callable[[float], float]) -> Iterator[Markup]:
    """Yield lines across with their values."""
    rough = (high - low) / 7
    power = 10.0 ** floor(log10(rough))
    step = next(power * each for each in _STEPS if power * each >= rough)
    for number in range(ceil(low / step), floor(high / step) + 1):
        value = number * step
        digits = 0 if step >= 1 else 2
        yield tag("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=y(value), y2=y(value), class_="grid")
        yield tag("text", f"{value:,.{digits}f}", x=_LEFT - 8, y=y(value) + 4, class_="value")


def _times(first: datetime, last: datetime, zone: ZoneInfo, x: Callable[[datetime], float]) -> Iterator[Markup]:
    """Yield times below, on full hours or days of the zone."""
    whole_s = (last - first).total_seconds()
    room = int((WIDTH - _LEFT - _RIGHT) // _LABEL_PX)
    step_s = next((each for each in _STEPS_S if whole_s / each <= room), _STEPS_S[-1])
    midnight = first.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    passed = ceil((first - midnight).total_seconds() / step_s)
    for number in range(passed, passed + room + 2):
        at = midnight + timedelta(seconds=number * step_s)
        if at > last:
            return
        text = f"{at:%H:%M}" if step_s < 86400 else f"{at:%d %b}"
        yield tag("text", text, x=x(at), y=HEIGHT - 8, class_="time")


def _pieces(points: Sequence[tuple[datetime, float]]) -> Iterator[Sequence[tuple[datetime, float]]]:
    """Yield the stretches between holes: where nothing was sampled for long, no line pretends to know."""
    begin = 0
    for number in range(1, len(points)):
        gap = points[number][0] - points[number - 1][0]
        # Samples are a minute apart, and an hour where they are older than a week.
        if gap > timedelta(minutes=125) or (gap > timedelta(minutes=10) and _is_dense(points, number)):
            yield points[begin:number]
            begin = number
    yield points[begin:]


def _is_dense(points: Sequence[tuple[datetime, float]], number: int) -> bool:
    """Tell whether samples came by the minute around a gap."""
    before = number >= 2 and points[number - 1][0] - points[number - 2][0] < timedelta(minutes=10)
    after = number + 1 < len(points) and points[number + 1][0] - points[number][0] < timedelta(minutes=10)
    return before or after


def _thinned(points: Sequence[tuple[datetime, float]], x: Callable[[datetime], float]) -> list[tuple[datetime, float]]:
    """Return of each pixel's points the first, the lowest, the highest and the last: the picture is the same."""
    kept: dict[int, list[tuple[datetime, float]]] = {}
    for point in points:
        kept.setdefault(int(x(point[0])), []).append(point)
    found: list[tuple[datetime, float]] = []
    for column in kept.values():
        ends = {column[0], min(column, key=lambda each: each[1]), max(column, key=lambda each: each[1]), column[-1]}
        found += sorted(ends)
    return found
