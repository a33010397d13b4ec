"""A config read anew: which links there are, and what each obeys for a symbol. An unknown key is refused loudly."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

from attrs import define, field

from tests.checker.conduct import KINDS as CONDUCT
from tests.checker.keys import (
    ACCOUNT_KEYS,
    CAP_KEYS,
    COMPOSING,
    FIXED,
    KEYS,
    LIMIT_KEYS,
    LINK_KEYS,
    OPTIONAL,
    PLAIN,
    SECTIONS,
    read_table,
    refuse,
)
from tests.checker.presets import firm_rows
from tests.checker.quiet import Maintenance, News
from tests.checker.results import KINDS as RESULTS
from tests.checker.symbols import Renamed, read_rows, rename
from tests.checker.text import Unchecked
from tests.checker.trees import Tree
from tests.checker.windows import Calendar


@define
class Rules:
    """What a link obeys for one symbol: every key of every table, read."""

    tables: Mapping[str, Mapping[str, Any]]
    reverse: bool
    approval: bool
    pending: str
    on_target_change: str
    aggregate: str
    reopen: int
    rows: list[Tree] | None
    """Of its symbol map."""
    calendar: Calendar | None
    news: News | None
    row: int
    """The number of the row for some symbols that made it, 0 for the policy itself."""

    def __getitem__(self, table: str) -> Mapping[str, Any]:
        return self.tables[table]

    @property
    def asks_beginnings(self) -> bool:
        """Tell whether it matters how a position began."""
        return self.pending != "on_fill" or bool(self["filter"]["order_types"])

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

    def every_rules(self) -> Iterator[Rules]:
        """Yield what the link may obey: for symbols of no row, and for those of each."""
        yield self.config.rules_of(self.layers)
        for row in summed(self.layers).get("per_symbol", ()):
            yield self.config.rules_of([*self.layers, body(row)])

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
    conduct: list[Tree]
    results: list[Tree]
    zone: str

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
        words = [own[key] for key in ("pending", "on_target_change", "aggregate", "reopen")]
        named = (self.rows_of(own["symbols"]), calendar, news)
        return Rules(tables, own["reverse"], own["approval"], *words, *named, row)

    def link(self, link_id: str) -> Link:
        for link in self.links:
            if link.link_id == link_id:
                return link
        prefix, _, account = link_id.partition(":")
        if prefix == "keep-alive" and account in self.accounts:  # of no source position: it is only closed
            return Link(link_id, account, account, "close_only", [{}], self)
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
    maps = {name: read_rows(table, zone) for name, table in document.get("symbols", {}).items()}
    own = [zoned(row, zone) for row in document.get("limits", ())]
    firms = [row for name, account in accounts.items() if "prop" in account for row in firm_rows(name, account["prop"])]
    rows = [*own, *firms]
    conduct = [row for row in rows if row["kind"] in CONDUCT]
    caps = [row for row in rows if row["kind"] in ("max_positions", "max_total_volume")]
    results = [row for row in rows if row["kind"] in RESULTS]
    limits = [row for row in rows if row not in conduct and row not in caps and row not in results]
    for row in limits:
        if row in own:
            refuse(row, LIMIT_KEYS, "limits")
    alive = {row["account"] for row in results if "keep_alive" in row}
    for row in caps:
        refuse(row, CAP_KEYS - {"tiers"} if row["account"] in alive else CAP_KEYS, "limits")
    news = {name: News.read(name, table) for name, table in document.get("news", {}).items()}
    maintenance = [Maintenance.read(name, table, zone) for name, table in document.get("maintenance", {}).items()]
    config = Config(accounts, [], limits, caps, maps, calendars, news, maintenance, conduct, results, zone)
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
        tuple(link.every_rules())  # so that an unknown key is refused at once
    return config


def zoned(row: Tree, zone: str) -> Tree:
    """Return a row of limits whose reset names its zone; the service's stands for none."""
    return {**row, "reset": f"{row['reset']} {zone}"} if " " not in row.get("reset", " ") else row


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
