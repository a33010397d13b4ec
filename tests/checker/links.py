"""A config read anew: which links there are, and what each obeys for a symbol. An unknown key is refused loudly."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

from attrs import define, field

from tests.checker.quiet import Maintenance, News
from tests.checker.symbols import Renamed, rename
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
    truth,
    whole,
    word,
    words,
)
from tests.checker.trees import Tree
from tests.checker.windows import Calendar

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
    },
    "filter": {
        "symbols": (words, ()),
        "not_symbols": (words, ()),
        "sides": (words, ("buy", "sell")),
        "magic": (words, ()),
        "comment": (words, ()),
        "volume": (lots_range, None),
        "require": (words, ()),
    },
    "guard": {
        "max_age": (duration, None),
        "max_deviation": (span, None),
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
        "max_leverage": (number, None),
        "min_free_margin": (share_or_cash, None),
        "max_stop_distance": (span, None),
        "on_limit": (word, "deny"),
    },
    "delay": {"open": (durations, None), "close": (durations, None)},
    "exits": {
        "min_hold": (duration, None),
        "ignore_close": (truth, False),
        "ignore_close_for": (duration, None),
        "max_open": (duration, None),
    },
    "mismatch": {"grace": (duration, None), "tolerance": (anything, None), "action": (word, "alert")},
}
FIXED: dict[str, Key] = {"stop_loss": (span, None), "take_profit": (span, None), "fallback": (truth, False)}
OPTIONAL: dict[str, dict[str, Key]] = {
    "skip_first": {"count": (whole, None), "reset_after": (duration, duration("2h")), "by_side": (truth, False)},
    "throttle": {"max_opens": (whole, None), "window": (duration, None)},
}
"""Tables that only hold where they are written."""
PLAIN: dict[str, Key] = {
    "symbols": (word, None),
    "schedule": (word, None),
    "news": (word, None),
    "reverse": (truth, False),
}
COMPOSING = {"extends", "per_symbol"}
SECTIONS = {
    *("service", "accounts", "groups", "symbols", "schedules", "news", "maintenance", "policies", "links", "limits"),
}
ACCOUNT_KEYS = {"venue", "broker", "state", "oms", "balance", "currency"}
LIMIT_KEYS = {
    *("account", "kind", "amount", "name", "initial_balance", "reset"),
    *("warn_at", "block_at", "flatten_at", "on_breach"),
}
CAP_KEYS = {"account", "kind", "amount"}
LINK_KEYS = {"source", "targets", "policy", "state", "override"}


@define
class Rules:
    """What a link obeys for one symbol: every key of every table, read."""

    tables: Mapping[str, Mapping[str, Any]]
    reverse: bool
    rows: list[Tree] | None
    """Of its symbol map."""
    calendar: Calendar | None
    news: News | None
    row: int
    """The number of the row for some symbols that made it, 0 for the policy itself."""

    def __getitem__(self, table: str) -> Mapping[str, Any]:
        return self.tables[table]

    def optional(self, table: str) -> Mapping[str, Any] | None:
        return self.tables.get(table)


@define
class Link:
    """One pair of source and target."""

    link_id: str
    source: str
    target: str
    state: str
    layers: list[Tree]
    config: "Config"
    _rules: dict[str, Rules] = field(factory=dict)

    def rules(self, symbol: str) -> Rules:
        """Return what holds for a source's symbol."""
        known = self._rules.get(symbol)
        if known is None:
            known = self._rules[symbol] = self.config.rules_of(*self._layers_for(symbol))
        return known

    def _layers_for(self, symbol: str) -> tuple[list[Tree], int]:
        total = summed(self.layers)
        for place, row in enumerate(total.get("per_symbol", ()), 1):
            name: str | None = symbol
            if row.get("on", "source") == "target":
                renamed = rename(self.config.rows_of(total.get("symbols")), symbol)
                name = renamed.name if isinstance(renamed, Renamed) else None
            if name is not None and re.fullmatch(row["match"], name, re.DOTALL):
                return [*self.layers, body(row)], place
        return self.layers, 0


