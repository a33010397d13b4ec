"""What is wrong with a config: one `ConfigProblem` for each mistake, all of them in one `ConfigError`."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from copier.config.positions import KeyPath
from rules.model.frozen import frozen


@frozen
class ConfigProblem:
    """One mistake (or, among the warnings, one doubt), with all that a person needs to find and mend it.

    `line` counts from 1; None where the file as a whole is meant. `key` is the key path as text, "" for the file.
    No text holds a secret.
    """

    path: Path
    line: int | None
    key: str
    expected: str
    found: str
    hint: str | None = None


class ConfigError(Exception):
    """The person's config is wrong; `problems` holds every mistake, in the order of the file."""

    def __init__(self, problems: Iterable[ConfigProblem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.key)))
        super().__init__("\n".join(format_problem(problem) for problem in self.problems))


class Fault(ValueError):
    """A value is not what its key wants. Raised where the value is read, placed in the file by the one who knows where.

    `below` leads from the key being read down to the part of its value that is meant.
    """

    def __init__(self, expected: str, found: str, hint: str | None = None, below: KeyPath = ()) -> None:
        super().__init__(f"expected {expected}, found {found}")
        self.expected = expected
        self.found = found
        self.hint = hint
        self.below = below


class UnknownKey(Fault):
    """A table has a key that its section does not know."""


def format_problem(problem: ConfigProblem) -> str:
    """Return `file:line: key: expected ..., found ... (hint)` on one line."""
    place = str(problem.path) if problem.line is None else f"{problem.path}:{problem.line}"
    key = f"{problem.key}: " if problem.key else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{place}: {key}expected {problem.expected}, found {problem.found}{hint}"


def key_text(path: KeyPath) -> str:
    """Return a key path as a person writes it: ("links", 0, "source") -> 'links[0].source'."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part.replace("_", "").replace("-", "")
            shown = part if plain.isascii() and plain.isalnum() else shown_value(part)
            text += f".{shown}" if text else shown
    return text


def shown_value(value: object) -> str:
    """Return a value of the file as text of bounded length, with nothing that could break a terminal's line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "an array"
    if isinstance(value, str):
        return _quoted(value)
    return str(value)[:60]


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return a hint that names the known word closest to `word`, or None when none is close."""
    by_lower = {name.lower(): name for name in sorted(known)}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"did you mean `{by_lower[close[0]]}`?" if close else None


def one_of(known: Iterable[str]) -> str:
    """Return 'one of a, b, c' with a bounded number of names."""
    names = sorted(known)
    shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
    return f"one of {shown}" if names else "nothing, as none is defined"


def _quoted(text: str) -> str:
    cut = text if len(text) <= 60 else text[:57] + "..."
    return '"' + "".join(ch if ch.isprintable() else repr(ch)[1:-1] for ch in cut) + '"'
