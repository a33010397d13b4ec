"""A window that is drawn in place: only lines that changed are written; what was there before comes back in the end."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from io import StringIO
from typing import Final, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

_ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
_LEAVE: Final = "\x1b[?25h\x1b[?1049l"
"""xterm's alternate screen, and the cursor hidden meanwhile: every terminal of the last decades knows both."""

PLAIN_WIDTH: Final = 200
"""Where nothing says how wide a reader is: lines that a program can cut."""


class Screen:
    """Draws frames. `size` is asked before each: columns and lines."""

    def __init__(self, out: TextIO, size: Callable[[], tuple[int, int]]) -> None:
        self._out = out
        self._size = size
        self._drawn_at: tuple[int, int] | None = None
        self._lines: list[str] = []

    @property
    def is_stale(self) -> bool:
        """Tell whether the window is another than the one that was drawn for."""
        return self._size() != self._drawn_at

    @contextmanager
    def open(self) -> Iterator[None]:
        """Have the window for the length of the block; afterwards it is as before, below it the last frame."""
        self._write(_ENTER)
        try:
            yield
        finally:
            self._write(_LEAVE)
            self._write("".join(f"{line}\n" for line in self._lines[:-1]))

    def draw(self, frame: Callable[[int], Iterator[RenderableType]], footer: Text) -> None:
        """Draw a frame, cut where the window ends, with `footer` in the last line."""
        width, height = self._size()
        lines = rendered(frame(width), width, coloured=coloured())
        footer = footer.copy()
        footer.truncate(width, overflow="ellipsis")
        [last] = rendered([footer], width, coloured=coloured())
        if len(lines) > height - 1:
            more = len(lines) - (height - 2)
            lines = [*lines[: height - 2], f"... {more} more lines: make the window higher"[:width]]
        lines += [""] * (height - 1 - len(lines))
        lines.append(last)
        before = self._lines if self._drawn_at == (width, height) else [None] * height
        changed = [
            f"\x1b[{number};1H\x1b[2K{line}"
            for number, (line, old) in enumerate(zip(lines, before, strict=True), 1)
            if line != old
        ]
        self._drawn_at, self._lines = (width, height), lines
        if changed:
            self._write("".join(changed))

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def rendered(parts: Iterator[RenderableType] | Sequence[RenderableType], width: int, *, coloured: bool) -> list[str]:
    """Return what rich makes of the parts, line by line; trailing blanks are cut."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=coloured,
        color_system="standard" if coloured else None,
        highlight=False,
        markup=False,
        emoji=False,
        _environ={},
    )
    for part in parts:
        console.print(part)
    return [line.rstrip() for line in out.getvalue().removesuffix("\n").split("\n")]


def coloured() -> bool:
    """Tell whether a person who has a terminal wants colours (no-color.org)."""
    return not os.environ.get("NO_COLOR")
