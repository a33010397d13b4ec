"""Runs seeds, on one process or several, and says of each failure what was found and how to repeat it."""

import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from attrs import frozen

from tests.simulation.auditor import audit
from tests.simulation.run import simulate

TRACEBACK_LINES = 12
"""The innermost ones; the rest are nurseries in nurseries."""

KEPT = Path(__file__).parent / "kept_seeds.txt"


@frozen
class Verdict:
    """What became of a seed; no findings: all is well."""

    seed: int
    findings: tuple[str, ...]

    def __str__(self) -> str:
        lines = "\n".join(f"    {finding}" for finding in self.findings)
        return f"seed {self.seed}:\n{lines}\n    again: python -m tests.simulation --first {self.seed} --seeds 1"


def run_seed(seed: int) -> Verdict:
    """Simulate and audit a seed. An error of the service is a finding too."""
    try:
        return Verdict(seed, tuple(audit(simulate(seed))))
    except Exception:  # noqa: BLE001 - whatever it is, the seed must be named with it
        last = "".join(traceback.format_exc().splitlines(keepends=True)[-TRACEBACK_LINES:])
        return Verdict(seed, ("the simulation ended with an error:\n" + last,))


def run_seeds(seeds: Iterable[int], jobs: int = 1) -> Iterator[Verdict]:
    """Yield the verdict of each seed, in order."""
    if jobs == 1:
        yield from map(run_seed, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(run_seed, seeds, chunksize=5)


def kept_seeds() -> list[int]:
    """Return the seeds that once failed."""
    lines = KEPT.read_text(encoding="utf-8").splitlines()
    return [int(line.split("#")[0]) for line in lines if line.split("#")[0].strip()]
