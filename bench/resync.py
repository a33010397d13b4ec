"""What a new beginning costs: all messages of 10,000 positions in, one SnapshotReceived out, by each account's driver.

`python -m bench.resync VENUE PORT` is the program under test, a fresh process for each run.
"""

import json
import subprocess
import sys
from functools import partial
from time import perf_counter, process_time

import trio

from bench.lean import serve
from bench.parts import median, save, show_table, start_program
from bench.receivers import make_account
from bench.session_feeds import FEEDS, EarlierDaysFeed
from copier.collector import spare_collector
from rules.model.events import Event, SessionOpened, SnapshotReceived

POSITIONS = 10_000
BEGINNINGS = {**{feed.venue: feed for feed in FEEDS}, "clearstreet, of earlier days": EarlierDaysFeed}
GOAL_CPU_MS = 80
GOAL_STRETCH_MS = 5
RUN_S_MAX = 120.0


async def measure(rounds: int) -> None:
    """Measure, print and save; each figure is the median of the rounds, but for the stretch: their least, since being
    interrupted by others only makes it longer.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in BEGINNINGS}
    async with trio.open_nursery() as nursery:
        ports = {}
        for name, kind in BEGINNINGS.items():
            feed = kind(POSITIONS)
            ports[name] = await serve(nursery, feed.answer, feed.serve)
        for number in range(rounds):
            for name, port in ports.items():
                program = start_program(BEGINNINGS[name].venue, str(port), module="bench.resync")
                found[name].append(await answer_of(program))
            print(f"resync {number + 1} of {rounds} done", file=sys.stderr)
        nursery.cancel_scope.cancel()
    heads = ("beginning", "CPU ms", "goal", "wall ms", "longest stretch ms", "goal")
    names = ("cpu_ms", "wall_ms")
    rows = []
    for beginning, runs in found.items():
        cpu, wall = (median(run[name] for run in runs) for name in names)
        stretch = min(run["stretch_ms"] for run in runs)
        rows.append((beginning, cpu, GOAL_CPU_MS, wall, stretch, GOAL_STRETCH_MS))
    show_table(f"A new beginning with {POSITIONS:,} positions, up to the snapshot event", heads, rows)
    save("resync", {"positions": POSITIONS, "runs": found})


async def answer_of(program: "subprocess.Popen[str]") -> dict[str, float]:
    """Return what a program prints, one line of JSON, and see it end."""
    try:
        with trio.fail_after(RUN_S_MAX):
            assert program.stdout is not None
            line = await trio.to_thread.run_sync(program.stdout.readline, abandon_on_cancel=True)
            answer: dict[str, float] = json.loads(line)
            return answer
    finally:
        program.kill()
        program.wait()


class Stretches(trio.abc.Instrument):
    """Notes the longest time that one task ran without letting another one run."""

    def __init__(self) -> None:
        self.longest_s = 0.0
        self._begun = perf_counter()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        self._begun = perf_counter()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        self.longest_s = max(self.longest_s, perf_counter() - self._begun)


async def begin(venue: str, port: int) -> dict[str, float]:
    """Run an account's stream from its sign-in to its snapshot; return what that came to."""
    begun: list[float] = []
    stretches: list[Stretches] = []
    result: dict[str, float] = {}
    async with trio.open_nursery() as nursery:

        async def emit(event: Event) -> None:
            if isinstance(event, SessionOpened):
                stretches.append(Stretches())
                trio.lowlevel.add_instrument(stretches[0])
                begun[:] = process_time(), perf_counter()
            elif isinstance(event, SnapshotReceived):
                cpu_s, wall_s = process_time() - begun[0], perf_counter() - begun[1]
                assert len(event.positions) == POSITIONS, f"found {len(event.positions)} positions"
                await trio.lowlevel.checkpoint()  # so that this stretch, too, has ended
                result.update(cpu_ms=cpu_s * 1e3, wall_ms=wall_s * 1e3, stretch_ms=stretches[0].longest_s * 1e3)
                nursery.cancel_scope.cancel()

        nursery.start_soon(make_account(venue, port).stream, emit)
    return result


if __name__ == "__main__":
    spare_collector()  # as `copier run` does
    print(json.dumps(trio.run(partial(begin, sys.argv[1], int(sys.argv[2])))), flush=True)
