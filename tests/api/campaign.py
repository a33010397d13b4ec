"""schemathesis against the running service: every endpoint of the document, over a real port, with a key.

What the document says is sent and what it forbids; no answer may be a server's error, or not be as the document has it.
"""

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Final

import trio
from attrs import field

from copier.web.app import create_app
from copier.web.asgi import App, Message, Receive, Scope, Send
from copier.web.host import Host
from copier.web.key_file import Key, change_keys, hash_of, keys_path, with_key
from copier.web.principal import KeyScope
from copier.web.rest.endpoints import PREFIX
from copier.web.surface import Surface
from rules.model.frozen import frozen
from tests.copier.web.clients import WORLD, Client, told_before
from tests.copier.web.running import running_surface
from tests.rules.playbook import T0

KEY: Final = "copier_" + "k" * 43
SECRET: Final = "a-secret-of-some-length"

SIGNALS: Final = f"""
[accounts.alerts]
venue = "signals"
state = "alerts.db"
secret = "{SECRET}"
window = "1h"
"""

ALERTS: Final = 5
"""Those that the ledger begins with."""

LEFT_OUT: Final = {
    "events": "it goes on until somebody leaves; tests/copier/web/test_events.py asks it",
}

NOT_CHECKED: Final = {
    "positive_data_acceptance": "a cursor of nothing and a confirmation of something else are refused by their meaning",
    "ignored_auth": "an address that shows wrong keys is soon told to wait; tests/copier/web/test_doors.py asks that",
}


@frozen
class Campaign:
    """What was asked and how it was answered."""

    cases: int
    statuses: Counter[int]
    output: str
    failed: bool
    errors: list[str] = field(factory=list)
    """Bugs that the host told of."""

    @property
    def server_errors(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500 and status != 503)


async def run_campaign(folder: Path, examples: int, seed: int) -> Campaign:
    """Ask each endpoint for up to so many cases of each kind, beside a service that holds something."""
    statuses: Counter[int] = Counter()
    errors: list[str] = []
    key = Key("campaign", hash_of(KEY), (KeyScope.READ, KeyScope.OPERATE), None, T0)
    change_keys(keys_path(folder / "copier.db"), partial(with_key, key=key))
    await told_before(folder, *[("small", "position 7 is nobody's")] * ALERTS)
    async with running_surface(folder, WORLD + SIGNALS) as surface, trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        app = _counting(create_app(surface), statuses)
        for task in surface.beside:
            nursery.start_soon(task)
        nursery.start_soon(Host(app, failed=errors.append).serve, listeners)
        known = await _something(surface)
        schema = folder / "openapi.json"
        schema.write_text(json.dumps(_with_known(await _document(surface), known)), encoding="utf-8")
        done = await trio.run_process(
            _command(schema, port, examples, seed), capture_stdout=True, capture_stderr=True, check=False, cwd=folder
        )
        nursery.cancel_scope.cancel()
    output = (done.stdout + done.stderr).decode(errors="replace")
    return Campaign(sum(statuses.values()), statuses, output, done.returncode != 0, errors)


async def _something(surface: Surface) -> dict[str, list[str]]:
    """Let the service hold positions, copies, denials and what waits; return the ids that paths may name."""
    client = await Client(surface).ready()
    positions = [await client.open() for _ in range(3)] + [await client.open("XAUUSD", "0.1", "2650")]
    await client.copied(3)
    return {
        "account": list(surface.views),
        "link": list(surface.links),
        "position": positions,
        "id": positions,
        "limit": ["small/max_loss", "foreign/daily_loss"],
    }


async def _document(surface: Surface) -> dict[str, Any]:
    """Return the document as it is served, without what is left out."""
    answer = await Client(surface).get("/openapi.json")
    shown: dict[str, Any] = answer.json
    for name in LEFT_OUT:
        del shown["paths"][f"/{name}"]
    return shown


def _with_known(shown: dict[str, Any], known: dict[str, list[str]]) -> dict[str, Any]:
    """Have half of the paths name something that exists: what does not is soon known to be answered by 404."""
    for methods in shown["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in known and parameter["in"] in ("path", "query"):
                    parameter["schema"] = {"anyOf": [{"enum": known[parameter["name"]]}, parameter["schema"]]}
    alerts = shown["components"]["schemas"]["Acknowledge"]["properties"]["alerts"]
    alerts["items"] = {"anyOf": [{"enum": list(range(1, ALERTS + 1))}, alerts["items"]]}
    signal = shown["components"]["schemas"]["Signal"]
    signal["properties"]["secret"] = {"const": SECRET}  # else none would come further than that
    signal["required"] = [*signal.get("required", ()), "secret"]
    return shown


def _command(schema: Path, port: int, examples: int, seed: int) -> list[str]:
    return [
        str(Path(sys.executable).with_name("schemathesis")),
        *("run", str(schema), "--url", f"http://127.0.0.1:{port}{PREFIX}", "--header", f"X-API-Key: {KEY}"),
        *("--checks", "all", "--exclude-checks", ",".join(NOT_CHECKED), "--max-examples", str(examples)),
        *("--seed", str(seed), "--phases", "examples,coverage,fuzzing", "--mode", "all", "--continue-on-failure"),
        *("--suppress-health-check", "all", "--request-timeout", "30", "--no-color", "--warnings", "off"),
        *("--generation-database", "none"),
    ]


def _counting(app: App, statuses: Counter[int]) -> App:
    async def counted(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[message["status"]] += 1
            await send(message)

        await app(scope, receive, told)

    return counted
