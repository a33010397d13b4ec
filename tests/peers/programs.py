"""Starts the programs that peer tests talk to, each with a deadline and a sure end."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from select import select
from typing import Any

import pytest

PEERS = Path(__file__).parent

# A cold start of node or Python on a busy machine takes a second or two.
_START_S_MAX = 60.0


def node(script: str, *arguments: str) -> list[str]:
    """Return the command that runs `script` of this folder; the test fails where node or its packages are missing."""
    place = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("node", path=place)
    if program is None:
        pytest.fail("node is missing: run `make test`, which installs it")
    if not (PEERS / "node_modules" / ".package-lock.json").exists():
        pytest.fail("tests/peers/node_modules is missing: run `make test`, which installs it")
    return [program, str(PEERS / script), *arguments]


def python(script: str, *arguments: str) -> list[str]:
    """Return the command that runs the Python `script` of this folder with our own interpreter."""
    return [sys.executable, str(PEERS / script), *arguments]


@contextmanager
def running(command: list[str]) -> Iterator[Any]:
    """Run a program for the length of the block; gives its first line of output, a JSON value.

    What it prints to stderr stays visible in the test's output. It is killed at the end.
    """
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=PEERS)
    try:
        yield json.loads(_first_line(process, command))
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _first_line(process: "subprocess.Popen[bytes]", command: list[str]) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + _START_S_MAX
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            pytest.fail(f"{command} printed no line within {_START_S_MAX:g} s")
        byte = os.read(process.stdout.fileno(), 1)
        if not byte:
            pytest.fail(f"{command} ended with code {process.wait()} before it printed a line")
        line += byte
    return line
