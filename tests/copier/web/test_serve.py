"""The port: beside the service, over real sockets, and the errors of a port that is taken."""

import json
import signal
import socket
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.copier.commands.shell import PAPER, copier, started, wait_for_line

pytestmark = pytest.mark.slow  # each test starts processes of its own


def listening(folder: Path, address: str) -> Path:
    file = folder / "copier.toml"
    file.write_text(PAPER.replace("[service]", f'[service]\nlisten = "{address}"'), encoding="utf-8")
    return file


def test_a_running_service_answers_on_its_port_until_it_ends(tmp_path: Path) -> None:
    process = started("run", listening(tmp_path, "127.0.0.1:0"), folder=tmp_path)
    url = urlsplit(wait_for_line(process, "listening").partition("url=")[2].strip())
    connection = HTTPConnection(url.netloc, timeout=5)
    connection.request("GET", "/healthz")
    assert json.load(connection.getresponse())["status"] == "alive"
    connection.close()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 0, log


def test_a_port_that_is_taken_is_one_clear_error_and_nothing_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = copier("run", listening(tmp_path, address), folder=tmp_path)
    assert result.returncode == 1
    assert f"cannot listen at {address}" in result.stderr
    assert "Traceback" not in result.stderr
