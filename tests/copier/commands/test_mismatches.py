"""`copier mismatches`: what lasts, what is over, and the same for programs."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
import trio

from copier.ledger.ledger import Ledger
from rules.model.reports import Rejected
from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier
from tests.copier.desk import TARGET, Desk
from tests.copier.fakes import source_position


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


async def _tell(file: Path, *, ends: bool) -> None:
    ledger = Ledger.open(file.parent / "copier.db")
    desk = await Desk(ledger).ready()
    [order] = await desk.sees(source_position())
    await desk.reports(Rejected(order.cl_ord_id, "no money"))
    for _ in range(2):
        desk.now += timedelta(seconds=10)
        await desk.polls(TARGET)
    if ends:
        await desk.closes()
        await desk.polls(TARGET)
    ledger.close()


def test_what_lasts_is_shown_and_that_no_service_runs(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(lambda: _tell(file, ends=False))
    assert copier("mismatches", file) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "source->target missing critical EURUSD should be long 1" in text
    assert "no service is running" in text


def test_what_is_over_is_shown_on_demand_only(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(lambda: _tell(file, ends=True))
    assert copier("mismatches", file) == 0
    assert "no mismatches" in capsys.readouterr().out
    assert copier("mismatches", file, "--past") == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "missing critical" in text
    assert "missing over" in text


def test_programs_get_the_numbers_as_text(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(lambda: _tell(file, ends=False))
    assert copier("mismatches", file, "--json") == 0
    expected = {
        "link": "source->target",
        "target": "target",
        "symbol": "EURUSD",
        "kind": "missing",
        "severity": "critical",
        "desired": "1",
        "observed": "0",
        "lots": "1",
        "source_positions": ["p1"],
        "why": "the venue rejected the order",
        "says": "EURUSD should be long 1 and is not there (the venue rejected the order)",
    }
    assert json.loads(capsys.readouterr().out) == [expected]
    assert copier("status", file, "--json") == 0
    assert json.loads(capsys.readouterr().out)["mismatches"] == [expected]
    assert copier("mismatches", file, "--past", "--json") == 0
    [begun] = json.loads(capsys.readouterr().out)
    assert begun == {"at": begun["at"], "ended": False, **expected}


def test_status_tells_of_mismatches_too(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trio.run(lambda: _tell(file, ends=False))
    assert copier("status", file) == 0
    assert "mismatch on source->target: EURUSD should be long 1 and is not there" in capsys.readouterr().out
