"""Limits that mean nothing are refused in words; defaults choose the stricter side."""

from datetime import time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from rules.limits.limits import (
    AmountOf,
    Anchor,
    Cash,
    Comparator,
    Limit,
    LimitKind,
    Metric,
    Percent,
    ResetTime,
    Trailing,
)
from rules.model.values import AccountId

MIDNIGHT = ResetTime(time(0), ZoneInfo("UTC"))
DAILY = {"kind": LimitKind.DAILY_LOSS, "amount": Percent(Decimal("0.04")), "reset": MIDNIGHT}
TOTAL = {"kind": LimitKind.MAX_LOSS, "amount": Percent(Decimal("0.1"))}
LIVE = TOTAL | {"trailing": Trailing.LIVE_EQUITY}


def limit(**parts: object) -> Limit:
    return Limit(limit_id="l", account=AccountId("a"), **parts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        (DAILY | {"amount": Percent(Decimal(0))}, "amount must be > 0"),
        (DAILY | {"amount": Cash(Decimal(-1))}, "amount must be > 0"),
        (DAILY | {"amount": Percent(Decimal(4))}, "amount must be at most 100 %"),
        (DAILY | {"reset": None}, "reset is required by a daily loss"),
        (DAILY | {"trailing": Trailing.LIVE_EQUITY}, "trailing is for max_loss"),
        (DAILY | {"of": AmountOf.HIGH_WATER_MARK}, 'of must not be "hwm" without trailing'),
        (DAILY | {"amount": Cash(Decimal(1)), "of": AmountOf.INITIAL}, "of is for percent amounts"),
        (DAILY | {"lock": Cash(Decimal(0))}, "lock is for trailing limits"),
        (DAILY | {"warn_at": Decimal(0)}, "warn_at must lie above 0"),
        (DAILY | {"block_at": Decimal("1.1")}, "block_at must lie above 0 and not above 1"),
        (DAILY | {"flatten_at": Decimal(-1)}, "flatten_at must lie above 0"),
        (TOTAL | {"initial_balance": Decimal(-1)}, "initial_balance must be >= 0"),
        (TOTAL | {"anchor": Anchor.DAY_START_BALANCE}, "anchor is for daily_loss"),
        (TOTAL | {"metric": Metric.DAY_NET_PNL}, "metric day_net_pnl is for daily_loss"),
        (TOTAL | {"of": AmountOf.ANCHOR}, 'of cannot be "anchor"'),
        (TOTAL | {"trailing": Trailing.EOD_BALANCE}, "reset is required by end-of-day trailing"),
        (TOTAL | {"high_water_mark": Decimal(1)}, "high_water_mark is for trailing limits"),
    ],
)
def test_combination_that_means_nothing_is_refused_in_words(parts: dict[str, object], problem: str):
    with pytest.raises(ValueError, match=f"^limit l: {problem}"):
        limit(**parts)


def test_defaults_choose_the_stricter_side():
    daily = limit(**DAILY)
    assert (daily.counted_from, daily.percent_of) == (Anchor.DAY_START_HIGHER, AmountOf.ANCHOR)
    assert (daily.comparator, daily.compared) == (Comparator.LE, Metric.EQUITY)
    assert limit(**DAILY, metric=Metric.DAY_NET_PNL).counted_from is Anchor.DAY_START_EQUITY
    assert limit(**TOTAL).percent_of is AmountOf.INITIAL


@pytest.mark.parametrize(
    ("parts", "needs"),
    [
        (DAILY, True),
        (DAILY | {"metric": Metric.BALANCE}, True),  # the higher of both at the reset
        (DAILY | {"metric": Metric.BALANCE, "anchor": Anchor.DAY_START_BALANCE}, False),
        (DAILY | {"metric": Metric.BALANCE, "anchor": Anchor.DAY_PEAK_EQUITY}, True),
        (LIVE | {"metric": Metric.BALANCE}, True),
        (TOTAL | {"metric": Metric.BALANCE, "trailing": Trailing.LIVE_BALANCE}, False),
    ],
)
def test_limit_knows_whether_balances_alone_can_judge_it(parts: dict[str, object], needs: bool):
    assert limit(**parts).needs_equity is needs
