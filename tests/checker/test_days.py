"""A sample of the simulated days; `make recompute` runs as many as one wants."""

import pytest

from tests.checker.campaign import run_day

DAYS = 40
CHUNK = 8
"""Small enough that parallel workers end at the same time."""


@pytest.mark.slow  # a day with hundreds of rounds of the engine costs about 0.1 s
@pytest.mark.parametrize("first", range(0, DAYS, CHUNK))
def test_every_decision_of_a_day_is_what_the_documents_ask_for(first: int) -> None:
    verdicts = [run_day(seed) for seed in range(first, first + CHUNK)]
    assert not [verdict for verdict in verdicts if verdict.differences], "\n" + "\n".join(map(str, verdicts))
    recomputed = sum(verdict.counts["OpenPosition"] for verdict in verdicts)
    assert recomputed > 10, "days on which nothing is copied show nothing"
