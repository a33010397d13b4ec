"""Write the dashboard's types from the classes of what the API shows, so that neither can change without the other.

python -m tools.dashboard_types        # rewrites copier/dashboard/src/api/types.ts
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec

from copier.web import dto
from copier.web.dto.words import Page

TYPES = Path(__file__).parents[1] / "copier" / "dashboard" / "src" / "api" / "types.ts"

_HEAD = "// Made by `python -m tools.dashboard_types` from the API's classes; a test compares. Do not edit.\n"
_PLAIN = {"string": "string", "integer": "number", "number": "number", "boolean": "boolean", "null": "null"}


def types() -> str:
    """Return an interface for each class that is shown, by name."""
    _, schemas = msgspec.json.schema_components(_shown())
    return "\n".join([_HEAD, *(_interface(name, schema) for name, schema in sorted(schemas.items()))])


def _shown() -> Iterator[type]:
    for found in pkgutil.iter_modules(dto.__path__):
        module = importlib.import_module(f"{dto.__name__}.{found.name}")
        for each in vars(module).values():
            # A page of things is generic, which a schema is not; the dashboard has its own word for it.
            own = isinstance(each, type) and attrs.has(each) and each.__module__ == module.__name__
            if own and each is not Page:
                yield each


def _interface(name: str, schema: dict[str, Any]) -> str:
    if "properties" not in schema:
        return f"export type {name} = {_type(schema)};\n"
    required = schema.get("required", ())
    rows: list[str] = []
    for key, value in schema["properties"].items():
        if about := value.get("description"):
            rows.append(f"  /** {about} */")
        rows.append(f"  readonly {key}{'' if key in required else '?'}: {_type(value)};")
    return "\n".join([f"export interface {name} {{", *rows, "}\n"])


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " | ".join(f'"{each}"' if isinstance(each, str) else str(each) for each in schema["enum"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_type(each) for each in schema["anyOf"]))
    kind = schema.get("type")
    if isinstance(kind, list):
        return " | ".join(_PLAIN[each] for each in kind)
    if kind == "array":
        item = _type(schema.get("items", {}))
        return f"readonly ({item})[]" if "|" in item else f"readonly {item}[]"
    if kind == "object":
        more = schema.get("additionalProperties")
        return f"Readonly<Record<string, {_type(more) if isinstance(more, dict) else 'unknown'}>>"
    return _PLAIN.get(str(kind), "unknown")


def main() -> int:
    TYPES.write_text(types(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
