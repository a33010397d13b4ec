"""What 1,000 readers of the Socket API cost a trade: two copiers on one processor, one with them, in turns."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import trio

from bench.lanes import CopierLane
from bench.parts import HARNESS_CPU, RESULTS, free_port, percentile, save, show_table, start_program
from bench.socket_fan_out import READERS
from bench.socket_readers import allow_files
from bench.wire_to_wire import keep_alive, paced

WARM_UP = 20
BLOCK = 10
REST_S = 0.3
"""Between two blocks: what the last trade of the one before is told to the readers meanwhile."""
CONNECT_S_MAX = 120.0
PING_EVERY_S = 5.0
GOAL = 1.2
WITHOUT, BESIDE = "without sockets", f"with {READERS:,} sockets"
SHARES = (0.5, 0.99)
CALM, BUSY = "told all", "still telling"
QUIET_S = {CALM: 0.25, BUSY: 0.02}
"""Silence before a trade: long enough that the readers have been told of the last one, or so short that they are still
being told."""

Blocks = dict[str, dict[str, list[list[float]]]]
"""Seconds by tempo and kind of order, then by who copied, block by block."""


async def measure(calm: int, busy: int) -> None:
    """Measure so many blocks of each, print and save."""
    os.sched_setaffinity(0, {HARNESS_CPU})
    allow_files()
    RESULTS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="trades-", dir=RESULTS))
    port = free_port()
    lanes: dict[str, CopierLane] = {}
    for name, listen in ((WITHOUT, None), (BESIDE, port)):
        own = folder / name.replace(" ", "-")
        own.mkdir()
        lanes[name] = CopierLane("metacopier", own, listen=listen)
    readers: subprocess.Popen[str] | None = None
    try:
        async with trio.open_nursery() as nursery:
            for lane in lanes.values():
                await lane.start(nursery)
            readers = start_program(str(port), str(READERS), module="bench.socket_readers")
            os.sched_setaffinity(readers.pid, {HARNESS_CPU})
            await _until_ready(readers, lanes)
            for lane in lanes.values():
                await paced(lane, WARM_UP)
            found: Blocks = {}
            for tempo, blocks in ((BUSY, busy), (CALM, calm)):
                for number in range(blocks):
                    await _one_block(lanes, found, tempo, backwards=number % 2 == 1)
                print(f"{blocks} blocks of trades done", file=sys.stderr)
            left = await _left(readers)
            for lane in lanes.values():
                lane.stop()  # before their venues go, which they would complain about
            nursery.cancel_scope.cancel()
    finally:
        for lane in lanes.values():
            lane.stop()
        if readers is not None:
            readers.terminate()
            readers.wait()
        shutil.rmtree(folder)
    report(found, left)


async def _until_ready(readers: "subprocess.Popen[str]", lanes: dict[str, CopierLane]) -> None:
    """Wait until all have connected; the copiers hear their source meanwhile, or they would give it up."""

    async def ping() -> None:
        while True:
            await keep_alive([*lanes.values()])
            await trio.sleep(PING_EVERY_S)

    assert readers.stdout is not None
    with trio.fail_after(CONNECT_S_MAX):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            said = await trio.to_thread.run_sync(readers.stdout.readline, abandon_on_cancel=True)
            nursery.cancel_scope.cancel()
    assert said == "ready\n", "the readers did not connect"


async def _one_block(lanes: dict[str, CopierLane], found: Blocks, tempo: str, *, backwards: bool) -> None:
    """Take samples of each kind from both; who comes first changes from block to block."""
    for name in sorted(lanes, reverse=backwards):
        await keep_alive([*lanes.values()])
        await trio.sleep(REST_S)
        for kind, seconds in (await paced(lanes[name], BLOCK, quiet_s=QUIET_S[tempo])).items():
            found.setdefault(f"{tempo}, {kind}", {}).setdefault(name, []).append(seconds)


async def _left(readers: "subprocess.Popen[str]") -> int:
    """Ask how many readers are still connected."""
    assert readers.stdin is not None
    assert readers.stdout is not None
    readers.stdin.write("\n")
    readers.stdin.flush()
    with trio.fail_after(CONNECT_S_MAX):
        return int(await trio.to_thread.run_sync(readers.stdout.readline, abandon_on_cancel=True))


def report(found: Blocks, left: int) -> None:
    """Print the table and save it."""
    rows = []
    for label, by_name in found.items():
        samples = {name: [each for block in blocks for each in block] for name, blocks in by_name.items()}
        for share in SHARES:
            without, beside = (percentile(samples[name], share) * 1e6 for name in (WITHOUT, BESIDE))
            count = len(samples[BESIDE])
            rows.append((f"{label}, p{share * 100:.0f} of {count}", without, beside, beside / without, GOAL))
    title = f"Trades while {READERS:,} readers are told of the last one, and when they have been, us"
    show_table(title, ("order", "without", "with", "ratio", "goal"), rows)
    print(f"{left} of {READERS} sockets were still open at the end")
    save("socket_trades", {"left": left, "seconds": found})
