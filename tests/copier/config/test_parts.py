"""Symbol maps and schedules."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.schedule import Closed, Open
from rules.symbols import Mapped
from rules.values import Symbol
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem, problems_of

USE = f'{ACCOUNTS}{LINK}[policies.default]\nsymbols = "m"\n'


def test_rows_map_in_their_order(tmp_path: Path):
    text = (
        USE
        + r"""
[symbols.m]
map = [
  { match = 'NAS100|US100', to = 'US100.cash', max_price_ratio = "2 %" },
  { match = '(?P<pair>[A-Z]{6})(\.m)?', to = '\g<pair>' },
  { match = '.*', deny = true },
]
"""
    )
    symbols = load(tmp_path, text).links[0].policy.symbols
    assert symbols is not None
    assert symbols.resolve(Symbol("EURUSD.m")) == Mapped(Symbol("EURUSD"), 2)
    assert not isinstance(symbols.resolve(Symbol("x")), Mapped)


@pytest.mark.parametrize(
    ("row", "key", "found"),
    [
        ("{ match = '(', to = 'x' }", "[0].match", "missing"),
        ("{ match = '(?<=a)b', to = 'x' }", "[0].match", "look-behind"),
        (r"{ match = 'a', to = '\g<pair>' }", "[0]", "names the group pair"),
        ("{ match = 'a', to = 'b', deny = true }", "[0]", "exclude each other"),
        ("{ to = 'b' }", "[0]", "a table without it"),
        ("{ match = 'a', too = 'b' }", "[0].too", "the unknown key `too`"),
        ("{ match = 'a', max_price_ratio = 0 }", "[0].max_price_ratio", "0"),
        ("'a'", "[0]", '"a"'),
    ],
)
def test_a_bad_row_is_told_in_its_line(tmp_path: Path, row: str, key: str, found: str):
    text = f"{USE}[symbols.m]\nmap = [\n\n{row},\n]\n"
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key) == (text.count("\n") - 1, f"symbols.m.map{key}")
    assert found in problem.found


def test_every_bad_row_is_told(tmp_path: Path):
    text = f"{USE}[symbols.m]\nmap = [\n{{ match = '(' }},\n{{ match = ')' }},\n]\n"
    assert [problem.key for problem in problems_of(tmp_path, text)] == [
        "symbols.m.map[0].match",
        "symbols.m.map[1].match",
    ]


def test_a_row_that_no_symbol_reaches_draws_a_warning(tmp_path: Path):
    rows = "{ match = 'A', to = 'B' },\n{ match = 'A', to = 'C' },\n{ match = '.*', deny = true },\n{ match = 'D' },\n"
    warnings = load(tmp_path, f"{USE}[symbols.m]\nmap = [\n{rows}]\n").warnings
    assert [warning.key for warning in warnings] == ["symbols.m.map[1]", "symbols.m.map[3]"]
    assert [warning.found[:5] for warning in warnings] == ["row 1", "row 3"]


def test_a_schedule_has_its_windows_and_its_zone(tmp_path: Path):
    text = f"""[service]
timezone = "Europe/London"
{ACCOUNTS}{LINK}[policies.default]
schedule = "day"
[schedules.day]
open = [{{ cron = "0 8 * * mon-fri", for = "8h30m" }}]
closed = [{{ cron = "0 12 * * *", for = "1h", why = "lunch" }}]
flatten = ["45 20 * * fri"]
outside = "defer"
"""
    schedule = load(tmp_path, text).links[0].policy.schedule
    assert schedule is not None
    assert schedule.timezone == "Europe/London"
    assert schedule.outside.value == "defer"
    assert schedule.flatten == ("45 20 * * fri",)
    assert isinstance(schedule.state(datetime(2026, 7, 1, 7, 30, tzinfo=UTC)), Open)  # 8:30 in London's summer
    noon = schedule.state(datetime(2026, 7, 1, 11, 30, tzinfo=UTC))
    assert isinstance(noon, Closed)
    assert noon.why == "lunch"


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('timezone = "Europe/Londn"', "timezone"),
        ('timezone = "Europe"', "timezone"),
        ('timezone = "../etc/passwd"', "timezone"),
        ("timezone = 1", "timezone"),
        ('open = [{ cron = "0 8 * *", for = "1h" }]', "open[0].cron"),
        ('open = [{ cron = "0 8 31 2 *", for = "1h" }]', "open[0].cron"),
        ('open = [{ cron = "R R * * *", for = "1h" }]', "open[0].cron"),
        ("open = [{ cron = 8, for = '1h' }]", "open[0].cron"),
        ('open = [{ cron = "0 8 * * *", for = "0s" }]', "open[0].for"),
        ('open = [{ cron = "0 8 * * *" }]', "open[0]"),
        ('closed = { cron = "0 8 * * *", for = "1h" }', "closed"),
        ('flatten = ["never"]', "flatten[0]"),
        ('outside = "wait"', "outside"),
        ("news = []", "news"),
    ],
)
def test_a_bad_key_of_a_schedule_is_told_in_its_line(tmp_path: Path, line: str, key: str):
    text = f'{ACCOUNTS}{LINK}[policies.default]\nschedule = "s"\n[schedules.s]\n{line}\n'
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key) == (text.count("\n"), f"schedules.s.{key}")


def test_est_is_refused_as_the_zone_data_has_one_without_summer_time(tmp_path: Path):
    problem = one_problem(tmp_path, f'{ACCOUNTS}[schedules.s]\ntimezone = "EST"\n')
    assert problem.hint == 'did you mean "America/New_York"?'


def test_a_schedule_that_never_opens_draws_a_warning(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}[policies.default]
schedule = "s"
[schedules.s]
open = [{{ cron = "0 8 * * sat", for = "2h" }}]
closed = [{{ cron = "0 0 * * sat", for = "1d" }}]
"""
    (warning,) = load(tmp_path, text).warnings
    assert (warning.key, warning.line) == ("schedules.s", text.count("\n") - 2)
    assert load(tmp_path, text.replace('for = "1d"', 'for = "9h"')).warnings == ()
