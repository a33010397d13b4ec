"""Tables that fit: where the window is narrow, the columns that matter least are left out, and that is said."""

from collections.abc import Callable, Sequence
from typing import Final, Generic, TypeVar

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from copier.telling.wording import printable
from rules.model.frozen import frozen

T = TypeVar("T")

_GAP: Final = 2
"""Columns between cells: one of padding, and one for a line that this kind of table leaves blank."""


@frozen
class Column(Generic[T]):
    """One column: how a row's cell is written and coloured.

    `matters`: 0 is always shown; of the others the lowest are, for which there is room. `wraps`: its text may take
    several lines.
    """

    head: str
    text: Callable[[T], str]
    matters: int = 0
    right: bool = False
    wraps: bool = False
    style: Callable[[T], str] = lambda _: ""


WRAPPED_MIN: Final = 24
"""A text in fewer columns is read slowly."""


def fitting(rows: Sequence[T], columns: Sequence[Column[T]], width: int) -> RenderableType:
    """Return the rows as a table of at most `width` columns, with a line on what was left out."""
    cells = {column.head: [shown(column.text(row)) for row in rows] for column in columns}
    kept: list[Column[T]] = []
    for column in sorted(columns, key=lambda column: column.matters):
        # What is empty in every row tells nothing.
        if not column.matters or (any(cells[column.head]) and _wide([*kept, column], cells) <= width):
            kept.append(column)
    kept = [column for column in columns if column in kept]
    left_out = [column.head for column in columns if column not in kept and any(cells[column.head])]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, _GAP - 1, 0, 0), header_style="bold")
    for column in kept:
        table.add_column(column.head, justify="right" if column.right else "left", overflow="fold")
    for number, row in enumerate(rows):
        table.add_row(*(Text(cells[column.head][number], style=column.style(row)) for column in kept))
    if not left_out:
        return table
    return Group(table, Text(f"a wider window also shows: {', '.join(left_out)}", style="dim"))


def _wide(columns: Sequence[Column[T]], cells: dict[str, list[str]]) -> int:
    return sum(_width(column, cells[column.head]) + _GAP for column in columns) - _GAP


def _width(column: Column[T], texts: Sequence[str]) -> int:
    widest = max(map(cell_len, (column.head, *texts)))
    return min(widest, WRAPPED_MIN) if column.wraps else widest


def shown(text: str | None) -> str:
    """Return text for a cell: what a terminal would obey is made visible, what is not known is empty."""
    return "" if text is None else printable(text)
