"""Two tenants on one service: whatever one asks about the other's things is answered as if there were none.

The matrix is made of the app's own routes and the API's own table. A new route, or a new name in a path, fails here
until it is said what it is.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import trio
from starlette.applications import Starlette
from starlette.routing import Mount, Route, WebSocketRoute

from copier.web.app import ROUTES
from copier.web.doors import OPEN_FOLDERS, OPEN_PATHS
from copier.web.dto.levers import Acknowledge
from copier.web.metrics.endpoint import PATH as METRICS
from copier.web.metrics.endpoint import metric_routes
from copier.web.principal import KeyScope, Principal
from copier.web.rest.endpoints import PREFIX, Endpoint
from copier.web.rest.links import waits_for_approval
from copier.web.rest.table import ENDPOINTS
from rules.model.frozen import frozen
from rules.model.values import AccountId
from tests.copier.web.clients import Client, Door, serving, told_before
from tests.copier.web.running import Answered, ask

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

TENANT = """
[accounts.{name}-source]
venue = "paper"
state = ":memory:"
balance = {balance}

[accounts.{name}-target]
venue = "paper"
state = ":memory:"
balance = {balance}

[[links]]
source = "{name}-source"
targets = ["{name}-target"]
policy = "asks"

[[limits]]
account = "{name}-target"
kind = "max_loss"
amount = "4 %"
initial_balance = {balance}
"""
WORLD = """\
[service]
ledger = "sqlite:copier.db"
drain = "2s"

[policies.asks]
guard = { max_age = "10m" }
filter = { not_symbols = ['XAU.*'] }
per_symbol = [{ match = 'GBP.*', approval = true }]
"""
WORLD += TENANT.format(name="ours", balance=10_000) + TENANT.format(name="theirs", balance=77_777)

OURS = Principal("ours", frozenset(KeyScope), frozenset({AccountId("ours-source"), AccountId("ours-target")}))
NARROW = Principal("narrow", frozenset(KeyScope), frozenset({AccountId("ours-target")}))
NOBODY = Principal("nobody", frozenset(KeyScope), frozenset())

THEIR_COMMENT = "canary-of-theirs"


@frozen
class Things:
    """The ids of one tenant's things, by the names that paths, queries and bodies have for them."""

    of: Mapping[str, str]

    def path(self, endpoint: Endpoint) -> str:
        path = endpoint.path
        for name in endpoint.names:
            assert name in self.of, f"{endpoint.path}: say what {name!r} of the other tenant is"
            path = path.replace(f"{{{name}}}", quote(self.of[name], safe=""))
        return path


NOTHING = Things(
    {"account": "none-target", "link": "none-source->none-target", "position": "9", "limit": "none/max_loss", "id": "9"}
    | {"alert": "999"}
)


@asynccontextmanager
async def two_tenants(folder: Path) -> AsyncIterator[tuple[Client, Things]]:
    """Let both trade, be denied, wait and be halted; give a client, and what is theirs."""
    await told_before(folder, ("ours-target", "x"), ("theirs-target", THEIR_COMMENT))
    async with serving(folder, WORLD) as client:
        positions = {}
        for _ in range(20):  # each venue numbers its positions by itself: no two shall have one number in the matrix
            gone = await client.open("XAUUSD", "0.1", "1.1", account="theirs-source")
            await client.close(gone, "XAUUSD", "0.1", account="theirs-source")
        for name in ("ours", "theirs"):
            source = f"{name}-source"
            positions[name] = await client.open("EURUSD", account=source)
            await client.open("XAUUSD", "0.1", "2650", account=source)
            await client.open("GBPUSD", account=source)
        for name in ("ours", "theirs"):
            await client.copied(1, f"{name}-target")
        everything = client.surface.book.all
        await client.until(lambda: sum(map(waits_for_approval, everything())) == 2 and len(list(everything())) == 6)
        for name in ("ours", "theirs"):
            said = await client.post(
                f"/accounts/{name}-source/halt", {"reason": THEIR_COMMENT if name != "ours" else "x"}
            )
            assert said.status == 200
        waiting = next(each for each in everything() if waits_for_approval(each) and each.source == "theirs-source")
        yield (
            client,
            Things(
                {
                    "account": "theirs-target",
                    "link": "theirs-source->theirs-target",
                    "position": waiting.source_position_id,
                    "limit": "theirs-target/max_loss",
                    "id": positions["theirs"],
                    "alert": "2",
                }
            ),
        )


