"""`copier alerts test`, and the alerts of a service that runs, falls and is stopped."""

import json
from pathlib import Path

import pytest
import trio

from copier.alerts.own_words import ledger_stuck
from copier.commands.alerts import alerting
from copier.commands.configs import read_config
from copier.ledger.ledger import LedgerFailed
from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier
from tests.copier.receivers import HttpReceiver, http_receiver
from tests.rules.playbook import T0

# Web servers start in threads of their own, and apprise takes a quarter of a second to load.
pytestmark = [pytest.mark.slow, pytest.mark.peer]


def write(folder: Path, receiver: HttpReceiver, more: str = "") -> Path:
    file = folder / "copier.toml"
    file.write_text(
        f"""{PAPER}
        [[alerts]]
        name = "desk"
        webhook = {{ url = "http://127.0.0.1:{receiver.port}/hook", secret = "0123456789abcdef" }}
        min_severity = "info"
        {more}
        """,
        encoding="utf-8",
    )
    return file


def titles(receiver: HttpReceiver) -> list[str]:
    return [json.loads(got.body)["title"] for got in receiver.got]


def test_a_test_message_reaches_every_destination(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with http_receiver() as receiver:
        file = write(tmp_path, receiver, f'to = ["json://127.0.0.1:{receiver.port}/apprise"]')
        assert copier("alerts", "test", file) == 0
    assert sorted(got.path for got in receiver.got) == ["/apprise", "/hook"]
    assert set(titles(receiver)) == {"copier: this is a test"}
    assert capsys.readouterr().out.splitlines() == ["desk.to[0] (json): taken", "desk.webhook: taken"]


def test_what_failed_is_told_with_its_reason_and_without_its_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_receiver() as receiver:
        receiver.statuses = [404]
        file = write(tmp_path, receiver, 'to = ["json://127.0.0.1:1/hush-hush-token"]')
        assert copier("alerts", "test", file, "--json") == 1
    shown = capsys.readouterr().out
    one, two = json.loads(shown)
    assert one["to"] == "desk.to[0] (json)"
    assert "onnection" in one["failed"]
    assert two == {"to": "desk.webhook", "failed": "expected a status of 200 to 299, found 404"}
    assert "hush" not in shown


def test_a_config_without_alerts_has_nothing_to_test(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    assert copier("alerts", "test", file) == 2
    assert "has no [[alerts]]" in capsys.readouterr().out


def test_a_run_tells_of_its_start_and_its_end(tmp_path: Path) -> None:
    with http_receiver() as receiver:
        assert copier("run", write(tmp_path, receiver, 'group = "0s"'), "--once", "--quiet") == 0
    assert titles(receiver) == ["copier runs", "copier has ended, as asked"]


def test_a_dry_run_tells_nobody(tmp_path: Path) -> None:
    with http_receiver() as receiver:
        assert copier("run", write(tmp_path, receiver), "--once", "--quiet", "--dry-run") == 0
    assert receiver.got == []


def test_a_service_that_falls_says_so_before_it_is_gone(tmp_path: Path) -> None:
    async def fall(file: Path) -> None:
        async with alerting(read_config(file), quiet=False) as alerter:
            alerter.take(ledger_stuck(T0, "disk full"))
            raise LedgerFailed("the disk of the ledger is gone")

    with http_receiver() as receiver, pytest.RaisesGroup(LedgerFailed, flatten_subgroups=True):
        trio.run(fall, write(tmp_path, receiver))
    [got] = receiver.got
    said = json.loads(got.body)
    assert said["title"] == "2 alerts, 2 critical"
    ended = said["alerts"][-1]
    assert (ended["kind"], ended["lines"]) == (
        "service.ended",
        ["LedgerFailed: the disk of the ledger is gone"],
    )
