"""What a source's symbol is called at the target, by the map's rows in order, with Python's own `re`."""

import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import frozen

from tests.checker.text import Unchecked, ratio

ROW_KEYS = {"match", "to", "deny", "why", "max_price_ratio", "roll", "until"}
PRESET_KEYS = {"preset", "names", "prefix", "suffix", "max_price_ratio"}
SHIPPED_KEYS = {"match", "to", "deny", "why", "max_price_ratio"}
SHIPPED = Path(__file__).parents[2] / "copier" / "presets" / "symbols"


@frozen
class Renamed:
    """The target's name. `by_row`: a row of the map gave it; `price_ratio` is that row's own.

    Where contracts follow each other it is the last one's; `contracts` has each with the time from which on it is
    opened in, until nothing is opened any more.
    """

    name: str
    by_row: bool
    price_ratio: Fraction | None = None
    contracts: tuple[tuple[datetime, str], ...] = ()
    until: datetime | None = None
    by_preset: bool = False

    def at(self, now: datetime, held: str | None = None) -> str | None:
        """Return what is opened in now, or what is held, where that is one of the contracts; None: nothing."""
        if not self.contracts:
            return self.name
        begun = [name for since, name in self.contracts if since <= now]
        if not begun or (self.until is not None and now >= self.until):
            return None
        return held if held in [name for _, name in self.contracts] else begun[-1]


def read_rows(table: dict[str, Any], zone: str) -> list[dict[str, Any]]:
    """Return a map's rows, presets with what they stand for, and days with when they begin in a zone."""
    if table.keys() - {"map"}:
        raise Unchecked(f"symbols: {sorted(table)}")
    return [_read_row(row, zone) for row in table["map"]]


def _read_row(row: dict[str, Any], zone: str) -> dict[str, Any]:
    known = PRESET_KEYS if "preset" in row else ROW_KEYS
    if row.keys() - known:
        raise Unchecked(f"a row of a symbol map: {sorted(row.keys() - known)}")
    if "preset" in row:
        return {**row, "rows": tuple(_shipped(row["preset"]))}
    contracts = tuple((_begins(each["from"], zone), each["to"]) for each in row.get("roll", ()))
    until = _begins(row["until"], zone) if "until" in row else None
    return {**row, "roll": contracts, "until": until}


def _begins(day: date | datetime, zone: str) -> datetime:
    if isinstance(day, datetime):
        return day.astimezone(UTC)
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)


def _shipped(preset: str) -> Iterator[dict[str, Any]]:
    """Yield the rows that a preset stands for, one a pattern."""
    document = tomllib.loads((SHIPPED / f"{preset}.toml").read_text(), parse_float=Fraction)
    for row in document["rows"]:
        if row.keys() - SHIPPED_KEYS:
            raise Unchecked(f"preset {preset}: {sorted(row.keys() - SHIPPED_KEYS)}")
        for pattern in row["match"]:
            for part, text in document.get("parts", {}).items():
                pattern = pattern.replace("{" + part + "}", text)
            yield {**row, "match": pattern}


def rename(rows: list[dict[str, Any]] | None, symbol: str) -> Renamed | None:
    """Return the target's name of a symbol; None: a row denies it. Without a row that matches, the name stays."""
    for row in rows or ():
        if "preset" in row:
            known = next((each for each in row["rows"] if _found(each, symbol)), None)
            if known is None:
                continue
            if known.get("deny"):
                return None
            canonical = _written(known.get("to", r"\0"), _found(known, symbol))
            name = row.get("names", {}).get(canonical, f"{row.get('prefix', '')}{canonical}{row.get('suffix', '')}")
            own = known.get("max_price_ratio", row.get("max_price_ratio"))
            return Renamed(name, True, None if own is None else ratio(own), by_preset=True)
        found = _found(row, symbol)
        if found is None:
            continue
        if row.get("deny"):
            return None
        own = row.get("max_price_ratio")
        contracts = tuple((since, _written(to, found)) for since, to in row.get("roll", ()))
        name = contracts[-1][1] if contracts else _written(row.get("to", r"\0"), found)
        return Renamed(name, True, None if own is None else ratio(own), contracts, row.get("until"))
    return Renamed(symbol, False)


def _found(row: dict[str, Any], symbol: str) -> re.Match[str] | None:
    return re.fullmatch(row["match"], symbol, re.DOTALL)


def _written(to: str, found: re.Match[str] | None) -> str:
    assert found is not None  # the row matched
    return re.sub(
        r"\\g<(\w+)>|\\(\d+)",
        lambda reference: found[reference[1] or int(reference[2])] or "",
        to,
    )


@lru_cache(maxsize=1024)
def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern is of the whole text."""
    return re.fullmatch(pattern, text, re.DOTALL) is not None
