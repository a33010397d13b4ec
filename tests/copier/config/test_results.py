"""[[limits]] on results over time."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from rules.limits.results_policy import (
    BookedBy,
    Consistency,
    Inactivity,
    KeepAlive,
    OnExcess,
    ProfitBase,
    Results,
    TradingDays,
)
from rules.limits.terms import Percent
from rules.model.values import Symbol
from rules.times.cron import Cron
from tests.copier.config.files import ACCOUNTS, load, one_problem

HEAD = '[[limits]]\naccount = "small"\n'
EVEN = HEAD + 'kind = "consistency"\nshare = "40 %"\nreset = "00:00"\nsince = 2026-11-01\n'
DAYS = HEAD + 'kind = "min_days"\ndays = 3\nreset = "00:00"\nsince = 2026-11-01\n'
IDLE = HEAD + 'kind = "inactivity"\nwithin = "30d"\nsince = 2026-11-01\n'


def results_of(folder: Path, text: str) -> tuple[Results, ...]:
    return load(folder, f'[service]\ntimezone = "Europe/Prague"\n{ACCOUNTS}{text}').results


def test_every_key_of_a_rule_on_results_reaches_its_class(tmp_path: Path):
    even, days, idle = results_of(
        tmp_path,
        EVEN + 'base = "target"\ntarget = "10 %"\nby = "open"\non_excess = "block"\ninitial_balance = 50_000\n'
        + DAYS + 'day_counts_if = "0.5 %"\nname = "good"\ninitial_balance = 50_000\n' + IDLE + "warn_at = 0.5\n",
    )  # fmt: skip
    assert isinstance(even, Consistency)
    assert (even.share, even.base, even.target) == (Decimal("0.4"), ProfitBase.TARGET, Percent(Decimal("0.1")))
    assert (even.by, even.on_excess, even.initial_balance) == (BookedBy.OPEN, OnExcess.BLOCK, 50_000)
    assert even.since == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert isinstance(days, TradingDays)
    assert (days.rule_id, days.days, days.profit) == ("small/min_days/good", 3, Percent(Decimal("0.005")))
    assert isinstance(idle, Inactivity)
    assert (idle.within, idle.warn_at) == (timedelta(days=30), Decimal("0.5"))


TRADE = 'keep_alive = { symbol = "EURUSD", at = ["0 10 * * tue", "0 15 * * thu"] }\n'


def test_every_key_of_a_keep_alive_trade_reaches_its_class(tmp_path: Path):
    text = TRADE.replace("] }", '], timezone = "Asia/Tokyo", after = "20d", for = "90s" }')
    [idle] = results_of(tmp_path, IDLE + text)
    assert isinstance(idle, Inactivity)
    firings = tuple(Cron(each, ZoneInfo("Asia/Tokyo")) for each in ("0 10 * * tue", "0 15 * * thu"))
    expected = KeepAlive(Symbol("EURUSD"), firings, timedelta(days=20), timedelta(seconds=90))
    assert idle.keep_alive == expected


def test_a_keep_alive_trade_is_due_when_the_warning_comes_in_the_zone_of_the_service(tmp_path: Path):
    [idle] = results_of(tmp_path, IDLE + TRADE)
    assert isinstance(idle, Inactivity)
    assert idle.keep_alive is not None
    assert (idle.keep_alive.after, idle.keep_alive.lasts) == (timedelta(days=22.5), timedelta(0))
    assert {cron.zone.key for cron in idle.keep_alive.at} == {"Europe/Prague"}


def test_without_the_key_no_trade_is_ever_made(tmp_path: Path):
    [idle] = results_of(tmp_path, IDLE)
    assert isinstance(idle, Inactivity)
    assert idle.keep_alive is None


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        (EVEN.replace("40 %", "140 %"), "share", '"140 %"'),
        (EVEN.replace("2026-11-01", '"2026-11-01"'), "since", '"2026-11-01"'),
        (EVEN + "target = 5\n", "target", "a limit whose target belongs to"),
        (EVEN.replace("small", "smal"), "account", 'the unknown account "smal"'),
        (DAYS.replace("days = 3", "days = 0"), "days", "0"),
        (IDLE.replace("30d", "1m"), "within", '"1m"'),
        (
            IDLE + TRADE.replace('"0 10 * * tue", "0 15 * * thu"', ""),
            "keep_alive",
            "a limit whose keep_alive must fire",
        ),
        (IDLE + TRADE.replace(" }", ', after = "30d" }'), "keep_alive", "a limit whose keep_alive must be due"),
        (IDLE + TRADE.replace("0 10 * * tue", "at ten"), "keep_alive.at[0]", "a cron expression must have five"),
        (IDLE + TRADE.replace(" }", ', for = "2h" }'), "keep_alive.for", '"2h"'),
        (IDLE + 'reset = "00:00"\n', "reset", "the unknown key `reset`"),
    ],
)
def test_a_bad_rule_is_one_problem_in_its_place(tmp_path: Path, text: str, key: str, found: str):
    problem = one_problem(tmp_path, ACCOUNTS + text)
    assert problem.key == f"limits[0].{key}"
    assert problem.found.startswith(found)


def test_two_rules_of_one_kind_need_names(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + DAYS + DAYS)
    assert (problem.key, problem.hint) == ("limits[1]", "give it a `name`")


def test_a_date_that_a_zone_left_out_begins_with_the_next(tmp_path: Path):
    text = DAYS.replace('"00:00"', '"00:00 Pacific/Apia"').replace("2026-11-01", "2011-12-30")
    [days] = results_of(tmp_path, text)
    assert days.since == datetime(2011, 12, 30, 10, tzinfo=UTC)
