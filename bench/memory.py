"""What accounts and positions weigh: resident memory of fresh processes, before and after.

`python -m bench.memory accounts VENUE PORT COUNT` holds that many idle accounts, `sockets` bare WebSockets of
trio-websocket instead; each prints the bytes of one. `positions` holds one account with so many positions,
`positions-and-view` the engine's view of it too; each prints the bytes of the whole process. `live` is the latter
again, but counts what Python's objects take, without the holes that reading the messages has left in the heap.
"""

import gc
import json
import os
import sys
import tracemalloc
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import trio
from trio_websocket import open_websocket_url

from bench.lean import serve
from bench.parts import median, save, show_table, start_program
from bench.receivers import make_account
from bench.resync import answer_of
from bench.session_feeds import FEEDS, Feed, FloorFeed
from rules.model.events import Event, SnapshotReceived
from rules.model.state import AccountView
from rules.model.values import AccountId

POSITIONS = 10_000
GOAL_ACCOUNT_KB = 40
GOAL_POSITION_KB = 1.5
Hold = Callable[..., Awaitable[None]]
"""Makes one of what is counted, for `nursery.start`, and holds it."""

SETTLE_S = 0.5
"""After the last one is there; nothing more is under way then."""
HELD_UP = 10
"""Connections made before the first look, so that what is loaded once is in it."""


async def measure(accounts: int, repeats: int) -> None:
    """Measure, print and save; each figure is the median of `repeats`."""
    sockets = [await _weighed(FloorFeed(0), "sockets", accounts) for _ in range(repeats)]
    bare = median(sockets)
    rows: list[tuple[object, ...]] = [("a bare trio-websocket connection", bare / 1e3, "", "")]
    saved: dict[str, list[float]] = {"socket": sockets}
    for kind in FEEDS:
        found = [await _weighed(kind(1), "accounts", accounts) for _ in range(repeats)]
        saved[f"{kind.venue} account"] = found
        rows.append((f"an idle account at {kind.venue}", median(found) / 1e3, (median(found) - bare) / 1e3, ""))
    rows = [(*row[:3], GOAL_ACCOUNT_KB if row[2] != "" else "") for row in rows]
    title = f"Memory of {accounts} connections, kB of RSS each (kernel's buffers and TLS not included)"
    show_table(title, ("what", "whole", "beyond the socket", "goal"), rows)
    rows = []
    for kind in FEEDS:
        figures: list[object] = []
        for what in ("positions", "positions-and-view", "live"):
            empty = await _weighed(kind(1), what, 1)
            full = [(await _weighed(kind(POSITIONS), what, POSITIONS) - empty) / POSITIONS for _ in range(repeats)]
            saved[f"{kind.venue} {what}"] = full
            figures.append(median(full) / 1e3)
        rows.append((kind.venue, *figures, GOAL_POSITION_KB))
        print(f"memory of {kind.venue} done", file=sys.stderr)
    title = f"Memory of {POSITIONS:,} positions, kB each"
    show_table(title, ("venue", "RSS, session alone", "RSS, with the engine's view", "of that live", "goal"), rows)
    save("memory", {"accounts": accounts, "positions": POSITIONS, "bytes": saved})


async def _weighed(feed: Feed, what: str, count: int) -> float:
    async with trio.open_nursery() as nursery:
        port = await serve(nursery, feed.answer, feed.serve)
        found = await answer_of(start_program(what, feed.venue, str(port), str(count), module="bench.memory"))
        nursery.cancel_scope.cancel()
    return found["bytes"]


def resident() -> int:
    """Return the bytes of memory that this process holds."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def hold_accounts(venue: str, port: int, count: int) -> float:
    """Open accounts one after the other, then let them be silent."""
    return await _one_more(partial(_hold_account, venue, port), count)


async def hold_sockets(_: str, port: int, count: int) -> float:
    """Open WebSockets and leave them alone."""
    return await _one_more(partial(_hold_socket, port), count)


async def _one_more(hold: Hold, count: int) -> float:
    async with trio.open_nursery() as nursery:
        for _ in range(HELD_UP):
            await nursery.start(hold)
        await trio.sleep(SETTLE_S)
        before = resident()
        for _ in range(count):
            await nursery.start(hold)
        await trio.sleep(SETTLE_S)
        weight = (resident() - before) / count
        nursery.cancel_scope.cancel()
    return weight


async def _hold_account(venue: str, port: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    async def emit(event: Event) -> None:
        if isinstance(event, SnapshotReceived):
            task_status.started()

    await make_account(venue, port).stream(emit)


async def _hold_socket(port: int, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    async with open_websocket_url(f"ws://127.0.0.1:{port}/") as websocket:
        await websocket.get_message()
        task_status.started()
        await trio.sleep_forever()


async def hold_positions(venue: str, port: int, count: int, *, viewed: bool, live: bool = False) -> float:
    """Keep one account and, with `viewed`, what the engine keeps of its snapshot; return the bytes of the process.

    Args:
        live: return those of its Python objects instead.
    """
    if live:
        tracemalloc.start()
    view = AccountView(AccountId("bench"))
    held = trio.Event()

    async def emit(event: Event) -> None:
        if isinstance(event, SnapshotReceived):
            assert len(event.positions) == count, f"found {len(event.positions)} positions"
            if viewed:
                view.sync(event)
            held.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(make_account(venue, port).stream, emit)
        await held.wait()
        await trio.sleep(SETTLE_S)
        weight = resident()
        if live:
            weight, _ = tracemalloc.get_traced_memory()
        nursery.cancel_scope.cancel()
    assert len(view.positions) == (count if viewed else 0)
    return weight


PROGRAMS: dict[str, Callable[[str, int, int], Awaitable[float]]] = {
    "accounts": hold_accounts,
    "sockets": hold_sockets,
    "positions": partial(hold_positions, viewed=False),
    "positions-and-view": partial(hold_positions, viewed=True),
    "live": partial(hold_positions, viewed=True, live=True),
}

if __name__ == "__main__":
    weight = trio.run(PROGRAMS[sys.argv[1]], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
    print(json.dumps({"bytes": weight}), flush=True)
