"""The garbage collector waits for the end of a round, and finds its own patience again afterwards."""

import gc
from collections.abc import Iterator

import pytest

from copier.collector import PATIENCE, undisturbed

BEFORE = (700, 10, 10)


@pytest.fixture(autouse=True)
def _thresholds() -> Iterator[None]:
    found = gc.get_threshold()
    gc.set_threshold(*BEFORE)
    yield
    gc.set_threshold(*found)


def test_it_waits_while_something_is_done_and_no_longer() -> None:
    with undisturbed():
        assert gc.get_threshold() == (PATIENCE, 10, 10)
    assert gc.get_threshold() == BEFORE


def test_it_looks_again_after_a_failure() -> None:
    with pytest.raises(ValueError), undisturbed():
        raise ValueError
    assert gc.get_threshold() == BEFORE


def test_two_that_overlap_leave_it_as_it_was() -> None:
    one, other = undisturbed(), undisturbed()
    one.__enter__()
    other.__enter__()
    one.__exit__(None, None, None)
    other.__exit__(None, None, None)
    assert gc.get_threshold() == BEFORE


def test_one_that_is_switched_off_stays_off() -> None:
    gc.set_threshold(0, 10, 10)
    with undisturbed():
        assert gc.get_threshold() == (0, 10, 10)
    assert gc.get_threshold() == (0, 10, 10)
