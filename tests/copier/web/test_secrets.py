"""Canaries in every place where a secret can be, on a service that logs everything: none is found in anything it says.

The venues here repeat in their answers all that they are sent, as careless servers do.
"""

import http.client
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, get_args
from urllib.parse import urlsplit

import attrs
import pytest

from adapters.registry import CONFIGS
from adapters.secret import Secret
from copier.web.rest.endpoints import PREFIX
from copier.web.rest.table import ENDPOINTS
from tests.copier.commands.shell import command, copier, environment

pytestmark = pytest.mark.slow  # a process of its own, asked everything that can be asked

UUID = "865d3a4d-3803-486d-bdf3-a85679d9fad2"
CANARIES = {
    name: f"canary-{name}-0123456789abcdef".replace("_", "-")
    for name in (
        "METAAPI_TOKEN",
        "METACOPIER_API_KEY",
        "TRADELOCKER_PASSWORD",
        "TRADELOCKER_DEVELOPER_API_KEY",
        "CLEARSTREET_CLIENT_SECRET",
        "SIGNALS_SECRET",
        "SIGNALS_SIGNING_KEY",
        "WEBHOOK_SECRET",
        "WEBHOOK_PATH",
        "APPRISE",
    )
}
CONFIG = """\
[service]
ledger = "sqlite:copier.db"
listen = "127.0.0.1:0"
log_level = "debug"
drain = "1s"
reconcile_every = "1s"

[accounts.metaapi]
venue = "metaapi"
account_id = "{uuid}"
token = "${{env:METAAPI_TOKEN}}"
region = "new-york"
socket_url = "http://{venue}"
provisioning_url = "http://{venue}"

[accounts.metacopier]
venue = "metacopier"
account_id = "{uuid}"
api_key = "${{env:METACOPIER_API_KEY}}"
rest_url = "http://{venue}"
socket_url = "ws://{venue}/ws"

[accounts.tradelocker]
venue = "tradelocker"
server = "S"
account_id = "L#1"
email = "a@b.test"
password = "${{env:TRADELOCKER_PASSWORD}}"
developer_api_key = "${{env:TRADELOCKER_DEVELOPER_API_KEY}}"
rest_url = "http://{venue}"
streams_url = "http://{venue}"

[accounts.clearstreet]
venue = "clearstreet"
account_id = "1"
client_id = "me"
client_secret = "${{env:CLEARSTREET_CLIENT_SECRET}}"
rest_url = "http://{venue}"
socket_url = "ws://{venue}/ws"
auth_url = "http://{venue}"

[accounts.signals]
venue = "signals"
state = "signals.db"
secret = "${{env:SIGNALS_SECRET}}"
signing_key = "${{env:SIGNALS_SIGNING_KEY}}"

[accounts.paper]
venue = "paper"
state = "paper.db"

[[links]]
source = "metacopier"
targets = ["paper"]

[[alerts]]
to = ["json://user:${{env:APPRISE}}@{venue}/apprise"]
webhook = {{ url = "http://{venue}/${{env:WEBHOOK_PATH}}", secret = "${{env:WEBHOOK_SECRET}}" }}
group = "0s"
"""


