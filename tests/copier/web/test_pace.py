"""How often one key may ask: a burst, then so many a second, each key by itself."""

from datetime import timedelta

import pytest

from copier.web.rest import pace
from copier.web.rest.pace import Paces
from copier.web.rest.refusals import Refused
from tests.adapters.simulation.worlds import Clock


def test_a_burst_is_let_through_and_the_next_one_told_when_to_come_back() -> None:
    paces = Paces(Clock(), per_s=0.5, burst=3)
    for _ in range(3):
        paces.take("screen")
    with pytest.raises(Refused) as refused:
        paces.take("screen")
    assert (refused.value.problem.status, refused.value.headers) == (429, {"retry-after": "2"})
    paces.take("other")


def test_what_was_used_comes_back_with_time_and_no_more_than_the_burst() -> None:
    clock = Clock()
    paces = Paces(clock, per_s=1, burst=2)
    for _ in range(2):
        paces.take("screen")
    clock.advance(1)
    paces.take("screen")
    with pytest.raises(Refused):
        paces.take("screen")
    clock.advance(1000)
    for _ in range(2):
        paces.take("screen")
    with pytest.raises(Refused):
        paces.take("screen")


def test_a_clock_that_was_set_back_gives_nothing_and_takes_nothing() -> None:
    clock = Clock()
    paces = Paces(clock, per_s=1, burst=2)
    paces.take("screen")
    clock.at -= timedelta(hours=1)
    paces.take("screen")
    with pytest.raises(Refused):
        paces.take("screen")


def test_names_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "KEYS_MAX", 2)
    paces = Paces(Clock(), per_s=1, burst=1)
    for name in ("one", "two", "three"):
        paces.take(name)
    assert len(paces._buckets) == 2
    paces.take("one")  # forgotten, and so full again
    with pytest.raises(Refused):
        paces.take("three")
