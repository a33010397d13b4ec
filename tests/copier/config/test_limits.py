"""Account limits."""

from datetime import time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from rules.limits.days import Period
from rules.limits.policy import Limit
from rules.limits.terms import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    FlattenScope,
    Flows,
    LimitKind,
    LockOf,
    Metric,
    OnBreach,
    Part,
    Percent,
    StagedLock,
    Trailing,
)
from tests.copier.config.files import ACCOUNTS, load, one_problem

DAILY = '[[limits]]\naccount = "small"\nkind = "daily_loss"\namount = "4 %"\nreset = "00:00"\n'
GOAL = '[[limits]]\naccount = "small"\nkind = "profit_target"\namount = 4000\n'
TOTAL = '[[limits]]\naccount = "small"\nkind = "max_loss"\namount = 4000\n'


def limits_of(folder: Path, text: str) -> tuple[Limit, ...]:
    return load(folder, f'[service]\ntimezone = "Europe/Prague"\n{ACCOUNTS}{text}').limits


def test_a_short_limit_has_the_defaults_of_its_class(tmp_path: Path):
    (limit,) = limits_of(tmp_path, DAILY)
    assert (limit.limit_id, limit.account, limit.kind) == ("small/daily_loss", "small", LimitKind.DAILY_LOSS)
    assert limit.amount == Percent(Decimal("0.04"))
    assert limit.reset is not None
    assert (limit.reset.at, limit.reset.zone.key) == (time(0, 0), "Europe/Prague")
    assert limit == Limit(limit.limit_id, limit.account, limit.kind, limit.amount, reset=limit.reset)


def test_every_key_of_a_limit_reaches_its_class(tmp_path: Path):
    text = """
[[limits]]
account = "small"
kind = "max_loss"
name = "firm"
amount = "5.5 %"
of = "hwm"
metric = "balance"
trailing = "eod_max"
initial_balance = 100_000
high_water_mark = 101000.50
reset = "17:00:30 America/New_York"
comparator = "lt"
warn_at = "off"
block_at = 0.5
flatten_at = "80 %"
lock = "100 USD"
scope = "account"
"""
    (limit,) = limits_of(tmp_path, text)
    assert limit.limit_id == "small/max_loss/firm"
    assert (limit.amount, limit.of) == (Percent(Decimal("0.055")), AmountOf.HIGH_WATER_MARK)
    assert (limit.metric, limit.trailing, limit.comparator) == (Metric.BALANCE, Trailing.EOD_HIGHER, Comparator.LT)
    assert (limit.initial_balance, limit.high_water_mark) == (100_000, Decimal("101000.50"))
    assert limit.reset is not None
    assert (limit.reset.at, limit.reset.zone.key) == (time(17, 0, 30), "America/New_York")
    assert (limit.warn_at, limit.block_at, limit.flatten_at) == (None, Decimal("0.5"), Decimal("0.8"))
    assert (limit.lock, limit.scope) == (Cash(Decimal(100), "USD"), FlattenScope.ACCOUNT)


def test_every_key_of_a_lock_a_hold_and_a_halt_reaches_its_class(tmp_path: Path):
    text = """
[[limits]]
account = "small"
kind = "max_loss"
amount = "10 %"
include = ["commission", "swap"]
for = "60s"
halt_at = 0.9
on_breach = "halt"
flows = "shift"
lock_when = { profit = "4 %", floor = "96 %", metric = "equity", of = "initial" }
"""
    (limit,) = limits_of(tmp_path, text)
    assert (limit.hold, limit.halt_at, limit.on_breach) == (timedelta(seconds=60), Decimal("0.9"), OnBreach.HALT)
    assert (limit.flows, limit.include) == (Flows.SHIFT, frozenset({Part.COMMISSION, Part.SWAP}))
    assert limit.lock_when == StagedLock(Percent(Decimal("0.04")), Decimal("0.96"), Metric.EQUITY, LockOf.INITIAL)


def test_a_period_is_of_the_kind_or_of_the_target(tmp_path: Path):
    week = DAILY.replace("daily_loss", "weekly_loss") + 'week_starts = "sunday"\n'
    month = DAILY.replace("daily_loss", "monthly_loss")
    goal = DAILY.replace("daily_loss", "profit_target") + 'period = "week"\n'
    quarter = DAILY.replace("daily_loss", "quarterly_loss")
    year = DAILY.replace("daily_loss", "yearly_loss")
    found = [limit.reset for limit in limits_of(tmp_path, week + month + goal + quarter + year)]
    assert [(reset.period, reset.weekday) for reset in found if reset is not None] == [
        (Period.WEEK, 6),
        (Period.MONTH, 0),
        (Period.WEEK, 0),
        (Period.QUARTER, 0),
        (Period.YEAR, 0),
    ]
    (goal_of_all_time,) = limits_of(tmp_path, GOAL)
    assert goal_of_all_time.reset is None


