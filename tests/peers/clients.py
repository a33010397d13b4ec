"""Client programs as processes: each prints one JSON line per event."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import trio
from attrs import define


@define
class Client:
    """A client program and what it has told."""

    process: trio.Process
    _rest: bytes = b""

    async def wait_for(self, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next event that passes."""
        while True:
            event = await self.next()
            if check(event):
                return event

    async def next(self) -> dict[str, Any]:
        line = await self.line()
        event: dict[str, Any] = json.loads(line)
        return event

    async def line(self) -> str:
        """Return the next line, whatever it is."""
        assert self.process.stdout is not None
        while b"\n" not in self._rest:
            data = await self.process.stdout.receive_some()
            assert data, "the client ended too early"
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()


async def start_client(nursery: trio.Nursery, command: list[str], **options: Any) -> Client:
    """Start a program; it ends with the nursery at the latest."""
    run = partial(trio.run_process, command, stdout=subprocess.PIPE, check=False, **options)
    return Client(await nursery.start(run))
