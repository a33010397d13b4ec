"""Runs seeds, on one process or several, and says of each failure what was found and how to repeat it."""

import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeAlias

from rules.model.frozen import frozen
from tests.simulation.auditor import audit
from tests.simulation.run import simulate
from tests.simulation.scenario import draw

Venues: TypeAlias = tuple[str, str]
"""The kinds of the two brokers' venues; None instead: those that the seed draws."""

Asked: TypeAlias = tuple[int, Venues | None, bool | None]
"""A seed, and what it is run with: the venues, and whether there are pending orders."""

TRACEBACK_LINES = 12
"""The innermost ones; the rest are nurseries in nurseries."""

KEPT = Path(__file__).parent / "kept_seeds.txt"


@frozen
class Verdict:
    """What became of a seed; no findings: all is well."""

    seed: int
    findings: tuple[str, ...]
    venues: Venues | None = None
    orders: bool | None = None

    def __str__(self) -> str:
        lines = "\n".join(f"    {finding}" for finding in self.findings)
        asked = "" if self.venues is None else f" --venues {','.join(self.venues)}"
        asked += " --without-orders" if self.orders is False else ""
        drawn = " and ".join(draw(self.seed, self.venues).venues.values())
        again = f"python -m tests.simulation --first {self.seed} --seeds 1{asked}"
        return f"seed {self.seed} ({drawn}):\n{lines}\n    again: {again}"


def run_seed(seed: int, venues: Venues | None = None, orders: bool | None = None) -> Verdict:
    """Simulate and audit a seed. An error of the service is a finding too."""
    try:
        return Verdict(seed, tuple(audit(simulate(seed, venues=venues, orders=orders))), venues, orders)
    except Exception:  # noqa: BLE001 - whatever it is, the seed must be named with it
        last = "".join(traceback.format_exc().splitlines(keepends=True)[-TRACEBACK_LINES:])
        return Verdict(seed, ("the simulation ended with an error:\n" + last,), venues, orders)


def run_seeds(seeds: Iterable[Asked], jobs: int = 1) -> Iterator[Verdict]:
    """Yield the verdict of each seed, in order."""
    if jobs == 1:
        yield from (run_seed(*each) for each in seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run_seed, *zip(*seeds, strict=True), chunksize=5)


def kept_seeds() -> list[Asked]:
    """Return the seeds that once failed, each with the venues that it failed on, and without pending orders if so."""
    kept: list[Asked] = []
    for line in KEPT.read_text(encoding="utf-8").splitlines():
        match line.partition("#")[0].split():
            case [seed, one, two]:
                kept.append((int(seed), (one, two), None))
            case [seed, one, two, "without-orders"]:
                kept.append((int(seed), (one, two), False))
    return kept
