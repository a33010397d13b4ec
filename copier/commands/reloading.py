"""A config that changes while the service runs: the file was saved, or SIGHUP says so."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import structlog
import trio

from copier.commands.configs import read_config
from copier.config.errors import ConfigError, format_problem
from copier.config.model import Configuration

LOOK_EVERY_S = 2.0
"""Between two looks at the file. What was saved is read when it is the same at two of them: editors write in pieces."""

_log = structlog.get_logger("config")


class ConfigFile:
    """The file of a running service, and whether it has changed since it was read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._text = b""
        self._read: tuple[int, ...] | None = None
        self._seen: tuple[int, ...] | None = None

    def read(self) -> Configuration:
        """Return what it says.

        Raises:
            ConfigError: with every problem of the file.
        """
        self._read = self._seen = self._stamp()
        self._text = self._bytes()
        return read_config(self._path)

    def look(self) -> bool:
        """Tell whether it says another thing than what was read, and has not been touched since the last look."""
        stamp, seen = self._stamp(), self._seen
        self._seen = stamp
        if stamp is None or stamp != seen or stamp == self._read:
            return False
        self._read = stamp  # what was written again as it was is not read again
        return self._bytes() != self._text

    def _bytes(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError:
            return b""

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            found = self._path.stat()
        except OSError:  # while an editor puts a new file into its place
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino


async def next_config(
    file: ConfigFile, running: Configuration, hangups: AsyncIterator[int], refused: Callable[[Sequence[str]], None]
) -> Configuration:
    """Return the config that is to take the place of the running one.

    Args:
        hangups: gives something each time that the file is to be read at once.
        refused: is told why a config is not taken.
    """
    while True:
        is_asked = False
        with trio.move_on_after(LOOK_EVERY_S):
            await anext(hangups)
            is_asked = True
        if file.look() or is_asked:
            config = _read(file, running, refused)
            if config is not None:
                return config


def _read(file: ConfigFile, running: Configuration, refused: Callable[[Sequence[str]], None]) -> Configuration | None:
    try:
        config = file.read()
    except ConfigError as error:
        problems = [format_problem(problem) for problem in error.problems]
    else:
        if config.service.ledger == running.service.ledger:
            return config
        problems = [f"another ledger needs a restart: expected {running.service.ledger}, found {config.service.ledger}"]
    for problem in problems:
        _log.error("the changed config is not taken", problem=problem)
    refused(problems)
    return None
