"""Keeps a view up to date until Ctrl-C: in place on a terminal, one after the other where something else reads."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import IO, Any, Final, Generic, Protocol, TypeVar

import trio
from rich.console import Console, RenderableType
from rich.text import Text

from copier.clock import utc_now
from copier.terminal.asking import Refusal, Unreachable
from copier.terminal.screen import PLAIN_WIDTH, Screen, rendered
from copier.terminal.sources import Source
from copier.web.dto.words import as_builtins
from rules.model.frozen import frozen

T = TypeVar("T")

EVERY_S_MIN: Final = 1.0
"""Between two readings, whatever happens: a person reads no faster."""

SHARE: Final = 10
"""Reading takes a tenth of the time at most: a service has better things to do, and a large ledger is folded whole."""

EVERY_S_MAX: Final = 15.0
"""What only time changes, as the time to a reset, is shown anew so often."""

_LOOK_S: Final = 0.5
"""How soon another size of the window is noticed."""

_PAUSES_S: Final = (1.0, 2.0, 5.0)
"""Before each new try after a lost line; the last one again and again."""


@frozen
class View(Generic[T]):
    """Something that can be shown: how it is read, drawn, and which events of a service change it."""

    read: Callable[[Source], Awaitable[T]]
    draw: Callable[[T, int], Iterator[RenderableType]]
    events: tuple[str, ...]
    as_json: Callable[[T], Any] = as_builtins


class Shows(Protocol):
    """Where frames go."""

    def opened(self) -> AbstractContextManager[None]: ...

    def show(self, frame: Callable[[int], Iterator[RenderableType]], data: Callable[[], Any]) -> None:
        """Show what was read."""

    def trouble(self, text: str) -> None:
        """Say that nothing can be read now."""

    def tick(self) -> None:
        """Look whether the window changed."""


class InPlace:
    """Draws over what it drew."""

    def __init__(self, screen: Screen, where: str) -> None:
        self._screen = screen
        self._where = where
        self._frame: Callable[[int], Iterator[RenderableType]] = lambda _: iter(())
        self._footer = Text(f"asking {where}", style="dim")

    def opened(self) -> AbstractContextManager[None]:
        return self._screen.open()

    def show(self, frame: Callable[[int], Iterator[RenderableType]], data: Callable[[], Any]) -> None:
        self._frame = frame
        text = f"{utc_now():%H:%M:%S} UTC  Ctrl-C ends  {self._where}"
        self._footer = Text(text, style="dim")
        self._screen.draw(self._frame, self._footer)

    def trouble(self, text: str) -> None:
        self._footer = Text(f"reconnecting: {text}", style="bold yellow")
        self._screen.draw(self._frame, self._footer)

    def tick(self) -> None:
        if self._screen.is_stale:
            self._screen.draw(self._frame, self._footer)


class OneAfterTheOther:
    """Writes a frame when it is another than the last; as a line of JSON where that is wanted."""

    def __init__(self, out: IO[str], errors: IO[str], *, as_json: bool) -> None:
        self._out = out
        self._errors = errors
        self._as_json = as_json
        self._last = ""

    def opened(self) -> AbstractContextManager[None]:
        return nullcontext()

    def show(self, frame: Callable[[int], Iterator[RenderableType]], data: Callable[[], Any]) -> None:
        if self._as_json:
            text = json.dumps(data())
        else:
            text = "\n".join([*rendered(frame(PLAIN_WIDTH), PLAIN_WIDTH, coloured=False), ""])
        if text != self._last:
            self._last = text
            print(text, file=self._out, flush=True)

    def trouble(self, text: str) -> None:
        print(f"reconnecting: {text}", file=self._errors, flush=True)

    def tick(self) -> None:
        """A file has no size."""


async def watch(view: View[T], source: Source, shows: Shows) -> None:
    """Show the view, and again whenever it may look different, until cancelled.

    Raises:
        CannotAsk: the service will not answer this, however often it is asked.
    """

    async def attempt() -> None:
        async with source.changes(view.events) as changes:
            while True:
                began = trio.current_time()
                shown, note = await view.read(source), await source.note()
                shows.show(partial(_frame, view, shown, note), partial(view.as_json, shown))
                await _pause(max(EVERY_S_MIN, (trio.current_time() - began) * SHARE), shows)
                until = trio.current_time() + EVERY_S_MAX
                while trio.current_time() < until and not await changes.some(_LOOK_S):
                    shows.tick()

    with shows.opened():
        await lasting(attempt, shows)


async def lasting(attempt: Callable[[], Awaitable[None]], shows: Shows) -> None:
    """Do it again whenever the line is lost, with pauses, until cancelled.

    Raises:
        CannotAsk: it would be refused again.
    """
    failures = 0
    while True:
        began = trio.current_time()
        try:
            await attempt()
        except (Unreachable, Refusal) as error:
            if isinstance(error, Refusal) and not error.passes:
                raise
            if trio.current_time() - began > EVERY_S_MAX:
                failures = 0
            shows.trouble(str(error))
        await _pause(_PAUSES_S[min(failures, len(_PAUSES_S) - 1)], shows)
        failures += 1


async def _pause(pause_s: float, shows: Shows) -> None:
    until = trio.current_time() + pause_s
    while (left := until - trio.current_time()) > 0:
        await trio.sleep(min(left, _LOOK_S))
        shows.tick()


def _frame(view: View[T], shown: T, note: str, width: int) -> Iterator[RenderableType]:
    yield from view.draw(shown, width)
    if note:
        yield Text(note, style="dim")


async def show_once(view: View[T], source: Source, console: Console, *, as_json: bool) -> None:
    """Show the view as it is now.

    Raises:
        CannotAsk: the service does not answer it.
    """
    shown, note = await view.read(source), await source.note()
    if as_json:
        print(json.dumps(view.as_json(shown)), file=console.file)
        return
    for part in _frame(view, shown, note, console.width):
        console.print(part)
