"""Gathers what is wrong with one file while its sections are read, each fault with its line."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from cattrs import Converter

from copier.config.errors import ConfigProblem, Fault, UnknownKey, key_text
from copier.config.positions import KeyPath
from copier.config.structure import faults_of
from copier.config.unbuilt import is_unbuilt_key, way_around

# A person mends a screenful at a time; a generated file may repeat one mistake on every row.
PROBLEMS_MAX = 1000

Section = TypeVar("Section")


class Reader:
    """One reading of one file. Faults are added, never raised, so that one run finds them all."""

    def __init__(self, file: Path, lines: Mapping[KeyPath, int]) -> None:
        self._file = file
        self._lines = lines
        self._problems: dict[ConfigProblem, None] = {}
        self._dropped = 0
        self._meant: dict[KeyPath, KeyPath] = {}
        self._warnings: dict[ConfigProblem, None] = {}

    @property
    def problems(self) -> list[ConfigProblem]:
        """What was found so far; past `PROBLEMS_MAX` only their number."""
        if not self._dropped:
            return list(self._problems)
        more = ConfigProblem(self._file, None, "", "a config without mistakes", f"{self._dropped} more than shown")
        return [*self._problems, more]

    @property
    def warnings(self) -> list[ConfigProblem]:
        """The doubts so far, each once."""
        return list(self._warnings)

    def fault(self, path: KeyPath, fault: Fault) -> None:
        """Add one mistake at a key path; the same one, met again in a sum that it is part of, is added once."""
        problem = self._placed(path, fault)
        if len(self._problems) < PROBLEMS_MAX:
            self._problems[problem] = None
        elif problem not in self._problems:
            self._dropped += 1

    def warn(self, path: KeyPath, expected: str, found: str, hint: str | None = None) -> None:
        """Add one doubt: the config can run, but hardly as meant."""
        if len(self._warnings) < PROBLEMS_MAX:
            self._warnings[self._placed(path, Fault(expected, found, hint))] = None

    def structure(
        self,
        converter: Converter,
        cls: type[Section],
        value: object,
        path: KeyPath,
        hide: Callable[[str], str] = str,
    ) -> Section | None:
        """Return `value` as `cls`; None when it has faults, which are then all added.

        Args:
            hide: takes what must not be seen out of the words of other modules' validators.
        """
        try:
            return converter.structure(value, cls)
        except Exception as error:  # noqa: BLE001 - faults_of raises anew whatever is no fault of the file
            for at, fault in faults_of(error, path):
                plain = _unbuilt(at, fault)
                self.fault(at, Fault(hide(plain.expected), hide(plain.found), plain.hint))
            return None

    def tables(self, document: Mapping[str, Any], section: str) -> dict[str, dict[str, Any]]:
        """Return the named tables of a section such as `accounts`; what is no table becomes a fault."""
        named = document.get(section, {})
        if not isinstance(named, dict):
            self.fault((section,), Fault(f"tables such as [{section}.name]", "no table"))
            return {}
        good = {}
        for name, value in named.items():
            if not isinstance(value, dict):
                self.fault((section, name), Fault(f"a table [{section}.{name}]", "no table"))
            elif not _is_name(name):
                self.fault((section, name), Fault("a name of at most 64 letters, digits, `-`, `_` and `.`", "another"))
            else:
                good[name] = value
        return good

    def rows(self, document: Mapping[str, Any], section: str) -> list[Any]:
        """Return the rows of an array of tables such as `links`."""
        rows = document.get(section, [])
        if isinstance(rows, list):
            return rows
        self.fault(
            (section,), Fault(f"an array of tables [[{section}]]", "no array", "write two brackets on each side")
        )
        return []

    def stand_for(self, path: KeyPath, meant: KeyPath) -> None:
        """Note that a row which is not in the file comes from another one, where its faults are told."""
        self._meant[path] = meant

    def line(self, path: KeyPath) -> int | None:
        """Return the line of a key path, or of the nearest above it; None for the file as a whole."""
        return self._line(self._written(path))

    def _line(self, path: KeyPath) -> int | None:
        at = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self._lines), ())
        return self._lines.get(at)

    def _written(self, path: KeyPath) -> KeyPath:
        """Return the path of what is written in the file for this one."""
        meant = self._meant.get(path[:2])
        return path if meant is None else (*meant, *path[2:])

    def _placed(self, path: KeyPath, fault: Fault) -> ConfigProblem:
        path = self._written(path)
        return ConfigProblem(self._file, self._line(path), key_text(path), fault.expected, fault.found, fault.hint)


def _unbuilt(at: KeyPath, fault: Fault) -> Fault:
    """Return the fault in other words when it is about something that a later version may have."""
    if isinstance(fault, UnknownKey) and is_unbuilt_key(at):
        found = f"`{at[-1]}`, which is not supported in this version"
        return Fault("what this version supports", found, way_around(at))
    return fault


def _is_name(name: str) -> bool:
    return 0 < len(name) <= 64 and name.isascii() and all(ch.isalnum() or ch in "-_." for ch in name)
