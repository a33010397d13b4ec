"""Where each key of a TOML text stands: key path -> line.

tomli says where a syntax error is, but not where a good key was. This scanner walks a text that tomli has already
accepted, so it needs to know only where keys, strings and brackets begin and end.
"""

import re
from bisect import bisect_left
from collections.abc import Mapping
from typing import TypeAlias

import tomli

KeyPath: TypeAlias = tuple[str | int, ...]
"""Keys from the top down; an int is an index in an array: ("links", 0, "source")."""

# The deepest key that any section knows has 7 parts. The bound keeps a hostile text from costing quadratic memory.
DEPTH_MAX = 32

_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*'""")
_DOT = re.compile(r"[ \t]*\.[ \t]*")
# The multi-line forms come first; up to two quotes may stand right before the closing three.
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'", re.DOTALL
)
_SCALAR = re.compile(r"[^,\]}\n#]+")


class NestedTooDeep(Exception):
    """A key or value lies deeper than `DEPTH_MAX`; `line` says where."""

    def __init__(self, line: int) -> None:
        super().__init__(f"more than {DEPTH_MAX} levels of keys and brackets in line {line}")
        self.line = line


def find_positions(text: str) -> Mapping[KeyPath, int]:
    """Return the line (from 1) of every key path of `text`, array items and implied tables included.

    Args:
        text: TOML that `tomli.loads` accepts.
    Returns:
        for a key the line of the key; for an array's item the line where the item begins; for a table the line of its
        header, or of the first key that implies it.
    Raises:
        NestedTooDeep: some path has more than `DEPTH_MAX` parts.
    """
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[KeyPath, int] = {}
        self._text = text
        self._at = 0
        self._newlines = [match.start() for match in re.finditer("\n", text)]
        self._table_arrays: dict[KeyPath, int] = {}

    def scan(self) -> None:
        table: KeyPath = ()
        self._skip_space()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._assignment(table)
            self._skip_space()

    def _header(self) -> KeyPath:
        line = self._line()
        is_array = self._text.startswith("[[", self._at)
        self._at += 2 if is_array else 1
        *parents, last = self._key()
        path: KeyPath = ()
        for part in parents:
            path = (*path, part)
            self._note(path, line)
            if path in self._table_arrays:  # a table below an array of tables belongs to its newest element
                path = (*path, self._table_arrays[path] - 1)
        path = (*path, last)
        if is_array:
            self._note(path, line)
            index = self._table_arrays.get(path, 0)
            self._table_arrays[path] = index + 1
            path = (*path, index)
        self.lines[path] = line  # its own header says more than a key that only implied it
        self._skip_space()
        self._at += 2 if is_array else 1
        return path

    def _assignment(self, table: KeyPath) -> None:
        line = self._line()
        path = table
        for part in self._key():
            path = (*path, part)
            self._note(path, line)
        self._skip_space()
        self._at += 1  # the "="
        self._skip_space()
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        opening = self._text[self._at]
        if opening in "[{":
            self._items(path, "]" if opening == "[" else "}")
        else:
            pattern = _STRING if opening in "\"'" else _SCALAR
            self._take(pattern)

    def _items(self, path: KeyPath, closing: str) -> None:
        self._at += 1
        index = 0
        self._skip_space()
        while self._text[self._at] != closing:
            if closing == "}":
                self._assignment(path)
            else:
                self._note((*path, index), self._line())
                self._value((*path, index))
                index += 1
            self._skip_space()
            if self._text[self._at] == ",":
                self._at += 1
                self._skip_space()
        self._at += 1

    def _key(self) -> list[str]:
        self._skip_space()
        parts = [self._key_part()]
        while dot := _DOT.match(self._text, self._at):
            if len(parts) == DEPTH_MAX:
                raise NestedTooDeep(self._line())
            self._at = dot.end()
            parts.append(self._key_part())
        return parts

    def _key_part(self) -> str:
        raw = self._take(_KEY)
        # Quoted keys have escapes: the parser itself says what they mean.
        return next(iter(tomli.loads(f"{raw} = 0"))) if raw[0] in "\"'" else raw

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        assert match is not None, f"tomli accepted a text that the position scanner cannot read, line {self._line()}"
        self._at = match.end()
        return match.group()

    def _skip_space(self) -> None:
        match = _SPACE.match(self._text, self._at)
        assert match is not None  # the pattern matches the empty text
        self._at = match.end()

    def _note(self, path: KeyPath, line: int) -> None:
        if len(path) > DEPTH_MAX:
            raise NestedTooDeep(line)
        self.lines.setdefault(path, line)

    def _line(self) -> int:
        return bisect_left(self._newlines, self._at) + 1
