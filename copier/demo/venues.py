"""The demo's venues: simulated ones, each in a process of its own, as real ones are somewhere else."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from adapters.simulation.remote import RemoteAccount
from adapters.transport.http import HttpClient
from adapters.transport.network import connect_tcp
from copier.demo.trader import Terminal
from copier.simulated import make_market
from rules.model.frozen import frozen

START_S_MAX = 30.0
"""A slow machine needs seconds to start Python twice."""

LINE_BYTES_MAX = 65536


@frozen
class ChildVenue:
    """A simulated venue in a child process: its accounts' config tables, and its control API."""

    venue: str
    suffix: str
    tables: dict[str, str]
    client: HttpClient

    def account(self, name: str) -> RemoteAccount:
        return RemoteAccount(self.client, name)

    def terminal(self, name: str) -> Terminal:
        return Terminal(self.account(name), make_market(self.suffix).instruments)


@asynccontextmanager
async def child_venue(venue: str, seed: int, suffix: str = "") -> AsyncIterator[ChildVenue]:
    """Start `copier simulate VENUE` and end it with the block.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", "copier", "simulate", venue, "--attached", "--seed", str(seed)]
    process = await trio.lowlevel.open_process(
        [*command, f"--suffix={suffix}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None  # asked for above
        said = None
        with trio.move_on_after(START_S_MAX):
            said = json.loads(await _line(process.stdout))
        if said is None:
            raise RuntimeError(f"the simulated {venue} did not start within {START_S_MAX:.0f} s")
        client = HttpClient(said["origin"], connect=connect_tcp)
        yield ChildVenue(venue, suffix, said["accounts"], client)
        await client.aclose()
    finally:
        process.kill()
        with trio.CancelScope(shield=True):
            await process.wait()


async def _line(stream: trio.abc.ReceiveStream) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < LINE_BYTES_MAX:
        more = await stream.receive_some(LINE_BYTES_MAX)
        if not more:
            raise RuntimeError("a simulated venue ended before it was ready")
        line += more
    return line
