"""Writes a table to a new file, as CSV (RFC 4180) or JSON Lines, row by row.

Texts of brokers are hostile: a spreadsheet takes a cell that begins with `=` for a formula, and runs it.
"""

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import TextIO, TypeAlias

from rules.model.values import plain

Cell: TypeAlias = str | Decimal | int | bool | datetime | None
Row: TypeAlias = Sequence[Cell]

# What spreadsheets begin a formula or a command with, after any space (OWASP's page on CSV injection, 2026-11), and the
# wide forms that some of them take for the same.
_FORMULA = ("=", "+", "-", "@", "|", "%", "＝", "＋", "－", "＠")


class Format(Enum):
    """How a table is written."""

    CSV = "csv"
    JSONL = "jsonl"


class CannotWrite(Exception):
    """The file cannot be made or written."""


class Exists(Exception):
    """Something lies there already."""


def write_table(
    path: Path,
    format_: Format,
    columns: Sequence[str],
    rows: Iterable[Row],
    *,
    overwrite: bool = False,
    on_row: Callable[[int], object] = lambda _: None,
) -> int:
    """Write a table to the new file `path`, for its owner alone, and return how many rows it has.

    Args:
        overwrite: take the place of what lies there, once all is written.
        on_row: told the number of each row.
    Raises:
        Exists: something lies there, and it is not to be overwritten.
        CannotWrite: the disk or its permissions do not let it be written; nothing is left then.
    """
    count = 0
    with new_file(path, overwrite=overwrite) as file:
        write = _csv(file, columns) if format_ is Format.CSV else _json_lines(file, columns)
        for count, row in enumerate(rows, 1):
            write(row)
            on_row(count)
    return count


@contextmanager
def new_file(path: Path, *, overwrite: bool = False) -> Iterator[TextIO]:
    """Open a new file for its owner alone; it gets its name when the block has ended well.

    Raises:
        Exists, CannotWrite: as `write_table` says.
    """
    if not overwrite and path.exists():
        raise Exists(f"{path} exists already; name a new file, or give --overwrite")
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)  # of one that was killed
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                yield file
            if overwrite:
                part.replace(path)
            else:
                os.link(part, path)  # which, unlike a renaming, never takes the place of what came there meanwhile
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError:
        raise Exists(f"{path} exists already; name a new file, or give --overwrite") from None
    except OSError as error:
        raise CannotWrite(f"cannot write {path}: {error.strerror or error}") from error


def harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula and no terminal obeys."""
    shown = "".join(each if each.isprintable() or each == "\n" else "\N{REPLACEMENT CHARACTER}" for each in text)
    return f"'{shown}" if text.lstrip().startswith(_FORMULA) else shown


def _csv(file: TextIO, columns: Sequence[str]) -> Callable[[Row], object]:
    # Every cell in quotes: one that is read with another separator is not cut in two, the second half a formula.
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(columns)
    return lambda row: writer.writerow([_text(cell) for cell in row])


def _text(cell: Cell) -> str:
    if isinstance(cell, str):
        return harmless(cell)
    value = _value(cell)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _json_lines(file: TextIO, columns: Sequence[str]) -> Callable[[Row], object]:
    def write(row: Row) -> None:
        values = {column: _value(cell) for column, cell in zip(columns, row, strict=True)}
        file.write(json.dumps(values, ensure_ascii=False) + "\n")

    return write


def _value(cell: Cell) -> str | int | bool | None:
    """Return a cell as JSON has it: exact numbers and instants are text."""
    if isinstance(cell, Decimal):
        return plain(cell)
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return cell
