"""What sessions are told in a good hour: every call on one, recorded at a simulated venue, to be played again."""

import copy
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import trio
import trio.testing

from rules.model.frozen import frozen
from tests.conformance.actions import by_hand, trade
from tests.conformance.mirror import streaming
from tests.conformance.venues import open_world

CALLS_MAX = 60
"""Long enough for a sign-in, a snapshot and a busy minute; a part of it is played again for each fresh session."""

TOLD = ("receive", "learn", "snapshot", "settle", "elapse")
"""What a driver tells a session, or asks it for, by whichever of these methods it has."""


@frozen
class Transcript:
    """One session: how it was made, and what it was told, in order."""

    kind: type
    made_with: tuple[tuple[Any, ...], dict[str, Any]]
    calls: tuple[tuple[str, tuple[Any, ...]], ...]

    def frames(self) -> list[int]:
        """Return the places of the calls that brought a frame as text."""
        return [at for at, (name, given) in enumerate(self.calls) if name == "receive" and isinstance(given[0], str)]

    def session_at(self, place: int) -> Any:
        """Return a session that was told everything before that call."""
        given, named = copy.deepcopy(self.made_with)
        session = self.kind(*given, **named)
        for name, arguments in self.calls[:place]:
            tell(session, name, arguments)
        return session


def tell(session: Any, name: str, arguments: tuple[Any, ...]) -> list[Any]:
    """Tell a session something and return the list that it says of it, if it does: some only say yes or no."""
    said = getattr(session, name)(*arguments)
    return list(said) if isinstance(said, Iterable) else []


def record(kind: str, session: type) -> Transcript:
    """Return what the sessions of a kind of venue are told while somebody trades there."""
    made: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
    calls: list[tuple[str, tuple[Any, ...]]] = []
    with _recorded(session, made, calls), TemporaryDirectory() as folder:
        trio.run(_trade, kind, Path(folder), clock=trio.testing.MockClock(autojump_threshold=0))
    return Transcript(session, made[0], tuple(calls[:CALLS_MAX]))


async def _trade(kind: str, folder: Path) -> None:
    random = Random(5)
    async with open_world(kind, folder) as world:
        by_hand(world)
        async with streaming(world) as mirror:
            await mirror.until_true()
            for _ in range(40):
                trade(world, random)
                await trio.sleep(0.5)


@contextmanager
def _recorded(session: type, made: list[Any], calls: list[Any]) -> Iterator[None]:
    """Let the first session that is made write down how, and what it is told."""
    names = [name for name in TOLD if hasattr(session, name)]
    originals = {name: getattr(session, name) for name in names}
    init = session.__init__  # type: ignore[misc]
    first: list[Any] = []

    def note_making(self: Any, *given: Any, **named: Any) -> None:
        if not first:
            first.append(self)
            made.append(copy.deepcopy((given, named)))
        init(self, *given, **named)

    def noting(name: str) -> Callable[..., Any]:
        def note(self: Any, *given: Any) -> Any:
            if self is first[0]:
                calls.append((name, given))
            return originals[name](self, *given)

        return note

    session.__init__ = note_making  # type: ignore[misc]
    for name in names:
        setattr(session, name, noting(name))
    try:
        yield
    finally:
        session.__init__ = init  # type: ignore[misc]
        for name, original in originals.items():
            setattr(session, name, original)
