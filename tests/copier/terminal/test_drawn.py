"""How the views look, at several widths: pure functions, compared with what a person was shown and found good."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import RenderableType

from copier.telling.overview import LimitAt, Overview
from copier.terminal.at_a_glance import draw_status
from copier.terminal.drawn import draw_limits, draw_links, draw_mismatches, draw_positions
from copier.terminal.happened import draw_happening
from copier.terminal.happenings import Happening, Stages
from copier.terminal.held import Held
from copier.terminal.screen import rendered
from copier.web.dto.accounts import Account, Denial, NearestLimit
from copier.web.dto.decisions import Decision, Step
from copier.web.dto.events import Acknowledged, Alert, MismatchEnded, Session
from copier.web.dto.levers import Lever
from copier.web.dto.limits import Limit, NextStage
from copier.web.dto.links import Link
from copier.web.dto.mismatches import Mismatch
from copier.web.dto.status import AccountCounts, Concern, CopyCounts, LinkCounts, Status

T0 = datetime(2026, 11, 21, 15, tzinfo=UTC)

HELD = Held("prop", "7000012", "EURUSD", "buy", "0.3", "1.08512", "1.08443", "1.082", None, T0, "master->prop", "5012")
LINK = Link(
    "master->prop", "master", "prop", "careful", "active", "active", None, None, None, False, True, None, None, None,
    2, 1, "0.6", 0,
)  # fmt: skip
MISMATCH = Mismatch(
    "master->prop", "prop", "EURUSD", "missing", "critical", "0.3", "0", "0.3", ["5012"], "", "EURUSD: 0.3 is missing"
)
LIMIT = Limit(
    "prop/daily_loss", "prop", "daily_loss", "warn", True, "equity", "99012.4", "95000", False, "812.4", "20.31", "USD",
    [NextStage("flatten", "98800", "212.4")], "flatten", T0, 3700, T0, "94800", "-200", 0, 0, [], "",
)  # fmt: skip
ACCOUNT = Account(
    "prop", "tradelocker", None, ["target"], "hedging", "ready", T0, None, True, False, T0, "USD", "100120.5",
    "99912.4", "-208.1", "1240", "98672.4", "8057.45", "100540", "627.6", "0.62", 2, 0, 2, "0.6", None,
    NearestLimit("prop/daily_loss", "daily_loss", "warn", "812.4", "20.31", "USD"), None, "active", None, None,
)  # fmt: skip
STATUS = Status(
    "warning", [Concern("warning", "limit", "prop", None, "prop/daily_loss is at warn: 812.4 USD of headroom")],
    "0.1.0", "live", T0, T0, 64800, 20417, AccountCounts(1, 1, 0), LinkCounts(1, 1, 0, 0), CopyCounts(2, 1, 0, 0), 0,
    {"warn": 1}, {},
)  # fmt: skip
OVERVIEW = Overview(True, 20417, [], [LimitAt("prop/daily_loss", "warn")], [], STATUS, [ACCOUNT])
DECISION = Decision(
    7, T0, "master->prop", "master", "prop", "5012", "EURUSD", "buy", "denied", "SPREAD", "The spread is too wide.",
    "position", "ended, denied", "0", [], [Step("guard", "no", "SPREAD", {}, "spread 3.1 points, at most 2")], None,
)  # fmt: skip


def text(parts: Iterator[RenderableType], width: int = 100) -> str:
    return "\n".join(rendered(parts, width, coloured=False))


def test_positions_are_shown_with_what_they_copy() -> None:
    own = evolve(HELD, account="master", position="5012", volume="1", link=None, source_position=None)
    assert text(draw_positions([own, HELD], 120), 120) == (
        "account  position  side  volume  symbol     open      now   stop  copy of             opened\n"
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────\n"
        "master   5012      buy        1  EURUSD  1.08512  1.08443  1.082                      2026-11-21 15:00:00\n"
        "prop     7000012   buy      0.3  EURUSD  1.08512  1.08443  1.082  master->prop #5012  2026-11-21 15:00:00"
    )


def test_narrow_window_leaves_out_what_matters_least_and_says_so() -> None:
    assert text(draw_positions([HELD], 56), 56) == (
        "account  position  side  volume  symbol     open   stop\n"
        "───────────────────────────────────────────────────────\n"
        "prop     7000012   buy      0.3  EURUSD  1.08512  1.082\n"
        "a wider window also shows: now, copy of, opened"
    )


def test_links_say_why_they_do_not_copy() -> None:
    paused = evolve(LINK, state="paused", lever="paused", lever_by="ann", lever_why="news")
    closed = evolve(LINK, link="b", open_now=False, open_until=T0, closed_why="weekend")
    assert text(draw_links([LINK, paused, closed], 110), 110).splitlines()[2:] == [
        "master->prop  active           2        1   0.6                                     careful",
        "master->prop  paused           2        1   0.6  ann: news                          careful",
        "b             closed now       2        1   0.6  weekend until 2026-11-21 15:00:00  careful",
    ]


def test_limits_tell_headroom_what_comes_next_and_that_the_stops_would_breach() -> None:
    shown = text(draw_limits([LIMIT], 180), 180)
    for part in ("prop/daily_loss (rules)", "[##........]", "812.40 (20.3 %)", "flatten at 98,800.00, 212.40 away"):
        assert part in shown
    assert "94,800.00 BREACHES" in shown
    assert "1h1m" in shown


def test_status_tells_the_worst_first_and_then_each_account() -> None:
    assert text(draw_status(OVERVIEW, 110), 110) == (
        "WARNING  live, copier 0.1.0, up 18h\n"
        "warning  prop  prop/daily_loss is at warn: 812.4 USD of headroom\n"
        "\n"
        "account  session         equity  floating  open  drawdown  nearest limit                         new risk\n"
        "─────────────────────────────────────────────────────────────────────────────────────────────────────────\n"
        "prop     ready    99,912.40 USD   -208.10     2    0.62 %  [##........] 812.40 daily loss: warn  yes\n"
        "a wider window also shows: copies\n"
        "\n"
        "1 active link, 2 copies held, 1 waiting\n"
        "\n"
        "no copies"
    )


def test_status_of_an_account_that_may_take_no_risk_says_by_what() -> None:
    denied = evolve(ACCOUNT, denied=Denial("LIMIT_DAILY_LOSS", "", {}), nearest_limit=None)
    flat = evolve(ACCOUNT, name="b", lever="flat", nearest_limit=None)
    shown = text(draw_status(evolve(OVERVIEW, accounts=[denied, flat]), 110), 110)
    assert "LIMIT_DAILY_LOSS" in shown
    assert "flat" in shown


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (draw_positions, "no open positions"),
        (draw_links, "no links"),
        (draw_mismatches, "no mismatches"),
        (draw_limits, "no limits"),
    ],
)
def test_nothing_to_show_is_said(draw: Callable[[Sequence[Any], int], Iterator[RenderableType]], said: str) -> None:
    assert text(draw([], 80)) == said


@pytest.mark.parametrize(
    ("what", "line"),
    [
        (
            DECISION,
            "15:00:00  denied    master->prop              buy EURUSD #5012: SPREAD: spread 3.1 points, at most 2",
        ),
        (
            Alert(4, T0, "session.lost", "prop", "lost", False, None),
            "15:00:00  alert     prop                      lost",
        ),
        (Acknowledged(4, T0, "prop", "desk", ""), "15:00:00  seen      prop                      alert 4 by desk"),
        (
            Acknowledged(4, T0, "", "desk", "on it"),
            "15:00:00  seen      service                   alert 4 by desk: on it",
        ),
        (MISMATCH, "15:00:00  differs   master->prop              EURUSD: 0.3 is missing"),
        (
            MismatchEnded("master->prop", "prop", "EURUSD", "missing"),
            "15:00:00  agrees    master->prop              EURUSD: missing is over",
        ),
        (
            Lever("link", "master->prop", "close_only", "ann", "news"),
            "15:00:00  lever     master->prop              close only by ann: news",
        ),
        (LimitAt("prop/daily_loss", "warn"), "15:00:00  limit     prop/daily_loss           warn"),
        (Session("prop", "lost", T0, "reset"), "15:00:00  session   prop                      lost: reset"),
    ],
)
def test_each_happening_is_a_line(what: object, line: str) -> None:
    assert draw_happening(Happening(T0, "", what), T0.date()).plain == line


def test_what_happened_on_another_day_says_which() -> None:
    shown = draw_happening(Happening(T0, "", MISMATCH), datetime(2026, 11, 22, tzinfo=UTC).date()).plain
    assert shown.startswith("2026-11-21 15:00:00")


def test_limit_is_told_only_when_its_stage_is_another() -> None:
    stages = Stages()
    at = [Happening(T0, "limit", LimitAt("a", stage)) for stage in ("ok", "warn", "warn", None, "ok", "ok")]
    assert [each.what.stage for each in stages.news(at)] == ["warn", "ok"]


@pytest.mark.slow  # a hundred pages are drawn
@given(st.text(max_size=60), st.integers(20, 200))
def test_hostile_text_neither_reaches_the_terminal_nor_breaks_the_width(hostile: str, width: int) -> None:
    """Symbols, reasons and ids come from brokers and people."""
    position = evolve(HELD, symbol=hostile, position=hostile, source_position=hostile, account=hostile)
    link = evolve(LINK, link=hostile, lever="paused", lever_by=hostile, lever_why=hostile)
    mismatch = evolve(MISMATCH, link=hostile, says=hostile)
    seen = evolve(OVERVIEW, accounts=[evolve(ACCOUNT, name=hostile)])
    status = evolve(seen, status=evolve(STATUS, concerns=[Concern("critical", "limit", hostile, None, hostile)]))
    parts = [
        *draw_positions([position], width),
        *draw_links([link], width),
        *draw_mismatches([mismatch], width),
        *draw_status(status, width),
        draw_happening(Happening(T0, "", evolve(DECISION, symbol=hostile, link=hostile)), T0.date()),
    ]
    for line in rendered(parts, width, coloured=False):
        assert line.isprintable(), ascii(line)
        assert cell_len(line) <= width


def test_escapes_and_bidi_overrides_are_made_visible() -> None:
    shown = text(draw_positions([evolve(HELD, symbol="EUR\x1b[31m\N{RIGHT-TO-LEFT OVERRIDE}USD")], 120), 120)
    assert "EUR\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}USD" in shown
