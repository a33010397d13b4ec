"""The command line as a person runs it: a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[3]

SECRET = "hunter2-very-secret"

PAPER = """\
[service]
ledger = "sqlite:copier.db"
drain = "2s"

[accounts.master]
venue = "paper"
state = ":memory:"

[accounts.small]
venue = "paper"
state = ":memory:"

[[links]]
source = "master"
targets = ["small"]
"""
"""Two accounts that need nothing outside this process."""


def copier(
    *arguments: str | Path, folder: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `copier` in `folder` to its end."""
    known = environment() | dict(env or {})
    return subprocess.run(command(*arguments), cwd=folder, env=known, capture_output=True, text=True, timeout=60)


def started(*arguments: str | Path, folder: Path) -> subprocess.Popen[str]:
    """Start `copier` in `folder`; its log is a pipe."""
    return subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,
    )


def _hear_interrupts() -> None:
    """What a shell starts in the background ignores SIGINT, and so do the children of such a test run."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "copier", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "SECRET": SECRET}


def wait_for_line(process: subprocess.Popen[str], word: str) -> str:
    """Return the first line of the process's log that holds `word`; everything before it is dropped."""
    assert process.stderr is not None
    for line in process.stderr:
        if word in line:
            return line
    raise AssertionError(f"the process ended with {process.wait()} and never logged {word!r}")
