"""The seeded fault simulation: the real service against simulated venues, judged by the venues' own books."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.campaign import Venues, kept_seeds, run_seed
from tests.simulation.run import simulate

SEEDS = 200
CHUNK = 8
"""Small enough that parallel workers end at the same time."""

ROOT = Path(__file__).parents[2]


@pytest.mark.slow  # some minutes of virtual time with hundreds of requests cost about 0.25 s a seed
@pytest.mark.parametrize("first", range(0, SEEDS, CHUNK))
def test_every_seed_ends_as_the_policies_ask(first: int) -> None:
    failed = [verdict for verdict in map(run_seed, range(first, first + CHUNK)) if verdict.findings]
    assert not failed, "\n" + "\n".join(map(str, failed))


@pytest.mark.slow  # as above
@pytest.mark.parametrize(("seed", "venues", "orders"), kept_seeds())
def test_a_seed_that_once_failed_ends_well(seed: int, venues: Venues | None, orders: bool | None) -> None:
    verdict = run_seed(seed, venues, orders)
    assert not verdict.findings, f"\n{verdict}"


@pytest.mark.slow  # starts two interpreters
@pytest.mark.parametrize("seed", [3, 17])
def test_the_same_seed_leaves_the_same_trace_in_every_process(seed: int) -> None:
    program = f"from tests.simulation.run import simulate; print(simulate({seed}).trace)"
    traces = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert traces == {simulate(seed).trace + "\n"}


def test_two_seeds_leave_different_traces() -> None:
    assert simulate(0).trace != simulate(1).trace
