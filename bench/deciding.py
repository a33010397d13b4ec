"""How many decisions one processor takes in a second, and what an event costs the engine beside what is at rest."""

from collections.abc import Callable
from time import process_time

from attrs import evolve

from bench.parts import median, save, show_table
from bench.workbench import SOURCE, TARGET, Workbench, bench_link, filled, source_position, view
from copier.clock import utc_now
from rules.deciding.decide import decide
from rules.deciding.decision import Context
from rules.deciding.settling import settle
from rules.model.actions import OpenPosition
from rules.model.events import Origin
from rules.policy.links import CopyLink

SIZES = (10, 1_000, 10_000)
BLOCKS = 15
GOAL_DECISIONS_PER_S = 20_000
GOAL_GROWTH = 1.2


async def measure(count: int) -> None:
    """Measure all of it, `count` decisions or a tenth of it in cycles a block; print and save."""
    link = bench_link()
    decisions = [_decisions_per_s(link, count) for _ in range(BLOCKS)]
    cycles = [_cycles_per_s(link, count // 4) for _ in range(BLOCKS)]
    alone = Workbench(link)
    whole = [count // 20 / await _seconds(alone, count // 20) for _ in range(BLOCKS)]
    goal = f"{GOAL_DECISIONS_PER_S:,}"
    rows = [
        ("decide: new source position -> OpenPosition", median(decisions), goal),
        ("pure cycle: open, fill, close, fill", median(cycles), ""),
        ("the same through the engine, ledger in memory", median(whole), ""),
    ]
    show_table("In process, one processor", ("what", "per second", "goal"), rows)
    result = {"decisions_per_s": decisions, "pure_cycles_per_s": cycles, "engine_cycles_per_s": whole}
    grown = {
        "links of other sources": await _grow(lambda size: Workbench(link, idle_links=size), count // 100),
        "copies and accounts at rest": await _grow(lambda size: Workbench(link, idle_copies=size), count // 100),
    }
    rows = [(what, *each, each[-1] / each[0], GOAL_GROWTH) for what, each in grown.items()]
    heads = ("CPU us per event beside ...", *(f"{size:,}" for size in SIZES), "growth", "at most")
    show_table("Work is proportional to what changed", heads, rows)
    save("deciding", {**result, "cpu_us_per_event": grown, "sizes": SIZES})


def _decisions_per_s(link: CopyLink, count: int) -> float:
    source, target = view(SOURCE), view(TARGET)
    positions = [source_position(number) for number in range(count)]
    now = utc_now()
    begun = process_time()
    for position in positions:
        context = Context(now, link, source, target, position.position_id, position, Origin.LIVE, None)
        (action,) = decide(context).actions
        assert isinstance(action, OpenPosition)
    return count / (process_time() - begun)


def _cycles_per_s(link: CopyLink, count: int) -> float:
    source, target = view(SOURCE), view(TARGET)
    positions = [source_position(number) for number in range(count)]
    now = utc_now()
    begun = process_time()
    for position in positions:
        context = Context(now, link, source, target, position.position_id, position, Origin.LIVE, None)
        for held in (position, None):
            decision = decide(evolve(context, position=held))
            (action,) = decision.actions
            assert decision.copy is not None
            settled = settle(decision.copy, filled(action), now)
            context = evolve(context, position=held, copy=settled)
            assert not decide(context).actions
    return count / (process_time() - begun)


async def _seconds(bench: Workbench, cycles: int) -> float:
    begun = process_time()
    for _ in range(cycles):
        await bench.cycle()
    return process_time() - begun


async def _grow(make: Callable[[int], Workbench], cycles: int) -> list[float]:
    """Return CPU us per source event for each size; blocks go round the sizes, the median of each counts."""
    benches = [make(size) for size in SIZES]
    for bench in benches:
        await _seconds(bench, cycles)
    taken: list[list[float]] = [[] for _ in SIZES]
    for _ in range(BLOCKS):
        for bench, found in zip(benches, taken, strict=True):
            found.append(await _seconds(bench, cycles) / (2 * cycles) * 1e6)
    return [median(each) for each in taken]
