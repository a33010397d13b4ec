"""The API's own description: the OpenAPI document for programs, and a page of it for people, without any CDN."""

from collections.abc import Iterable
from html import escape
from typing import Any

import msgspec
from starlette.responses import Response

from copier.web.openapi import document
from copier.web.rest.endpoints import PREFIX, Call, Endpoint

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; }
h2 { margin-top: 2.5rem; } h3 code { font-size: 1.05rem; }
table { border-collapse: collapse; width: 100%; } th, td { border-bottom: 1px solid #8886; padding: .3rem .6rem .3rem 0;
text-align: left; vertical-align: top; } code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
nav a { margin-right: 1rem; } :target { outline: 2px solid; outline-offset: .3rem; }
"""


def endpoints(described: Iterable[Endpoint]) -> tuple[Endpoint, ...]:
    """Return what describes those, and itself."""
    described = tuple(described)

    async def openapi(call: Call) -> Response:
        return Response(msgspec.json.encode(document(table, call.surface.version)), media_type="application/json")

    async def page(call: Call) -> Response:
        return Response(html_page(document(table, call.surface.version)), media_type="text/html")

    async def style(_: Call) -> Response:
        return Response(_STYLE, media_type="text/css")

    table = (
        *described,
        Endpoint("GET", "/openapi.json", "This API, for programs", openapi),
        Endpoint("GET", "/docs", "This API, for people", page, media="text/html"),
        Endpoint("GET", "/docs.css", "How that page looks", style, media="text/css"),
    )
    return table[len(described) :]


def html_page(shown: dict[str, Any]) -> str:
    """Return the document as a page that needs nothing but its style."""
    tags = [tag["name"] for tag in shown["tags"]]
    parts = [_section(shown, tag) for tag in tags]
    things = "".join(_thing(name, schema) for name, schema in sorted(shown["components"]["schemas"].items()))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>copier API</title>'
        f'<link rel="stylesheet" href="{PREFIX}/docs.css"></head><body><main>'
        f"<h1>copier API {escape(shown['info']['version'])}</h1><p>{escape(shown['info']['description'])} "
        f'Everything is below <code>{PREFIX}</code>; <a href="{PREFIX}/openapi.json">the document</a> is for programs.'
        f'</p><nav aria-label="Parts">{"".join(_link(f"tag-{tag}", tag) for tag in tags)}</nav>'
        f"{''.join(parts)}<h2>What is shown</h2>{things}</main></body></html>"
    )


def _section(shown: dict[str, Any], tag: str) -> str:
    rows = [
        _operation(method.upper(), path, operation)
        for path, methods in shown["paths"].items()
        for method, operation in methods.items()
        if tag in operation["tags"]
    ]
    return f'<h2 id="tag-{escape(tag)}">{escape(tag)}</h2>{"".join(rows)}'


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{each['in']}</td><td>{_type(each['schema'])}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for each in operation["parameters"]
    )
    heads = "".join(f'<th scope="col">{word}</th>' for word in ("parameter", "in", "type", "meaning"))
    params = f"<table><tr>{heads}</tr>{rows}</table>" if rows else ""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    wants = f"<p>Body: {_type(body)}</p>" if body else ""
    kind, answer = next(iter(operation["responses"]["200"]["content"].items()))
    answers = _type(answer["schema"]) if kind == "application/json" else escape(kind)
    return (
        f'<section id="{operation["operationId"]}"><h3><code>{method} {escape(path)}</code></h3>'
        f"<p>{escape(operation['summary'])}.</p>{params}{wants}<p>Answers: {answers}</p></section>"
    )


def _thing(name: str, schema: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code></td><td>{_type(each)}</td>"
        f"<td>{escape(each.get('description', ''))}</td></tr>"
        for field, each in schema.get("properties", {}).items()
    )
    about = escape(schema.get("description", ""))
    return f'<section id="thing-{name}"><h3><code>{name}</code></h3><p>{about}</p><table>{rows}</table></section>'


def _type(schema: dict[str, Any]) -> str:
    """Return a schema in a few words, with links to the things that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _link(f"thing-{name}", name)
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"<code>{escape(str(word))}</code>" for word in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if set(schema.get("properties", ())) == {"items", "next"}:
        return f"page of {_type(schema['properties']['items']['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"by name: {_type(schema['additionalProperties'])}"
    kind = str(schema.get("type", "anything"))
    return escape(f"{kind} ({schema['format']})" if "format" in schema else kind)


def _link(anchor: str, text: str) -> str:
    return f'<a href="#{escape(anchor)}">{escape(text)}</a>'
