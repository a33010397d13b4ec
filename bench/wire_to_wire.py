"""From a source's frame to the target's order, the copier against the floors, all in one interleaved run.

The relays run side by side on one processor, the load generator on another; blocks of samples go round the lanes, so
that whatever else the machine does meets all of them.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import trio

from bench.lanes import CopierLane, EmptyRelay, Lane
from bench.parts import (
    HARNESS_CPU,
    RESULTS,
    filesystem,
    median,
    percentile,
    save,
    show_table,
    start_program,
)

BLOCK = 50
PAUSE_S = 0.005
QUIET_S = 0.02
"""Silence after a relay's last request before its next frame: it may still read what the order made the venue push,
at MetaCopier all that was closed in 24 hours."""
ANSWER_S_MAX = 20.0
FLOOD_S_MAX = 120.0
WINDOW = 64
WARM_UP = 60

FLOOR_SOCKET = "empty relay, WebSocket out"
FLOOR_HTTP = "empty relay, HTTP out"
DISK = {"fdatasync": "fdatasync of a 400-byte append", "ledger": "one 400-byte row of the ledger"}

GOAL = "empty WebSocket relay + fdatasync"

Samples = dict[str, dict[str, list[float]]]
"""Seconds by lane and kind of frame."""


async def measure(rounds: int, samples: int, burst: int) -> None:
    """Run it all, print and save."""
    os.sched_setaffinity(0, {HARNESS_CPU})
    # Beside the results: a temporary folder of the system may lie in memory, where a sync costs nothing.
    RESULTS.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ledgers-", dir=RESULTS))
    disk = start_program("disk", str(folder))
    lanes: list[Lane] = [
        EmptyRelay("websocket", FLOOR_SOCKET),
        EmptyRelay("http", FLOOR_HTTP),
        CopierLane("metacopier", folder),
        CopierLane("tradelocker", folder),
    ]
    try:
        async with trio.open_nursery() as nursery:
            for lane in lanes:
                await lane.start(nursery)
            await trio.sleep(1.5)  # the first snapshots
            for lane in lanes:
                await paced(lane, WARM_UP)
            results = []
            for number in range(rounds):
                results.append(await one_round(lanes, disk, samples))
                print(f"round {number + 1} of {rounds} done", file=sys.stderr)
            bursts: dict[str, list[dict[str, float]]] = {lane.name: [] for lane in lanes}
            for _ in range(rounds):
                for lane in lanes:
                    await keep_alive(lanes)
                    bursts[lane.name].append(await flood(lane, burst))
            for lane in lanes:
                lane.stop()  # before their venues go, which they would complain about
            nursery.cancel_scope.cancel()
    finally:
        for lane in lanes:
            lane.stop()
        disk.terminate()
        disk.wait()
        kind = filesystem(folder)
        shutil.rmtree(folder)
    report(results, bursts, kind)


async def one_round(lanes: list[Lane], disk: "subprocess.Popen[str]", samples: int) -> Samples:
    """Take `samples` of each kind from every lane and from the disk, block by block."""
    found: Samples = {}
    for _ in range(max(samples // BLOCK, 1)):
        await keep_alive(lanes)
        for lane in lanes:
            for kind, taken in (await paced(lane, BLOCK)).items():
                found.setdefault(lane.name, {}).setdefault(kind, []).extend(taken)
        for kind, name in DISK.items():
            found.setdefault(name, {}).setdefault("open", []).extend(await _disk_block(disk, kind))
    return found


async def keep_alive(lanes: list[Lane]) -> None:
    """Ping the copiers, which take 45 silent seconds for a lost session."""
    for lane in lanes:
        if isinstance(lane, CopierLane):
            await lane.keep_alive()


async def _disk_block(disk: "subprocess.Popen[str]", kind: str) -> list[float]:
    assert disk.stdin is not None
    assert disk.stdout is not None
    disk.stdin.write(f"{kind} {BLOCK}\n")
    disk.stdin.flush()
    taken: list[float] = json.loads(await trio.to_thread.run_sync(disk.stdout.readline))
    return taken


async def paced(lane: Lane, count: int, *, quiet_s: float = QUIET_S) -> dict[str, list[float]]:
    """Send frames one by one, each into a relay that has come to rest; return the seconds by kind of order.

    Args:
        quiet_s: silence after the relay's last request.
    """
    taken: dict[str, list[float]] = {kind: [] for kind in lane.kinds}
    kind = lane.kinds[-1]
    for _ in range(count * len(lane.kinds)):
        frame = lane.next_frame(kind)
        seconds, kind = await _one_order(lane, frame)
        taken[kind].append(seconds)
        await trio.sleep(PAUSE_S)
        while (rest := lane.heard_at + quiet_s - perf_counter()) > 0:  # noqa: ASYNC110 - silence is what is waited for
            await trio.sleep(rest)
    return taken


async def _one_order(lane: Lane, frame: bytes) -> tuple[float, str]:
    """Send a frame and wait for its order; return the seconds between the two, and the order's kind."""
    event = trio.Event()
    arrival: list[tuple[float, str]] = []

    def arrived(at: float, kind: str) -> None:
        arrival.append((at, kind))
        event.set()

    lane.arrived = arrived
    begun = perf_counter()
    await lane.send(frame)
    with trio.fail_after(ANSWER_S_MAX):
        await event.wait()
    at, kind = arrival[0]
    return at - begun, kind