def test_a_target_may_reset_below(tmp_path: Path):
    below, plainly = limits_of(tmp_path, GOAL + "resets_below = true\n" + GOAL + 'name = "other"\n')
    assert (below.resets_below, plainly.resets_below) == (True, False)


def test_a_daily_limit_names_its_anchor(tmp_path: Path):
    (limit,) = limits_of(tmp_path, DAILY + 'anchor = "day_peak_equity"\n')
    assert limit.anchor is Anchor.DAY_PEAK_EQUITY


def test_a_number_is_cash_in_the_accounts_currency(tmp_path: Path):
    assert limits_of(tmp_path, TOTAL)[0].amount == Cash(Decimal(4000))


def test_two_limits_of_one_kind_need_names(tmp_path: Path):
    problem = one_problem(tmp_path, ACCOUNTS + DAILY + TOTAL + DAILY)
    assert (problem.key, problem.hint) == ("limits[2]", "give it a `name`")
    ids = [limit.limit_id for limit in limits_of(tmp_path, DAILY + TOTAL + DAILY + 'name = "mine"\n')]
    assert ids == ["small/daily_loss", "small/max_loss", "small/daily_loss/mine"]


@pytest.mark.parametrize(
    ("text", "key", "found"),
    [
        (DAILY.replace("small", "smal"), "account", 'the unknown account "smal"'),
        (DAILY.replace("daily_loss", "hourly_loss"), "kind", '"hourly_loss"'),
        (DAILY.replace('"4 %"', '"4"'), "amount", '"4"'),
        (DAILY.replace('"4 %"', '"0 %"'), "amount", "a limit whose amount must be > 0"),
        (DAILY.replace('"4 %"', '"101 %"'), "amount", "a limit whose amount must be at most 100 %"),
        (DAILY.replace('reset = "00:00"\n', ""), "reset", "a limit whose reset is required by a daily loss"),
        (DAILY.replace("00:00", "24:00"), "reset", '"24:00"'),
        (DAILY.replace("00:00", "00:00 EST"), "reset", '"EST"'),
        (DAILY + "warn_at = 1.5\n", "warn_at", "1.5"),
        (DAILY + "block_at = 0\n", "block_at", "0"),
        (DAILY + "initial_balance = -1\n", "initial_balance", "-1"),
        (DAILY + 'initial_balance = "100000 USD"\n', "initial_balance", '"100000 USD"'),
        (DAILY + 'trailing = "live_equity"\n', "trailing", "a limit whose trailing is for max_loss"),
        (DAILY + 'of = "hwm"\n', "of", 'a limit whose of must not be "hwm" without trailing'),
        (TOTAL + 'anchor = "day_start_equity"\n', "anchor", "a limit whose anchor is for daily_loss"),
        (TOTAL + "lock = 0\n", "lock", "a limit whose lock is for trailing limits"),
        (TOTAL + 'period = "day"\n', "period", "a limit whose period is for profit_target"),
        (TOTAL + 'for = "0s"\n', "for", '"0s"'),
        (TOTAL + 'include = ["fees"]\n', "include", "an array"),
        (TOTAL + 'include = ["floating"]\n', "include", "a limit whose include leaves out costs only"),
        (TOTAL + 'on_breach = "block"\nflatten_at = 0.5\n', "flatten_at", "a limit whose flatten_at needs on_breach"),
        (TOTAL + 'on_breach = "warn"\nhalt_at = 0.5\n', "halt_at", "a limit whose halt_at does not go"),
        (TOTAL + 'week_starts = "sunday"\n', "week_starts", "a limit whose week_starts is for weekly limits"),
        (GOAL + 'reset = "00:00"\n', "reset", "a limit whose reset is for targets"),
        (GOAL + 'period = "day"\n', "reset", "a limit whose reset is required"),
        (GOAL + "block_at = 0.5\n", "block_at", "a limit whose block_at is for losses"),
        (TOTAL + 'lock_when = { profit = "5 %", floor = 2 }\n', "lock_when.floor", "2"),
        (TOTAL + 'lock_when = { profit = "5 %", floor = 0.9, metric = "day_net_pnl" }\n', "lock_when", "a limit"),
        (TOTAL + 'name = ""\nanchr = 1\n', "anchr", "the unknown key `anchr`"),
    ],
)  # fmt: skip
def test_a_bad_limit_is_one_problem_in_its_place(tmp_path: Path, text: str, key: str, found: str):
    problem = one_problem(tmp_path, ACCOUNTS + text)
    assert problem.key == f"limits[0].{key}"
    assert problem.found.startswith(found)
    assert problem.line is not None
    assert problem.line > ACCOUNTS.count("\n")


def test_limits_on_an_account_without_any_link_are_in_force(tmp_path: Path):
    configuration = load(tmp_path, ACCOUNTS + DAILY)
    assert configuration.links == ()
    assert len(configuration.limits) == 1
