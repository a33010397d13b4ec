"""The symbol presets that come with the package: rows of brokers' names as dated data, in copier/presets/symbols/."""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import tomli

from copier.config.prop_presets import STALE_AFTER
from rules.model.frozen import frozen
from rules.policy.symbols import SymbolMap, SymbolRow

FOLDER = Path(__file__).parent.parent / "presets" / "symbols"

_PART = re.compile(r"\{([a-z]+)\}")


@frozen
class SymbolPreset:
    """One preset. `symbols` leads each name that brokers use to a canonical one; `as_of` is when that was looked at."""

    name: str
    about: str
    as_of: date
    source: str
    confidence: str
    symbols: SymbolMap

    def stale(self, today: date) -> bool:
        """Tell whether nobody looked at brokers' names for too long."""
        return today - self.as_of > STALE_AFTER


def symbol_preset_names() -> list[str]:
    """Return the names of the presets in the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def symbol_preset(name: str) -> SymbolPreset:
    """Return a preset of the package.

    Args:
        name: one of `symbol_preset_names`.
    """
    raw = tomli.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    rows = tuple(_row(row, raw.get("parts", {})) for row in raw["rows"])
    return SymbolPreset(name, raw["about"], raw["as_of"], raw["source"], raw["confidence"], SymbolMap(rows))


def symbol_preset_text(name: str) -> str:
    """Return a preset of the package as rows of a map, to be printed, copied and edited.

    Args:
        name: one of `symbol_preset_names`.
    """
    preset = symbol_preset(name)
    head = f"# {preset.about}; as of {preset.as_of}.\n# Confidence: {preset.confidence}.\n"
    rows = "".join(f"  {{ {_row_text(row)} }},\n" for row in preset.symbols.rows if isinstance(row, SymbolRow))
    return f"{head}map = [\n{rows}]\n"


def _row_text(row: SymbolRow) -> str:
    keys = {"match": row.match, "to": row.to, "deny": row.deny or None, "why": row.why}
    return ", ".join(f"{key} = {_toml(value)}" for key, value in keys.items() if value is not None)


def _toml(value: str | bool) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if "'" not in value else f'"{value}"'  # no text of ours holds both, or a backslash and `'`


def _row(raw: Mapping[str, Any], parts: Mapping[str, str]) -> SymbolRow:
    """Return a row; its `match` lists alternatives, in which {name} stands for a part of the file."""
    alternatives = (_PART.sub(lambda part: parts[part[1]], text) for text in raw["match"])
    return SymbolRow("|".join(alternatives), raw.get("to"), raw.get("deny", False), why=raw.get("why"))