def says_nothing_of_theirs(answer: Answered, why: str) -> None:
    """Check that no word of an answer is of the other tenant."""
    text = answer.body.decode() + json.dumps(answer.headers)
    for word in ("theirs", "77777", THEIR_COMMENT):
        assert word not in text, f"{why}: {word}"


def body_of(endpoint: Endpoint, things: Things) -> bytes:
    """Return a body that would do it."""
    if endpoint.body is None:
        return b""
    if endpoint.body is Acknowledge:
        return msgspec.json.encode(Acknowledge([int(things.of["alert"])]))
    subject = things.of[endpoint.names[0]]
    return msgspec.json.encode(
        {name: {"reason": "to see", "confirm": subject}[name] for name in (each.name for each in fields(endpoint.body))}
    )


def fields(cls: Any) -> tuple[Any, ...]:
    found: tuple[Any, ...] = cls.__attrs_attrs__
    return found


async def asked(client: Client, endpoint: Endpoint, things: Things, who: Principal, query: str = "") -> Answered:
    headers = {"content_type": "application/json"} if endpoint.method == "POST" else {}
    target = things.path(endpoint) + query
    return await client.ask(endpoint.method, target, body_of(endpoint, things), who, headers)


def test_every_route_is_known_to_be_open_or_to_ask_who_it_is(tmp_path: Path) -> None:
    async def look() -> None:
        async with serving(tmp_path, WORLD) as client:
            for part in ROUTES:
                for route in part(client.surface):
                    if isinstance(route, Mount):
                        assert route.path == PREFIX, "say in this file what is asked below it"
                    else:
                        assert isinstance(route, Route | WebSocketRoute)
                        is_open = route.path in OPEN_PATHS or route.path.startswith(OPEN_FOLDERS)
                        assert is_open or route.path == METRICS, (
                            f"{route.path}: nobody says what one tenant may see there of another"
                        )

    trio.run(look)


@pytest.mark.parametrize("who", [OURS, NARROW, NOBODY], ids=lambda who: who.name)
async def test_their_things_answer_as_what_does_not_exist(tmp_path: Path, who: Principal) -> None:
    async with two_tenants(tmp_path) as (client, theirs):
        before = len(list(client.surface.levers))
        for endpoint in (each for each in ENDPOINTS if (each.names or each.operates) and not each.open):
            foreign = await asked(client, endpoint, theirs, who)
            nothing = await asked(client, endpoint, NOTHING, who)
            why = f"{endpoint.method} {endpoint.path}"
            assert foreign.status == nothing.status == 404, f"{why}: {foreign.status}, {nothing.status}"
            assert (foreign.body, foreign.headers) == (nothing.body, nothing.headers), why
            says_nothing_of_theirs(foreign, why)
        assert len(list(client.surface.levers)) == before, "nothing was done"


@pytest.mark.parametrize("who", [OURS, NARROW, NOBODY], ids=lambda who: who.name)
async def test_lists_show_nothing_of_theirs_however_they_are_asked_for(tmp_path: Path, who: Principal) -> None:
    async with two_tenants(tmp_path) as (client, theirs):
        for endpoint in (each for each in ENDPOINTS if not each.names and each.method == "GET"):
            plain = await asked(client, endpoint, NOTHING, who)
            assert plain.status == 200, endpoint.path
            says_nothing_of_theirs(plain, endpoint.path)
            for param in endpoint.query:
                if param.name not in theirs.of:
                    continue
                answers = [
                    await asked(client, endpoint, NOTHING, who, f"?{param.name}={quote(things.of[param.name])}")
                    for things in (theirs, NOTHING)
                ]
                assert answers[0] == answers[1], f"{endpoint.path}?{param.name}="


