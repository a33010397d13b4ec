"""Callbacks that are told of things at once and in order."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")


class Listeners(Generic[T]):
    """A list of callbacks. What a callback itself brings about is told to everybody after what is being told."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[T], None]] = []
        self._untold: deque[T] = deque()
        self._telling = False

    def add(self, callback: Callable[[T], None]) -> Callable[[], None]:
        """Have `callback` called from now on; returns what ends that."""
        self._callbacks.append(callback)

        def stop() -> None:
            if callback in self._callbacks:
                self._callbacks.remove(callback)

        return stop

    def tell(self, things: Iterable[T]) -> None:
        """Tell all callbacks, each thing to all of them before the next; called from within one, only queue it."""
        self._untold.extend(things)
        if self._telling:
            return
        self._telling = True
        try:
            while self._untold:
                thing = self._untold.popleft()
                for callback in tuple(self._callbacks):
                    callback(thing)
        finally:
            # A callback that raised ends the round; what it kept from the others would reach them out of time.
            self._untold.clear()
            self._telling = False
