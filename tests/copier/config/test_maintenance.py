from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rules.model.values import AccountId
from rules.times.schedule import Closed
from tests.copier.config.files import ACCOUNTS, LINK, load, one_problem

WINDOWS = 'windows = [{ cron = "55 16 * * *", for = "15m", why = "rollover", flatten = true }]\n'
BROKERS = ACCOUNTS.replace('login = "1"', 'login = "1"\nbroker = "IC Markets"')
MASTER, SMALL = AccountId("master"), AccountId("small")


def concerned(folder: Path, keys: str, accounts: str = BROKERS) -> set[str]:
    return set(load(folder, f"{accounts}{LINK}[maintenance.m]\n{WINDOWS}{keys}").maintenance)


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        ("", {"master", "small"}),
        ('venues = ["toy"]', {"master", "small"}),
        ('accounts = ["small"]', {"small"}),
        ("brokers = ['IC.*', 'Pepper.*']", {"master"}),
        ("brokers = ['IC']", set()),
        ("brokers = ['.*']", {"master"}),
        ("accounts = ['small']\nbrokers = ['IC.*']", set()),
    ],
)
def test_it_concerns_the_accounts_that_everything_fits(tmp_path: Path, keys: str, names: set[str]):
    assert concerned(tmp_path, keys) == names


def test_its_windows_are_in_its_zone_and_may_flatten(tmp_path: Path):
    text = f'{ACCOUNTS}{LINK}[maintenance.m]\n{WINDOWS}timezone = "America/New_York"\n'
    (schedule,) = load(tmp_path, text).maintenance[SMALL]
    begins = datetime(2026, 7, 1, 20, 55, tzinfo=UTC)
    assert schedule.state(begins) == Closed(begins + timedelta(minutes=15), "rollover")
    assert schedule.next_flatten(begins - timedelta(hours=1)) == begins


def test_several_tables_add_up(tmp_path: Path):
    text = f"{ACCOUNTS}{LINK}[maintenance.a]\n{WINDOWS}[maintenance.b]\n{WINDOWS}accounts = ['small']\n"
    found = load(tmp_path, text).maintenance
    assert [schedule.name for schedule in found[SMALL]] == ["a", "b"]
    assert [schedule.name for schedule in found[MASTER]] == ["a"]


def test_one_that_concerns_nobody_draws_a_warning(tmp_path: Path):
    (warning,) = load(tmp_path, f"{ACCOUNTS}{LINK}[maintenance.m]\n{WINDOWS}brokers = ['IC.*']\n").warnings
    assert (warning.key, warning.expected) == ("maintenance.m", "an account that it concerns")


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ("windows = []", ".windows"),
        ("", ""),
        ('windows = [{ cron = "0 8", for = "1h" }]', ".windows[0].cron"),
        (f'{WINDOWS}venues = ["toys"]', ".venues[0]"),
        (f'{WINDOWS}accounts = ["tiny"]', ".accounts[0]"),
        (f"{WINDOWS}brokers = ['(']", ".brokers[0]"),
        (f'{WINDOWS}timezone = "Europe/Londn"', ".timezone"),
        (f"{WINDOWS}flatten = true", ".flatten"),
    ],
)
def test_a_bad_key_is_told_in_its_line(tmp_path: Path, keys: str, key: str):
    assert one_problem(tmp_path, f"{ACCOUNTS}{LINK}[maintenance.m]\n{keys}\n").key == f"maintenance.m{key}"


def test_the_summary_tells_whom_it_concerns(tmp_path: Path):
    config = load(tmp_path, f"{ACCOUNTS}{LINK}[maintenance.m]\n{WINDOWS}accounts = ['small']\n")
    assert "maintenance of small: m" in config.summary()
