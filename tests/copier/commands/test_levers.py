"""What a person does to the ledger while no service runs."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from copier.commands.exits import FINE, OTHER_INSTANCE, WRONG_INPUT
from copier.commands.levers import reset_limit
from copier.ledger import Entry, Ledger
from copier.ledger_codec import decode, encode
from copier.records import KINDS, AlertRecord, LimitRecord
from copier.recovery import recover
from rules.limits_state import LimitStage, LimitState
from rules.values import AccountId
from tests.copier.commands.shell import PAPER

T0 = datetime(2026, 11, 20, 12, tzinfo=UTC)
LIMIT = '[[limits]]\naccount = "small"\nkind = "max_loss"\namount = 4000\ninitial_balance = 100000\n'
BREACHED = LimitState(
    "small/max_loss", T0, Decimal(95_000), Decimal(95_000), latched=LimitStage.BREACHED, latched_at=T0
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A config whose ledger knows of a breach."""
    file = tmp_path / "copier.toml"
    file.write_text(PAPER + LIMIT, encoding="utf-8")
    ledger = Ledger.open(tmp_path / "copier.db")
    record = LimitRecord(AccountId("small"), BREACHED, "breached")
    ledger.append([Entry(KINDS[LimitRecord], "small", encode(record))], T0)
    ledger.close()
    return file


def latched(file: Path) -> LimitStage | None:
    ledger = Ledger.open(file.with_name("copier.db"), readonly=True)
    try:
        return recover(ledger).limits["small/max_loss"].latched
    finally:
        ledger.close()


def test_a_breach_is_lifted_with_its_reason_in_the_ledger(file: Path) -> None:
    assert reset_limit("small/max_loss", file, why="new phase, agreed with the firm", yes=True) == FINE
    assert latched(file) is None
    ledger = Ledger.open(file.with_name("copier.db"), readonly=True)
    [alert] = [decode(AlertRecord, entry.body) for entry in ledger.entries(kinds=("alert",))]
    ledger.close()
    assert (alert.code, alert.account) == ("limit.reset", "small")
    assert "new phase, agreed with the firm" in alert.text


def test_nothing_is_lifted_without_a_yes(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reset_limit("small/max_loss", file, why="because") == WRONG_INPUT
    assert "--yes" in capsys.readouterr().err
    assert latched(file) is LimitStage.BREACHED


def test_an_unknown_limit_lists_the_known_ones(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reset_limit("small/daily_loss", file, why="because", yes=True) == WRONG_INPUT
    assert "small/max_loss" in capsys.readouterr().err


def test_nothing_is_lifted_under_a_running_service(file: Path) -> None:
    running = Ledger.open(file.with_name("copier.db"))
    try:
        with pytest.raises(SystemExit) as ended:
            reset_limit("small/max_loss", file, why="because", yes=True)
    finally:
        running.close()
    assert ended.value.code == OTHER_INSTANCE
    assert latched(file) is LimitStage.BREACHED
