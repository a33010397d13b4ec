"""The API's document (OpenAPI 3.1), made of the table of endpoints and the classes of what is shown."""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from copier.web.dto.problems import Problem
from copier.web.problems import MEDIA_TYPE as PROBLEM
from copier.web.rest.endpoints import PREFIX, Endpoint
from copier.web.rest.params import Param, Text

_TEMPLATE: Final = "#/components/schemas/{name}"

_REFUSALS: Final = {
    400: "The request cannot be read.",
    401: "A key is needed, or this one is not known.",
    403: "This key may only read.",
    404: "There is no such thing, or the key may not see it.",
    406: "The client takes nothing of what is answered here.",
    409: "It cannot be done as things are; nothing was done.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    422: "A field is not as it should be; `errors` says which.",
    429: "Too many requests; `Retry-After` says when to ask again.",
    503: "The ledger, or a venue, cannot be asked now.",
}
_ALWAYS: Final = (400, 401, 404, 406, 422, 429, 503)


def document(endpoints: Iterable[Endpoint], version: str) -> dict[str, Any]:
    """Return the whole document."""
    endpoints = tuple(endpoints)
    bodies = {each.body for each in endpoints if each.body is not None}
    shown = {each.answers for each in endpoints if each.answers is not None}
    ordered = sorted({Problem, *bodies, *shown}, key=lambda each: each.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_TEMPLATE)
    for body in bodies:
        schemas[body.__name__]["additionalProperties"] = False
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "copier",
            "version": version,
            "summary": "A trade copier and risk engine",
            "description": "Amounts are exact decimals as text, times RFC 3339 in UTC, null means not known.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": PREFIX}],
        "security": [{"key": []}, {"bearer": []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(endpoint.tag for endpoint in endpoints)],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    refusals = {*_ALWAYS, *endpoint.refusals}
    refusals |= {403} if endpoint.operates else set()
    refusals |= {413, 415} if endpoint.body is not None else set()
    responses: dict[str, Any] = {"200": {"description": "As asked.", "content": {endpoint.media: _answer(endpoint)}}}
    for status in sorted(refusals):
        schema = {"$ref": _TEMPLATE.format(name=Problem.__name__)}
        responses[str(status)] = {"description": _REFUSALS[status], "content": {PROBLEM: {"schema": schema}}}
    operation: dict[str, Any] = {
        "operationId": _operation_id(endpoint),
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "parameters": [
            *({**_parameter(Param(name, Text(), ""), "path"), "required": True} for name in endpoint.names),
            *(_parameter(param, "query") for param in endpoint.params),
            *(_parameter(param, "header") for param in endpoint.headers),
        ],
        "responses": responses,
    }
    if endpoint.body is not None:
        schema = {"$ref": _TEMPLATE.format(name=endpoint.body.__name__)}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    if endpoint.open:
        operation["security"] = []
    return operation


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.answers is None:
        return {"schema": {"type": "string"}} if endpoint.media.startswith("text/") else {"schema": {"type": "object"}}
    schema: dict[str, Any] = {"$ref": _TEMPLATE.format(name=endpoint.answers.__name__)}
    if endpoint.paged:
        following = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        properties = {"items": {"type": "array", "items": schema}, "next": following}
        schema = {"type": "object", "properties": properties, "required": ["items", "next"]}
    return {"schema": schema}


def _parameter(param: Param, where: str) -> dict[str, Any]:
    schema = param.type.schema()
    if param.many:
        schema = {"type": "array", "items": schema}
    elif param.default is not None:
        schema["default"] = param.default
    shown: dict[str, Any] = {"name": param.name, "in": where, "schema": schema}
    if param.about:
        shown["description"] = param.about
    return shown


def _operation_id(endpoint: Endpoint) -> str:
    words = [word.strip("{}").replace("-", "_").replace(".", "_") for word in endpoint.segments]
    return "_".join([endpoint.method.lower(), *words])
