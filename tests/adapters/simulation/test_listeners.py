import pytest

from adapters.simulation.listeners import Listeners


def test_what_a_callback_causes_is_told_to_all_after_what_is_being_told():
    listeners: Listeners[str] = Listeners()
    heard: list[tuple[str, str]] = []

    def first(thing: str) -> None:
        heard.append(("first", thing))
        if thing == "a":
            listeners.tell(["b"])

    listeners.add(first)
    listeners.add(lambda thing: heard.append(("second", thing)))
    listeners.tell(["a"])
    assert heard == [("first", "a"), ("second", "a"), ("first", "b"), ("second", "b")]


def test_a_callback_that_raises_leaves_nothing_behind_for_the_next_round():
    listeners: Listeners[str] = Listeners()
    heard: list[str] = []

    def fragile(thing: str) -> None:
        heard.append(thing)
        if thing == "bad":
            raise RuntimeError("a bug")

    listeners.add(fragile)
    with pytest.raises(RuntimeError, match="a bug"):
        listeners.tell(["bad", "kept back"])
    listeners.tell(["good"])
    assert heard == ["bad", "good"]


def test_stopping_twice_is_no_error():
    listeners: Listeners[str] = Listeners()
    stop = listeners.add(lambda _thing: None)
    stop()
    stop()
    listeners.tell(["a"])
