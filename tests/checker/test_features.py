"""What simulated days must show: rules that are rarely written, each with a decision that turned on it."""

from functools import lru_cache

import pytest

from tests.checker.campaign import Verdict, run_day

SEEDS = range(240)
"""Far more than any of them needs; a search ends at the first day that has it."""

SEEN = (
    "min_hold of an account",
    "resets_below",
    "obey_source",
    "together",
    "mark at the end of a day",
    "lock",
    "lock_when",
    "BEST_DAY",
    "FILTER_ORDER_TYPE",
    "PENDING_SKIPPED",
    "BEGINNING_UNKNOWN",
    "copied when it was filled",
    "flattened by a mismatch",
    "opened again",
    "waits at the source's price",
    "not filled at the source's price",
    "opened in a contract",
    "CONTRACT_UNKNOWN",
    "named by a preset",
    "EQUITY_CURVE",
    "EQUITY_CURVE_SHORT",
    "sample of equity",
    "keep-alive trade",
    "order taken over",
    "order gone",
    "late to market",
    "PENDING_UNSUPPORTED",
    "PENDING_NOT_FILLED",
    "PENDING_ENDED",
    "taken off: PENDING_ENDED",
    "taken off: PENDING_EXPIRED",
    "ReplaceOrder",
    "CancelOrder",
    "stops of a netted position",
    "KEEP_ALIVE_HELD",
    "target changed it, put back",
    "target changed its stops",
    "target changed its stops, put back",
    *(f"{key} {side}" for key in ("anchor", "tiers", "include") for side in ("stricter", "milder")),
    *("metric milder", "currency stricter", "high_water_mark stricter", "for milder", "for: it lasted"),
    *("offence per_trade_loss", "per_trade_loss kept", "offence max_open_time", "max_open_time kept"),
    *("MAX_RISK_PER_SYMBOL", "MAX_RISK_PER_SYMBOL beside others", "MAX_TOTAL_RISK beside others"),
    *("daily_loss begins anew", "weekly_loss begins anew", "profit_target begins anew"),
)


@lru_cache
def verdict(seed: int) -> Verdict:
    return run_day(seed)


@pytest.mark.slow  # runs days of about 0.1 s, once for all cases
@pytest.mark.parametrize("name", SEEN)
def test_a_rule_that_is_rarely_written_decides_something(name: str) -> None:
    assert any(verdict(seed).counts[name] for seed in SEEDS)
