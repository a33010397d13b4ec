"""Writes the JSON Schema of the config from its classes, so that editors complete and check `copier.toml`.

It refuses unknown keys and wrong kinds of values. What reading alone can tell (ranges, units, names that lead
nowhere) it lets pass: `copier check` is the judge.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs

from adapters.registry import CONFIGS
from adapters.secret import Secret
from copier.config.accounts import AccountKeys
from copier.config.alerts import AlertKeys
from copier.config.caps import CapKeys
from copier.config.case_keys import CaseKeys, Expected
from copier.config.checks import POLICY_READINGS, CronText, Pattern
from copier.config.groups import GroupKeys
from copier.config.limit_keys import LimitKeys, Reset
from copier.config.links import LinkKeys
from copier.config.listen import Listen
from copier.config.maintenance import MaintenanceKeys
from copier.config.model import ServiceConfig
from copier.config.news import NewsKeys
from copier.config.policies import PerSymbolKeys, PolicyKeys
from copier.config.reference import meaning, prose
from copier.config.schedules import ScheduleKeys
from copier.config.structure import OFF, toml_key
from copier.config.symbol_maps import SymbolsKeys
from rules.limits.terms import LimitAmount, LimitKind
from rules.model.values import Money
from rules.policy.distances import Distance
from rules.policy.expressions import Expression
from rules.policy.mismatch import Tolerance
from rules.policy.pacing import Span

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_NUMBER_OR_TEXT: Schema = {"type": ["number", "string"]}

_SIMPLE: Mapping[Any, Schema] = {
    str: _TEXT,
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    Decimal: _NUMBER,
    timedelta: {"type": "string", "pattern": r"^[0-9][0-9.]* ?(d|h|m|s|ms)( ?[0-9][0-9.]* ?(h|m|s|ms))*$"},
    date: _TEXT,
    datetime: _TEXT,  # as tools that read TOML into JSON write its times
    Distance: _NUMBER_OR_TEXT,
    LimitAmount: _NUMBER_OR_TEXT,
    Tolerance: _NUMBER_OR_TEXT,
    Money: _TEXT,
    Expression: _TEXT,
    Span: {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 2, "maxItems": 2}]},
    ZoneInfo: _TEXT,
    Path: _TEXT,
    Listen: _TEXT,
    Secret: _TEXT,
    Pattern: _TEXT,
    CronText: _TEXT,
    Reset: _TEXT,
}


def config_schema() -> Schema:
    """Return the schema of a whole config file."""
    definitions = _Definitions()
    sections = {
        "service": definitions.of(ServiceConfig),
        "accounts": _named({"anyOf": [definitions.account(venue) for venue in CONFIGS]}),
        "groups": _named({"type": "array", "items": _TEXT, "description": prose(GroupKeys)}),
        "symbols": _named(definitions.of(SymbolsKeys)),
        "schedules": _named(definitions.of(ScheduleKeys)),
        "news": _named(definitions.of(NewsKeys)),
        "maintenance": _named(definitions.of(MaintenanceKeys)),
        "policies": _named(definitions.of(PolicyKeys)),
        "links": {"type": "array", "items": definitions.of(LinkKeys)},
        "limits": {"type": "array", "items": {"anyOf": [definitions.of(LimitKeys), definitions.of(CapKeys)]}},
        "alerts": {"type": "array", "items": definitions.of(AlertKeys)},
        "tests": {"type": "array", "items": definitions.of(CaseKeys)},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "copier.toml",
        "type": "object",
        "properties": sections,
        "additionalProperties": False,
        "$defs": definitions.made,
    }


def _named(schema: Schema) -> Schema:
    return {"type": "object", "additionalProperties": schema}


class _Definitions:
    """The schemas of classes, each made once and referred to by name."""

    def __init__(self) -> None:
        self.made: dict[str, Schema] = {}

    def of(self, cls: type) -> Schema:
        """Return a reference to the schema of a section's class."""
        return self._refer(cls.__name__, prose(cls), lambda: self._properties(cls))

    def account(self, venue: str) -> Schema:
        """Return a reference to the schema of an account at a venue."""

        def properties() -> Iterator[tuple[str, Schema, bool]]:
            for key, schema, required in (*self._properties(AccountKeys), *self._properties(CONFIGS[venue])):
                yield key, ({**schema, "const": venue} if key == "venue" else schema), required

        return self._refer(f"{venue} account", prose(CONFIGS[venue]), properties)

    def _refer(self, name: str, description: str, properties: Any) -> Schema:
        if name not in self.made:
            schema: Schema = {"type": "object", "description": description}
            self.made[name] = schema
            found = list(properties())
            schema["properties"] = {key: value for key, value, _ in found}
            schema["required"] = [key for key, _, required in found if required]
            schema["additionalProperties"] = False
        return {"$ref": f"#/$defs/{name}"}

    def _properties(self, cls: type) -> Iterator[tuple[str, Schema, bool]]:
        attrs.resolve_types(cls)
        for attribute in attrs.fields(cls):
            if attribute.init:
                schema = {**self._value(cls, attribute), "description": meaning(cls, attribute)}
                yield toml_key(attribute), schema, attribute.default is attrs.NOTHING

    def _value(self, cls: type, attribute: "attrs.Attribute[Any]") -> Schema:
        special = self._special(cls, attribute.name)
        if special is not None:
            return special
        own_reading = "read" in attribute.metadata or attribute.name in POLICY_READINGS.get(cls, {})
        kinds = [self._kind(kind) for kind in _alternatives(attribute.type)]
        if own_reading:
            # Such a key may be written otherwise than its type says: a fraction as a percent, one name for several.
            kinds.append(_TEXT)
        elif NoneType in get_args(attribute.type) and not any(kind == _TEXT for kind in kinds):
            kinds.append({"const": OFF})
        kinds = [kind for number, kind in enumerate(kinds) if kind not in kinds[:number]]
        return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}

    def _special(self, cls: type, name: str) -> Schema | None:
        """Return the schema of a key whose type says too little."""
        if (cls, name) == (LimitKeys, "kind"):
            return {"enum": [kind.value for kind in LimitKind]}
        if (cls, name) == (LinkKeys, "override"):
            return self._policy_part("override", {"extends"}, None)
        if (cls, name) == (PolicyKeys, "per_symbol"):
            row = self._policy_part("per_symbol", {"extends", "per_symbol"}, PerSymbolKeys)
            return {"type": "array", "items": row}
        if (cls, name) == (CaseKeys, "expect"):
            expected = self.of(Expected)
            return {"anyOf": [expected, {"type": "array", "items": expected}]}
        return None

    def _policy_part(self, name: str, without: set[str], beside: type | None) -> Schema:
        def properties() -> Iterator[tuple[str, Schema, bool]]:
            yield from () if beside is None else self._properties(beside)
            yield from (each for each in self._properties(PolicyKeys) if each[0] not in without)

        return self._refer(name, prose(beside or PolicyKeys), properties)

    def _kind(self, kind: Any) -> Schema:
        if kind in _SIMPLE:
            return _SIMPLE[kind]
        if get_origin(kind) in (tuple, frozenset):
            return {"type": "array", "items": self._kind(get_args(kind)[0])}
        if get_origin(kind) is Literal:
            return {"enum": list(get_args(kind))}
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [member.value for member in kind]}
        if isinstance(kind, type) and attrs.has(kind):
            return self.of(kind)
        return {"type": "object"} if get_origin(kind) is not None else {}


def _alternatives(kind: Any) -> list[Any]:
    """Return the types that a declared type leaves open, without None."""
    if kind in _SIMPLE or get_origin(kind) not in (Union, UnionType):
        return [kind]
    parts = [part for part in get_args(kind) if part is not NoneType]
    whole = next((known for known in _SIMPLE if len(parts) > 1 and set(get_args(known)) == set(parts)), None)
    return parts if whole is None else [whole]
