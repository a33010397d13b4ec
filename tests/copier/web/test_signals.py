"""Signals from end to end: a program opens and closes a position that a link copies, and a restart keeps it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from copier.clock import utc_now
from copier.web.app import create_app
from rules.model.values import AccountId
from tests.copier.web.clients import READER, Client, serving
from tests.copier.web.running import Answered, ask, running_surface

pytestmark = pytest.mark.slow  # each test runs a whole service on a ledger of its own

SECRET = "a-secret-of-some-length"
WORLD = f"""\
[service]
ledger = "sqlite:copier.db"
drain = "2s"

[accounts.alerts]
venue = "signals"
state = "alerts.db"
secret = "{SECRET}"

[accounts.small]
venue = "paper"
state = "small.db"

[policies.default]
size = {{ ignore_contract_size = true }}

[[links]]
source = "alerts"
targets = ["small"]
"""


def message(signal_id: str, at: datetime | None = None, **keys: Any) -> dict[str, Any]:
    return {"id": signal_id, "time": (at or utc_now()).isoformat(), "secret": SECRET, **keys}


def opening(signal_id: str, **keys: Any) -> dict[str, Any]:
    base = {"action": "open", "symbol": "EURUSD", "side": "buy", "volume": "0.5", "price": "1.1"}
    return message(signal_id, **{**base, **keys})


async def send(client: Client, body: Any) -> Answered:
    return await client.post("/signals/alerts", body, READER)


async def test_a_signal_opens_a_copy_and_another_one_closes_it(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        said = await send(client, opening("s1", stop_loss="1.05"))
        assert (said.status, said.json) == (200, {"says": "opened buy 0.5 EURUSD as s1", "repeated": False})
        await client.copied(1)
        await client.until(lambda: bool(client.surface.views[AccountId("small")].positions))
        [held] = (await client.get("/accounts/small/positions")).json["items"]
        assert (held["volume"], held["source_position"], held["stop_loss"]) == ("0.5", "s1", "1.05")
        assert (await send(client, message("s2", action="close", symbol="EURUSD"))).json["says"] == "closed 1"
        await client.copied(0)
        await client.until(lambda: not client.surface.views[AccountId("small")].positions)


async def test_a_restart_keeps_what_signals_opened_and_copies_nothing_twice(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        first = opening("s1")
        await send(client, first)
        await client.copied(1)
    async with serving(tmp_path, WORLD) as client:
        await client.copied(1)
        again = await send(client, first)
        assert again.json == {"says": "opened buy 0.5 EURUSD as s1", "repeated": True}
        await client.until(lambda: bool(client.surface.views[AccountId("small")].positions))
        [held] = (await client.get("/accounts/small/positions")).json["items"]
        assert held["source_position"] == "s1"
        await send(client, message("s2", action="close_all"))
        await client.copied(0)


async def test_what_signals_cannot_say_is_absent(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        account = (await client.get("/accounts/alerts")).json
        assert (account["state"], account["balance"], account["equity"]) == ("ready", None, None)
        assert (await client.get("/accounts/alerts/history")).status == 404


async def test_replays_and_nonsense_are_refused_by_their_field(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        old = opening("s1", time="2026-01-01T00:00:00Z")
        for body, status, field in (
            (old, 422, "time"),
            (opening("s2", volume=0), 422, "volume"),
            (message("s3", action="explode"), 422, "action"),
            (opening("s4", quantity=1), 422, "quantity"),
        ):
            answer = await send(client, body)
            assert answer.status == status
            assert [each["field"] for each in answer.json["errors"]] == [field]
        assert (await send(client, message("s5", action="modify", position="p9", volume=1))).status == 409
        assert (await client.post("/signals/alerts", opening("s6"), content_type="text/plain")).status == 415
        assert (await client.get("/accounts/alerts/positions")).json["items"] == []


async def test_who_does_not_know_the_secret_learns_nothing_and_has_to_wait(tmp_path: Path) -> None:
    async with serving(tmp_path, WORLD) as client:
        wrong = opening("s1", secret="some-other-long-secret")
        answers = [await client.post(f"/signals/{name}", wrong) for name in ("alerts", "small", "nobody")]
        assert {(each.status, each.body) for each in answers} == {(401, answers[0].body)}
        statuses = [(await send(client, wrong)).status for _ in range(12)]
        assert statuses[-1] == 429
        assert (await client.get("/accounts/alerts/positions")).json["items"] == []
        assert (await send(client, opening("s2"))).status == 200, (
            "what is right is taken, whoever else guesses from there"
        )


async def test_signals_need_no_key_where_everything_else_does(tmp_path: Path) -> None:
    async with running_surface(tmp_path, WORLD) as surface:
        app = create_app(surface)
        far = ("192.0.2.7", 5000)
        headers = [("host", "localhost"), ("content-type", "application/json")]
        body = json.dumps(opening("s1")).encode()
        said = await ask(app, "POST", "/api/v1/signals/alerts", headers=headers, body=body, client=far)
        assert said.status == 200
        assert (await ask(app, "GET", "/api/v1/status", headers=headers, client=far)).status == 401
        assert (await ask(app, "GET", "/api/v1/signals/alerts", headers=headers, client=far)).status == 405
        assert (await ask(app, "POST", "/api/v1/signals/a/b", headers=headers, client=far)).status == 404
