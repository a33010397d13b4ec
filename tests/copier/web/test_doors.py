"""The doors with keys: who is let in by what, what browsers need beside their cookie, and what a proxy may say."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
import trio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from adapters.transport.network import memory_streams
from copier.web import app as app_module
from copier.web.app import create_app
from copier.web.asgi import App
from copier.web.host import Host
from copier.web.key_file import Key, change_keys, hash_of, keys_path, with_key, without_key
from copier.web.principal import KeyScope, principal_of
from copier.web.surface import Surface
from rules.model.values import AccountId
from tests.copier.commands.shell import PAPER
from tests.copier.web.running import Answered, ask, running_surface
from tests.rules.playbook import T0

FAR = ("10.0.0.1", 1)
HOST = ("host", "localhost")
ORIGIN = ("origin", "http://localhost")
KEY = "copier_" + "k" * 43


def routes(surface: Surface) -> list[BaseRoute]:
    """What the tests ask for: who they are, and a stream that never ends."""

    async def who(request: Request) -> Response:
        principal = principal_of(request.scope)
        return JSONResponse([principal.name, principal.may_operate, request.client.host if request.client else ""])

    async def beats() -> AsyncIterator[str]:
        while True:
            yield "beat\n"
            await trio.sleep(0.1)

    async def stream(_: Request) -> Response:
        return StreamingResponse(beats())

    return [Route("/api/v1/who", who, methods=["GET", "POST"]), Route("/api/v1/stream", stream)]


@pytest.fixture(autouse=True)
def asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "ROUTES", (routes, *app_module.ROUTES))


def make_key(folder: Path, name: str = "phone", text: str = KEY) -> None:
    scopes = (KeyScope.READ, KeyScope.OPERATE)
    key = Key(name, hash_of(text), scopes, (AccountId("small"),), T0)
    change_keys(keys_path(folder / "copier.db"), partial(with_key, key=key))


async def who(app: App, *headers: tuple[str, str], method: str = "GET") -> Answered:
    return await ask(app, method, "/api/v1/who", headers=[HOST, *headers], client=FAR)


async def test_a_key_comes_in_either_header_and_in_no_address(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        assert (await who(app, ("x-api-key", KEY))).json == ["phone", True, "10.0.0.1"]
        assert (await who(app, ("authorization", f"Bearer {KEY}"))).json[0] == "phone"
        assert (await who(app, ("authorization", f"bearer {KEY}"))).status == 200
        assert (await who(app, ("x-api-key", KEY), ("authorization", f"Bearer {KEY}"))).status == 200
        assert (await who(app, ("x-api-key", KEY), ("x-api-key", "other"))).status == 400
        for query in ("api_key", "key", "api-key", "token"):
            said = await ask(app, "GET", f"/api/v1/who?{query}={KEY}", headers=[HOST], client=FAR)
            assert said.status == 401
        refused = await who(app, ("x-api-key", KEY + "x"))
        assert refused.status == 401
        assert refused.headers["www-authenticate"] == "Bearer"
        assert (await who(app)).status == 401
        assert (await ask(app, "GET", "/api/v1/who")).status == 401, "nor without a key from this machine any more"


async def test_who_shows_many_wrong_keys_is_told_when_to_come_back(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        said = [await who(app, ("x-api-key", f"wrong {number}")) for number in range(11)]
        assert [each.status for each in said] == [401] * 10 + [429]
        assert int(said[-1].headers["retry-after"]) in range(1, 7)


async def test_what_is_open_to_all_needs_no_key(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        assert (await ask(app, "GET", "/healthz", client=FAR)).status == 200
        assert (await ask(app, "GET", "/", client=FAR)).status != 401
        for closed in ("/api/v1/nothing", "/metrics", "/anything", "/healthz/", "/assets"):
            assert (await ask(app, "GET", closed, client=FAR)).status == 401


# Browsers


async def signed_in(app: App) -> str:
    said = await ask(app, "POST", "/api/v1/session", headers=[HOST, ORIGIN, ("x-api-key", KEY)], client=FAR)
    assert said.status == 200
    cookie, _, attributes = said.headers["set-cookie"].partition(";")
    assert {each.strip().partition("=")[0].lower() for each in attributes.split(";")} == {
        "expires",
        "httponly",
        "path",
        "samesite",
    }
    assert "samesite=strict" in attributes.lower()
    return cookie


async def test_a_browser_gives_its_key_for_a_cookie_and_the_cookie_back(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        cookie = ("cookie", "theme=dark; " + await signed_in(app))
        assert (await who(app, cookie)).json == ["phone", True, "10.0.0.1"]
        shown = await ask(app, "GET", "/api/v1/session", headers=[HOST, cookie], client=FAR)
        expected = {"name": "phone", "scopes": ["operate", "read"], "accounts": ["small"], "signed_in": True}
        assert shown.json == expected
        gone = await ask(app, "DELETE", "/api/v1/session", headers=[HOST, ORIGIN, cookie], client=FAR)
        assert gone.status == 204
        assert "Max-Age=0" in gone.headers["set-cookie"]
        assert (await who(app, cookie)).status == 401


async def test_a_cookie_changes_nothing_without_an_origin_of_ours(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        cookie = ("cookie", await signed_in(app))
        assert (await who(app, cookie, ORIGIN, method="POST")).status == 200
        assert (await who(app, cookie, method="POST")).status == 403
        assert (await who(app, cookie, ("origin", "https://evil.test"), method="POST")).status == 403
        assert (await who(app, cookie, ("origin", "null"), method="POST")).status == 403


async def test_no_sign_in_without_a_key_and_none_with_a_cookie(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        here = await ask(app, "POST", "/api/v1/session")
        assert here.status == 403, "a local reader has no key to give"
        assert (await ask(app, "GET", "/api/v1/session")).json["name"] == "local"
        assert (await ask(app, "GET", "/api/v1/session", client=FAR)).status == 401
        make_key(tmp_path)
        surface.keys.look()
        assert (await ask(app, "POST", "/api/v1/session", client=FAR)).status == 401
        cookie = ("cookie", await signed_in(app))
        again = await ask(app, "POST", "/api/v1/session", headers=[HOST, ORIGIN, cookie], client=FAR)
        assert again.status == 403
        assert (await ask(app, "DELETE", "/api/v1/session", client=FAR)).status == 204


async def test_a_cookie_of_another_service_on_this_host_does_not_shut_a_local_reader_out(tmp_path: Path) -> None:
    async with running_surface(tmp_path) as surface:
        said = await ask(create_app(surface), "GET", "/api/v1/who", headers=[HOST, ("cookie", "copier=stale")])
        assert said.json[0] == "local"


# What is open when a key is revoked


@pytest.mark.slow  # a revoked key is noticed by looking at a real file
async def test_a_revoked_keys_stream_is_cut_within_a_second(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface, trio.open_nursery() as nursery:
        nursery.start_soon(surface.keys.watch)
        near, far = memory_streams()
        nursery.start_soon(Host(create_app(surface)).serve_stream, far, FAR)
        await near.send_all(f"GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {KEY}\r\n\r\n".encode())
        with trio.fail_after(5):
            said = b""
            while b"beat" not in said:
                said += await near.receive_some()
            change_keys(keys_path(tmp_path / "copier.db"), partial(without_key, name="phone", now=T0))
            begun = trio.current_time()
            while chunk := await near.receive_some():
                said += chunk
        assert trio.current_time() - begun < 1
        assert not said.endswith(b"0\r\n\r\n"), "cut, not ended"
        nursery.cancel_scope.cancel()


# Behind a proxy

PROXIED = PAPER.replace("[service]", "[service]\nbehind_proxy = true")


@pytest.mark.parametrize(
    ("headers", "ip"),
    [
        ([("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
        ([("x-forwarded-for", "127.0.0.1, 192.0.2.7")], "192.0.2.7"),
        ([("x-forwarded-for", "127.0.0.1"), ("x-forwarded-for", "192.0.2.7")], "192.0.2.7"),
        ([("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
        ([], "10.0.0.1"),
    ],
)
async def test_behind_a_proxy_the_client_is_whom_the_last_proxy_names(
    tmp_path: Path, headers: list[tuple[str, str]], ip: str
) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path, PROXIED) as surface:
        assert (await who(create_app(surface), ("x-api-key", KEY), *headers)).json[2] == ip


async def test_without_one_nobody_is_believed_who_he_says_he_is(tmp_path: Path) -> None:
    make_key(tmp_path)
    async with running_surface(tmp_path) as surface:
        app = create_app(surface)
        claims = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https"), ("forwarded", "for=127.0.0.1")]
        said = await who(app, ("x-api-key", KEY), *claims)
        assert said.json[2] == "10.0.0.1"
        assert "strict-transport-security" not in said.headers


async def test_behind_a_proxy_nobody_is_local_and_cookies_are_for_tls_alone(tmp_path: Path) -> None:
    async with running_surface(tmp_path, PROXIED) as surface:
        app = create_app(surface)
        assert (await ask(app, "GET", "/api/v1/who")).status == 401, "a proxy on this machine speaks for everybody"
        make_key(tmp_path)
        surface.keys.look()
        tls = ("x-forwarded-proto", "https")
        said = await ask(app, "POST", "/api/v1/session", headers=[HOST, tls, ("x-api-key", KEY)], client=FAR)
        assert said.headers["set-cookie"].startswith("__Host-copier=")
        assert "Secure" in said.headers["set-cookie"]
        assert said.headers["strict-transport-security"] == "max-age=31536000"
        assert (await who(app, ("x-api-key", KEY), ("x-forwarded-for", "unknown"))).status == 400
