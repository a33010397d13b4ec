"""Pictures: holes stay holes, the lowest point is drawn, and numbers are where they belong."""

import re
from collections.abc import Iterable
from datetime import timedelta
from zoneinfo import ZoneInfo

from copier.report.drawing import WIDTH, bars, curve, meter
from copier.web.dto.accounts import EquityPoint
from copier.web.dto.performance import EquityFigures, SlippageBar
from tests.rules.playbook import T0

PRAGUE = ZoneInfo("Europe/Prague")
FIGURES = EquityFigures(
    "prop", "USD", "1000", "1100", "100", "1100", "900", "100", "10.00", T0, T0 + timedelta(minutes=30), None
)


def drawn(minutes: Iterable[int], equity: str = "1000") -> str:
    points = [EquityPoint(T0 + timedelta(minutes=minute), "1000", equity) for minute in minutes]
    return curve(points, FIGURES, PRAGUE)


def lines(picture: str) -> list[list[tuple[float, float]]]:
    found = re.findall(r'<path d="M([^"]*)" class="equity"', picture)
    return [[tuple(map(float, pair)) for pair in zip(*[iter(text.split())] * 2, strict=True)] for text in found]  # type: ignore[misc]  # pairs


def test_a_curve_goes_from_the_left_to_the_right() -> None:
    [line] = lines(drawn(range(120)))
    assert line[0][0] < 100
    assert line[-1][0] > WIDTH - 20
    assert [x for x, _ in line] == sorted(x for x, _ in line)


def test_where_nothing_was_sampled_no_line_pretends_to_know() -> None:
    assert len(lines(drawn([*range(30), *range(90, 120)]))) == 2
    assert len(lines(drawn(range(0, 6000, 60)))) == 1, "hours of older days are no holes"


def test_of_many_points_the_lowest_is_drawn() -> None:
    points = [EquityPoint(T0 + timedelta(minutes=minute), None, "1000") for minute in range(10_000)]
    points[5_003] = EquityPoint(points[5_003].at, None, "900")
    [line] = lines(curve(points, FIGURES, PRAGUE))
    assert len(line) < 4 * WIDTH
    assert max(y for _, y in line) > min(y for _, y in line) + 100


def test_times_are_full_hours_of_the_zone_and_the_fall_is_shaded() -> None:
    picture = drawn(range(0, 600, 10))  # from 13:00 in Prague
    assert re.findall(r'class="time">([^<]*)', picture)[:3] == ["14:00", "16:00", "18:00"]
    assert picture.count('class="fall"') == 1
    assert 'aria-label="Equity of prop: from 1000 to 1100, lowest 900"' in picture


def test_a_single_point_and_a_flat_curve_can_be_drawn() -> None:
    assert len(lines(drawn([0]))) == 1
    assert len(lines(drawn(range(5), "0"))) == 1


def test_bars_are_as_tall_as_their_counts() -> None:
    picture = bars([SlippageBar("-1", "0", 1), SlippageBar("0", "1", 4), SlippageBar("1", "2", 0)])
    heights = [float(each) for each in re.findall(r'height="([\d.]+)"', picture)]
    assert heights == [27.5, 110, 0]
    assert re.findall(r'class="(better|worse)"', picture) == ["better", "worse", "worse"]


def test_a_meter_is_full_where_nothing_is_used_up() -> None:
    assert meter(None) is None
    widths = [re.findall(r'width="([\d.]+)"', meter(percent) or "")[1] for percent in ("150.00", "50.00", "-5.00")]
    assert widths == ["100", "50", "0"]
    assert [re.findall(r'class="(ok|warning|danger)"', meter(each) or "") for each in ("30.00", "10.00", "9.90")] == [
        ["ok"],
        ["warning"],
        ["danger"],
    ]
    assert 'class="ok"' in (meter("1.00", is_target=True) or "")
