"""The receivers under test, each a process of its own: `python -m bench.receivers KIND VENUE PORT FILE`.

- `driver`: the account's own `stream`, up to typed events; what would hear them counts;
- `frames`: the same WebSocket and the session's own decoding, without its state and translation;
- `asyncclient`: python-socketio's AsyncClient on asyncio and aiohttp, as it comes, with a handler that counts.

FILE is mapped into memory: two numbers, how many were counted, and whether the initial state is through.
"""

import mmap
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import trio

from adapters.base import Account
from adapters.clearstreet import wire as clearstreet_wire
from adapters.clearstreet.config import SOCKET_PATH
from adapters.clearstreet.config import Config as ClearStreetConfig
from adapters.clearstreet.driver import ClearStreetAccount
from adapters.clearstreet.simulator import CLIENT_ID, CLIENT_WORD
from adapters.metaapi import wire as metaapi_wire
from adapters.metaapi.config import Config as MetaApiConfig
from adapters.metaapi.driver import MetaApiAccount
from adapters.metacopier.config import Config as MetaCopierConfig
from adapters.metacopier.driver import MetaCopierAccount
from adapters.metacopier.session import Session as StompClient
from adapters.metacopier.session import SignedIn
from adapters.metacopier.wire import UpdateOpenPositionsDTO
from adapters.secret import Secret
from adapters.tradelocker import wire as tradelocker_wire
from adapters.tradelocker.config import Config as TradeLockerConfig
from adapters.tradelocker.driver import TradeLockerAccount
from adapters.tradelocker.simulator import DEVELOPER_KEY, EMAIL, SERVER, SIGN_IN_WORD
from adapters.transport import socketio
from adapters.transport.frames import FrameConnection
from adapters.transport.network import connect_tcp
from adapters.transport.websocket import open_websocket
from bench import session_words as words
from copier.clock import utc_now
from copier.collector import spare_collector
from rules.model.events import Event, SnapshotReceived
from rules.model.values import AccountId

COUNTED, READY = 0, 1

_PATIENCE_S = 60.0
"""For one message, as the drivers have one."""


def counters(file: Path) -> memoryview:
    """Return the numbers that a receiver and the bench share."""
    with file.open("r+b") as opened:
        return memoryview(mmap.mmap(opened.fileno(), 16)).cast("Q")


def make_account(venue: str, port: int, name: str = "bench") -> Account:
    """Return an account of the feed that is served at `port`."""
    origin, socket = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    account = AccountId(name)
    match venue:
        case "tradelocker":
            config = TradeLockerConfig(
                server=SERVER,
                account_id=words.ACCOUNT,
                email=EMAIL,
                password=Secret(SIGN_IN_WORD),
                developer_api_key=Secret(DEVELOPER_KEY),
                rest_url=origin,
                streams_url=origin,
            )
            return TradeLockerAccount(account, config, connect=connect_tcp, now=utc_now)
        case "metaapi":
            metaapi = MetaApiConfig(account_id=words.METAAPI_ID, token=Secret("simulated"), socket_url=origin)
            return MetaApiAccount(account, metaapi, connect=connect_tcp, now=utc_now)
        case "metacopier":
            metacopier = MetaCopierConfig(
                account_id=words.METACOPIER_ID, api_key=Secret("simulated"), rest_url=origin, socket_url=socket
            )
            return MetaCopierAccount(account, metacopier, connect=connect_tcp, now=utc_now)
    clearstreet = ClearStreetConfig(
        account_id=words.CLEARSTREET_ID,
        client_id=CLIENT_ID,
        client_secret=Secret(CLIENT_WORD),
        rest_url=origin,
        auth_url=origin,
        socket_url=socket + SOCKET_PATH,
    )
    return ClearStreetAccount(account, clearstreet, connect=connect_tcp, now=utc_now)


