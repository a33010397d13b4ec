"""Reads configs that stand in files and pages, with placeholders where they want something from the environment."""

import re
from datetime import date
from pathlib import Path

import trio

from adapters.registry import CONFIGS
from copier.commands.configs import capabilities_of
from copier.config import Configuration, load_config
from copier.replay.cases import play
from copier.replay.expectations import misses

TODAY = date(2026, 11, 21)
"""When presets of firms were looked at: what `copier check` says of their age must not change from day to day."""

PLACEHOLDER = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
"""Does for an account's id, a key, and a secret that must be long."""

SPECIAL = {"TELEGRAM_TOKEN": "123456789:abcdefg_hijklmnop", "TELEGRAM_CHAT": "12345"}
"""What has a form of its own."""


def read(file: Path) -> Configuration:
    """Return what a file says; every variable that it names is set."""
    named = re.findall(r"\$\{env:(\w+)\}", file.read_text(encoding="utf-8"))
    return load_config(file, {name: SPECIAL.get(name, PLACEHOLDER) for name in named}, CONFIGS, today=TODAY)


def failing_cases(config: Configuration) -> dict[str, str]:
    """Run the [[tests]] of a config; return those that do not come out as they say, with what was found."""
    found = {}
    for case in config.cases:
        missed = misses(case, trio.run(play, case, config, capabilities_of(config)))
        if missed:
            found[case.name] = "; ".join(f"{each.what} {each.found}, not {each.expected}" for each in missed)
    return found