@define
class Config:
    """A config's text, read by its documents."""

    accounts: Mapping[str, Tree]
    links: list[Link]
    limits: list[Tree]
    caps: list[Tree]
    maps: Mapping[str, list[Tree]]
    calendars: Mapping[str, Calendar]
    news: Mapping[str, News]
    maintenance: list[Maintenance]

    def rows_of(self, name: str | None) -> list[Tree] | None:
        return None if name is None else self.maps[name]

    def rules_of(self, layers: list[Tree], row: int = 0) -> Rules:
        total = summed(layers)
        tables: dict[str, Mapping[str, Any]] = {}
        for name, keys in KEYS.items():
            tables[name] = read_table(name, total.get(name, {}), keys)
        tables["stops"] = {**tables["stops"], "fixed": read_table("stops.fixed", tables["stops"]["fixed"], FIXED)}
        for name, keys in OPTIONAL.items():
            if name in total and total[name] != "off":
                tables[name] = read_table(name, total[name], keys)
        plain = {key: value for key, value in total.items() if key not in {*KEYS, *OPTIONAL, *COMPOSING}}
        own = read_table("a policy", plain, PLAIN)
        calendar = None if own["schedule"] is None else self.calendars[own["schedule"]]
        news = None if own["news"] is None else self.news[own["news"]]
        return Rules(tables, own["reverse"], self.rows_of(own["symbols"]), calendar, news, row)

    def link(self, link_id: str) -> Link:
        for link in self.links:
            if link.link_id == link_id:
                return link
        raise Unchecked(f"the config has no link {link_id}")

    def nets(self, account: str) -> bool:
        return bool(self.accounts[account].get("oms", "hedging") == "netting")


def read_config(text: str) -> Config:
    """Return what a config says."""
    document = tomllib.loads(text, parse_float=Fraction)
    refuse(document, SECTIONS, "a section")
    accounts = document["accounts"]
    for name, account in accounts.items():
        refuse(account, ACCOUNT_KEYS, f"accounts.{name}")
        if account["venue"] != "paper":
            raise Unchecked(f"accounts.{name}.venue: {account['venue']}")
    zone = document.get("service", {}).get("timezone", "UTC")
    refuse(document.get("service", {}), {"timezone"}, "service")
    calendars = {name: Calendar.read(name, table, zone) for name, table in document.get("schedules", {}).items()}
    for table in document.get("symbols", {}).values():
        refuse(table, {"map"}, "symbols")
    maps = {name: table["map"] for name, table in document.get("symbols", {}).items()}
    limits = [row for row in document.get("limits", ()) if row["kind"] not in ("max_positions", "max_total_volume")]
    caps = [row for row in document.get("limits", ()) if row not in limits]
    for row in limits:
        refuse(row, LIMIT_KEYS, "limits")
    for row in caps:
        refuse(row, CAP_KEYS, "limits")
    news = {name: News.read(name, table) for name, table in document.get("news", {}).items()}
    maintenance = [Maintenance.read(name, table, zone) for name, table in document.get("maintenance", {}).items()]
    config = Config(accounts, [], limits, caps, maps, calendars, news, maintenance)
    policies = {"default": {}, **document.get("policies", {})}
    for row in document.get("links", ()):
        refuse(row, LINK_KEYS, "links")
        layers = [policies[name] for name in ancestry(policies, row.get("policy", "default"))]
        if row.get("override"):
            layers = [*layers, row["override"]]
        for target in members(row["targets"], document.get("groups", {})):
            link_id = f"{row['source']}->{target}"
            config.links.append(Link(link_id, row["source"], target, row.get("state", "active"), layers, config))
    for link in config.links:
        link.rules("")  # so that an unknown key is refused at once
        for each in summed(link.layers).get("per_symbol", ()):
            config.rules_of([*link.layers, body(each)])
    return config


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


def summed(layers: list[Tree]) -> Tree:
    """Join tables key by key, the later ones over the earlier; a size with a mode begins anew, arrays are replaced."""
    total: Tree = {}
    for layer in layers:
        for key, value in layer.items():
            anew = key == "size" and isinstance(value, dict) and "mode" in value
            joined = isinstance(value, dict) and isinstance(total.get(key), dict) and not anew
            total[key] = summed([total[key], value]) if joined else value
    return total


def body(row: Tree) -> Tree:
    """Return the keys of a policy that a row for some symbols has."""
    return {key: value for key, value in row.items() if key not in ("match", "on")}


def ancestry(policies: Mapping[str, Tree], name: str) -> list[str]:
    """Return a policy after all that it extends, each once."""
    parents = policies[name].get("extends", [])
    found: list[str] = []
    for parent in [parents] if isinstance(parents, str) else parents:
        found += [each for each in ancestry(policies, parent) if each not in found]
    return [*found, name]


def members(targets: list[str], groups: Mapping[str, list[str]]) -> Iterator[str]:
    for target in targets:
        yield from groups[target.removeprefix("group:")] if target.startswith("group:") else [target]
