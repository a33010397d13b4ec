"""The app: health, errors in one shape, and the doors that every request passes."""

from pathlib import Path

import pytest
import trio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from copier.web import app as app_module
from copier.web.app import create_app
from copier.web.health import health_routes
from copier.web.principal import KeyScope, Principal, principal_of
from copier.web.surface import Surface
from rules.model.values import AccountId
from tests.copier.commands.shell import PAPER
from tests.copier.web.clients import Door
from tests.copier.web.running import ask, running_surface

FAR = """
[accounts.far]
venue = "metacopier"
account_id = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
api_key = "hunter2-key"
rest_url = "http://127.0.0.1:1"
socket_url = "ws://127.0.0.1:1/ws/api/v1"
"""


async def until_problems(surface: Surface, count: int) -> None:
    """Return when this many things keep the service from being ready."""
    with trio.fail_after(5), surface.changes.reader() as reader:
        while len(surface.health().ready) != count:
            await reader.take()


async def test_a_service_is_alive_at_once_and_ready_when_all_accounts_are_seen(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        assert (await ask(app, "GET", "/healthz")).json == {"status": "alive", "problems": 0, "says": []}
        await until_problems(surface, 0)
        assert (await ask(app, "GET", "/readyz")).json == {"status": "ready", "problems": 0, "says": []}


async def test_a_service_with_an_account_out_of_sight_is_alive_but_not_ready(tmp_path: Path) -> None:
    async with running_surface(tmp_path, PAPER + FAR) as surface:
        app = create_app(surface)
        await until_problems(surface, 1)
        said = await ask(app, "GET", "/readyz", client=("10.0.0.1", 1))
        assert (said.status, said.json) == (503, {"status": "not ready", "problems": 1})
        assert [each.account for each in surface.health().ready] == ["far"]
        assert (await ask(app, "GET", "/healthz")).status == 200


async def test_who_shows_a_key_is_told_what_is_wrong_with_its_own_accounts(tmp_path: Path) -> None:
    async with running_surface(tmp_path, PAPER + FAR) as surface:
        await until_problems(surface, 1)
        for accounts, count in ((None, 1), (frozenset({AccountId("far")}), 1), (frozenset({AccountId("small")}), 0)):
            who = Principal("screen", frozenset({KeyScope.READ}), accounts)
            said = (await ask(Door(Starlette(routes=health_routes(surface)), who), "GET", "/readyz")).json
            assert (said["problems"], len(said["says"])) == (1, count)
            assert all(each.startswith("account far is not synchronized: ") for each in said["says"])


async def test_what_does_not_exist_is_a_problem(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        said = await ask(create_app(surface), "GET", "/nothing/here")
        assert said.status == 404
        assert said.headers["content-type"] == "application/problem+json"
        shown = {"type": "/problems/not-found", "title": "Not Found", "status": 404, "detail": "", "errors": []}
        assert said.json == shown


async def test_a_bug_is_a_problem_without_a_word_of_it_and_comes_out_to_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_: Request) -> Response:
        raise RuntimeError("hunter2")

    monkeypatch.setattr(app_module, "ROUTES", (lambda surface: [Route("/broken", broken)],))
    async with running_surface(tmp_path) as surface:
        with pytest.raises(RuntimeError, match="hunter2"):
            await ask(create_app(surface), "GET", "/broken")


async def test_every_answer_has_the_headers_that_keep_browsers_strict(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        refused = await ask(app, "GET", "/", headers=[("host", "evil.test")])
        for said in (await ask(app, "GET", "/healthz"), await ask(app, "GET", "/nothing"), refused):
            assert "default-src 'none'" in said.headers["content-security-policy"]
            assert "unsafe" not in said.headers["content-security-policy"]
            assert said.headers["x-content-type-options"] == "nosniff"
            assert said.headers["x-frame-options"] == "DENY"
            assert said.headers["cache-control"] == "no-store"
            assert "access-control-allow-origin" not in said.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("host", "localhost")], 200),
        ([("host", "LOCALHOST:8377")], 200),
        ([("host", "127.0.0.1:1")], 200),
        ([("host", "[::1]:8377")], 200),
        ([("host", "[::1]")], 200),
        ([("host", "evil.test")], 421),
        ([("host", "localhost.evil.test")], 421),
        ([("host", "localhost:8377.evil.test")], 421),
        ([], 421),
        ([("host", "localhost:8377"), ("origin", "http://localhost:8377")], 200),
        ([("host", "localhost:8377"), ("origin", "http://localhost:9999")], 403),
        ([("host", "localhost:8377"), ("origin", "https://evil.test")], 403),
        ([("host", "localhost:8377"), ("origin", "null")], 403),
    ],
)
async def test_only_our_names_and_pages_come_in(tmp_path: Path, headers: list[tuple[str, str]], status: int) -> None:
    async with running_surface(tmp_path) as surface:
        assert (await ask(create_app(surface), "GET", "/healthz", headers=headers)).status == status


async def test_without_any_key_this_machine_may_read_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def who(request: Request) -> Response:
        principal = principal_of(request.scope)
        return JSONResponse([principal.name, principal.may_operate, principal.sees("small")])

    monkeypatch.setattr(app_module, "ROUTES", (lambda surface: [Route("/who", who)],))
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        assert (await ask(app, "GET", "/who")).json == ["local", False, True]
        assert (await ask(app, "GET", "/who", client=("10.0.0.1", 1))).status == 401
