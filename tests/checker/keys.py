"""The keys of a config that the checker knows, how each is read, and what stands for one that is not written."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from tests.checker.text import (
    Unchecked,
    anything,
    duration,
    durations,
    lots_range,
    money,
    number,
    ratio,
    share_or_cash,
    span,
    spans,
    symbol_groups,
    truth,
    whole,
    word,
    words,
)

Key: TypeAlias = tuple[Callable[[Any], Any], Any]
"""How a value is read, and what stands for one that is not given."""


KEYS: dict[str, dict[str, Key]] = {
    "size": {
        "mode": (word, "multiplier"),
        "multiplier": (number, Fraction(1)),
        "volume": (number, None),
        "source_reference": (number, None),
        "target_reference": (number, None),
        "ignore_contract_size": (truth, False),
        "ignore_currency": (truth, False),
        "percent": (ratio, None),
        "of": (word, "equity"),
        "initial": (number, None),
        "amount": (money, None),
        "cost_per_lot": (number, Fraction(0)),
        "default_stop": (span, None),
        "expression": (word, None),
    },
    "volume": {
        "min": (word, "deny"),
        "max": (number, None),
        "over_max": (word, "clamp"),
        "round": (word, "down"),
        "max_amplification": (number, Fraction(2)),
        "keep_proportions": (truth, False),
    },
    "filter": {
        "symbols": (words, ()),
        "not_symbols": (words, ()),
        "sides": (words, ("buy", "sell")),
        "magic": (words, ()),
        "comment": (words, ()),
        "volume": (lots_range, None),
        "require": (words, ()),
        "order_types": (words, ()),
    },
    "guard": {
        "max_age": (duration, None),
        "max_deviation": (span, None),
        "on_deviation": (word, "deny"),
        "limit_for": (duration, duration("1m")),
        "max_spread": (span, None),
        "max_price_ratio": (ratio, Fraction(1, 10)),
        "require_quotes": (truth, False),
        "wait_default": (duration, duration("5s")),
        "wait_for_stop": (duration, duration("2s")),
    },
    "stops": {
        "mode": (word, "price"),
        "stop_loss": (truth, True),
        "take_profit": (truth, True),
        "add_stop_points": (number, Fraction(0)),
        "add_profit_points": (number, Fraction(0)),
        "lock": (word, "off"),
        "min_distance": (word, "push"),
        "fixed": (anything, {}),
    },
    "on_start": {
        "open": (word, "if_young"),
        "max_age": (duration, duration("1m")),
        "max_deviation": (span, None),
    },
    "limits": {
        "max_positions": (whole, None),
        "max_total_volume": (number, None),
        "max_volume_per_symbol": (number, None),
        "block_hedging": (truth, False),
        "count_foreign": (truth, False),
        "max_risk": (share_or_cash, None),
        "max_risk_per_symbol": (share_or_cash, None),
        "max_total_risk": (share_or_cash, None),
        "risk_of": (word, "equity"),
        "no_stop": (word, "deny"),
        "max_leverage": (number, None),
        "min_free_margin": (share_or_cash, None),
        "max_stop_distance": (span, None),
        "on_limit": (word, "deny"),
        "together": (symbol_groups, ()),
        "obey_source": (truth, False),
    },
    "mirror": {
        "fill_grace": (duration, duration("5s")),
        "late": (word, "market"),
        "early": (word, "close"),
        "max_life": (duration, None),
    },
    "delay": {"open": (durations, None), "close": (durations, None)},
    "exits": {
        "min_hold": (duration, None),
        "ignore_close": (truth, False),
        "ignore_close_for": (duration, None),
        "max_open": (duration, None),
        "break_even": (spans("trigger", "lock"), None),
        "reverse_break_even": (spans("trigger", "lock"), None),
        "trailing": (spans("distance", "activate", "step"), None),
    },
    "mismatch": {"grace": (duration, None), "tolerance": (anything, None), "action": (word, "alert")},
}
FIXED: dict[str, Key] = {"stop_loss": (span, None), "take_profit": (span, None), "fallback": (truth, False)}
OPTIONAL: dict[str, dict[str, Key]] = {
    "skip_first": {"count": (whole, None), "reset_after": (duration, duration("2h")), "by_side": (truth, False)},
    "equity_curve": {
        "samples": (whole, None),
        "every": (duration, None),
        "of": (word, "source"),
        "while_short": (word, "deny"),
    },
    "throttle": {"max_opens": (whole, None), "window": (duration, None)},
    "after_losses": {
        "multiplier": (number, None),
        "levels": (whole, 3),
        "wins": (whole, 1),
        "reset_after": (duration, duration("5d")),
        "even_within": (span, None),
        "by_symbol": (truth, False),
    },
    "masaniello": {
        "events": (whole, None),
        "wins": (whole, None),
        "payout": (number, Fraction(1)),
        "reset_after": (duration, duration("30d")),
        "even_within": (span, None),
        "by_symbol": (truth, False),
    },
}
"""Tables that only hold where they are written."""
PLAIN: dict[str, Key] = {
    "symbols": (word, None),
    "schedule": (word, None),
    "news": (word, None),
    "reverse": (truth, False),
    "approval": (truth, False),
    "pending": (word, "on_fill"),
    "on_target_change": (word, "adopt"),
    "aggregate": (word, "none"),
    "reopen": (whole, 0),
}
COMPOSING = {"extends", "per_symbol"}
SECTIONS = {
    *("service", "accounts", "groups", "symbols", "schedules", "news", "maintenance", "policies", "links", "limits"),
}
ACCOUNT_KEYS = {"venue", "broker", "state", "oms", "balance", "currency", "prop"}
LIMIT_KEYS = {
    *("account", "kind", "amount", "name", "initial_balance", "reset", "trailing", "comparator"),
    *("warn_at", "block_at", "flatten_at", "halt_at", "on_breach", "resets_below"),
    *("lock", "lock_when", "of", "anchor", "metric", "include", "for", "high_water_mark", "currency"),
    *("period", "week_starts"),
}
CAP_KEYS = {"account", "kind", "amount", "tiers", "by", "initial_balance"}
LINK_KEYS = {"source", "targets", "policy", "state", "override"}


def refuse(table: Mapping[str, Any], known: set[str], where: str) -> None:
    """Refuse keys that nobody here knows what to make of."""
    if table.keys() - known:
        raise Unchecked(f"{where}: the checker does not know {sorted(table.keys() - known)}")


def read_table(name: str, table: Mapping[str, Any], keys: Mapping[str, Key]) -> dict[str, Any]:
    refuse(table, set(keys), name)
    found = {}
    for key, (reading, default) in keys.items():
        value = table.get(key, default)
        found[key] = None if value == "off" and key != "lock" else (reading(value) if key in table else default)
    return found
