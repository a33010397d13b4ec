"""The programs under test, each a process of its own: `python bench/relay.py KIND ...`.

- `websocket PORT`: an empty relay, trio-websocket and json, WebSocket in and out;
- `http PORT`: an empty relay, trio-websocket and json in, an HTTP POST by h11 out;
- `disk FOLDER`: for each line "KIND COUNT" on stdin, the times of paced writes, as JSON;
- `copier FILE`: the product, whole, with a real config and ledger; only the venues' pace is lifted.
"""

import json
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import h11
import trio
from attrs import evolve
from trio_websocket import open_websocket_url

from adapters.base import Account, Capabilities
from adapters.registry import CONFIGS
from copier.clock import utc_now
from copier.collector import spare_collector
from copier.commands.accounts import open_accounts
from copier.commands.make_service import make_service
from copier.config.load import load_config
from copier.config.model import Configuration
from copier.ledger.ledger import Entry, Ledger
from copier.telling.logs import configure_logs
from copier.web.changes import Changes
from copier.web.serve import serve_surface
from copier.web.surface import Surface
from rules.model.values import AccountId

ROW_BYTES = 400
DISK_PAUSE_S = 0.005
LIFTED_PER_S = 1e6
PARALLEL = 16


def order_of(frame: str) -> str:
    """Read a position and write a small order: all that an empty relay thinks."""
    position = json.loads(frame)
    return json.dumps(
        {
            "symbol": position["instrument"],
            "side": position["side"],
            "volume": position["lots"],
            "tag": position["positionId"],
        }
    )


async def relay_to_websocket(port: int) -> None:
    """Relay WebSocket to WebSocket."""
    async with (
        open_websocket_url(f"ws://127.0.0.1:{port}/sink") as sink,
        open_websocket_url(f"ws://127.0.0.1:{port}/source") as source,
    ):
        while True:
            await sink.send_message(order_of(await source.get_message()))


async def relay_to_http(port: int) -> None:
    """Relay WebSocket to HTTP POST over one kept connection."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    http = h11.Connection(h11.CLIENT)
    async with open_websocket_url(f"ws://127.0.0.1:{port}/source") as source:
        while True:
            body = order_of(await source.get_message()).encode()
            headers = [
                ("Host", "127.0.0.1"),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ]
            data = http.send(h11.Request(method="POST", target="/order", headers=headers))
            data += http.send(h11.Data(data=body)) + http.send(h11.EndOfMessage())
            await stream.send_all(data)
            while type(event := http.next_event()) is not h11.EndOfMessage:
                if event is h11.NEED_DATA:
                    http.receive_data(await stream.receive_some(65536))
            http.start_next_cycle()


def time_disk(folder: Path) -> None:
    """Time appends to a file and rows of a ledger, as the load generator asks on stdin."""
    row = b"x" * ROW_BYTES
    ledger = Ledger.open(folder / "floor.db")
    entry = Entry("bench", "account", row)
    file = os.open(folder / "floor.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def append() -> None:
        os.write(file, row)
        os.fdatasync(file)

    kinds = {"fdatasync": append, "ledger": lambda: ledger.append([entry], datetime.now(UTC))}
    for line in sys.stdin:
        kind, count = line.split()
        taken: list[float] = []
        for _ in range(int(count)):
            begun = time.perf_counter()
            kinds[kind]()
            taken.append(time.perf_counter() - begun)
            time.sleep(DISK_PAUSE_S)
        print(json.dumps(taken), flush=True)


class Unpaced:
    """An account whose venue takes orders as fast as they come, as a loopback does; all else is the account's own."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.capabilities: Capabilities = evolve(
            account.capabilities, requests_per_s=LIFTED_PER_S, parallel_requests=PARALLEL
        )
        for name in ("stream", "symbols", "instrument", "quote", "snapshot", "submit", "find", "history", "aclose"):
            setattr(self, name, getattr(account, name))


async def run_copier(config: Configuration, ledger: Ledger) -> None:
    """Run the product until SIGTERM."""
    stop = trio.Event()
    async with open_accounts(config) as accounts, trio.open_nursery() as nursery:
        changes = Changes()
        unpaced: dict[AccountId, Account] = {name: Unpaced(each) for name, each in accounts.items()}
        service = make_service(config, unpaced, ledger, changes=changes)
        spare_collector()  # as `copier run` does
        if config.service.listen is not None:
            await nursery.start(
                serve_surface, Surface(config, service, changes, utc_now=utc_now), config.service.listen
            )
        nursery.start_soon(_hear_sigterm, stop)
        await service.run(stop)
        nursery.cancel_scope.cancel()


async def _hear_sigterm(stop: trio.Event) -> None:
    with trio.open_signal_receiver(signal.SIGTERM) as signals:
        async for _ in signals:
            stop.set()


def main(kind: str, argument: str) -> None:
    """Run one of the programs."""
    match kind:
        case "websocket":
            trio.run(relay_to_websocket, int(argument))
        case "http":
            trio.run(relay_to_http, int(argument))
        case "disk":
            time_disk(Path(argument))
        case "copier":
            config = load_config(Path(argument), env={}, venues=CONFIGS)
            configure_logs("warning")
            ledger = Ledger.open(config.service.ledger)
            try:
                trio.run(run_copier, config, ledger)
            finally:
                ledger.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
