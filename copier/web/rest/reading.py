"""Reads a request against its endpoint: path, query, body. What does not fit is refused with every fault at once."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import attrs
import msgspec

from copier.web.dto.problems import FieldFault
from copier.web.rest.endpoints import Endpoint
from copier.web.rest.params import Misfit, Param, Text
from copier.web.rest.refusals import Refused, bad_fields, fault

QUERY_FIELDS_MAX: Final = 100
"""Parameters of one request: no list of accounts is as long."""

# As msgspec words it: "Expected `str` of length >= 1 - at `$.reason`", "Expected `str`, got `int` - at `$.reason`".
_MISFIT: Final = re.compile(r"(?:Expected )?(?P<expected>.*?)(?:, got (?P<found>.*?))?(?: - at `\$\.?(?P<field>.*)`)?")

_ID = Text()


def read_segments(raw_path: bytes) -> tuple[str, ...]:
    """Return the decoded segments of a path; a slash may be inside of one, encoded.

    Raises:
        Refused: it is no text.
    """
    try:
        return tuple(unquote(part, errors="strict") for part in raw_path.decode("ascii").removeprefix("/").split("/"))
    except UnicodeDecodeError:
        raise Refused(400, "expected a path of percent-encoded UTF-8") from None


def read_ids(endpoint: Endpoint, found: Mapping[str, str]) -> None:
    """Check a path's parameters.

    Raises:
        Refused: one is too long, or empty.
    """
    faults = []
    for name in endpoint.names:
        try:
            _ID.read(found[name])
        except Misfit as misfit:
            faults.append(fault("path", name, misfit.expected, found[name]))
    if faults:
        raise bad_fields(*faults)


def read_query(endpoint: Endpoint, query: bytes) -> dict[str, Any]:
    """Return a query's parameters, those that were left out by their defaults.

    Raises:
        Refused: one is unknown, given twice, or not as it should be.
    """
    try:
        text = query.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        raise Refused(400, f"expected at most {QUERY_FIELDS_MAX} parameters of percent-encoded UTF-8") from None
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    known = {param.name: param for param in endpoint.params}
    faults = [
        fault("query", name, f"one of the parameters {', '.join(known) or '(none)'}", name)
        for name in given
        if name not in known
    ]
    values: dict[str, Any] = {}
    for name, param in known.items():
        values[name] = _value(param, given.get(name, []), faults)
    if faults:
        raise bad_fields(*faults)
    return values


def _value(param: Param, texts: list[str], faults: list[FieldFault]) -> Any:
    if len(texts) > 1 and not param.many:
        faults.append(fault("query", param.name, "one value", f"{len(texts)} values"))
        return None
    values = []
    for text in texts:
        try:
            values.append(param.type.read(text))
        except Misfit as misfit:
            faults.append(fault("query", param.name, misfit.expected, text))
    if param.many:
        return tuple(values)
    return values[0] if values else param.default


def read_headers(endpoint: Endpoint, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the headers that an endpoint reads.

    Raises:
        Refused: one is not as it should be.
    """
    faults: list[FieldFault] = []
    values: dict[str, Any] = {}
    for param in endpoint.headers:
        text, values[param.name] = headers.get(param.name), param.default
        try:
            if text is not None:
                values[param.name] = param.type.read(text)
        except Misfit as misfit:
            faults.append(fault("header", param.name, misfit.expected, text))
    if faults:
        raise bad_fields(*faults)
    return values


def read_body(kind: type, body: bytes) -> Any:
    """Return a body as its class has it.

    Raises:
        Refused: it is no JSON, or does not fit.
    """
    try:
        raw = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, f"expected a body of JSON: {str(error)[:200]}") from None
    if not isinstance(raw, dict):
        raise bad_fields(fault("body", ".", "a JSON object", type(raw).__name__))
    names = [each.name for each in attrs.fields(kind)]
    unknown = [fault("body", name, f"one of the keys {', '.join(names)}", name) for name in raw if name not in names]
    if unknown:
        raise bad_fields(*unknown)
    missing = [
        fault("body", each.name, "a value", None)
        for each in attrs.fields(kind)
        if each.default is attrs.NOTHING and each.name not in raw
    ]
    if missing:
        raise bad_fields(*missing)
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise bad_fields(_body_fault(str(error), raw)) from None


def _body_fault(text: str, raw: dict[str, Any]) -> FieldFault:
    match = _MISFIT.fullmatch(text)
    assert match is not None  # every part of the pattern may be missing
    name = match["field"] or "."
    found = match["found"].replace("`", "") if match["found"] else raw.get(name, "something else")
    return fault("body", name, match["expected"].replace("`", ""), found)
