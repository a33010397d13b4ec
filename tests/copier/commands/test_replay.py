"""`copier replay`, called in this process."""

import json
from pathlib import Path

import pytest
import trio
from attrs import evolve

from copier.ledger.ledger import Ledger
from rules.model.events import InstrumentReported
from rules.model.values import AccountId, LinkId
from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier
from tests.copier.desk import LINK, Desk
from tests.copier.fakes import source_position
from tests.copier.replay.test_replay import DOLLARS, at_price
from tests.rules.playbook import EURUSD


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of the config's own link, with one trade."""
    trio.run(_trade, tmp_path / "day.db")
    return tmp_path / "day.db"


async def _trade(path: Path) -> None:
    link = evolve(LINK, link_id=LinkId("master->small"), source=AccountId("master"), target=AccountId("small"))
    ledger = Ledger.open(path)
    desk = Desk(ledger, links=[link], accounts=[link.source, link.target])
    await desk.takes(InstrumentReported(link.target, desk.now, EURUSD.symbol, DOLLARS))
    await desk.ready()
    [opening] = await desk.sees(source_position("1\x1b[31m"), link.source)
    await desk.reports(at_price(opening, "1.1"))
    [closing] = await desk.closes("1\x1b[31m", link.source)
    await desk.reports(at_price(closing, "1.2"))
    ledger.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    return file


def test_a_config_that_would_have_done_the_same_says_so(
    file: Path, ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("replay", ledger, "--config", file) == 0
    shown = capsys.readouterr().out
    assert "1 trade: 1 as recorded, 0 different" in shown
    assert "result recorded +10000.00 USD, replayed +10000.00 USD" in shown


def test_each_difference_is_told_with_its_reasons(file: Path, ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER + "override = { size = { multiplier = 0.5 } }\n", encoding="utf-8")
    assert copier("replay", ledger, "--config", file) == 0
    shown = capsys.readouterr().out
    assert "buy 1 EURUSD, opened 2026-11-20" in shown
    assert "volume: 1 -> 0.5" in shown
    assert "result: +10000.00 USD -> +5000.00 USD" in shown
    assert "size: multiplier" in shown
    assert "\x1b[31m" not in shown


def test_as_json_a_program_finds_the_same(file: Path, ledger: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text(PAPER + "override = { filter = { sides = ['sell'] } }\n", encoding="utf-8")
    assert copier("replay", ledger, "--config", file, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["trades"], found["different"], found["left_out"]) == (1, 1, 0)
    assert found["result"] == {"recorded": {"USD": "10000"}, "replayed": {}}
    [different] = found["differences"]
    assert different["changes"][0] == {"what": "outcome", "recorded": "copied", "replayed": "denied, FILTER_SIDE"}


def test_a_ledger_that_does_not_exist_is_said_clearly(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("replay", tmp_path / "none.db", "--config", file) in (1, 2)
    assert "none.db" in capsys.readouterr().err