async def count_events(venue: str, port: int, shared: memoryview) -> None:
    """Run the account's own stream."""

    async def emit(event: Event) -> None:
        if shared[READY]:
            shared[COUNTED] += 1
        elif isinstance(event, SnapshotReceived):
            shared[READY] = 1

    await make_account(venue, port).stream(emit)


async def count_frames(venue: str, port: int, shared: memoryview) -> None:
    """Read with the session's link layer alone."""
    url = f"ws://127.0.0.1:{port}/"
    async with open_websocket(url, connect=connect_tcp) as websocket:
        await _FRAMES[venue](websocket, shared)


async def _count_packets(websocket: FrameConnection, shared: memoryview, eio_version: int, namespace: str) -> None:
    session = socketio.ClientSession(eio_version=3 if eio_version == 3 else 4)
    while True:
        match session.receive(await _next(websocket)):
            case socketio.Event(name=tradelocker_wire.EVENT_STREAM | metaapi_wire.EVENT_SYNCHRONIZATION):
                shared[COUNTED] += 1
            case socketio.Opened():
                session.connect(namespace)
            case socketio.Connected():
                shared[READY] = 1
        for reply in session.take_outbox():
            await websocket.send_message(reply)


async def _count_socketio4(websocket: FrameConnection, shared: memoryview) -> None:
    await _count_packets(websocket, shared, 4, tradelocker_wire.NAMESPACE)


async def _count_socketio2(websocket: FrameConnection, shared: memoryview) -> None:
    await _count_packets(websocket, shared, 3, "/")


async def _count_stomp(websocket: FrameConnection, shared: memoryview) -> None:
    session = StompClient(words.METACOPIER_ID, Secret("simulated"))
    await websocket.send_message(session.connect())
    while True:
        for received in session.receive(await _next(websocket)):
            if isinstance(received, UpdateOpenPositionsDTO):
                shared[COUNTED] += 1
            elif isinstance(received, SignedIn):
                shared[READY] = 1


async def _count_json(websocket: FrameConnection, shared: memoryview) -> None:
    await websocket.send_message(clearstreet_wire.subscribe("simulated", words.CLEARSTREET_ID))
    while True:
        frame = clearstreet_wire.frame(await _next(websocket))
        if isinstance(frame.message, clearstreet_wire.ReplayComplete):
            shared[READY] = 1
        elif shared[READY] and frame.sequence is not None:
            shared[COUNTED] += 1


async def _next(websocket: FrameConnection) -> str | bytes:
    with trio.fail_after(_PATIENCE_S):
        frame: str | bytes = await websocket.get_message()
    return frame


_FRAMES: dict[str, Callable[[FrameConnection, memoryview], Awaitable[None]]] = {
    "tradelocker": _count_socketio4,
    "metaapi": _count_socketio2,
    "metacopier": _count_stomp,
    "clearstreet": _count_json,
}


async def count_with_asyncclient(namespace: str, event: str, port: int, shared: memoryview) -> None:
    """Receive as a program does that takes the library as it comes."""
    from socketio import AsyncClient  # here: the others have no use for it

    make: Any = AsyncClient  # the library has no annotations
    client = make(reconnection=False)

    async def handle(_: object) -> None:
        shared[COUNTED] += 1

    client.on(event, handle, namespace=namespace)
    await client.connect(f"http://127.0.0.1:{port}", transports=["websocket"], namespaces=[namespace])
    shared[READY] = 1
    await client.wait()


def main(kind: str, venue: str, port: str, file: str) -> None:
    """Run one of the receivers until it is ended."""
    shared = counters(Path(file))
    if kind == "asyncclient":
        import asyncio  # noqa: TID251 - what the yardstick runs on

        namespace, event = venue.split(",")
        asyncio.run(count_with_asyncclient(namespace, event, int(port), shared))
    spare_collector()  # as `copier run` does
    trio.run(count_events if kind == "driver" else count_frames, venue, int(port), shared)


if __name__ == "__main__":
    main(*sys.argv[1:])
