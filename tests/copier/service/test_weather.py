"""Waits between tries double with jitter, within bounds, and start small again after a success."""

from random import Random

from copier.service.weather import BACKOFF_S_MAX, BACKOFF_S_MIN, Backoff


def test_waits_double_up_to_the_most_and_never_vanish() -> None:
    backoff = Backoff(Random(1))
    ceiling = BACKOFF_S_MIN
    for _ in range(40):
        wait = backoff.next_s()
        assert 0.1 * ceiling <= wait <= ceiling
        ceiling = min(ceiling * 2, BACKOFF_S_MAX)
    assert ceiling == BACKOFF_S_MAX


def test_a_success_starts_anew() -> None:
    backoff = Backoff(Random(1))
    for _ in range(10):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= BACKOFF_S_MIN


def test_many_accounts_come_back_spread_out() -> None:
    waits = {Backoff(Random(seed)).next_s() for seed in range(50)}
    assert len(waits) == 50
    assert max(waits) - min(waits) > BACKOFF_S_MIN / 2
