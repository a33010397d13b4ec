"""`copier presets`: the firms' rules and the symbols' names that come with the package."""

import json
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from copier.clock import utc_now
from copier.commands.exits import FINE, WRONG_INPUT, explained
from copier.commands.read import Json
from copier.config.errors import Fault
from copier.config.prop_presets import FOLDER, PropPreset, prop_preset, prop_preset_names, prop_preset_text
from copier.config.symbol_presets import symbol_preset, symbol_preset_names, symbol_preset_text


def presets(
    name: Annotated[str | None, Parameter(help="Print this preset as it is written, to be copied and edited.")] = None,
    /,
    *,
    json_: Json = False,
) -> int:
    """List the prop firms' rules that `prop = { preset = ... }` of an account can name, and the presets of symbol maps.

    Given a name, print that one: a firm's rules as they are written, a symbol preset as rows of a map.
    """
    with explained():
        if name in symbol_preset_names():
            print(symbol_preset_text(name), end="")
            return FINE
        if name is not None:
            try:
                print(prop_preset_text(name), end="")
            except Fault as fault:
                hint = f" ({fault.hint})" if fault.hint else ""
                print(f"expected {fault.expected}, found {fault.found}{hint}", file=sys.stderr)
                return WRONG_INPUT
            return FINE
        found = {each: prop_preset(each, FOLDER) for each in prop_preset_names()}
        if json_:
            symbols = [_symbols_as_json(each) for each in symbol_preset_names()]
            print(json.dumps([*(_as_json(each, preset) for each, preset in found.items()), *symbols]))
        else:
            _print(found)
            _print_symbols()
        return FINE


def _print(found: dict[str, PropPreset]) -> None:
    today = utc_now().date()
    table = Table("preset", "firm and plan", "as of", "seen on", "copying", "gaps", box=SIMPLE_HEAD)
    for name, preset in found.items():
        about = preset.about
        as_of = f"{about.as_of}{' (old)' if preset.stale(today) else ''}"
        seen, copying = about.confidence.value.replace("_", " "), about.copying.value.replace("_", " ")
        cells = (name, f"{about.firm} {about.plan}", as_of, seen, copying, str(len(about.gaps)))
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)


def _print_symbols() -> None:
    table = Table("preset of symbols", "what it knows", "as of", box=SIMPLE_HEAD)
    for name in symbol_preset_names():
        preset = symbol_preset(name)
        as_of = f"{preset.as_of}{' (old)' if preset.stale(utc_now().date()) else ''}"
        table.add_row(Text(name), Text(preset.about), Text(as_of))
    Console().print(table)


def _symbols_as_json(name: str) -> dict[str, object]:
    preset = symbol_preset(name)
    return {
        "preset": name,
        "kind": "symbols",
        "about": preset.about,
        "as_of": preset.as_of.isoformat(),
        "confidence": preset.confidence,
        "sources": [preset.source],
    }


def _as_json(name: str, preset: PropPreset) -> dict[str, object]:
    about = preset.about
    return {
        "preset": name,
        "kind": "prop",
        "file": str(Path(FOLDER, f"{name}.toml")),
        "firm": about.firm,
        "plan": about.plan,
        "as_of": about.as_of.isoformat(),
        "confidence": about.confidence.value,
        "sources": about.sources,
        "copying": about.copying.value,
        "copying_note": about.copying_note,
        "phases": about.phases,
        "gaps": about.gaps,
    }
