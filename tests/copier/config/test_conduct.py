"""[[limits]] on conduct."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rules.limits.conduct_policy import Budget, BudgetKind, Conduct, FlatBy, Follow, PositionRule, PositionRuleKind
from rules.limits.days import Period
from rules.limits.terms import Cash, FlattenScope, Percent
from tests.copier.config.files import ACCOUNTS, load, one_problem

HEAD = '[[limits]]\naccount = "small"\n'
LOSS = HEAD + 'kind = "per_trade_loss"\namount = "2 %"\n'
STOP = HEAD + 'kind = "stop_required"\nwithin = "30s"\n'
FLAT = HEAD + 'kind = "flat_by"\nat = ["10 15 * * mon-fri"]\nfor = "1h50m"\n'
ORDERS = HEAD + 'kind = "max_orders"\namount = 2000\nreset = "00:00"\n'


def conduct_of(folder: Path, text: str) -> tuple[Conduct, ...]:
    return load(folder, f'[service]\ntimezone = "Europe/Prague"\n{ACCOUNTS}{text}').conduct


def test_every_key_of_a_rule_on_positions_reaches_its_class(tmp_path: Path):
    text = (
        LOSS
        + STOP
        + HEAD
        + 'kind = "max_position_volume"\nvolume = 5\nname = "big"\nfollow = "warn"\nscope = "account"\n'
    )
    loss, stop, size = conduct_of(tmp_path, text)
    assert loss == PositionRule(
        "small/per_trade_loss", loss.account, PositionRuleKind.PER_TRADE_LOSS, Percent(Decimal("0.02"))
    )
    assert isinstance(stop, PositionRule)
    assert stop.within == timedelta(seconds=30)
    assert isinstance(size, PositionRule)
    assert (size.rule_id, size.volume, size.follow) == ("small/max_position_volume/big", 5, Follow.WARN)
    assert size.scope is FlattenScope.ACCOUNT


def test_a_minimum_time_is_read_and_needs_its_time(tmp_path: Path):
    [hold] = conduct_of(tmp_path, STOP.replace("stop_required", "min_hold"))
    assert isinstance(hold, PositionRule)
    assert (hold.kind, hold.within) == (PositionRuleKind.MIN_HOLD, timedelta(seconds=30))


def test_a_loss_may_be_cash(tmp_path: Path):
    [loss] = conduct_of(tmp_path, LOSS.replace("2 %", "500 USD"))
    assert isinstance(loss, PositionRule)
    assert loss.amount == Cash(Decimal(500), "USD")


def test_hours_are_in_the_zone_that_they_name(tmp_path: Path):
    first, second = conduct_of(
        tmp_path, FLAT + FLAT + 'name = "us"\ntimezone = "America/Chicago"\nno_new_before = "10m"\n'
    )
    assert isinstance(first, FlatBy)
    assert isinstance(second, FlatBy)
    assert (first.firings[0].zone.key, second.firings[0].zone.key) == ("Europe/Prague", "America/Chicago")
    assert (first.lasts, first.warn, second.warn) == (timedelta(minutes=110), timedelta(0), timedelta(minutes=10))


def test_a_budget_counts_by_day_unless_told(tmp_path: Path):
    day, week = conduct_of(tmp_path, ORDERS + ORDERS.replace("max_orders", "max_opened_volume") + 'period = "week"\n')
    assert isinstance(day, Budget)
    assert isinstance(week, Budget)
    assert (day.kind, day.reset.at, day.reset.zone.key) == (BudgetKind.MAX_ORDERS, time(0), "Europe/Prague")
    assert (day.reset.period, week.reset.period) == (Period.DAY, Period.WEEK)


def test_the_summary_tells_every_rule(tmp_path: Path):
    lines = load(tmp_path, ACCOUNTS + STOP + FLAT + ORDERS.replace("00:00", "00:00 UTC")).summary()
    assert "limit small/stop_required: within 30s, follow close, scope copies" in lines
    assert "limit small/flat_by: firings [10 15 * * mon-fri UTC], lasts 1h50m, warn 0s, scope copies" in lines
    assert "limit small/max_orders: amount 2000, reset 00:00:00 UTC, warn_at 0.75" in lines


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        (LOSS.replace("small", "smal"), "account", 'the unknown account "smal"'),
        (LOSS.replace('amount = "2 %"\n', ""), "amount", "a limit whose amount is required by per_trade_loss"),
        (LOSS.replace("2 %", "200 %"), "amount", "a limit whose amount must be at most 100 %"),
        (LOSS + "volume = 1\n", "volume", "a limit whose volume is not for per_trade_loss"),
        (STOP.replace("30s", "0s"), "within", '"0s"'),
        (FLAT.replace("10 15", "99 15"), "at[0]", ""),
        (FLAT.replace('["10 15 * * mon-fri"]', "[]"), "at", "a limit whose at must name at least one moment"),
        (FLAT.replace("1h50m", "8d"), "for", '"8d"'),
        (ORDERS.replace("2000", "0"), "amount", "0"),
        (ORDERS + 'period = "total"\n', "period", "a limit whose period must not be total"),
        (ORDERS.replace('reset = "00:00"\n', ""), "", "a table without it"),
    ],
)  # fmt: skip
def test_a_bad_rule_is_one_problem_in_its_place(tmp_path: Path, text: str, key: str, found: str):
    problem = one_problem(tmp_path, ACCOUNTS + text)
    assert problem.key == "limits[0]" + (f".{key}" if key else "")
    assert problem.found.startswith(found)


def test_two_rules_of_one_kind_need_names(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + STOP + STOP)
    assert (problem.key, problem.hint) == ("limits[1]", "give it a `name`")
