"""The commands as a person has them: a process on a pseudo-terminal."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define

from copier.ledger.ledger import Ledger
from copier.ledger.recovery import recover
from tests.copier.commands.shell import PAPER, command, copier, environment, started, wait_for_line

pytestmark = pytest.mark.slow  # each test starts processes of its own

PATIENCE_S = 60.0
"""For a process to start on a machine that is busy with other tests."""


@define
class Terminal:
    """A process and what it has shown."""

    process: subprocess.Popen[bytes]
    fd: int
    shown: str = ""

    def until(self, wanted: str) -> None:
        """Read until `wanted` has been shown."""
        give_up_at = time.monotonic() + PATIENCE_S
        while wanted not in self.shown:
            assert time.monotonic() < give_up_at, self.shown
            if select.select([self.fd], [], [], 0.2)[0]:
                self.shown += os.read(self.fd, 65536).decode()

    def type(self, text: str) -> None:
        os.write(self.fd, text.encode())

    def ended(self) -> int:
        """Return the exit code; what is still shown meanwhile is kept."""
        give_up_at = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert time.monotonic() < give_up_at, self.shown
            if select.select([self.fd], [], [], 0.2)[0]:
                try:
                    self.shown += os.read(self.fd, 65536).decode()
                except OSError:  # the other end is closed
                    break
        return self.process.wait(PATIENCE_S)


@contextmanager
def terminal(*arguments: str | Path, folder: Path, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """Run `copier` on a terminal of that size."""
    fd, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def own_terminal() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        command(*arguments),
        cwd=folder,
        env={**environment(), "TERM": "xterm-256color"},
        stdin=other,
        stdout=other,
        stderr=other,
        start_new_session=True,
        preexec_fn=own_terminal,
    )
    os.close(other)
    try:
        yield Terminal(process, fd)
    finally:
        process.kill()
        process.wait()
        os.close(fd)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER.replace("[service]", '[service]\nlisten = "127.0.0.1:0"'), encoding="utf-8")
    return file


def test_watch_draws_in_place_says_when_the_service_is_gone_and_ends_with_130_on_ctrl_c(file: Path) -> None:
    service = started("run", file, folder=file.parent)
    url = wait_for_line(service, "listening").partition("url=")[2].strip()
    with terminal("status", "--watch", "--url", url, folder=file.parent) as watching:
        watching.until("Ctrl-C ends")
        assert "\x1b[?1049h" in watching.shown
        assert "nothing needs you" in watching.shown
        service.send_signal(signal.SIGTERM)
        service.communicate(timeout=PATIENCE_S)
        watching.until("reconnecting: ")
        watching.type("\x03")
        assert watching.ended() == 130
        watching.until("\x1b[?1049l")
        assert "Traceback" not in watching.shown


def test_watch_of_the_ledger_follows_a_lever_that_is_pulled(file: Path) -> None:
    Ledger.open(file.parent / "copier.db").close()
    with terminal("links", file, "--watch", folder=file.parent, columns=100) as watching:
        watching.until("Ctrl-C ends")
        with terminal("pause", "master->small", file, "--why", "lunch", folder=file.parent) as pausing:
            assert pausing.ended() == 0
        watching.until("lunch")
        watching.type("\x03")
        assert watching.ended() == 130


def test_flatten_asks_for_the_accounts_name_and_does_nothing_without_it(file: Path) -> None:
    Ledger.open(file.parent / "copier.db").close()
    with terminal("flatten", "small", file, "--why", "enough", folder=file.parent) as asked:
        asked.until("Type small to go on: ")
        asked.type("smal\n")
        assert asked.ended() == 2
        asked.until("nothing was done")
    assert levers(file) == []
    with terminal("flatten", "small", file, "--why", "enough", folder=file.parent) as asked:
        asked.until("Type small to go on: ")
        asked.type("small\n")
        assert asked.ended() == 0
    assert levers(file) == ["account small"]


def levers(file: Path) -> list[str]:
    ledger = Ledger.open(file.parent / "copier.db", readonly=True)
    try:
        return list(recover(ledger).levers)
    finally:
        ledger.close()


def test_what_is_no_terminal_gets_lines_without_escapes(file: Path) -> None:
    Ledger.open(file.parent / "copier.db").close()
    watching = started("links", file, "--watch", folder=file.parent)
    assert watching.stdout is not None
    lines = [watching.stdout.readline() for _ in range(3)]
    watching.send_signal(signal.SIGINT)
    rest, errors = watching.communicate(timeout=PATIENCE_S)
    assert watching.returncode == 130, errors
    assert "master->small" in lines[2]
    assert "\x1b" not in "".join(lines) + rest
    assert "Traceback" not in errors


def test_sigterm_gives_the_terminal_back(file: Path) -> None:
    Ledger.open(file.parent / "copier.db").close()
    with terminal("links", file, "--watch", folder=file.parent) as watching:
        watching.until("Ctrl-C ends")
        watching.process.send_signal(signal.SIGTERM)
        watching.until("\x1b[?1049l")
        assert watching.ended() == 0
        assert "Traceback" not in watching.shown


def test_reader_that_has_seen_enough_is_no_failure(file: Path) -> None:
    Ledger.open(file.parent / "copier.db").close()
    watching = started("links", file, "--watch", folder=file.parent)
    assert watching.stdout is not None
    watching.stdout.readline()
    watching.stdout.close()
    assert copier("pause", "master->small", file, "--why", "lunch", folder=file.parent).returncode == 0
    assert watching.stderr is not None
    errors = watching.stderr.read()
    watching.stderr.close()
    assert watching.wait(PATIENCE_S) == 0, errors
    assert errors == ""
