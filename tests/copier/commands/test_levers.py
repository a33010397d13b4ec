"""What a person does to the ledger while no service runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import trio
from attrs import evolve

from copier.commands.exits import FAILED, FINE, OTHER_INSTANCE, WRONG_INPUT
from copier.commands.levers import approve, close_only, flatten, halt, pause, reset_limit, resume
from copier.ledger.codec import decode, encode
from copier.ledger.ledger import Entry, Ledger
from copier.ledger.records import KINDS, AlertRecord, LeverRecord, LimitRecord
from copier.ledger.recovery import recover
from copier.service.control import control_path, serve_control
from rules.limits.state import LimitStage, LimitState
from rules.model.levers import SetAccount, SetLink, TradingState
from rules.model.values import AccountId, LinkId
from rules.policy.links import LinkState
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


def test_a_halt_is_lifted_like_a_breach(file: Path) -> None:
    halted = evolve(BREACHED, latched=None, latched_at=None, halted_at=T0)
    ledger = Ledger.open(file.with_name("copier.db"))
    ledger.append([Entry(KINDS[LimitRecord], "small", encode(LimitRecord(AccountId("small"), halted, "halt")))], T0)
    ledger.close()
    assert reset_limit("small/max_loss", file, why="looked at", yes=True) == FINE
    ledger = Ledger.open(file.with_name("copier.db"), readonly=True)
    assert recover(ledger).limits["small/max_loss"].halted_at is None
    ledger.close()


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


# Links and accounts


def levers(file: Path) -> dict[str, LeverRecord]:
    ledger = Ledger.open(file.with_name("copier.db"), readonly=True)
    try:
        return recover(ledger).levers
    finally:
        ledger.close()


def test_without_a_service_a_lever_waits_in_the_ledger_for_the_next_start(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert halt("small", file, why="holidays") == FINE
    assert "account small: halted, from the next start on" in capsys.readouterr().out
    record = levers(file)["account small"]
    assert (record.lever, record.why) == (SetAccount(AccountId("small"), TradingState.HALTED), "holidays")
    assert record.by
    assert pause("master->small", file, why="tired") == FINE
    assert close_only("master->small", file, why="tired") == FINE
    assert levers(file)["link master->small"].lever == SetLink(LinkId("master->small"), LinkState.CLOSE_ONLY)
    assert resume("small", file, why="back") == FINE
    assert resume("master->small", file, why="back") == FINE
    assert levers(file) == {}


@pytest.mark.parametrize("lever", [pause, close_only, halt, resume])
def test_what_the_config_does_not_name_is_told(
    file: Path, capsys: pytest.CaptureFixture[str], lever: Callable[..., int]
) -> None:
    assert lever("nobody", file, why="because") == WRONG_INPUT
    told = capsys.readouterr().err
    assert "small" in told
    assert "nobody" in told
    assert levers(file) == {}


@pytest.mark.parametrize("lever", [flatten, approve])
def test_what_moves_money_needs_a_yes(
    file: Path, capsys: pytest.CaptureFixture[str], lever: Callable[..., int]
) -> None:
    assert lever("small", file, why="because") == WRONG_INPUT
    assert "--yes" in capsys.readouterr().err


def test_an_approval_needs_a_running_service(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert approve("p1", file, why="fine", yes=True) == FAILED
    assert "no service runs" in capsys.readouterr().err


def test_a_service_that_does_not_answer_keeps_its_ledger(file: Path) -> None:
    busy = Ledger.open(file.with_name("copier.db"))
    try:
        with pytest.raises(SystemExit) as ended:
            flatten("small", file, why="now", yes=True)
        assert ended.value.code == OTHER_INSTANCE
    finally:
        busy.close()


async def test_a_running_service_is_asked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[LeverRecord] = []

    async def obey(record: LeverRecord) -> str:
        asked.append(record)
        return "account small: flat, 2 copies are closed"

    def command() -> int:
        return flatten("small", file, why="storm", yes=True)

    async with trio.open_nursery() as nursery:
        await nursery.start(serve_control, control_path(file.with_name("copier.db")), obey)
        assert await trio.to_thread.run_sync(command) == FINE
        nursery.cancel_scope.cancel()
    assert [record.lever for record in asked] == [SetAccount(AccountId("small"), TradingState.FLAT)]
    assert "2 copies are closed" in capsys.readouterr().out
