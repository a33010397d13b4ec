"""The JSON Schema of the config lets good files pass, and refuses keys and kinds that reading refuses."""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tomli

from copier.commands.author import STARTER
from copier.config.load import SECTIONS
from copier.config.schema import config_schema
from tests.copier.config.test_examples import EXAMPLES

SCHEMA = config_schema()

_TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
}


def faults(value: Any, schema: dict[str, Any] = SCHEMA, path: str = "") -> list[str]:
    """Return where a value breaks a schema: as much of JSON Schema as ours uses."""
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], path)
    if "anyOf" in schema:
        found = [faults(value, each, path) for each in schema["anyOf"]]
        return [] if any(not each for each in found) else [f"{path}: none of {len(found)} forms, {min(found, key=len)}"]
    if "const" in schema and value != schema["const"]:
        return [f"{path}: not {schema['const']}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: not in {schema['enum']}"]
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is(value, name) for name in names):
            return [f"{path}: not {names}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return [f"{path}: not of the form {schema['pattern']}"]
    if isinstance(value, list) and "items" in schema:
        return [fault for each in value for fault in faults(each, schema["items"], f"{path}[]")]
    return _table_faults(value, schema, path) if isinstance(value, dict) else []


def _is(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and (not isinstance(value, bool) or name == "boolean")


def _table_faults(value: dict[str, Any], schema: dict[str, Any], path: str) -> list[str]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    found = [f"{path}: lacks {key}" for key in schema.get("required", ()) if key not in value]
    for key, each in value.items():
        if key in known:
            found += faults(each, known[key], f"{path}.{key}")
        elif more is False:
            found.append(f"{path}.{key}: unknown")
        elif isinstance(more, dict):
            found += faults(each, more, f"{path}.{key}")
    return found


def read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8")
    return tomli.loads(re.sub(r"(= )(\d{4}-\d\d-\d\dT[\d:]+Z)", r'\1"\2"', text))  # JSON has no times of its own


FILES = [STARTER, *EXAMPLES]


def test_every_section_is_in_the_schema():
    assert set(SCHEMA["properties"]) == set(SECTIONS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_good_config_fits(path: Path):
    assert faults(read(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_unknown_key_anywhere_does_not_fit(path: Path):
    good = read(path)
    tables = [table for table in _tables(good) if table is not good.get("groups")]
    assert len(tables) > 3
    for number in range(len(tables)):
        bad = deepcopy(good)
        table = [each for each in _tables(bad) if each is not bad.get("groups")][number]
        table["unheard-of"] = 1
        assert faults(bad) != []


def _tables(value: Any) -> list[dict[str, Any]]:
    """Return every table of a config."""
    if isinstance(value, dict):
        return [value, *(table for each in value.values() for table in _tables(each))]
    return [table for each in value for table in _tables(each)] if isinstance(value, list) else []


@pytest.mark.parametrize(
    ("policy", "fits"),
    [
        ('extends = "a"', True),
        ('extends = ["a", "b"]', True),
        ("extends = 3", False),
        ('guard = { max_age = "3s", max_price_ratio = "10 %", max_deviation = 0.5, max_spread = "off" }', True),
        ("guard = { max_age = 3 }", False),
        ('size = { mode = "fixed", volume = 0.1 }', True),
        ('size = { mode = "huge" }', False),
        ('size = { mode = "risk_percent", percent = "1 %", default_stop = "50 pips" }', True),
        ('size = { mode = "risk_amount", amount = "250 USD" }', True),
        ('limits = { max_risk = "1 %", min_free_margin = 500, on_limit = "shrink" }', True),
        ('limits = { max_risk = ["1 %"] }', False),
        ('delay = { open = ["1s", "5s"], close = "2s" }', True),
        ("delay = { open = 5 }", False),
        ('throttle = { max_opens = 5, window = "1m" }', True),
        ('throttle = { window = "1m" }', False),
        ('after_losses = { multiplier = 0.5, reset_after = "2d" }', True),
        ("masaniello = { events = 5 }", False),
        ('stops = { fixed = { stop_loss = "50 pips", fallback = true }, lock = "away" }', True),
        ("volume = { max = true }", False),
        ("filter = { volume = [0.01, 50], sides = ['buy'] }", True),
        ("filter = { sides = ['long'] }", False),
        ("per_symbol = [{ match = 'X', size = { multiplier = 2 } }]", True),
        ("per_symbol = [{ size = { multiplier = 2 } }]", False),
        ("per_symbol = [{ match = 'X', extends = 'a' }]", False),
    ],
)
def test_kinds_of_values_are_told_apart(policy: str, fits: bool):
    assert (faults(tomli.loads(f"[policies.p]\n{policy}\n")) == []) is fits


def test_an_account_has_the_keys_of_its_venue_and_no_others():
    account = {"venue": "paper", "state": "x.json"}
    assert faults({"accounts": {"a": account}}) == []
    assert faults({"accounts": {"a": {**account, "token": "t"}}}) != []
    assert faults({"accounts": {"a": {"venue": "paper"}}}) != []


def test_every_key_is_described():
    described = [
        key
        for definition in SCHEMA["$defs"].values()
        for key, value in definition["properties"].items()
        if not value.get("description")
    ]
    assert described == []
