from datetime import timedelta
from pathlib import Path

import pytest

from adapters.calendars import CalendarFormat
from rules.times.news import Impact, OnMissing
from rules.times.schedule import Outside
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem

USE = f'{ACCOUNTS}{LINK}[policies.default]\nnews = "n"\n'
CALENDAR = "datetime,currency,impact,title\n2026-01-07T13:30Z,USD,high,CPI\n"


def test_a_news_policy_is_what_its_table_says(tmp_path: Path):
    (tmp_path / "week.csv").write_text(CALENDAR)
    text = f"""{USE}[news.n]
calendar = "file:week.csv"
timezone = "America/New_York"
before = "2m"
after = "3m"
close_before = "1m"
impact = ["high", "medium"]
currencies = ["USD"]
titles = ['.*CPI.*']
not_titles = ['.*revised']
symbols = [{{ match = 'GER40.*', currencies = ["EUR"] }}]
outside = "defer"
on_missing = "allow"
stale_after = "10d"
refresh = "1h"
"""
    config = load(tmp_path, text)
    assert config.warnings == ()
    policy = config.links[0].policy.news
    assert policy is not None
    minute = timedelta(minutes=1)
    assert (policy.name, policy.before, policy.after, policy.close_before) == ("n", 2 * minute, 3 * minute, minute)
    assert policy.impact == {Impact.HIGH, Impact.MEDIUM}
    assert (policy.currencies, policy.titles, policy.not_titles) == ({"USD"}, (".*CPI.*",), (".*revised",))
    assert policy.symbols[0].currencies == {"EUR"}
    assert (policy.outside, policy.on_missing) == (Outside.DEFER, OnMissing.ALLOW)
    assert policy.stale_after == timedelta(days=10)
    source = config.calendars["n"]
    assert (source.file, source.url, source.written) == (tmp_path / "week.csv", None, CalendarFormat.CSV)
    assert (source.zone.key, source.refresh) == ("America/New_York", timedelta(hours=1))


def test_defaults_are_strict(tmp_path: Path):
    table = '[news.n]\ncalendar = "https://news.example/week?key=${env:TOKEN}"\nformat = "ics"\n'
    config = load(tmp_path, f'[service]\ntimezone = "Europe/Prague"\n{USE}{table}')
    policy, source = config.links[0].policy.news, config.calendars["n"]
    assert policy is not None
    assert (policy.on_missing, policy.impact, policy.before) == (OnMissing.DENY, {Impact.HIGH}, timedelta(minutes=5))
    assert source.url == "https://news.example/week?key=hunter2-token"
    assert "hunter2" not in repr(config)
    assert source.zone.key == "Europe/Prague"


@pytest.mark.parametrize(
    ("line", "key", "found"),
    [
        ("", "", "a table without it"),
        ('calendar = "week.csv"', ".calendar", "another place"),
        ('calendar = "ftp://news.example/week.csv"', ".calendar", "another place"),
        ('calendar = "https:///week.csv"', ".calendar", "another place"),
        ('calendar = "https://me:secret@news.example/week.csv"', ".calendar", "another place"),
        ('calendar = "https://news.example:0x/week.csv"', ".calendar", "another place"),
        ('calendar = "https://news.example/a week.csv"', ".calendar", "another place"),
        ('calendar = "file:week.txt"', ".calendar", "neither"),
        ('calendar = "file:week.csv"\nbefore = "2d"', ".before", '"2d"'),
        ('calendar = "file:week.csv"\nclose_before = "6m"', ".close_before", "a longer time"),
        ('calendar = "file:week.csv"\nimpact = ["red"]', ".impact", "an array"),
        ('calendar = "file:week.csv"\nimpact = []', ".impact", "an array"),
        ('calendar = "file:week.csv"\ncurrencies = ["usd"]', ".currencies", "an array"),
        ('calendar = "file:week.csv"\ncurrencies = "USD"', ".currencies", '"USD"'),
        ('calendar = "file:week.csv"\ntitles = ["("]', ".titles[0]", "missing ): ("),
        ('calendar = "file:week.csv"\nsymbols = [{ match = "A" }]', ".symbols[0]", "a table without it"),
        ('calendar = "file:week.csv"\nrefresh = "1s"', ".refresh", '"1s"'),
        ('calendar = "file:week.csv"\nwindow = "1s"', ".window", "the unknown key `window`"),
    ],
)
def test_a_bad_key_of_news_is_told_in_its_line(tmp_path: Path, line: str, key: str, found: str):
    text = f"{USE}[news.n]\n{line}\n"
    problem = one_problem(tmp_path, text)
    assert problem.key == f"news.n{key}"
    assert found in problem.found


@pytest.mark.parametrize(
    ("calendar", "expected"),
    [
        ("file:missing.csv", "a calendar that can be read"),
        ("file:broken.csv", "a calendar that can be read"),
        ("http://news.example/week.csv", "https"),
    ],
)
def test_a_doubtful_calendar_draws_a_warning(tmp_path: Path, calendar: str, expected: str):
    (tmp_path / "broken.csv").write_text("half a line")
    (warning,) = load(tmp_path, f'{USE}[news.n]\ncalendar = "{calendar}"\n').warnings
    assert (warning.key, warning.expected) == ("news.n.calendar", expected)


def test_news_that_no_policy_names_are_not_read(tmp_path: Path):
    config = load(tmp_path, f'{ACCOUNTS}{LINK}[news.n]\ncalendar = "https://news.example/week.csv"\n')
    assert config.calendars == {}
    assert [warning.key for warning in config.warnings] == ["news.n"]


def test_a_row_for_some_symbols_may_have_news_of_its_own(tmp_path: Path):
    (tmp_path / "week.csv").write_text(CALENDAR)
    text = f"""{ACCOUNTS}{LINK}[policies.default]
per_symbol = [{{ match = 'XAU.*', news = "n" }}]
[news.n]
calendar = "file:week.csv"
"""
    config = load(tmp_path, text)
    policy = config.links[0].policy
    assert policy.news is None
    assert [each.name for each in policy.news_policies] == ["n"]
    assert list(config.calendars) == ["n"]
    assert any(line.startswith("news n: from ") for line in config.summary())
