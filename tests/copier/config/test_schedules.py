from datetime import UTC, datetime
from pathlib import Path

import pytest

from rules.times.schedule import Closed, Open
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem


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


def test_a_weekend_rule_is_one_closed_window_that_flattens(tmp_path: Path):
    text = f"""{ACCOUNTS}{LINK}[policies.default]
schedule = "s"
[schedules.s]
timezone = "America/New_York"
closed = [{{ cron = "30 16 * * fri", for = "2d1h30m", why = "weekend", flatten = true }}]
"""
    schedule = load(tmp_path, text).links[0].policy.schedule
    assert schedule is not None
    friday = datetime(2026, 7, 3, 20, 30, tzinfo=UTC)
    assert schedule.next_flatten(datetime(2026, 7, 1, tzinfo=UTC)) == friday
    assert schedule.state(friday) == Closed(datetime(2026, 7, 5, 22, tzinfo=UTC), "weekend")


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
        ('open = [{ cron = "0 8 * * *", for = "1h", flatten = true }]', "open[0].flatten"),
    ],
)
def test_a_bad_key_of_a_schedule_is_told_in_its_line(tmp_path: Path, line: str, key: str):
    text = f'{ACCOUNTS}{LINK}[policies.default]\nschedule = "s"\n[schedules.s]\n{line}\n'
    problem = one_problem(tmp_path, text)
    assert (problem.line, problem.key) == (text.count("\n"), f"schedules.s.{key}")


def test_est_is_refused_as_the_zone_data_has_one_without_summer_time(tmp_path: Path):
    problem = one_problem(tmp_path, f'{ACCOUNTS}[schedules.s]\ntimezone = "EST"\n')
    assert problem.hint == 'did you mean "America/New_York"?'


@pytest.mark.slow  # looks for an opening over a year
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


@pytest.mark.parametrize(
    ("windows", "key"),
    [
        (
            'open = [{ cron = "0 8 * * mon", for = "2h" }, { cron = "0 8 * * sat", for = "2h" }]\n'
            'closed = [{ cron = "0 0 * * sat", for = "1d" }]',
            "schedules.s.open[1]",
        ),
        # Two closed windows that meet cover it only together.
        (
            'open = [{ cron = "0 8 * * *", for = "2h" }, { cron = "0 12 * * *", for = "2h" }]\n'
            'closed = [{ cron = "0 7 * * *", for = "2h" }, { cron = "0 9 * * *", for = "1h" }]',
            "schedules.s.open[0]",
        ),
        ('closed = [{ cron = "0 0 * * *", for = "1d" }]', "schedules.s"),
        ('closed = [{ cron = "*/10 * * * *", for = "15m" }]', "schedules.s"),
    ],
)
@pytest.mark.slow  # looks for an opening over a year
def test_a_window_that_never_opens_draws_a_warning(tmp_path: Path, windows: str, key: str):
    text = f'{ACCOUNTS}{LINK}[policies.default]\nschedule = "s"\n[schedules.s]\n{windows}\n'
    (warning,) = load(tmp_path, text).warnings
    assert warning.key == key
    assert "opens" in warning.expected


@pytest.mark.parametrize(
    "windows",
    [
        'open = [{ cron = "0 8 1 1 *", for = "2h" }]\nclosed = [{ cron = "*/30 * * * *", for = "29m" }]',
        # Closed on all days but the 31st.
        'open = [{ cron = "0 8 * * *", for = "2h" }]\nclosed = [{ cron = "0 0 1-30 * *", for = "1d" }]',
        'closed = [{ cron = "0 0 * * *", for = "23h59m" }]',
    ],
)
def test_a_window_that_opens_seldom_draws_none(tmp_path: Path, windows: str):
    text = f'{ACCOUNTS}{LINK}[policies.default]\nschedule = "s"\n[schedules.s]\n{windows}\n'
    assert load(tmp_path, text).warnings == ()
