"""A service on two paper accounts with its surface and its app, in this process; requests go straight to the app."""

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import trio
from attrs import field

from copier.clock import utc_now
from copier.commands.accounts import open_accounts
from copier.commands.configs import read_config
from copier.commands.make_service import make_service
from copier.ledger.ledger import Ledger
from copier.web.asgi import App, Message
from copier.web.changes import Changes
from copier.web.surface import Surface
from rules.model.frozen import frozen
from tests.copier.commands.shell import PAPER
from tests.copier.web.served import LOCAL


@asynccontextmanager
async def running_surface(folder: Path, text: str = PAPER) -> AsyncIterator[Surface]:
    """Run the service of a config for the length of the block."""
    file = folder / "copier.toml"
    file.write_text(text, encoding="utf-8")
    config = read_config(file)
    ledger = Ledger.open(config.service.ledger)
    stop = trio.Event()
    try:
        async with open_accounts(config) as accounts, trio.open_nursery() as nursery:
            changes = Changes()
            service = make_service(config, accounts, ledger, changes=changes)
            nursery.start_soon(service.run, stop)
            yield Surface(config, service, changes, utc_now=utc_now)
            stop.set()
    finally:
        ledger.close()


@frozen
class Answered:
    """What an app said to one request."""

    status: int
    headers: dict[str, str] = field(factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    app: App,
    method: str,
    target: str,
    *,
    headers: Iterable[tuple[str, str]] = (("host", "localhost"),),
    body: bytes = b"",
    client: tuple[str, int] = LOCAL,
) -> Answered:
    """Ask an app as our host would."""
    scope = scope_of(method, target, headers, client)
    said: list[Message] = []
    asked = False

    async def receive() -> Message:
        nonlocal asked
        if asked:
            await trio.sleep_forever()
        asked = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        await trio.lowlevel.checkpoint()
        said.append(message)

    await app(scope, receive, send)
    lines = {name.decode(): value.decode() for name, value in said[0].get("headers", ())}
    return Answered(said[0]["status"], lines, b"".join(each.get("body", b"") for each in said[1:]))


async def stream(
    app: App, target: str, headers: Iterable[tuple[str, str]], chunks: trio.MemorySendChannel[bytes]
) -> None:
    """Ask for something that goes on, and hand over its parts; the one who cancels this is the client that leaves."""

    async def receive() -> Message:
        await trio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            assert message["status"] == 200, message
        else:
            await chunks.send(message["body"])

    await app(scope_of("GET", target, headers, LOCAL), receive, send)


def scope_of(method: str, target: str, headers: Iterable[tuple[str, str]], client: tuple[str, int]) -> dict[str, Any]:
    """Return what our host would make of a request."""
    path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": client,
        "server": None,
        "state": {},
        "extensions": {},
    }