@pytest.mark.parametrize("who", [OURS, NARROW, NOBODY], ids=lambda who: who.name)
async def test_metrics_show_nothing_of_theirs(tmp_path: Path, who: Principal) -> None:
    async with two_tenants(tmp_path) as (client, _):
        said = await ask(Door(Starlette(routes=metric_routes(client.surface)), who), "GET", METRICS)
        assert said.status == 200
        assert ('copier_equity{account="ours-target"' in said.body.decode()) == (who is not NOBODY)
        says_nothing_of_theirs(said, METRICS)


async def test_everything_of_ones_own_is_shown(tmp_path: Path) -> None:
    """Else the matrix would hold for a service that shows nobody anything."""
    async with two_tenants(tmp_path) as (client, _):
        book = list(client.surface.book.all())
        waiting = next(each for each in book if waits_for_approval(each) and each.source == "ours-source")
        ours = Things(
            {
                "account": "ours-target",
                "link": "ours-source->ours-target",
                "position": waiting.source_position_id,
                "limit": "ours-target/max_loss",
                "id": waiting.source_position_id,
                "alert": "1",
            }
        )
        for endpoint in (each for each in ENDPOINTS if each.method == "GET"):
            said = await asked(client, endpoint, ours, OURS)
            assert said.status == 200, endpoint.path
            if endpoint.paged and not endpoint.path.endswith(("/orders", "/history", "/mismatches")):
                assert said.json["items"], endpoint.path
        commands = [each for each in ENDPOINTS if each.method == "POST" and not each.open]
        # The approval first: the others let nothing wait any more.
        for endpoint in sorted(commands, key=lambda each: "{position}" not in each.path):
            said = await asked(client, endpoint, ours, OURS)
            assert said.status in (200, 409), f"{endpoint.path}: {said.body!r}"


async def test_the_stream_tells_nothing_of_theirs(tmp_path: Path) -> None:
    async with two_tenants(tmp_path) as (client, theirs), client.events(who=OURS) as stream:
        await client.post("/accounts/theirs-target/halt", {"reason": THEIR_COMMENT})
        await client.post("/links/theirs-source-%3Etheirs-target/pause", {"reason": THEIR_COMMENT})
        await client.open("EURUSD", account="theirs-source")
        await client.close(theirs.of["id"], account="theirs-source")
        await client.post("/accounts/ours-target/halt", {"reason": "last"})
        seen = []
        while True:
            event = await stream.next()
            seen.append(json.dumps(event.data))
            if event.event == "lever" and event.data["why"] == "last":
                break
        assert not any("theirs" in each or THEIR_COMMENT in each or "77777" in each for each in seen)
        async with client.events(f"?account={theirs.of['account']}", who=OURS) as asked_for:
            await client.post("/accounts/theirs-target/resume", {"reason": THEIR_COMMENT})
            with trio.move_on_after(1.5) as waited:
                await asked_for.next()
            assert waited.cancelled_caught


async def test_a_position_of_theirs_with_the_same_number_stands_in_nobodys_way(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        ours, theirs = [await client.open("GBPUSD", account=f"{name}-source") for name in ("ours", "theirs")]
        assert ours == theirs, "as paper accounts number them"
        await client.until(lambda: sum(map(waits_for_approval, client.surface.book.all())) == 2)
        body = {"reason": "fine", "confirm": ours}
        all_of_them = await client.post(f"/approvals/{ours}", body)
        assert (all_of_them.status, "name one of them" in all_of_them.json["detail"]) == (409, True)
        said = await client.post(f"/approvals/{ours}", body, OURS)
        assert said.status == 200
        says_nothing_of_theirs(said, "an approval")
        [left] = [copy for copy in client.surface.book.all() if waits_for_approval(copy)]
        assert left.source == "theirs-source"
