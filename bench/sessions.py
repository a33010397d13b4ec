"""What it costs to receive: our stream sessions against python-socketio's AsyncClient, all in one interleaved run.

Every receiver is a process of its own on one processor; the venues are played by this process on another one, with
messages that are encoded and framed beforehand. Blocks go round the receivers of all venues.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import clock_gettime, perf_counter

import trio

from bench import memory, resync
from bench.lean import LeanSocket, serve, text_frame
from bench.parts import HARNESS_CPU, RESULTS, median, save, show_table, start_program
from bench.receivers import COUNTED, READY, counters
from bench.session_feeds import FEEDS, Block, Feed, FloorFeed, Line

GOAL = 1.2
READY_S_MAX = 30.0
BLOCK_S_MAX = 60.0
PACE_S = 0.002
"""Between two messages of a paced block: each finds a receiver that sleeps."""
POLL_S = 0.001
YARDSTICK = "asyncclient"
KINDS = {"driver": "ours, to events", "frames": "ours, frames only", YARDSTICK: "AsyncClient"}

Found = dict[str, dict[str, dict[str, list[float]]]]
"""Figures of each block by venue, receiver and name."""


class Receiver:
    """One receiver under test and its connection."""

    def __init__(self, kind: str, feed: Feed) -> None:
        self.kind = kind
        self.feed = feed
        self._server = FloorFeed() if kind == YARDSTICK else feed
        self._line: Line | None = None
        self._process: subprocess.Popen[str] | None = None
        self._shared = memoryview(bytearray(16)).cast("Q")

    async def start(self, nursery: trio.Nursery, folder: Path) -> None:
        """Start it and wait until it has its initial state."""
        port = await serve(nursery, self._server.answer, self._serve)
        file = folder / f"{self.feed.venue}-{self.kind}"
        file.write_bytes(bytes(16))
        self._shared = counters(file)
        venue = f"{self.feed.namespace},{self.feed.event}" if self.kind == YARDSTICK else self.feed.venue
        self._process = start_program(self.kind, venue, str(port), str(file), module="bench.receivers")
        with trio.fail_after(READY_S_MAX):
            await self._until(lambda: self._shared[READY] == 1)
        await trio.sleep(0.2)  # what follows the snapshot
        expected = self.feed.events_after_snapshot if self.kind == "driver" else 0
        assert self._shared[COUNTED] == expected, f"{self.feed.venue} {self.kind}: {self._shared[COUNTED]} at start"

    async def flood(self, block: Block) -> dict[str, float]:
        """Send a block as fast as it is taken; return what that came to."""
        texts = self._texts(block)
        wire = b"".join(text_frame(text.encode()) for text in texts)
        due = self._due(block)
        cpu_s, begun = self._cpu_s(), perf_counter()
        await self._sent(wire)
        with trio.fail_after(BLOCK_S_MAX):
            await self._until(lambda: self._shared[COUNTED] >= due)
        elapsed, cpu_s = perf_counter() - begun, self._cpu_s() - cpu_s
        await self._check(due)
        return {"messages_per_s": len(texts) / elapsed, "cpu_us": cpu_s / len(texts) * 1e6}

    async def pace(self, block: Block) -> dict[str, float]:
        """Send a block message by message, each to a receiver that sleeps; return what that came to."""
        wires = [text_frame(text.encode()) for text in self._texts(block)]
        due = self._due(block)
        cpu_s = self._cpu_s()
        for wire in wires:
            await self._sent(wire)
            await trio.sleep(PACE_S)
        with trio.fail_after(BLOCK_S_MAX):
            await self._until(lambda: self._shared[COUNTED] >= due)
        cpu_s = self._cpu_s() - cpu_s
        await self._check(due)
        return {"paced_cpu_us": cpu_s / len(wires) * 1e6}

    async def keep_alive(self) -> None:
        """Send what a silent venue sends."""
        alive = self.feed.alive if self.kind == "driver" or self.feed.venue in ("metacopier", "clearstreet") else "2"
        await self._sent(text_frame(("2" if self.kind == YARDSTICK else alive).encode()))

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    async def _serve(self, socket: LeanSocket, _: str) -> None:
        self._line = Line(socket)
        await self._server.converse(self._line)

    async def _sent(self, wire: bytes) -> None:
        assert self._line is not None
        await self._line.send_wire(wire)

    def _texts(self, block: Block) -> list[str]:
        return block.floor_texts if self.kind == YARDSTICK else block.texts

    def _due(self, block: Block) -> int:
        return int(self._shared[COUNTED]) + (block.events if self.kind == "driver" else len(self._texts(block)))

    async def _check(self, due: int) -> None:
        """Make sure that nothing more than was expected has come."""
        await trio.sleep(10 * POLL_S)
        found = self._shared[COUNTED]
        assert found == due, f"{self.feed.venue} {self.kind}: expected {due} in all, found {found}"

    async def _until(self, done: Callable[[], bool]) -> None:
        assert self._process is not None
        while not done():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.feed.venue} {self.kind} has ended with {self._process.returncode}")
            await trio.sleep(POLL_S)

    def _cpu_s(self) -> float:
        """Return the seconds of processor that the receiver has used, to the nanosecond."""
        assert self._process is not None
        # clock_getcpuclockid(3) of another process, which Python does not offer: ~pid in the upper bits, then "all
        # threads, as the scheduler counts" (Linux, include/linux/posix-timers.h).
        return clock_gettime((~self._process.pid << 3) | 2)


async def measure(rounds: int, messages: int, paced: int, accounts: int) -> None:
    """Run it all, print and save."""
    os.sched_setaffinity(0, {HARNESS_CPU})
    RESULTS.mkdir(exist_ok=True)
    kinds = list(KINDS)
    if importlib.util.find_spec("aiohttp") is None:
        kinds.remove(YARDSTICK)
        missing = "MISSING: `aiohttp` is not installed, so AsyncClient is NOT measured and nothing below is a ratio"
        print(f"\n{'!' * len(missing)}\n{missing}\n{'!' * len(missing)}", file=sys.stderr)
    found: Found = {feed.venue: {kind: {} for kind in kinds} for feed in FEEDS}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            await _one_round(found, kinds, Path(folder), messages, paced)
            print(f"round {number + 1} of {rounds} done", file=sys.stderr)
    _report(found, kinds, rounds, messages)
    await resync.measure(rounds)
    await memory.measure(accounts, max(rounds // 2, 1))


async def _one_round(found: Found, kinds: list[str], folder: Path, messages: int, paced: int) -> None:
    """Start all receivers, warm each up, and take a block of each sort from each."""
    feeds = [feed() for feed in FEEDS]
    receivers = {feed.venue: [Receiver(kind, feed) for kind in kinds] for feed in feeds}
    everyone = [receiver for each in receivers.values() for receiver in each]
    try:
        async with trio.open_nursery() as nursery:
            for receiver in everyone:
                await receiver.start(nursery, folder)
            for feed in feeds:
                for size in (messages // 4, messages):
                    block = feed.live(size)
                    for receiver in receivers[feed.venue]:
                        figures = await receiver.flood(block)
                        if size == messages:
                            _note(found[feed.venue][receiver.kind], figures)
                for receiver in everyone:
                    await receiver.keep_alive()
                block = feed.live(paced)
                for receiver in receivers[feed.venue]:
                    _note(found[feed.venue][receiver.kind], await receiver.pace(block))
            for receiver in everyone:
                receiver.stop()
            nursery.cancel_scope.cancel()
    finally:
        for receiver in everyone:
            receiver.stop()


def _note(into: dict[str, list[float]], figures: dict[str, float]) -> None:
    for name, figure in figures.items():
        into.setdefault(name, []).append(figure)


def _report(found: Found, kinds: list[str], rounds: int, messages: int) -> None:
    """Print the table and save it; each figure is the median of the rounds, each ratio that of the rounds' ratios."""
    rows: list[tuple[object, ...]] = []
    for venue, by_kind in found.items():
        for kind in kinds:
            figures = by_kind[kind]
            ratios: list[object] = []
            for name in ("cpu_us", "paced_cpu_us"):
                floors = by_kind.get(YARDSTICK, {}).get(name)
                pairs = zip(figures[name], floors or (), strict=floors is not None)
                ratios.append(median(ours / floor for ours, floor in pairs) if floors else "-")
            rows.append(
                (
                    f"{venue}: {KINDS[kind]}",
                    median(figures["messages_per_s"]),
                    median(figures["cpu_us"]),
                    ratios[0],
                    median(figures["paced_cpu_us"]),
                    ratios[1],
                )
            )
    heads = ("receiver", "messages/s", "CPU us", "/ AsyncClient", "paced CPU us", "/ AsyncClient")
    title = f"Receiving, CPU per message: {rounds} rounds of {messages}; ratio to be <= {GOAL}"
    show_table(title, heads, rows)
    save("sessions", {"messages": messages, "receivers": found})
