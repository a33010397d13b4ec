"""Exit codes, and the one place where an expected failure becomes words on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from copier.commands.asked import WrongAsked
from copier.config.errors import ConfigError, format_problem
from copier.export.writing import CannotWrite, Exists
from copier.ledger.ledger import LedgerBusy, LedgerFailed, LedgerRefused
from copier.terminal.asking import CannotAsk, Refusal
from copier.terminal.where import WrongWhere
from copier.web.key_file import KeysRefused
from copier.web.serve import CannotListen

FINE = 0
FAILED = 1
WRONG_INPUT = 2
OTHER_INSTANCE = 3
INTERRUPTED = 130


@contextmanager
def explained() -> Iterator[None]:
    """Turn the failures that a person can act on into one clear text and an exit code; a bug keeps its traceback."""
    try:
        yield
    except* ConfigError as group:
        for error in leaves(group):
            if isinstance(error, ConfigError):
                say(*(format_problem(problem) for problem in error.problems), _count(len(error.problems)))
        code = WRONG_INPUT
    except* LedgerBusy as group:
        say(*map(str, leaves(group)))
        code = OTHER_INSTANCE
    except* (LedgerRefused, KeysRefused, WrongWhere, WrongAsked, Exists) as group:
        say(*map(str, leaves(group)))
        code = WRONG_INPUT
    except* (LedgerFailed, CannotListen, CannotWrite) as group:
        say(*map(str, leaves(group)))
        code = FAILED
    except* CannotAsk as group:
        say(*map(str, leaves(group)))
        code = WRONG_INPUT if all(isinstance(each, Refusal) and each.is_input for each in leaves(group)) else FAILED
    else:
        return
    raise SystemExit(code)


def leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return the errors of a group of groups."""
    found: list[BaseException] = []
    for error in group.exceptions:
        found.extend(leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


def say(*lines: str) -> None:
    """Print lines for a person, beside what the command prints for programs."""
    for line in lines:
        print(line, file=sys.stderr)


def _count(problems: int) -> str:
    return f"{problems} problem{'s' if problems != 1 else ''} in the config; nothing was started"
