"""A report in a terminal: as wide as the window, and with nothing that a terminal would obey."""

import io
from datetime import timedelta

import pytest
from rich.console import Console

from copier.performance.scope import Scope
from copier.report.model import Report
from copier.report.text import draw
from tests.copier.desk import TARGET
from tests.copier.report.test_page import day
from tests.rules.playbook import T0


def shown(report: Report, width: int = 130) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    for part in draw(report, width):
        console.print(part)
    return out.getvalue()


async def test_the_figures_of_the_day_are_there() -> None:
    text = shown(await day())
    for each in (
        "Friday 20 November 2026 (UTC)",
        "result    +10,000.00 USD  by prices, before costs",
        "trades    1 over: 1 won; win rate 100.0 %",
        "equity of target  1,000.00 to 1,050.00, +50.00 USD",
        "▁█▁▄",
        "largest fall 110.00 (10.0 %) from 2026-11-20 12:01:00 to 2026-11-20 12:02:00",
        "target/max_loss  warn         [##........]  20.0 %",
        "LINK_PAUSED  The link is paused.",
        "source closed",
        "not known",
    ):
        assert each in text, each


@pytest.mark.parametrize("width", [30, 60, 80, 200])
async def test_it_is_never_wider_than_the_window(width: int) -> None:
    assert max(map(len, shown(await day(), width).splitlines())) <= width


async def test_an_empty_day_is_short_and_says_what_is_not_known() -> None:
    text = shown(
        await day(Scope(T0 + timedelta(days=3), T0 + timedelta(days=4), account=TARGET), T0 + timedelta(days=9))
    )
    assert "trades  0 over: none over" in text
    assert "result  not known" in text
    assert len(text.splitlines()) < 12
