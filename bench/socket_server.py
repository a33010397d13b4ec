"""The Socket API under test, a process of its own: `python -m bench.socket_server FOLDER`.

It prints its port and the port of a plain socket; each line that comes over that is told to all who listen for
decisions, or, where it is a mere text, to those who listen for limits.
"""

import sys
from pathlib import Path

import trio
from starlette.applications import Starlette

from adapters.registry import CONFIGS
from copier.clock import utc_now
from copier.collector import spare_collector
from copier.commands.accounts import open_accounts
from copier.commands.make_service import make_service
from copier.config.load import load_config
from copier.ledger.ledger import Ledger
from copier.telling.logs import configure_logs
from copier.web.changes import Changes
from copier.web.doors import Access, Doors
from copier.web.host import Host
from copier.web.socket_api.endpoint import SocketApi
from copier.web.socket_api.fan_out import Notice
from copier.web.socket_api.session import DECISIONS, LIMITS
from copier.web.surface import Surface
from rules.model.values import AccountId

BENCH = AccountId("bench")

CONFIG = """
[service]
ledger = "sqlite:{ledger}"
sessions_per_key = 10000

[accounts.bench]
venue = "paper"
state = ":memory:"
"""


async def serve(folder: Path) -> None:
    """Serve one paper account until the process is ended."""
    file = folder / "copier.toml"
    file.write_text(CONFIG.format(ledger=folder / "copier.db"))
    config = load_config(file, env={}, venues=CONFIGS)
    ledger = Ledger.open(config.service.ledger)
    async with open_accounts(config) as accounts, trio.open_nursery() as nursery:
        changes = Changes()
        service = make_service(config, accounts, ledger, changes=changes)
        surface = Surface(config, service, changes, utc_now=utc_now)
        api = SocketApi(surface)
        spare_collector()  # as `copier run` does
        nursery.start_soon(service.run, trio.Event())
        nursery.start_soon(api.run)
        (web,) = await trio.open_tcp_listeners(0, host="127.0.0.1", backlog=2048)
        (lines,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
        app = Doors(Starlette(routes=api.routes), Access(surface.keys))
        nursery.start_soon(Host(app).serve, [web])

        async def publish(stream: trio.SocketStream) -> None:
            rest = b""
            async for data in stream:
                *whole, rest = (rest + data).split(b"\n")
                for body in whole:
                    queue = LIMITS if body.startswith(b'"') else DECISIONS
                    api.fan_out.notice(Notice(BENCH, queue, body))

        nursery.start_soon(trio.serve_listeners, publish, [lines])
        print(*(each.socket.getsockname()[1] for each in (web, lines)), flush=True)


if __name__ == "__main__":
    configure_logs("warning")
    trio.run(serve, Path(sys.argv[1]))
