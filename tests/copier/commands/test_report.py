"""`copier report`, called in this process."""

import json
import stat
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import trio

from copier.web.store import Store, store_path
from rules.model.values import AccountId
from tests.copier.commands.shell import PAPER
from tests.copier.commands.test_read import copier
from tests.copier.commands.test_replay import _trade
from tests.rules.playbook import T0

pytestmark = pytest.mark.slow  # each test trades on a ledger that syncs to the disk


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config whose ledger holds one trade of 2026-11-20, and a curve."""
    file = tmp_path / "copier.toml"
    file.write_text(PAPER, encoding="utf-8")
    trio.run(_trade, tmp_path / "copier.db")
    store = Store(store_path(tmp_path / "copier.db"))
    for minute, equity in enumerate((1000, 1100, 990, 1050)):
        figures = (Decimal(1000), Decimal(equity))
        store.sample({AccountId("small"): figures}, T0 + timedelta(minutes=minute))
    store.close()
    return file


def test_a_day_is_reported_in_the_terminal(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("report", file, "--day", "2026-11-20") == 0
    shown = capsys.readouterr().out
    assert "Friday 20 November 2026 (UTC)" in shown
    assert "+10,000.00 USD" in shown
    assert "equity of small  1,000.00 to 1,050.00, +50.00" in shown
    assert "\x1b[31m" not in shown


def test_without_a_time_it_is_today_and_a_day_without_trades_is_none_to_fail_at(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("report", file, "--account", "small") == 0
    assert "0 over" in capsys.readouterr().out


@pytest.mark.parametrize("how", [("--json",), ("--format", "json")])
def test_as_json_it_is_for_programs(file: Path, how: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("report", file, "--from", "2026-11-20", "--to", "2026-11-20", "--link", "master->small", *how) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["performance"]["money"][0]["net"] == "10000"
    assert found["performance"]["equity"][0]["drawdown"] == "110"
    assert [trade["result"] for trade in found["trades"]] == ["10000"]
    assert len(found["curves"][0]["points"]) == 4


@pytest.mark.parametrize(("name", "begins"), [("day.html", "<!doctype html>"), ("day.txt", "all"), ("day.json", "{")])
def test_it_is_written_by_the_end_of_its_name_for_its_owner_alone(file: Path, name: str, begins: str) -> None:
    out = file.with_name(name)
    assert copier("report", file, "--day", "2026-11-20", "--output", out) == 0
    assert out.read_text(encoding="utf-8").startswith(begins)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert copier("report", file, "--output", out) == 2
    assert copier("report", file, "--output", out, "--overwrite") == 0


def test_reading_changes_nothing_and_makes_no_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store_path(file.with_name("copier.db")).unlink()
    assert copier("report", file, "--day", "2026-11-20") == 0
    assert "the equity of small: there is no file of equity curves beside the ledger" in capsys.readouterr().out
    assert not store_path(file.with_name("copier.db")).exists()


def test_a_file_of_curves_that_is_something_else_is_no_reason_to_fail(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store_path(file.with_name("copier.db")).write_text("something else")
    assert copier("report", file, "--day", "2026-11-20") == 0
    assert "or it cannot be read" in " ".join(capsys.readouterr().out.split())  # wherever the terminal breaks it


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--day", "20.11.2026"), "--day: expected a day such as 2026-11-20, today or yesterday"),
        (("--day", "today", "--from", "2026-11-20"), "expected --day or --from and --to, found both"),
        (("--account", "other"), "--account: expected one of master, small"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    file: Path, given: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert copier("report", file, *given) == 2
    assert said in capsys.readouterr().err


def test_yesterday_is_a_day(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert copier("report", file, "--day", "yesterday") == 0
    assert "20" in capsys.readouterr().out
