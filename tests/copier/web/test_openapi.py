"""The API's document: made of the table, whole, and readable without any CDN."""

import re
from pathlib import Path
from typing import Any

import pytest

from copier.web.openapi import document
from copier.web.rest import meta
from copier.web.rest.endpoints import Endpoint
from copier.web.rest.events import EVENTS
from copier.web.rest.table import ENDPOINTS
from tests.copier.web.clients import serving

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")


def shown(table: tuple[Endpoint, ...] = ENDPOINTS) -> dict[str, Any]:
    return document(table, "1.2.3")


def references(node: Any) -> set[str]:
    """Return all schemas that a part of the document points to."""
    if isinstance(node, dict):
        found = {node["$ref"].rpartition("/")[2]} if "$ref" in node else set()
        return found.union(*(references(each) for each in node.values()))
    return set().union(*(references(each) for each in node)) if isinstance(node, list) else set()


def test_every_endpoint_is_in_the_document_with_all_of_its_parameters() -> None:
    paths = shown()["paths"]
    assert {(method.upper(), path) for path, methods in paths.items() for method in methods} == {
        (each.method, each.path) for each in ENDPOINTS
    }
    parameters = paths["/decisions"]["get"]["parameters"]
    named = {each["name"]: each["in"] for each in parameters}
    assert named == dict.fromkeys(("account", "link", "position", "code", "kind", "since", "cursor", "limit"), "query")
    assert paths["/accounts/{account}"]["get"]["parameters"][0]["required"] is True


def test_everything_that_is_pointed_to_exists_and_is_pointed_to() -> None:
    whole = shown()
    assert references(whole) == set(whole["components"]["schemas"])


def test_amounts_are_text_and_bodies_take_no_other_keys() -> None:
    schemas = shown()["components"]["schemas"]
    assert schemas["Position"]["properties"]["volume"]["type"] == "string"
    assert schemas["Command"]["additionalProperties"] is False
    assert "'type': 'number'" not in str({name: schema for name, schema in schemas.items() if name != "Latency"})


def test_commands_need_a_body_and_say_what_they_refuse() -> None:
    flatten = shown()["paths"]["/accounts/{account}/flatten"]["post"]
    assert flatten["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/ConfirmedCommand")
    assert {"200", "400", "401", "403", "404", "409", "413", "415", "422", "429"} <= set(flatten["responses"])
    assert [each["name"] for each in flatten["parameters"]] == ["account", "idempotency-key"]


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for methods in shown()["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


def test_the_page_of_the_docs_names_every_path_and_every_event() -> None:
    written = set(re.findall(r"`(/[a-z-]*[^`? ]*)[^`]*`", PAGE))
    assert {each.path for each in ENDPOINTS} - written == set()
    assert [event for event in EVENTS if f"| `{event}` |" not in PAGE] == []


def test_the_page_for_people_needs_nothing_from_elsewhere() -> None:
    page = meta.html_page(shown())
    assert re.findall(r'(?:src|href)="(?!#|/api/v1/)', page) == []
    assert "<script" not in page
    assert "style=" not in page
    for anchor in set(re.findall(r'href="#([^"]+)"', page)):
        assert f'id="{anchor}"' in page


@pytest.mark.slow  # runs a whole service
async def test_the_document_and_its_page_are_served(tmp_path: Path) -> None:
    async with serving(tmp_path) as client:
        answer = await client.get("/openapi.json")
        assert answer.json["openapi"] == "3.1.0"
        assert set(shown()["paths"]) < set(answer.json["paths"])
        page = await client.get("/docs", accept="text/html")
        assert page.headers["content-type"].startswith("text/html")
        assert (await client.get("/docs.css", accept="text/css")).status == 200
