"""A service on two paper accounts with its Socket API on a real port, and a client that speaks raw frames."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio
from attrs import define, field
from starlette.applications import Starlette
from trio_websocket import WebSocketConnection, connect_websocket_url

from adapters.paper.driver import PaperAccount
from adapters.simulation.broker import Book
from adapters.transport.stomp import Frame, FrameReader, HeartBeatOffer
from copier.clock import utc_now
from copier.web.doors import Access, Doors
from copier.web.host import Host
from copier.web.key_file import Key, change_keys, hash_of, keys_path, new_secret, with_key, without_key
from copier.web.principal import KeyScope
from copier.web.socket_api.endpoint import BEATS, PATH, SocketApi
from copier.web.socket_api.words import account_id
from copier.web.surface import Surface
from rules.model.values import AccountId, Side, Symbol
from tests.copier.commands.shell import PAPER
from tests.copier.web.running import running_surface

MASTER, SMALL = AccountId("master"), AccountId("small")
EURUSD = Symbol("EURUSD")
PATIENCE_S = 60.0
"""A browser starts within a second or two, on a machine that does nothing else."""


@define
class Served:
    """A running service, and where its Socket API is."""

    surface: Surface
    api: SocketApi
    url: str
    nursery: trio.Nursery

    @property
    def master(self) -> Book:
        """The books of the source, to trade by hand."""
        account = self.surface.account(MASTER)
        assert isinstance(account, PaperAccount)
        return account.book

    def make_key(self, name: str, accounts: tuple[AccountId, ...] | None = None) -> str:
        """Return a new key that reads, of some accounts or of all."""
        secret = new_secret().reveal()
        key = Key(name, hash_of(secret), (KeyScope.READ,), accounts, utc_now())
        change_keys(self._keys, partial(with_key, key=key))
        self.surface.keys.look()
        return secret

    def revoke(self, name: str) -> None:
        """Revoke a key as `copier keys` does, from outside."""
        change_keys(self._keys, partial(without_key, name=name, now=utc_now()))

    @property
    def _keys(self) -> Path:
        return keys_path(self.surface.ledger_path)

    def buy(self, volume: str = "0.1") -> None:
        """Open a position at the source, which the target copies."""
        self.master.open(EURUSD, Side.BUY, Decimal(volume), price=Decimal("1.1"))

    def close(self) -> None:
        """Close all that the source holds."""
        for position_id in tuple(self.master.positions):
            self.master.close(position_id, price=Decimal("1.2"))


@asynccontextmanager
async def served(folder: Path, *, text: str = PAPER, beats: HeartBeatOffer = BEATS) -> AsyncIterator[Served]:
    """Serve for the length of the block, which ends within `PATIENCE_S`."""
    async with running_surface(folder, text) as surface, trio.open_nursery() as nursery:
        api = SocketApi(surface, beats=beats)
        (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        nursery.start_soon(api.run)
        access = Access(surface.keys, origins=frozenset(surface.config.service.allowed_origins))
        nursery.start_soon(Host(Doors(Starlette(routes=api.routes), access)).serve, [listener])
        nursery.start_soon(surface.keys.watch)
        with trio.fail_after(PATIENCE_S):
            await until(lambda: all(surface.session(name).state == "ready" for name in surface.views))
            yield Served(surface, api, f"ws://127.0.0.1:{listener.socket.getsockname()[1]}{PATH}", nursery)
        nursery.cancel_scope.cancel()


async def until(condition: Callable[[], bool]) -> None:
    """Return when something is so; the caller bounds the wait."""
    while not condition():  # noqa: ASYNC110 - nobody sets an event for a test
        await trio.sleep(0.01)


@define
class RawClient:
    """A client that writes its frames by hand, as the Socket API page's C# and Java programs do."""

    socket: WebSocketConnection
    latest: dict[tuple[str, str], Any] = field(factory=dict)
    _reader: FrameReader = field(factory=FrameReader)

    async def say(self, *frames: str) -> None:
        for frame in frames:
            await self.socket.send_message(frame)

    async def next(self) -> Frame:
        """Return the next frame; beats are passed over."""
        while True:
            item = self._reader.next_frame()
            if isinstance(item, Frame):
                return item
            if item is None:
                self._reader.receive(await self.socket.get_message())

    async def next_message(self) -> tuple[str, Any]:
        """Return type and data of the next message."""
        frame = await self.next()
        assert frame.command == "MESSAGE", frame
        body = msgspec.json.decode(frame.body)
        return body["type"], body["data"]

    async def told(self, kind: str, account: AccountId, check: Callable[[Any], bool] = lambda _: True) -> Any:
        """Return the latest data of that type about an account, as soon as it passes."""
        while (kind, account_id(account)) not in self.latest or not check(self.latest[kind, account_id(account)]):
            found, data = await self.next_message()
            self.latest[found, data["accountId"]] = data
        return self.latest[kind, account_id(account)]


@asynccontextmanager
async def raw_client(
    served: Served, *, subprotocols: tuple[str, ...] = (), origin: str | None = None
) -> AsyncIterator[RawClient]:
    """Speak by hand for the length of the block; the line is cut at its end, without a goodbye.

    The library's reader belongs to the service's block, which ends it: one that holds a message nobody takes would
    wait for ever, and the library's own block for it.
    """
    headers = [] if origin is None else [("origin", origin)]
    socket = await connect_websocket_url(served.nursery, served.url, subprotocols=subprotocols, extra_headers=headers)
    try:
        yield RawClient(socket)
    finally:
        await trio.aclose_forcefully(socket._stream)
