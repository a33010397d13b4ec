"""Many simulated days: which of them hold something that the checker cannot explain, and how much was recomputed."""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Iterator

from attrs import frozen

from tests.checker.checker import check
from tests.checker.day import live
from tests.checker.differences import Difference
from tests.checker.links import read_config


@frozen
class Verdict:
    """What came of one day. `counts` has each order, answer and denial that was recomputed."""

    seed: int
    differences: tuple[Difference, ...]
    counts: Counter[str]
    rows: int

    def __str__(self) -> str:
        lines = [f"day {self.seed}: {len(self.differences)} differences", *map(str, self.differences[:5])]
        return "\n    ".join(lines)


def run_day(seed: int) -> Verdict:
    """Run a day and recompute it."""
    story = live(seed)
    checked = check(read_config(story.config), story.rows, story.starts, story.shown)
    return Verdict(seed, tuple(checked.differences), checked.counts, len(story.rows))


def run_days(seeds: Iterable[int], jobs: int) -> Iterator[Verdict]:
    """Yield the verdicts in the order of the seeds."""
    if jobs == 1:
        yield from map(run_day, seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(run_day, seeds, chunksize=8)
