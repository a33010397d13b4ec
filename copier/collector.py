"""When Python's garbage collector looks for cycles: seldom, as what we keep has none, and not in the midst of a round.

A look goes through every object that is new. Most of what a round makes is gone at its end, so that a look in between
takes three times as long as one afterwards, and keeps the orders that are about to leave waiting.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

LOOK_AFTER: Final = 10_000
"""Objects that are new before it looks at them, for some 2 ms. By Python's own 700, its looks cost an order as much as
its size does."""

OLDER_AFTER: Final = 3
"""Such looks before it looks at what they left as well, for some 12 ms."""

PATIENCE: Final = 500_000
"""New objects for which it looks within a round all the same: a thousand orders make 30,000, but a round that waits for
room on its disk lasts while others work on."""


def spare_collector() -> None:
    """Take what was loaded up to now out of the collector's sight: it stays, and a look at it takes 40 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(LOOK_AFTER, OLDER_AFTER, gc.get_threshold()[2])


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let the collector wait until what is done here is over."""
    before = gc.get_threshold()
    if not 0 < before[0] < PATIENCE:  # it is switched off, or waits for somebody else already
        yield
        return
    gc.set_threshold(PATIENCE, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