async def flood(lane: Lane, count: int) -> dict[str, float]:
    """Keep `WINDOW` frames under way until `count` orders have come; return events/s and CPU us per event."""
    turns, arrivals = trio.open_memory_channel[str](count + 2 * WINDOW)
    lane.arrived = lambda _, kind: turns.send_nowait(kind)
    cpu_s, begun = lane.cpu_s(), perf_counter()
    for _ in range(WINDOW):
        await lane.send(lane.next_frame(lane.kinds[-1]))
    with trio.fail_after(FLOOD_S_MAX):
        for _ in range(count - WINDOW):
            await lane.send(lane.next_frame(await arrivals.receive()))
        for _ in range(WINDOW):
            await arrivals.receive()
    elapsed, cpu_s = perf_counter() - begun, lane.cpu_s() - cpu_s
    while isinstance(lane, CopierLane) and lane.open:
        await _one_order(lane, lane.next_frame("open"))
    await trio.sleep(1)
    return {"events_per_s": count / elapsed, "cpu_us": cpu_s / count * 1e6}


def report(results: list[Samples], bursts: dict[str, list[dict[str, float]]], kind: str) -> None:
    """Print the tables and save them; each figure is the median of the rounds."""
    rows, saved = [], []
    for name, by_kind in results[0].items():
        for each in by_kind:
            p50s = [percentile(found[name][each], 0.5) * 1e6 for found in results]
            p99s = [percentile(found[name][each], 0.99) * 1e6 for found in results]
            label = name if len(by_kind) == 1 else f"{name}, {each}"
            goals = [p50 / _goal_us(found) for p50, found in zip(p50s, results, strict=True)]
            rows.append((label, median(p50s), median(p99s), median(goals)))
            saved.append({"lane": label, "p50_us": p50s, "p99_us": p99s, "to_goal": goals})
    count = len(results[0][FLOOR_SOCKET]["open"])
    title = f"Wire to wire, us: {len(results)} rounds of {count}, ledger on {kind}; goal = {GOAL}, to be <= 2"
    show_table(title, ("lane", "p50", "p99", "p50 / goal"), rows)
    flooded = [
        (name, median(one["events_per_s"] for one in each), median(one["cpu_us"] for one in each))
        for name, each in bursts.items()
    ]
    show_table(f"Burst, {WINDOW} frames under way", ("lane", "events/s", "CPU us/event"), flooded)
    save("wire_to_wire", {"filesystem": kind, "samples": count, "latency": saved, "burst": bursts})


def _goal_us(found: Samples) -> float:
    """Return what the copier is compared with: an empty relay and one sync."""
    return (percentile(found[FLOOR_SOCKET]["open"], 0.5) + percentile(found[DISK["fdatasync"]]["open"], 0.5)) * 1e6
