"""A client of the REST API in this process: a service on paper accounts, asked as any principal."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import trio
from starlette.applications import Starlette

from copier.ledger.journal import Journal
from copier.ledger.ledger import Ledger
from copier.web.asgi import App, Receive, Scope, Send
from copier.web.principal import KeyScope, Principal
from copier.web.rest.table import rest_routes
from copier.web.surface import Surface
from rules.alerts.kinds import AlertKind
from rules.model.actions import ClosePosition, OpenPosition
from rules.model.frozen import frozen
from rules.model.reports import Filled
from rules.model.values import AccountId, ClOrdId, PositionId, Side, Symbol
from tests.copier.web.running import Answered, ask, running_surface, stream
from tests.rules.playbook import T0

WORLD = """\
[service]
ledger = "sqlite:copier.db"
drain = "2s"

[accounts.master]
venue = "paper"
state = ":memory:"

[accounts.small]
venue = "paper"
state = ":memory:"

[accounts.asking]
venue = "paper"
state = ":memory:"

[accounts.foreign]
venue = "paper"
state = ":memory:"

[policies.asks]
approval = true
guard = { max_age = "10m" }

[policies.picky]
filter = { not_symbols = ['XAU.*'] }

[[links]]
source = "master"
targets = ["small"]
policy = "picky"

[[links]]
source = "master"
targets = ["asking"]
policy = "asks"

[[links]]
source = "foreign"
targets = ["small"]
policy = "picky"

[[limits]]
account = "small"
kind = "max_loss"
amount = "4 %"
initial_balance = 10000

[[limits]]
account = "small"
kind = "max_orders"
amount = 50
reset = "00:00"

[[limits]]
account = "foreign"
kind = "daily_loss"
amount = "2 %"
reset = "00:00"
"""

OPERATOR = Principal("desk", frozenset(KeyScope))
READER = Principal("screen", frozenset({KeyScope.READ}))
TENANT = Principal("tenant", frozenset(KeyScope), frozenset({AccountId("master"), AccountId("small")}))


class Door:
    """Lets everybody in as one principal."""

    def __init__(self, app: App, principal: Principal) -> None:
        self._app = app
        self._principal = principal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["principal"] = self._principal
        await self._app(scope, receive, send)


class Client:
    """Asks, and trades as a person would at the source."""

    def __init__(self, surface: Surface) -> None:
        self.surface = surface
        self.app: App = Starlette(routes=rest_routes(surface))
        self._orders = 0

    async def get(self, target: str, who: Principal = OPERATOR, **headers: str) -> Answered:
        return await self.ask("GET", target, b"", who, headers)

    async def post(self, target: str, body: Any, who: Principal = OPERATOR, **headers: str) -> Answered:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.ask("POST", target, raw, who, {"content_type": "application/json", **headers})

    async def ask(self, method: str, target: str, body: bytes, who: Principal, headers: Mapping[str, str]) -> Answered:
        lines = [("host", "localhost"), *((name.replace("_", "-"), value) for name, value in headers.items())]
        return await ask(Door(self.app, who), method, f"/api/v1{target}", headers=lines, body=body)

    async def open(
        self, symbol: str = "EURUSD", volume: str = "1", price: str = "1.1", account: str = "master", **stops: Decimal
    ) -> str:
        """Open a position at a source and return its id."""
        self._orders += 1
        name = AccountId(account)
        action = OpenPosition(
            ClOrdId(f"by-hand-{account}-{self._orders}"),
            name,
            Symbol(symbol),
            Side.BUY,
            Decimal(volume),
            expected_price=Decimal(price),
            **stops,
        )
        report = await self.surface.account(name).submit(action)
        assert isinstance(report, Filled)
        return report.position_id

    async def close(self, position_id: str, symbol: str = "EURUSD", volume: str = "1", account: str = "master") -> None:
        """Close a position at a source."""
        self._orders += 1
        name, order = AccountId(account), ClOrdId(f"by-hand-{account}-{self._orders}")
        held = PositionId(position_id)
        action = ClosePosition(order, name, held, Symbol(symbol), Side.BUY, Decimal(volume), Decimal("1.1"))
        await self.surface.account(name).submit(action)

    @asynccontextmanager
    async def events(self, query: str = "", who: Principal = OPERATOR, last_id: str = "") -> AsyncIterator["Events"]:
        """Listen to the event stream for the length of the block."""
        send, receive = trio.open_memory_channel[bytes](10_000)
        headers = [("host", "localhost"), *([("last-event-id", last_id)] if last_id else [])]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(stream, Door(self.app, who), f"/api/v1/events{query}", headers, send))
            events = Events(receive)
            assert await events.line() == b"retry: 2000"
            yield events
            nursery.cancel_scope.cancel()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Return when something is so."""
        with trio.fail_after(10), self.surface.changes.reader() as reader:
            while not is_so():
                await reader.take()

    async def ready(self) -> "Client":
        """Return when every account was seen whole."""
        await self.until(lambda: all(view.known and view.ready for view in self.surface.views.values()))
        return self

    async def copied(self, count: int, account: str = "small") -> None:
        """Return when a target holds so many copies, and nothing is under way."""

        def is_so() -> bool:
            held = self.surface.book.of_target(AccountId(account))
            return len(held) == count and not any(leg.pending for copy in held for leg in copy.legs)

        await self.until(is_so)


@frozen
class Event:
    """One event of the stream."""

    event: str
    id: str
    data: Any


class Events:
    """Reads an event stream."""

    def __init__(self, chunks: trio.MemoryReceiveChannel[bytes]) -> None:
        self._chunks = chunks
        self._text = b""

    async def line(self) -> bytes:
        """Return the next block without its empty line."""
        while b"\n\n" not in self._text:
            with trio.fail_after(20):
                self._text += await self._chunks.receive()
        block, _, self._text = self._text.partition(b"\n\n")
        return block

    async def next(self, *kinds: str) -> Event:
        """Return the next event, of those kinds where some are given; comments are passed over."""
        while True:
            block = await self.line()
            if block.startswith(b":"):
                continue
            parts = dict(line.split(b": ", 1) for line in block.split(b"\n"))
            found = Event(parts[b"event"].decode(), parts[b"id"].decode(), json.loads(parts[b"data"]))
            if not kinds or found.event in kinds:
                return found


@asynccontextmanager
async def serving(folder: Path, text: str = WORLD, *, ready: bool = True) -> AsyncIterator[Client]:
    """Serve the API of a config's service for the length of the block; at first every account was seen, unless not."""
    async with running_surface(folder, text) as surface, trio.open_nursery() as nursery:
        client = Client(surface)
        for task in surface.beside:
            nursery.start_soon(task)
        yield await client.ready() if ready else client
        nursery.cancel_scope.cancel()


async def told_before(folder: Path, *alerts: tuple[str, str]) -> None:
    """Leave alerts in the ledger, as an earlier run would: each an account and a text, each in a commit of its own."""
    ledger = Ledger.open(folder / "copier.db")
    journal = Journal(ledger, threads=False)
    for number, (account, text) in enumerate(alerts):
        journal.alert(AlertKind.ORPHAN, AccountId(account), text)
        await journal.commit(T0 + timedelta(minutes=number), all_=True)
    ledger.close()
