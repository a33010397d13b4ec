"""The port: beside the service, over real sockets, and the errors of a port that is taken."""

import json
import resource
import signal
import socket
import ssl
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from copier.web.serve import bounds_of, files_and_places
from tests.copier.commands.shell import PAPER, copier, started, wait_for_line

TLS = Path(__file__).parents[2] / "data" / "tls"

pytestmark = pytest.mark.slow  # each test starts processes of its own


def listening(folder: Path, address: str) -> Path:
    file = folder / "copier.toml"
    file.write_text(PAPER.replace("[service]", f'[service]\nlisten = "{address}"'), encoding="utf-8")
    return file


def test_a_running_service_answers_on_its_port_until_it_ends(tmp_path: Path) -> None:
    process = started("run", listening(tmp_path, "127.0.0.1:0"), folder=tmp_path)
    url = urlsplit(wait_for_line(process, "listening").partition("url=")[2].strip())
    connection = HTTPConnection(url.netloc, timeout=30)
    connection.request("GET", "/healthz")
    assert json.load(connection.getresponse())["status"] == "alive"
    connection.close()
    process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=60)
    assert process.returncode == 0, log


def test_tls_is_spoken_with_the_certificate_and_nothing_else_is(tmp_path: Path) -> None:
    file = listening(tmp_path, "127.0.0.1:0")
    lines = f'[service]\ntls_certificate = "{TLS}/certificate.pem"\ntls_key = "{TLS}/key.pem"'
    file.write_text(file.read_text().replace("[service]", lines), encoding="utf-8")
    process = started("run", file, folder=tmp_path)
    url = urlsplit(wait_for_line(process, "listening").partition("url=")[2].strip())
    assert url.scheme == "https"
    context = ssl.create_default_context(cafile=TLS / "certificate.pem")
    secured = HTTPSConnection(url.netloc, timeout=30, context=context)
    secured.request("GET", "/healthz")
    answer = secured.getresponse()
    assert answer.status == 200
    assert answer.headers["strict-transport-security"]
    secured.close()
    with socket.create_connection((url.hostname, url.port), 5) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"HTTP" not in plain.recv(100)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ('listen = "127.0.0.1:0"\nbehind_proxy = true', "make a key first, by `copier keys add`"),
        ('listen = "127.0.0.1:0"\ntls_certificate = "none.pem"\ntls_key = "none.pem"', "cannot use the certificate"),
    ],
)
def test_a_service_that_must_not_listen_like_that_does_not_start(tmp_path: Path, lines: str, told: str) -> None:
    file = listening(tmp_path, "off")
    file.write_text(file.read_text().replace('listen = "off"', lines), encoding="utf-8")
    result = copier("run", file, folder=tmp_path)
    assert result.returncode == 1
    assert told in result.stderr
    assert "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_one_clear_error_and_nothing_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = copier("run", listening(tmp_path, address), folder=tmp_path)
    assert result.returncode == 1
    assert f"cannot listen at {address}" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("soft", "hard", "files", "places"),
    [
        (1024, 1_048_576, 8192, 4096),
        (1024, 4096, 4096, 2048),
        (1024, 1024, 1024, 512),
        (1024, resource.RLIM_INFINITY, 8192, 4096),
        (65_536, 65_536, 65_536, 4096),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, resource.RLIM_INFINITY, 4096),
    ],
)
def test_half_of_the_files_stay_for_the_venues_and_the_ledger(soft: int, hard: int, files: int, places: int) -> None:
    assert files_and_places(soft, hard) == (files, places)


def test_a_proxy_stands_for_everybody_and_any_other_address_for_one() -> None:
    assert bounds_of(4096, behind_proxy=True).connections_per_ip_max == 4096
    assert bounds_of(4096, behind_proxy=False).connections_per_ip_max == 128
    assert bounds_of(50, behind_proxy=False).connections_per_ip_max == 50