class Parrot(BaseHTTPRequestHandler):
    """Refuses whatever it is asked, and repeats all of it."""

    protocol_version = "HTTP/1.1"

    def _repeat(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        said = json.dumps({"error": f"{self.requestline} {dict(self.headers)} {body!r}"}).encode()
        self.send_response(400, f"no {self.path[:200]}")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_PUT = do_DELETE = _repeat

    def log_message(self, format: str, *args: Any) -> None:
        return


@contextmanager
def parrot() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def running(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Run the service; give its address, and its log, which is whole at the end."""
    log: list[str] = []
    process = subprocess.Popen(
        command("run", "copier.toml"),
        cwd=folder,
        env=environment() | CANARIES,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.append(line)
            if "listening" in line:
                break
        else:
            raise AssertionError("".join(log))
        address = urlsplit(log[-1].partition("url=")[2].strip()).netloc
        reader = threading.Thread(target=lambda: log.extend(process.stdout or ()))
        reader.start()
        yield address, log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        reader.join(5)
        process.stdout.close()


def ask(address: str, method: str, target: str, body: bytes = b"", **headers: str) -> tuple[int, str, str]:
    """Return the status, and all that was said; of a stream only its beginning."""
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
    answer = connection.getresponse()
    is_stream = answer.headers["content-type"] == "text/event-stream"
    text = answer.read1(1000) if is_stream else answer.read()
    connection.close()
    answer.close()
    return answer.status, str(answer.headers) + text.decode(), answer.headers["set-cookie"] or ""


def test_every_secret_of_every_venue_has_its_canary() -> None:
    for venue, config in CONFIGS.items():
        attrs.resolve_types(config)
        for field in attrs.fields(config):
            if field.type is Secret or Secret in get_args(field.type):
                assert f"{venue}_{field.name}".upper() in CANARIES


def test_no_canary_is_in_anything_that_the_service_says_or_keeps(tmp_path: Path) -> None:
    with parrot() as venue:
        (tmp_path / "copier.toml").write_text(CONFIG.format(venue=venue, uuid=UUID), encoding="utf-8")
        made = copier("keys", "add", "desk", "copier.toml", "--scope", "operate", folder=tmp_path, env=CANARIES)
        key = made.stdout.strip()
        assert key.startswith("copier_"), made.stderr
        said: list[str] = []
        asked = 0
        with running(tmp_path) as (address, log):
            status, _, cookie = ask(address, "POST", f"{PREFIX}/session", x_api_key=key)
            assert status == 200
            cookie = cookie.partition(";")[0]
            secrets = {**CANARIES, "key": key, "cookie": cookie.partition("=")[2]}
            for endpoint in ENDPOINTS:
                path = PREFIX + endpoint.path
                for name in endpoint.names:
                    path = path.replace(
                        f"{{{name}}}", {"account": "paper", "link": "metacopier-%3Epaper"}.get(name, key)
                    )
                body = json.dumps({"reason": key, "confirm": "paper"}).encode() if endpoint.method == "POST" else b""
                for headers in ({"x_api_key": key}, {"authorization": f"Bearer {key}"}, {"cookie": cookie}, {}):
                    asked += 1
                    more = {"content_type": "application/json", "origin": f"http://{address}"} if body else {}
                    said.append(ask(address, endpoint.method, path, body, **headers, **more)[1])
            shown = CANARIES["SIGNALS_SECRET"]
            for signal_ in ({"secret": shown}, {"secret": [shown]}, {"secret": shown, "action": shown}, [shown], shown):
                body = json.dumps(signal_).encode()
                said.append(ask(address, "POST", f"{PREFIX}/signals/signals", body, content_type="application/json")[1])
            said.append(ask(address, "GET", f"{PREFIX}/events", x_api_key=key)[1])
            for target in (f"/{key}", f"{PREFIX}/accounts/{key}", f"{PREFIX}/status?token={key}", f"/?key={key}"):
                said.append(ask(address, "GET", target, x_api_key=f"{key}x")[1])
            said.append(ask(address, "GET", f"{PREFIX}/status", x_api_key=key, origin=f"http://{key}.test")[1])
        for page in sorted(tmp_path.iterdir()):
            if page.is_file() and page.name != "copier.toml":
                said.append(page.read_bytes().decode("latin-1"))
        said.append("".join(log))
    assert asked >= 80
    assert '"debug' in "".join(log) or "level=debug" in "".join(log), "it logged everything"
    for name, secret in secrets.items():
        for where in said:
            at = where.find(secret)
            assert at < 0, f"{name} in {where[max(at - 200, 0) : at + 100]!r}"
