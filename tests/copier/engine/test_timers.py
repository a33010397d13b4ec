"""Timers: one moment a key, the last set wins, earliest first."""

from datetime import timedelta

from copier.engine.timers import Timers
from tests.rules.playbook import T0

SECOND = timedelta(seconds=1)


def test_due_keys_come_earliest_first_and_only_once() -> None:
    timers: Timers[str] = Timers()
    for key, at in (("late", 3), ("early", 1), ("middle", 2), ("not yet", 9)):
        timers.set(key, T0 + at * SECOND)
    assert timers.first() == T0 + SECOND
    assert list(timers.due(T0 + 3 * SECOND)) == ["early", "middle", "late"]
    assert list(timers.due(T0 + 3 * SECOND)) == []
    assert timers.first() == T0 + 9 * SECOND


def test_the_last_moment_set_is_the_one_that_counts() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", T0)
    timers.set("a", T0 + 5 * SECOND)
    assert list(timers.due(T0 + SECOND)) == []
    timers.set("a", T0 + 2 * SECOND)
    assert list(timers.due(T0 + 2 * SECOND)) == ["a"]
    assert timers.first() is None, "the moments that were moved are gone as well"


def test_a_key_may_come_back_to_a_moment_that_it_had() -> None:
    timers: Timers[str] = Timers()
    for at in (T0, T0 + SECOND, T0):
        timers.set("a", at)
    assert list(timers.due(T0)) == ["a"]
    assert list(timers.due(T0 + SECOND)) == []


def test_what_is_set_while_due_keys_are_taken_stays() -> None:
    timers: Timers[str] = Timers()
    timers.set("a", T0)
    for key in timers.due(T0):
        timers.set(key, T0)
    assert timers.first() == T0


def test_keys_need_no_order() -> None:
    timers: Timers[object] = Timers()
    for _ in range(3):
        timers.set(object(), T0)
    assert len(list(timers.due(T0))) == 3
