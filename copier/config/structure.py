"""Turns parsed TOML into the config's classes with cattrs, and cattrs' errors back into faults with key paths."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import attrs
from cattrs import ClassValidationError, Converter, ForbiddenExtraKeysError, IterableValidationError
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from adapters.secret import Secret
from copier.config.errors import Fault, UnknownKey, nearest, one_of, shown_value
from copier.config.positions import KeyPath
from copier.config.secrets import Outside
from copier.config.sizes import read_expression
from copier.config.units import (
    read_amount,
    read_distance,
    read_duration,
    read_money,
    read_number,
    read_span,
    read_tolerance,
)
from rules.limits.terms import Cash, Percent
from rules.model.values import Money
from rules.policy.distances import Distance
from rules.policy.expressions import Expression
from rules.policy.mismatch import Tolerance
from rules.policy.pacing import Span

OFF = "off"
"""Written for a key whose class says `| None`, it means None: switches off what a default or a parent switched on."""

IN_MEMORY = ":memory:"
"""Written for the name of a file, it means none: what is kept there is gone with the process."""

# The form of the project's own error messages: "volume must be >= 0 lots, was -0.1".
_MUST = re.compile(r"[\w.]+ must (?P<expected>.+?),? (?:was|found|had) (?P<found>.+)", re.DOTALL)

# "EST" in a firm's text means New York with its summer time; the zone data has a zone of that name without any.
_NOT_WHAT_IT_SEEMS = {"EST", "EDT", "ET", "MST", "HST"}

Reading = Callable[[object], Any]
"""Reads one key's value from TOML; raises Fault."""


def toml_key(attribute: "attrs.Attribute[Any]") -> str:
    """Return the key of a class attribute: its name, unless that is no good name in Python (`for`, `not`)."""
    key: str = attribute.metadata.get("key", attribute.name)
    return key


def toml_keys(cls: type) -> list[str]:
    """Return the keys of a section's class, in its order."""
    return [toml_key(attribute) for attribute in attrs.fields(cls) if attribute.init]


