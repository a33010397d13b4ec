"""Values to ledger bodies and back, exact: attrs classes as JSON that a person can read in ten years.

A body names its class (`"@kind": "Filled"`), and so does every value inside it whose declared type leaves a choice of
classes. Numbers are text, instants ISO 8601 in UTC, enums their value, fractions `n/d`. Fields that a later version
adds need a default; a field that nobody knows any more is refused, never skipped.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Final, NewType, TypeVar, Union, get_args, get_origin, get_type_hints, overload

import attrs
import cattrs
import msgspec
from cattrs.errors import ForbiddenExtraKeysError
from cattrs.fns import identity

T = TypeVar("T")

KIND: Final = "@kind"
"""The key that names a class; no attribute can have this name."""


class CodecError(ValueError):
    """A body is not what the wanted type writes: the ledger was damaged, or written by another version."""


_TO_JSON: Final = msgspec.json.Encoder()
_FROM_JSON: Final = msgspec.json.Decoder()


def encode(value: object) -> bytes:
    """Return an attrs object as a body.

    Raises:
        TypeError: `value` or something in it has a type that a body cannot hold.
    """
    return _TO_JSON.encode(_tagged(value))


def written(text: str) -> bytes:
    """Return how a text stands in a body."""
    return _TO_JSON.encode(text)


_PLAIN: Final = frozenset({str, int, bool, NoneType, Decimal, datetime, date, time, timedelta})
"""What msgspec writes as a body wants it."""

# What bytes that we did not write can raise on their way through the JSON reader, cattrs and the constructors.
_DAMAGE: Final = (
    msgspec.DecodeError,
    ForbiddenExtraKeysError,
    RecursionError,
    ArithmeticError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
)


@overload
def decode(type_: type[T], body: bytes) -> T: ...
@overload
def decode(type_: Any, body: bytes) -> Any: ...
def decode(type_: Any, body: bytes) -> Any:
    """Return the object that `body` holds.

    Args:
        type_: an attrs class, or a union of attrs classes such as `rules.model.events.Event`.
        body: made by `encode`.
    Raises:
        CodecError: the body does not hold such an object.
    """
    try:
        tree = _FROM_JSON.decode(body)
        return _structure_chosen(tree, _choices(type_))
    except _DAMAGE as error:
        name = " | ".join(_choices(type_))
        raise CodecError(f"expected a body of {name}, found one that does not fit: {error!r}") from error


def _tagged(value: object) -> msgspec.Struct:
    """Return what msgspec writes of an attrs object, its class named."""
    class_ = type(value)
    to_struct = _TO_STRUCT.get(class_)
    if to_struct is None:
        if not attrs.has(class_):
            raise TypeError(f"expected an attrs object, found {class_.__name__}")
        to_struct = _TO_STRUCT[class_] = _struct_maker(class_, tag=class_.__name__)
    return to_struct(value)


ToStruct = Callable[[Any], msgspec.Struct]

_TO_STRUCT: Final[dict[type, ToStruct]] = {}
"""What makes a struct with a tag of an object, by class."""


def _struct_maker(class_: Any, tag: str | None = None) -> ToStruct:
    """Return what copies an object's fields into a struct, which msgspec writes in the order of their declaration.

    A struct is made and written faster than a dictionary: its keys stand ready in it.
    """
    hints = get_type_hints(class_)
    hooks = {field.name: _CONVERTER.get_unstructure_hook(hints[field.name]) for field in attrs.fields(class_)}
    struct = msgspec.defstruct(
        class_.__name__, [(name, Any) for name in hooks], tag_field=KIND if tag else None, tag=tag, gc=False
    )
    values = [f"value.{name}" if hook is identity else f"to_{name}(value.{name})" for name, hook in hooks.items()]
    # Compiled from text, as attrs makes an `__init__`: to go through the fields in a loop costs twice as much.
    names = {"struct": struct, **{f"to_{name}": hook for name, hook in hooks.items()}}
    maker: ToStruct = eval(f"lambda value: struct({', '.join(values)})", names)
    return maker


def _structure_chosen(tree: Any, choices: dict[str, type]) -> Any:
    kind = tree.pop(KIND)
    if kind not in choices:
        raise ValueError(f"expected one of {sorted(choices)}, found {kind!r}")
    return _CONVERTER.structure(tree, choices[kind])


@lru_cache
def _choices(type_: Any) -> dict[str, type]:
    """Return the attrs classes that `type_` leaves open, by name."""
    classes = [each for each in (get_args(type_) if _is_union(type_) else (type_,)) if each is not NoneType]
    by_name = {each.__name__: each for each in classes}
    if len(by_name) != len(classes) or not all(attrs.has(each) for each in classes):
        raise TypeError(f"expected attrs classes with different names, found {type_}")
    return by_name


def _is_union(type_: Any) -> bool:
    return get_origin(type_) in (Union, UnionType)


def _is_class_choice(type_: Any) -> bool:
    """Tell whether a declared type leaves open which of several attrs classes a value has."""
    classes = [each for each in get_args(type_) if each is not NoneType] if _is_union(type_) else []
    return len(classes) > 1 and all(attrs.has(each) for each in classes)


@lru_cache
def _is_plain(type_: Any) -> bool:
    """Tell whether msgspec by itself writes values of a declared type as a body wants them, whatever is in them.

    Of attrs classes it takes the fields in the order of the alphabet, at less than a struct costs.
    """
    if isinstance(type_, NewType):
        return _is_plain(type_.__supertype__)
    if attrs.has(type_):
        hints = get_type_hints(type_)
        return all(_is_plain(hints[field.name]) for field in attrs.fields(type_))
    if get_origin(type_) is tuple or (_is_union(type_) and not _is_class_choice(type_)):
        return all(each is ... or _is_plain(each) for each in get_args(type_))
    return type_ in _PLAIN or (isinstance(type_, type) and issubclass(type_, Enum))


def _is_series(type_: Any) -> bool:
    return get_origin(type_) is tuple and get_args(type_)[1:] == (...,)


def _series_unstructure(type_: Any) -> Callable[[Any], Any]:
    hook = _CONVERTER.get_unstructure_hook(get_args(type_)[0])
    return lambda values: [hook(value) for value in values]


def _is_frozenset(type_: Any) -> bool:
    origin: Any = get_origin(type_)
    return origin is frozenset


def _tagged_unstructure(type_: Any) -> Callable[[Any], Any]:
    if NoneType not in get_args(type_):
        return _tagged
    return lambda value: None if value is None else _tagged(value)


def _tagged_structure(type_: Any) -> Callable[[Any, Any], Any]:
    choices = _choices(type_)
    optional = NoneType in get_args(type_)

    def structure(tree: Any, _type: Any) -> Any:
        if tree is None and optional:
            return None
        return _structure_chosen(tree, choices)

    return structure


def _strict(type_: type) -> Callable[[Any, Any], Any]:
    """Return a hook that takes values of exactly `type_`: without it 5 would pass as the text "5"."""

    def structure(value: Any, _type: Any) -> Any:
        if type(value) is not type_:
            raise TypeError(f"expected {type_.__name__}, found {value!r}")
        return value

    return structure


def _decimal(value: Any, _type: Any) -> Decimal:
    if type(value) is not str:
        raise TypeError(f"expected a decimal number as text, found {value!r}")
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"expected a decimal number, found {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"expected a finite decimal number, found {value!r}")
    return number


def _fraction(value: Any, _type: Any) -> Fraction:
    numerator, slash, denominator = value.partition("/")
    if not slash:
        raise ValueError(f"expected a fraction n/d, found {value!r}")
    return Fraction(int(numerator), int(denominator))


def _instant(value: Any, _type: Any) -> datetime:
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError(f"expected an aware instant, found {value!r}")
    return at


def _by_msgspec(type_: type) -> Callable[[Any, Any], Any]:
    return lambda value, _type: msgspec.convert(value, type_)


def _no_float(value: Any, _type: Any = None) -> Any:
    raise TypeError(f"expected an exact number, found the float {value!r}")


def _converter() -> cattrs.Converter:
    """Return the converter: only what JSON does not know by itself is touched, the rest goes to msgspec as it is."""
    converter = cattrs.Converter(detailed_validation=False, forbid_extra_keys=True)
    converter.register_unstructure_hook_factory(attrs.has, _struct_maker)
    converter.register_unstructure_hook_factory(_is_series, _series_unstructure)
    converter.register_unstructure_hook_func(_is_plain, identity)
    converter.register_unstructure_hook(Fraction, lambda value: f"{value.numerator}/{value.denominator}")
    converter.register_unstructure_hook(float, _no_float)
    # In order, so that equal values make equal bytes in every run.
    converter.register_unstructure_hook_func(_is_frozenset, sorted)
    converter.register_unstructure_hook_factory(_is_class_choice, _tagged_unstructure)
    for strict in (str, int, bool):
        converter.register_structure_hook(strict, _strict(strict))
    converter.register_structure_hook(float, _no_float)
    converter.register_structure_hook(Decimal, _decimal)
    converter.register_structure_hook(Fraction, _fraction)
    converter.register_structure_hook(datetime, _instant)
    for type_ in (date, time, timedelta):
        converter.register_structure_hook(type_, _by_msgspec(type_))
    converter.register_structure_hook_factory(_is_class_choice, _tagged_structure)
    return converter


_CONVERTER: Final = _converter()