def make_converter(
    outside: Outside | None = None,
    readings: Mapping[type, Mapping[str, Reading]] | None = None,
    texts: Mapping[Any, Reading] | None = None,
) -> Converter:
    """Return a strict converter: nothing is coerced, unknown keys are refused, all faults of a table are gathered.

    Args:
        outside: where `${...}` in text leads; None leaves text as it stands.
        readings: for a class, how single keys are read where the type alone does not say it (ranges, percents).
            A class may say so itself, in its field's metadata under "read".
        texts: how the NewTypes of text are read.
    """
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)
    known = readings or {}

    def expand(value: str) -> str:
        return value if outside is None else outside.expand(value)

    @converter.register_structure_hook
    def _text(value: Any, _: Any) -> str:
        if not isinstance(value, str):
            raise Fault("text in quotes", shown_value(value))
        return expand(value)

    @converter.register_structure_hook
    def _secret(value: Any, _: Any) -> Secret:
        if not isinstance(value, str):
            raise Fault("`${env:NAME}` or `${file:/path}`", "a value that is no text")  # which may be the secret itself
        text = expand(value)
        if not text:
            raise Fault("`${env:NAME}` or `${file:/path}`", "an empty text")
        return Secret(text)

    @converter.register_structure_hook
    def _truth(value: Any, _: Any) -> bool:
        if not isinstance(value, bool):
            raise Fault("true or false", shown_value(value))
        return value

    @converter.register_structure_hook
    def _count(value: Any, _: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Fault("a whole number", shown_value(value))
        return int(read_number(value, "a whole number"))

    for kind, reading in (texts or {}).items():
        converter.register_structure_hook(kind, _plain(reading))
    converter.register_structure_hook_factory(VALUES.__contains__, lambda cls: _plain(VALUES[cls]))
    converter.register_structure_hook_factory(_is_enum, lambda cls: _plain(lambda value: _choice(cls, value)))
    converter.register_structure_hook_factory(_is_literal, lambda cls: _plain(lambda value: _literal(cls, value)))
    converter.register_structure_hook_factory(_is_tuple, lambda cls: _array(cls, converter))
    converter.register_structure_hook_factory(_is_optional, lambda cls: _optional(cls, converter))
    converter.register_structure_hook_factory(
        lambda cls: isinstance(cls, type) and attrs.has(cls) and cls not in VALUES,
        lambda cls: _table(cls, converter, known.get(cls, {}), outside),
    )
    return converter


def read_zone(value: object) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        Fault: no such zone.
    """
    expected = 'an IANA time zone such as "Europe/London"'
    if not isinstance(value, str):
        raise Fault(expected, shown_value(value))
    if value in _NOT_WHAT_IT_SEEMS:
        raise Fault(expected, shown_value(value), 'did you mean "America/New_York"?' if value[0] == "E" else None)
    try:
        return ZoneInfo(value)
    except (ValueError, OSError, LookupError):  # malformed names, folders of the zone data, unknown names
        raise Fault(expected, shown_value(value)) from None


VALUES: Mapping[Any, Reading] = {
    Decimal: read_number,
    timedelta: read_duration,
    Distance: read_distance,
    Money: read_money,
    Percent: read_amount,
    Cash: read_amount,
    Tolerance: read_tolerance,
    Span: read_span,
    Expression: read_expression,
    ZoneInfo: read_zone,
}
"""The types of single values, and how each is read."""


def faults_of(error: Exception, path: KeyPath) -> Iterator[tuple[KeyPath, Fault]]:
    """Yield each fault in what a converter raised, with the key path at which it happened.

    Args:
        path: of the value that was given to the converter.
    """
    if isinstance(error, ClassValidationError):
        keys = {attribute.name: toml_key(attribute) for attribute in attrs.fields(error.cl)}
        for inner in error.exceptions:
            note = next((n for n in getattr(inner, "__notes__", ()) if isinstance(n, AttributeValidationNote)), None)
            if note is not None and isinstance(inner, KeyError):
                yield path, Fault(f"the key `{keys[note.name]}`", "a table without it")
            else:
                yield from faults_of(inner, path if note is None else (*path, keys[note.name]))
    elif isinstance(error, IterableValidationError):
        for inner in error.exceptions:
            at = next((n for n in getattr(inner, "__notes__", ()) if isinstance(n, IterableValidationNote)), None)
            yield from faults_of(inner, path if at is None else (*path, at.index))
    elif isinstance(error, ForbiddenExtraKeysError):
        for key in sorted(error.extra_fields):
            yield (*path, key), unknown_key(key, toml_keys(error.cl))
    elif isinstance(error, Fault):
        yield (*path, *error.below), error
    elif isinstance(error, ValueError | TypeError):
        yield path, refused(error)
    else:
        raise error


def unknown_key(key: str, known: list[str]) -> UnknownKey:
    """Return the fault of a key that a table does not have."""
    return UnknownKey(one_of(known), f"the unknown key `{key}`", nearest(key, known))


def refused(error: Exception) -> Fault:
    """Return the fault that another module's ValueError tells: "x must be A, was B", or any other sentence.

    Validators of attrs put their text first and the value, which may be a secret, behind.
    """
    text = str(error.args[0] if error.args else error)
    match = _MUST.fullmatch(text)
    if match is None:
        return Fault("a value that its section accepts", text[:200])
    return Fault(f"a value that must {match['expected'][:160]}", match["found"][:100])


def _plain(read: Reading) -> Callable[[Any, Any], Any]:
    return lambda value, _: read(value)


def _choice(cls: type[Enum], value: object) -> Enum:
    names = [str(member.value) for member in cls]
    if not isinstance(value, str) or value not in names:
        hint = nearest(value, names) if isinstance(value, str) else None
        raise Fault(one_of(names), shown_value(value), hint)
    return cls(value)


def _literal(cls: Any, value: object) -> object:
    choices = get_args(cls)
    if not any(type(value) is type(choice) and value == choice for choice in choices):  # as True == 1
        raise Fault(one_of(str(choice) for choice in choices), shown_value(value))
    return value


def _array(cls: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    kind = get_args(cls)[0]
    inner = converter.get_structure_hook(list[kind])  # type: ignore[valid-type]

    def read(value: Any, _: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            found = "a value that is no array" if kind is Secret else shown_value(value)
            raise Fault("an array `[...]`", found, "put it into brackets")
        return tuple(inner(value, list))

    return read


def _optional(cls: Any, converter: Converter) -> Callable[[Any, Any], Any]:
    inner_type = next(part for part in get_args(cls) if part is not NoneType)
    inner = converter.get_structure_hook(inner_type)

    def read(value: Any, _: Any) -> Any:
        # "off" may be a good text or secret; only typed values have no such word of their own.
        return None if value == OFF and inner_type not in (str, Secret) else inner(value, inner_type)

    return read


def _table(
    cls: type, converter: Converter, readings: Mapping[str, Reading], outside: Outside | None
) -> Callable[[Any, Any], Any]:
    attrs.resolve_types(cls)
    overrides: dict[str, Any] = {}
    for attribute in attrs.fields(cls):
        reading = readings.get(attribute.name) or attribute.metadata.get("read")
        hook = _plain(reading) if reading else _judged(attribute, converter) if attribute.validator else None
        if attribute.metadata.get("path") and outside is not None:
            hook = _from_folder(hook or converter.get_structure_hook(attribute.type), outside)
        overrides[attribute.name] = override(rename=toml_key(attribute), struct_hook=hook)
    inner: Callable[[Any, Any], Any] = make_dict_structure_fn(
        cls, converter, _cattrs_forbid_extra_keys=True, _cattrs_detailed_validation=True, **overrides
    )

    def read(value: Any, _: Any) -> Any:
        if not isinstance(value, dict):
            secret = any(attribute.type is Secret for attribute in attrs.fields(cls))
            found = "a value that is no table" if secret else shown_value(value)
            raise Fault("a table", found, f"its keys are {', '.join(toml_keys(cls)[:8])}")
        return inner(value, cls)

    return read


def _from_folder(read: Callable[[Any, Any], Any], outside: Outside) -> Callable[[Any, Any], Any]:
    """Return a hook for names of files: relative ones start from the config's folder; `IN_MEMORY` is no file."""

    def read_path(value: Any, kind: Any) -> Any:
        name = read(value, kind)
        return name if name is None or name == IN_MEMORY else str(outside.folder / name)

    return read_path


def _judged(attribute: "attrs.Attribute[Any]", converter: Converter) -> Callable[[Any, Any], Any]:
    """Return a hook that runs the attribute's validator while its place is known.

    The class would raise at its first bad value only. A validator therefore judges its own value and not its instance,
    which is not made yet; what concerns several keys belongs into the class's `__attrs_post_init__`.
    """
    validator = attribute.validator
    assert validator is not None

    def read(value: Any, _: Any) -> Any:
        good = converter.structure(value, attribute.type)  # type: ignore[arg-type]
        try:
            validator(None, attribute, good)
        except (ValueError, TypeError) as error:
            raise refused(error) from None
        return good

    return read


def _is_enum(cls: Any) -> bool:
    return isinstance(cls, type) and issubclass(cls, Enum)


def _is_literal(cls: Any) -> bool:
    return get_origin(cls) is Literal


def _is_tuple(cls: Any) -> bool:
    return get_origin(cls) is tuple


def _is_optional(cls: Any) -> bool:
    parts = get_args(cls)
    return get_origin(cls) in (Union, UnionType) and len(parts) == 2 and NoneType in parts
